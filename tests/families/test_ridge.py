"""The ridge family: its models, and its file."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.hashing import bytes_hash, canonical_json, file_hash
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.families.model import FittedModel
from foxml_assets.families.params import RidgeParams
from foxml_assets.families.registry import fit, load_model
from foxml_assets.families.ridge.ridge_family import RidgeModel

NUMBERS = st.floats(-1e12, 1e12) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324])


def make_frame(n: int = 400, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Codes 0, 2 and 5 with an own level each; `gap` has holes, `flat` is constant, `none` is empty."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"mom": rng.normal(size=n), "gap": rng.normal(5, 2, n), "flat": 0.1, "none": np.nan})
    X.loc[rng.random(n) < 0.2, "gap"] = np.nan
    X["symbol"] = rng.choice([0, 2, 5], n, p=[0.6, 0.3, 0.1])
    level = X["symbol"].map({0: 10.0, 2: 12.0, 5: 20.0})
    return X, (X["mom"] - 0.3 * (X["gap"].fillna(5) - 5) + level + rng.normal(size=n)).to_numpy()


def fit_frame(
    X: pd.DataFrame,
    y: np.ndarray,
    *,
    task: TaskType = TaskType.REGRESSION,
    categorical: tuple[str, ...] = ("symbol",),
    **params: float,
) -> FittedModel:
    return fit("ridge", task, X, y, params=RidgeParams(**params), seed=1, categorical=categorical)


def reload(model: FittedModel, path: Path) -> FittedModel:
    return load_model("ridge", path, sha256=model.save(path))


def saved(model: FittedModel, path: Path) -> dict[str, object]:
    model.save(path)
    content = json.loads(path.read_bytes())
    assert isinstance(content, dict)
    return content


def test_predictions_are_those_of_least_squares_on_dummies() -> None:
    X, y = make_frame()
    gap = X["gap"]
    Z = np.column_stack([X["mom"], ((gap - gap.mean()) / gap.std(ddof=0)).fillna(0)])
    Z[:, 0] = (Z[:, 0] - Z[:, 0].mean()) / Z[:, 0].std()
    Z = np.clip(Z, -3, 3)
    D = pd.get_dummies(X["symbol"]).to_numpy(dtype=float)
    design = np.vstack([np.hstack([Z, D]), np.sqrt(2 / 0.05) * np.eye(2, 5)])
    solved = np.linalg.lstsq(design, np.concatenate([y, [0, 0]]), rcond=None)[0]
    model = fit_frame(X, y, intercept_prior_rows=0)
    np.testing.assert_allclose(model.predict(X), np.hstack([Z, D]) @ solved, atol=1e-9)


def test_the_file_says_it_all(tmp_path: Path) -> None:
    X, y = make_frame()
    content = saved(fit_frame(X, y), tmp_path / "m")
    assert content["format_version"] == 1
    assert content["task"] == "regression"
    assert content["features"] == ["mom", "gap", "flat", "none", "symbol"]
    assert content["clip"] == 3.0
    assert content["means"][:3] == pytest.approx([X["mom"].mean(), X["gap"].mean(), 0.1])
    assert content["scales"][:2] == pytest.approx([X["mom"].std(ddof=0), X["gap"].std(ddof=0)])
    assert content["scales"][2:] == content["coefficients"][2:] == [0.0, 0.0, 0.0]
    assert content["symbol"]["column"] == "symbol"
    assert content["symbol"]["codes"] == [0, 2, 5]
    assert (tmp_path / "m").read_bytes() == canonical_json(content)


def test_a_symbol_moves_towards_the_others_by_its_rows(tmp_path: Path) -> None:
    X, y = make_frame()
    own = saved(fit_frame(X, y, intercept_prior_rows=0), tmp_path / "own")
    shrunk = saved(fit_frame(X, y), tmp_path / "shrunk")
    overall = shrunk["intercept"]
    for code, alone, pulled in zip(
        [0, 2, 5], own["symbol"]["intercepts"], shrunk["symbol"]["intercepts"], strict=True
    ):
        n = int((X["symbol"] == code).sum())
        assert pulled == pytest.approx(overall + n / (n + 100) * (alone - overall))


@pytest.mark.parametrize("code", [1, 3, 9, -1, np.nan, 0.5])
def test_an_unseen_symbol_has_the_overall_intercept(code: float, tmp_path: Path) -> None:
    X, y = make_frame()
    model = fit_frame(X, y)
    means = X.assign(mom=X["mom"].mean(), gap=np.nan, symbol=code)
    assert set(model.predict(means)) == {saved(model, tmp_path / "m")["intercept"]}


def test_a_probability_stays_between_0_and_1() -> None:
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"x": rng.normal(size=500)})
    y = (X["x"] > 0).to_numpy(dtype=float)
    predicted = fit_frame(X, y, task=TaskType.CLASSIFICATION, categorical=()).predict(X)
    plain = fit_frame(X, y, categorical=()).predict(X)
    assert plain.min() < 0
    assert plain.max() > 1
    np.testing.assert_array_equal(predicted, np.clip(plain, 0, 1))


def test_without_a_usable_feature_the_intercepts_are_the_model() -> None:
    X, y = make_frame()
    model = fit_frame(X[["flat", "none", "symbol"]], y, intercept_prior_rows=0)
    expected = pd.Series(y).groupby(X["symbol"]).transform("mean")
    np.testing.assert_allclose(model.predict(X), expected)


def test_units_do_not_matter() -> None:
    X, y = make_frame()
    other = X.assign(mom=X["mom"] * 1e-9 + 3, gap=X["gap"] * -1e9)
    np.testing.assert_allclose(fit_frame(other, y).predict(other), fit_frame(X, y).predict(X), atol=1e-6)
    far = fit_frame(X, y + 1e9).predict(X) - 1e9
    np.testing.assert_allclose(far, fit_frame(X, y).predict(X), atol=1e-5)


@given(data=st.data(), n=st.integers(2, 12), p=st.integers(1, 4), task=st.sampled_from(TaskType))
@settings(max_examples=80, deadline=None)
def test_any_numbers_give_a_finite_model_that_reloads_to_itself(
    data: st.DataObject, n: int, p: int, task: TaskType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = data.draw(st.lists(st.lists(NUMBERS, min_size=p, max_size=p), min_size=n, max_size=n))
    X = pd.DataFrame(rows, columns=[f"f{j}" for j in range(p)])
    X["symbol"] = data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    y = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=n, max_size=n)))
    y[:2] = [0.0, 1.0]
    model = fit_frame(X, y, task=task)
    predicted = model.predict(X)
    assert np.isfinite(predicted).all()
    path = tmp_path_factory.getbasetemp() / "property.json"
    again = reload(model, path)
    assert again == model
    np.testing.assert_array_equal(again.predict(X), predicted)


def test_the_documented_example_is_a_model(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    example = next(
        block.encode()
        for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)
        if "format_version" in block
    )
    (tmp_path / "m").write_bytes(example)
    model = load_model("ridge", tmp_path / "m", sha256=bytes_hash(example))
    X = np.array([[0.092, np.nan, 1.0], [0.092, np.nan, 2.0]])
    assert model.predict(X).tolist() == pytest.approx([0.47 + 0.021, 0.44 + 0.021])


EDITS: dict[str, Callable[[dict[str, object]], object]] = {
    "unknown field": lambda c: c.update(surprise=1),
    "missing field": lambda c: c.pop("clip"),
    "other version": lambda c: c.update(format_version=2),
    "other task": lambda c: c.update(task="ranking"),
    "short means": lambda c: c.update(means=c["means"][1:]),
    "short scales": lambda c: c.update(scales=c["scales"][1:]),
    "long coefficients": lambda c: c.update(coefficients=[*c["coefficients"], 1.0]),
    "null coefficient": lambda c: c.update(coefficients=[None, *c["coefficients"][1:]]),
    "words": lambda c: c.update(intercept="0.5"),
    "negative scale": lambda c: c.update(scales=[-1.0, *c["scales"][1:]]),
    "no clip": lambda c: c.update(clip=0.0),
    "coefficient without a scale": lambda c: c.update(scales=[0.0, *c["scales"][1:]]),
    "twice the same feature": lambda c: c.update(features=["mom", "mom", *c["features"][2:]]),
    "codes out of order": lambda c: c["symbol"].update(codes=[2, 0, 5]),
    "negative code": lambda c: c["symbol"].update(codes=[-1, 2, 5]),
    "no codes": lambda c: c["symbol"].update(codes=[], intercepts=[]),
    "short intercepts": lambda c: c["symbol"].update(intercepts=[1.0, 2.0]),
    "column that is no feature": lambda c: c["symbol"].update(column="sector"),
    "column that is a feature": lambda c: c["symbol"].update(column="mom"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_file_that_contradicts_itself_is_refused(
    edit: Callable[[dict[str, object]], object], tmp_path: Path
) -> None:
    X, y = make_frame()
    content = saved(fit_frame(X, y), tmp_path / "m")
    edit(content)
    (tmp_path / "m").write_bytes(canonical_json(content))
    with pytest.raises(TrainingError, match="cannot be read"):
        load_model("ridge", tmp_path / "m", sha256=file_hash(tmp_path / "m"))


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"NaN", b"Infinity"])
@pytest.mark.parametrize("field", [b'"clip":3.0', b'"intercept":', b'"means":['])
def test_a_number_that_is_not_finite_is_refused(number: bytes, field: bytes, tmp_path: Path) -> None:
    X, y = make_frame()
    model = fit_frame(X, y, categorical=())
    model.save(tmp_path / "m")
    raw = (tmp_path / "m").read_bytes()
    start = raw.index(field) + len(field.removesuffix(b"3.0"))
    stop = min(at for at in (raw.find(mark, start) for mark in b",}]") if at >= 0)
    damaged = raw[:start] + number + raw[stop:]
    (tmp_path / "m").write_bytes(damaged)
    with pytest.raises(TrainingError, match="cannot be read"):
        load_model("ridge", tmp_path / "m", sha256=bytes_hash(damaged))


def test_codes_must_be_whole_numbers_from_0() -> None:
    X, y = make_frame()
    for wrong in (-1.0, 0.5, np.nan, np.inf):
        with pytest.raises(TrainingError, match="symbol codes"):
            fit_frame(X.assign(symbol=np.where(X.index == 3, wrong, X["symbol"])), y)
    with pytest.raises(TrainingError, match="one categorical column"):
        fit_frame(X.assign(sector=X["symbol"]), y, categorical=("symbol", "sector"))


def test_numbers_that_overflow_are_named() -> None:
    X, y = make_frame()
    with pytest.raises(TrainingError, match="'mom'"):
        fit_frame(X.assign(mom=X["mom"] * 1e300), y)
    with pytest.raises(TrainingError, match="must be finite"):
        fit_frame(X, y / np.abs(y).max() * 1e308)
    with pytest.raises(TrainingError, match="400 rows of features, 399 labels"):
        fit_frame(X, y[1:])


@pytest.mark.parametrize("field", ["means", "scales", "coefficients"])
def test_a_model_that_is_not_finite_cannot_be_made(field: str) -> None:
    X, y = make_frame()
    model = fit_frame(X, y)
    assert isinstance(model, RidgeModel)
    numbers: tuple[float, ...] = getattr(model.content, field)
    with pytest.raises(ValueError, match=f"{field}: must be finite"):
        msgspec.structs.replace(model.content, **{field: (*numbers[1:], np.nan)})
