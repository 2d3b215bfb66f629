"""Model families through their one interface."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from family_cases import CLASSIFIERS, EVERY, FAMILIES, ONE_EACH, PARAMS, REGRESSORS, make_data

from foxml_assets.core.entry_points import FAMILIES as GROUP
from foxml_assets.core.errors import FamilyError, TrainingError
from foxml_assets.core.hashing import file_hash
from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.catboost_family import CatBoostParams
from foxml_assets.families.lightgbm_family import LightGBMParams
from foxml_assets.families.registry import (
    find_family,
    fit,
    library_version,
    load_model,
    probe_params,
)
from foxml_assets.families.scikit.boosting import HistGradientBoostingParams
from foxml_assets.families.sections import FamiliesConfig
from foxml_assets.families.sharing import SharedFeatures
from foxml_assets.families.xgboost_family import XGBoostParams

ODD_NAMES = ['a "quoted", [name]', "näive <x>", "p:{1}"]


@pytest.mark.parametrize(("family", "task"), EVERY)
def test_a_reloaded_model_predicts_identically(family: ModelFamily, task: TaskType, tmp_path: Path) -> None:
    X, y = make_data(task)
    model = fit(family, task, X, y, params=PARAMS.of(family), seed=1, categorical=["symbol"])
    path = tmp_path / find_family(family).model_file
    again = load_model(family, path, sha256=model.save(path))
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    assert again.features == ("a", "b", "c", "d", "symbol")
    assert again.family == family


@pytest.mark.parametrize(("family", "task"), EVERY)
def test_the_same_input_gives_the_same_bytes(family: ModelFamily, task: TaskType, tmp_path: Path) -> None:
    X, y = make_data(task)
    for name in ("one", "two"):
        model = fit(family, task, X, y, params=PARAMS.of(family), seed=1, categorical=["symbol"])
        model.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(("family", "task"), EVERY)
def test_fits_on_shared_features_are_those_on_their_own(
    family: ModelFamily, task: TaskType, tmp_path: Path
) -> None:
    X, y = make_data(task)
    shared = SharedFeatures(X)

    def saved(number: int, features: pd.DataFrame | SharedFeatures) -> bytes:
        # Labels in another order are other labels.
        labels = y.sample(frac=1, random_state=number).to_numpy() if number else y.to_numpy()
        model = fit(family, task, features, labels, params=PARAMS.of(family), seed=1, categorical=["symbol"])
        path = tmp_path / f"{number} {type(features).__name__}"
        model.save(path)
        return path.read_bytes()

    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda number: saved(number, shared), range(4)))
    assert together == [saved(number, X) for number in range(4)]
    assert len(set(together)) == 4


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_classification_predicts_probabilities_that_rank_well(family: ModelFamily) -> None:
    X, y = make_data(TaskType.CLASSIFICATION)
    params = PARAMS.of(family)
    model = fit(family, TaskType.CLASSIFICATION, X, y, params=params, seed=1, categorical=["symbol"])
    predicted = model.predict(X)
    assert 0 <= predicted.min() < predicted.max() <= 1
    assert predicted[y == 1].mean() > predicted[y == 0].mean() + 0.15


@pytest.mark.parametrize("family", REGRESSORS)
def test_regression_predicts_values(family: ModelFamily) -> None:
    X, y = make_data(TaskType.REGRESSION)
    model = fit(family, TaskType.REGRESSION, X, y * 100, params=PARAMS.of(family), seed=1)
    assert np.ptp(model.predict(X)) > 10
    assert np.corrcoef(model.predict(X), y)[0, 1] > 0.5


# A forest has a column for each symbol instead.
@pytest.mark.parametrize(
    ("family", "task"), [case for case in ONE_EACH if case[0] not in {"random_forest", "extra_trees"}]
)
def test_a_categorical_column_is_split_as_a_set_not_as_an_order(family: ModelFamily, task: TaskType) -> None:
    codes = np.tile(np.arange(12), 50)
    X = pd.DataFrame({"symbol": codes, "noise": np.random.default_rng(1).normal(size=600)})
    y = pd.Series(np.isin(codes, [0, 3, 5, 8, 10]).astype(float))
    few = FamiliesConfig(
        lightgbm=LightGBMParams(rounds=3, num_leaves=2, min_data_in_leaf=1, feature_fraction=1),
        xgboost=XGBoostParams(rounds=3, max_leaves=2, min_child_weight=0, colsample_bytree=1),
        hist_gradient_boosting=HistGradientBoostingParams(rounds=3, max_leaf_nodes=2, max_features=1),
        catboost=CatBoostParams(rounds=9, depth=4, rsm=1),
        logistic={},
        elastic_net={},
    ).of(family)
    as_set = fit(family, task, X, y, params=few, seed=1, categorical=["symbol"])
    as_order = fit(family, task, X, y, params=few, seed=1)
    assert _accuracy(as_set.predict(X), y) == 1.0
    assert _accuracy(as_order.predict(X), y) < 1.0


def _accuracy(predicted: np.ndarray, y: pd.Series) -> float:
    middle = (predicted.min() + predicted.max()) / 2
    return float(((predicted > middle) == (y == 1)).mean())


@pytest.mark.parametrize(("family", "task"), ONE_EACH)
def test_odd_feature_names_survive_a_round_trip(family: ModelFamily, task: TaskType, tmp_path: Path) -> None:
    X, y = make_data(task)
    X = X[["a", "b", "c"]].set_axis(ODD_NAMES, axis=1)
    model = fit(family, task, X, y, params=PARAMS.of(family), seed=1)
    sha256 = model.save(tmp_path / "m")
    again = load_model(family, tmp_path / "m", sha256=sha256)
    assert again.features == tuple(ODD_NAMES)
    np.testing.assert_array_equal(again.predict(X[ODD_NAMES[::-1]]), model.predict(X))


@pytest.mark.parametrize(("family", "task"), ONE_EACH)
def test_an_array_gives_the_same_model_as_a_frame(family: ModelFamily, task: TaskType) -> None:
    X, y = make_data(task)
    framed = fit(family, task, X, y, params=PARAMS.of(family), seed=1)
    plain = fit(family, task, X.to_numpy(), y.to_numpy(), params=PARAMS.of(family), seed=1)
    np.testing.assert_array_equal(framed.predict(X), plain.predict(X.to_numpy()))


@pytest.mark.parametrize("family", CLASSIFIERS)
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1.0] * 50, "one class only"),
        ([0.0, 2.0] * 25, "classes must be 0 and 1"),
        ([0.0, np.nan] * 25, "labels are missing"),
        ([], "no rows"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(
    family: ModelFamily, labels: list[float], message: str
) -> None:
    X = pd.DataFrame({"a": np.arange(len(labels), dtype=float)})
    with pytest.raises(TrainingError, match=message):
        fit(family, TaskType.CLASSIFICATION, X, np.array(labels), params=PARAMS.of(family), seed=1)


@pytest.mark.parametrize(("family", "task"), ONE_EACH)
def test_missing_or_wordy_columns_are_named(family: ModelFamily, task: TaskType) -> None:
    X, y = make_data(task)
    model = fit(family, task, X, y, params=PARAMS.of(family), seed=1)
    with pytest.raises(TrainingError, match="'d'"):
        model.predict(X.drop(columns="d"))
    with pytest.raises(TrainingError, match="'a'"):
        model.predict(X.assign(a="word"))
    with pytest.raises(TrainingError, match="shape"):
        model.predict(X.to_numpy()[:, :3])
    with pytest.raises(TrainingError, match="'e'"):
        fit(family, task, X, y, params=PARAMS.of(family), seed=1, categorical=["e"])


@pytest.mark.parametrize(("family", "task"), ONE_EACH)
def test_a_damaged_file_never_reaches_the_library(
    family: ModelFamily, task: TaskType, tmp_path: Path
) -> None:
    X, y = make_data(task)
    path = tmp_path / "m"
    sha256 = fit(family, task, X, y, params=PARAMS.of(family), seed=1).save(path)
    whole = path.read_bytes()
    for damaged in (b"", whole[:20], whole[: len(whole) // 2], whole + b"x"):
        path.write_bytes(damaged)
        with pytest.raises(TrainingError, match="not the one that was trained"):
            load_model(family, path, sha256=sha256)
    path.unlink()
    with pytest.raises(TrainingError, match="cannot be read"):
        load_model(family, path, sha256=sha256)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_file_of_another_format_is_a_typed_error(family: ModelFamily, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"not a model")
    with pytest.raises(TrainingError, match="cannot be read"):
        load_model(family, tmp_path / "m", sha256=file_hash(tmp_path / "m"))


@pytest.mark.parametrize(("family", "task"), ONE_EACH)
def test_no_rows_are_predicted_as_no_values(family: ModelFamily, task: TaskType) -> None:
    X, y = make_data(task)
    model = fit(family, task, X, y, params=PARAMS.of(family), seed=1)
    assert model.predict(X[:0]).shape == (0,)


@pytest.mark.parametrize(("family", "task"), ONE_EACH)
def test_gaps_everywhere_and_a_symbol_that_was_not_trained_on_are_predicted(
    family: ModelFamily, task: TaskType
) -> None:
    X, y = make_data(task)
    X["empty"] = np.nan
    model = fit(family, task, X, y, params=PARAMS.of(family), seed=1, categorical=["symbol"])
    for unseen in (99, 500):
        predicted = model.predict(X.assign(symbol=unseen, a=np.nan))
        assert np.isfinite(predicted).all()
        assert np.ptp(predicted) > 0


def test_the_parameters_of_another_family_are_refused() -> None:
    X, y = make_data(TaskType.REGRESSION)
    with pytest.raises(ValueError, match="LightGBM"):
        fit("xgboost", TaskType.REGRESSION, X, y, params=PARAMS.lightgbm, seed=1)
    with pytest.raises(ValueError, match="XGBoost"):
        fit("lightgbm", TaskType.REGRESSION, X, y, params=PARAMS.xgboost, seed=1)
    with pytest.raises(ValueError, match="XGBoostParams are not the parameters of ridge"):
        fit("ridge", TaskType.REGRESSION, X, y, params=PARAMS.xgboost, seed=1)


def test_every_family_is_registered_under_its_name_with_parameters_and_a_probe() -> None:
    assert FamiliesConfig().names == {"lightgbm", "ridge", "xgboost"}
    assert PARAMS.names == set(GROUP.points())
    for name, task in ONE_EACH:
        X, y = make_data(task)
        family = find_family(name)
        assert type(PARAMS.of(name)) is family.params
        probed = fit(name, task, X, y, params=probe_params(name), seed=1)
        assert probed.family == name


def test_a_family_that_is_not_registered_is_refused_at_load_and_taken_for_no_other(tmp_path: Path) -> None:
    X, y = make_data(TaskType.CLASSIFICATION)
    path = tmp_path / "model"
    sha256 = fit("xgboost", TaskType.CLASSIFICATION, X, y, params=PARAMS.of("xgboost"), seed=1).save(path)
    with pytest.raises(FamilyError, match=rf"known: {', '.join(GROUP.points())}.*'forest'"):
        load_model("forest", path, sha256=sha256)


def test_library_versions_are_known() -> None:
    assert library_version("lightgbm").startswith("4.")
    assert library_version("xgboost").startswith("3.")
    assert library_version("ridge") == np.__version__
