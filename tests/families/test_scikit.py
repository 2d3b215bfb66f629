"""The families of scikit-learn beyond what all have: their file, many symbols, one thread."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import skops.io
from family_cases import PARAMS, make_data
from threadpoolctl import ThreadpoolController, threadpool_info

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.hashing import file_hash
from foxml_assets.core.vocabulary import ModelFamily, TaskType
from foxml_assets.families.model import FittedModel
from foxml_assets.families.registry import find_family, fit, load_model

TREES = ["hist_gradient_boosting", "random_forest", "extra_trees"]
SCIKIT = [*TREES, "logistic", "elastic_net"]
Parts = dict[str, bytes]


def fitted(family: ModelFamily) -> FittedModel:
    task = max(find_family(family).tasks)
    X, y = make_data(task)
    return fit(family, task, X, y, params=PARAMS.of(family), seed=1, categorical=["symbol"])


def edited(path: Path, edit: Callable[[Parts], None]) -> str:
    """Change the parts of a model's archive; the hash of the file that is left."""
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    edit(parts)
    with ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file_hash(path)


def replace_estimator(module: str, name: str, loader: str) -> Callable[[Parts], None]:
    """Put something else where the pipeline has its estimator."""

    def edit(parts: Parts) -> None:
        schema = json.loads(parts["schema.json"])
        steps = schema["content"]["pipeline"]["content"]["content"]["steps"]["content"]
        steps[1]["content"][1] = {"__module__": module, "__class__": name, "__loader__": loader}
        parts["schema.json"] = json.dumps(schema).encode()

    return edit


@pytest.mark.parametrize("family", SCIKIT)
@pytest.mark.parametrize(
    "other",
    [
        ("os", "system", "FunctionNode"),
        ("builtins", "eval", "TypeNode"),
        ("subprocess", "Popen", "ObjectNode"),
        ("sklearn.svm._classes", "SVC", "ObjectNode"),
    ],
    ids=lambda other: ".".join(other[:2]),
)
def test_a_file_with_another_type_is_refused(
    family: ModelFamily, other: tuple[str, str, str], tmp_path: Path
) -> None:
    fitted(family).save(tmp_path / "m")
    sha256 = edited(tmp_path / "m", replace_estimator(*other))
    with pytest.raises(TrainingError, match=rf"types that no such model has: {other[0]}.{other[1]}"):
        load_model(family, tmp_path / "m", sha256=sha256)


def test_a_file_of_another_family_is_refused(tmp_path: Path) -> None:
    sha256 = fitted("random_forest").save(tmp_path / "m")
    with pytest.raises(TrainingError, match="RandomForestRegressor"):
        load_model("extra_trees", tmp_path / "m", sha256=sha256)


@pytest.mark.parametrize("family", SCIKIT)
def test_a_file_that_lacks_a_part_is_a_typed_error(family: ModelFamily, tmp_path: Path) -> None:
    for part in ("schema.json", "0.npy"):
        fitted(family).save(tmp_path / "m")
        sha256 = edited(tmp_path / "m", lambda parts, part=part: parts.pop(part))
        with pytest.raises(TrainingError, match="cannot be read"):
            load_model(family, tmp_path / "m", sha256=sha256)


def edit_nodes(change: Callable[[np.ndarray], None]) -> Callable[[Parts], None]:
    """Change the nodes of the first tree."""

    def edit(parts: Parts) -> None:
        tables = {name: np.load(BytesIO(parts[name])) for name in parts if name.endswith(".npy")}
        name, nodes = next((name, table) for name, table in tables.items() if table.dtype.names)
        change(nodes)
        written = BytesIO()
        np.save(written, nodes)
        parts[name] = written.getvalue()

    return edit


@pytest.mark.parametrize("family", TREES)
@pytest.mark.parametrize(
    ("fields", "value"),
    [(("left", "left_child"), 10**6), (("right", "right_child"), 0), (("feature_idx", "feature"), 10**6)],
    ids=["a child outside", "a circle", "a column outside"],
)
def test_a_tree_that_leads_out_of_itself_is_refused(
    family: ModelFamily, fields: tuple[str, str], value: int, tmp_path: Path
) -> None:
    def change(nodes: np.ndarray) -> None:
        (field,) = set(fields) & set(nodes.dtype.names or ())
        nodes[field][0] = value

    fitted(family).save(tmp_path / "m")
    sha256 = edited(tmp_path / "m", edit_nodes(change))
    with pytest.raises(TrainingError, match="a tree leads out of itself"):
        load_model(family, tmp_path / "m", sha256=sha256)


@pytest.mark.parametrize(("field", "value"), [("bitset_idx", 10**6), ("feature_idx", 1)])
def test_a_split_by_a_set_that_there_is_none_of_is_refused(field: str, value: int, tmp_path: Path) -> None:
    def change(nodes: np.ndarray) -> None:
        nodes[field][np.argmax(nodes["is_categorical"])] = value

    fitted("hist_gradient_boosting").save(tmp_path / "m")
    sha256 = edited(tmp_path / "m", edit_nodes(change))
    with pytest.raises(TrainingError, match="splits by a set that there is none of"):
        load_model("hist_gradient_boosting", tmp_path / "m", sha256=sha256)


@pytest.mark.parametrize("family", SCIKIT)
def test_fits_side_by_side_give_the_same_bytes(family: ModelFamily, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        hashes = set(pool.map(lambda name: fitted(family).save(tmp_path / name), "abcdefgh"))
    assert len(hashes) == 1


def test_models_are_read_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256, loads, reading, most = fitted("logistic").save(tmp_path / "m"), skops.io.loads, 0, 0

    def counted(*arguments: object, **options: object) -> object:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        # Long enough that another thread would begin.
        time.sleep(0.02)
        model = loads(*arguments, **options)
        reading -= 1
        return model

    monkeypatch.setattr("skops.io.loads", counted)
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: load_model("logistic", tmp_path / "m", sha256=sha256), range(4)))
    assert (len(models), most) == (4, 1)


@pytest.mark.parametrize("family", SCIKIT)
def test_symbols_may_be_more_than_there_are_bins_or_columns_for(family: ModelFamily) -> None:
    rng = np.random.default_rng(2)
    symbol = np.repeat(np.arange(400), 10)
    X = pd.DataFrame({"noise": rng.normal(size=len(symbol)), "symbol": symbol})
    signal = np.where(symbol % 2 == 0, 1.0, -1.0) + rng.normal(size=len(symbol))
    task = max(find_family(family).tasks)
    y = (signal > 0).astype(float) if task is TaskType.CLASSIFICATION else signal
    model = fit(family, task, X, y, params=PARAMS.of(family), seed=1, categorical=["symbol"])
    predicted = model.predict(X)
    even, odd = (predicted[symbol % 2 == rest].mean() for rest in (0, 1))
    assert even - odd > 0.05
    # Taken for numbers, these would stand beside the first symbol and the last.
    np.testing.assert_array_equal(model.predict(X.assign(symbol=-1)), model.predict(X.assign(symbol=999)))


@pytest.mark.parametrize("family", ["logistic", "elastic_net"])
def test_a_symbol_that_was_not_trained_on_counts_as_the_mean_of_all(family: ModelFamily) -> None:
    (task,) = find_family(family).tasks
    X, y = make_data(task)
    model = fit(family, task, X, y, params=PARAMS.of(family), seed=1, categorical=["symbol"])
    by_symbol = [model.predict(X.assign(symbol=code)).mean() for code in range(12)]
    assert min(by_symbol) < model.predict(X.assign(symbol=99)).mean() < max(by_symbol)


def test_there_is_one_categorical_column() -> None:
    X, y = make_data(TaskType.REGRESSION)
    params = PARAMS.of("random_forest")
    with pytest.raises(TrainingError, match="random_forest takes one categorical column"):
        fit("random_forest", TaskType.REGRESSION, X, y, params=params, seed=1, categorical=["symbol", "a"])


def native_threads(api: str) -> set[int]:
    """Those of BLAS, or of the OpenMP that scikit-learn brings, where it brings its own."""
    found = [library for library in threadpool_info() if library["user_api"] == api]
    own = [library for library in found if "scikit" in library["filepath"]]
    return {library["num_threads"] for library in own or found}


@pytest.mark.parametrize(
    ("family", "estimator", "api"),
    [
        ("hist_gradient_boosting", "ensemble.HistGradientBoostingRegressor", "openmp"),
        ("logistic", "linear_model.LogisticRegression", "blas"),
        ("elastic_net", "linear_model.ElasticNet", "blas"),
    ],
)
def test_a_fit_keeps_to_one_thread_and_leaves_others_as_they_were(
    family: ModelFamily, estimator: str, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name = estimator.split(".")
    kind = getattr(import_module(f"sklearn.{module}"), name)
    inside, real = [], kind.fit

    def spied(self: object, *args: object, **kwargs: object) -> object:
        inside.append(native_threads(api))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(kind, "fit", spied)
    with ThreadpoolController().limit(limits=2, user_api=api):
        fitted(family)
        assert native_threads(api) == {2}
    assert inside == [{1}]
