"""Evidence on disk: what is read, what is refused, and what counts as stale."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_panels import SMALL, Run, as_class, autoregressive, config_of, evaluate, panel_frame, run

from foxml_assets.core.errors import EvidenceError
from foxml_assets.evidence.evaluating.stale import stale_targets
from foxml_assets.evidence.evidence_files import (
    evidence_hash,
    evidence_path,
    read_all_evidence,
    read_evidence,
    read_importances,
)
from foxml_assets.panel.panel_store import build_panel, load_panel_info
from foxml_assets.storage.layout import Layout

VALUE, UP = "fwd_value_2d", "y_up_2d"


def frame(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    signal = autoregressive(rng, (3, 300), 0.8)
    value = 0.5 * signal + rng.standard_normal((3, 300))
    noise = rng.standard_normal((3, 300))
    return panel_frame({"signal": signal, "noise": noise, VALUE: value, UP: as_class(value)})


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return evaluate(tmp_path_factory.mktemp("done"), frame())


def test_evidence_that_is_missing_damaged_or_misplaced_is_an_error(done: Run, tmp_path: Path) -> None:
    empty = Layout(tmp_path)
    assert read_all_evidence(empty) == ()
    for read in (read_evidence, evidence_hash):
        with pytest.raises(EvidenceError, match="no evidence yet"):
            read(empty, VALUE)
    path = evidence_path(empty, "y_else_2d")
    path.parent.mkdir(parents=True)
    path.write_bytes(evidence_path(done.layout, VALUE).read_bytes())
    with pytest.raises(EvidenceError, match="another target"):
        read_evidence(empty, "y_else_2d")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_all_evidence(empty)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"families":', '"famlies":', "$.rows[0].families: is missing"),
        ('"assured":', '"asured":', "$.assured: is missing"),
        ('"target":', '"colour": 1, "target":', "$.colour: is not a known field"),
    ],
)
def test_a_field_that_is_lost_misspelt_or_unknown_is_refused_by_name(
    done: Run, tmp_path: Path, old: str, new: str, named: str
) -> None:
    layout = Layout(tmp_path)
    path = evidence_path(layout, VALUE)
    path.parent.mkdir(parents=True)
    text = evidence_path(done.layout, VALUE).read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(EvidenceError) as refused:
        read_evidence(layout, VALUE)
    assert named in str(refused.value)


def test_importances_without_a_column_are_refused_by_name(done: Run, tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    folder = layout.feature_selection(VALUE)
    folder.mkdir(parents=True)
    whole = read_importances(done.layout, VALUE)
    whole.rename(columns={"gain": "gains"}).to_parquet(folder / "importances.parquet", index=False)
    with pytest.raises(EvidenceError, match="gain: column is missing or not known"):
        read_importances(layout, VALUE)


def test_the_hash_follows_the_content(done: Run, tmp_path: Path) -> None:
    other = evaluate(tmp_path, frame(seed=1))
    assert len(evidence_hash(done.layout, VALUE)) == 64
    hashes = {evidence_hash(one.layout, target) for one in (done, other) for target in (VALUE, UP)}
    assert len(hashes) == 4


def test_nothing_is_stale_after_a_run(done: Run) -> None:
    info = load_panel_info(done.layout)
    assert stale_targets(info, done.config, done.layout) == ()


def test_short_symbols_are_scored_and_nothing_is_stale_after_it(done: Run, tmp_path: Path) -> None:
    path = Path(done.config.panel.path)
    asked = config_of(path, {**SMALL, "min_rows": 5_000})
    fresh = run(tmp_path, asked)
    info = load_panel_info(fresh.layout)
    assert stale_targets(info, asked, fresh.layout) == ()
    own = [row.score.value for row in fresh.evidence[VALUE].rows if row.symbol]
    assert own
    assert None not in own


def test_a_target_without_evidence_or_with_damaged_evidence_is_stale(done: Run, tmp_path: Path) -> None:
    fresh = run(tmp_path, done.config, UP)
    info = load_panel_info(fresh.layout)
    assert stale_targets(info, fresh.config, fresh.layout) == (VALUE,)
    whole = evidence_path(fresh.layout, UP).read_text(encoding="utf-8")
    evidence_path(fresh.layout, UP).write_text("{")
    assert stale_targets(info, fresh.config, fresh.layout) == (VALUE, UP)
    evidence_path(fresh.layout, UP).write_text(whole)
    assert stale_targets(info, fresh.config, fresh.layout) == (VALUE,)


def test_changed_settings_make_all_targets_stale_but_not_changed_threads(done: Run) -> None:
    path = Path(done.config.panel.path)
    info = load_panel_info(done.layout)
    assert stale_targets(info, config_of(path, {**SMALL, "threads": 7}), done.layout) == ()
    assert stale_targets(info, config_of(path, {**SMALL, "top_k": 1}), done.layout) == (VALUE, UP)
    vouched = {**SMALL, "leakage": {"known_safe": {"signal": "because"}}}
    assert stale_targets(info, config_of(path, vouched), done.layout) == (VALUE, UP)


def test_a_changed_label_makes_its_target_stale_and_a_changed_feature_all(tmp_path: Path) -> None:
    first = evaluate(tmp_path, frame())
    path = Path(first.config.panel.path)
    for column, expected in ((VALUE, (VALUE,)), ("noise", (VALUE, UP))):
        changed = frame()
        changed.loc[5, column] += 1.0
        changed.to_parquet(path, index=False)
        info = build_panel(first.config, first.layout)
        assert stale_targets(info, first.config, first.layout) == expected


def test_another_code_version_makes_all_targets_stale(done: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foxml_assets.evidence.evaluating.stale.EVIDENCE_CODE_VERSION", "another")
    info = load_panel_info(done.layout)
    assert stale_targets(info, done.config, done.layout) == (VALUE, UP)
