"""Every setting of the evidence changes what comes out, and its hash."""

import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_panels import (
    SMALL,
    ahead,
    autoregressive,
    config_of,
    folder_bytes,
    panel_frame,
    trailing_mean,
)

from foxml_assets.core.config_files import ConfigModel
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.panel.data_config import EvidenceConfig, ReplayConfig
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout

TARGET, OTHER, JUMP = "fwd_ret_3d", "fwd_other_4d", "fwd_jump_1d"
BASE: dict[str, object] = {**SMALL, "min_rows": 100, "leakage": {"examined_rows": 10_000}}

CHANGES: dict[str, object] = {
    "holdout_fraction": 0.3,
    "n_folds": 4,
    "embargo_bars": 30,
    "top_k": 2,
    "families": ["xgboost"],
    "probe_rows": 150,
    "ridge.prior_r2": 0.5,
    "ridge.clip": 1.0,
    # Of scores nothing, of feedback between windows a little.
    "ridge.intercept_prior_rows": 5.0,
    "trees.own": "all",
    "trees.rounds": 5,
    "trees.leaves": 3,
    "trees.bins": 7,
    "trees.learning_rate": 0.3,
    "trees.min_leaf_rows": 40,
    "trees.max_rows": 1_000,
    "blocks.min_block_bars": 25,
    "blocks.max_blocks_per_fold": 3,
    "leakage.near_copy_skill": 0.95,
    "leakage.on_near_copy": "exclude",
    "leakage.past_r2": 0.05,
    "leakage.look_ahead_share": 1.0,
    "leakage.made_of_news": 0.05,
    "leakage.news_skill": 0.9,
    "leakage.sudden_news_skill": 0.1,
    "leakage.symbol_news_skill": 0.9,
    "leakage.many_symbols": 1.0,
    "leakage.examined_rows": 1_000,
    "leakage.known_safe": {"signal": "vouched for"},
}
NO_EFFECT = {"threads"}
# What these change shows with features that are the same on all symbols, with a builder, beside the evidence,
# and on random walks: in test_known_features.py, test_replay.py, test_kept_predictions.py, test_feedback.py.
ELSEWHERE = {
    "keep_predictions",
    "leakage.calendar",
    "leakage.detectors",
    "leakage.max_feedback_share",
    *(f"leakage.replay.{name}" for name in ReplayConfig.model_fields),
}
# These are looked at with another setting beside them.
NO_LEAKS = {"near_copy_skill": 1.0, "news_skill": 1.0, "symbol_news_skill": 1.0, "look_ahead_skill": 1.0}
COMPANIONS: dict[str, dict[str, object]] = {
    "min_rows": {"n_folds": 6},
    "seed": {"trees": {**SMALL["trees"], "max_rows": 1_000}},
    "overlap_top_k": {"leakage": NO_LEAKS},
    "leakage.news_keeps": {"leakage": {"symbol_news_skill": 1.0}},
    # What surely looks ahead is not asked for its skill.
    "leakage.look_ahead_skill": {"leakage": {"look_ahead_sure": 1.0}},
    "leakage.max_credible_skill": {"leakage": {**NO_LEAKS, "past_r2": 0.9}},
    "leakage.lasting_skill": {"leakage": {"lasting_share": 0.15}},
    "leakage.lasting_share": {
        "leakage": {
            "look_ahead_share": 1.0,
            "look_ahead_sure": 1.0,
            "made_of_news": 1.0,
            "lasting_skill": 0.1,
            "lasting_share": 0.15,
        }
    },
    "trees.own_leaves": {"trees": {**SMALL["trees"], "own": "all"}},
    "leakage.look_ahead_great": {
        "leakage": {"look_ahead_keeps": 1.0, "made_of_news": 1.0, "look_ahead_sure": 1.0}
    },
    "leakage.look_ahead_keeps": {
        "leakage": {"look_ahead_great": 1.0, "made_of_news": 1.0, "look_ahead_sure": 1.0}
    },
    "leakage.look_ahead_sure": {
        "leakage": {"look_ahead_great": 1.0, "made_of_news": 1.0, "look_ahead_keeps": 0.01}
    },
}
COMPANION_CHANGES: dict[str, object] = {
    "min_rows": 50,
    "seed": 8,
    "overlap_top_k": 4,
    "leakage.news_keeps": 0.01,
    "leakage.look_ahead_skill": 0.9,
    "leakage.max_credible_skill": 0.99,
    "leakage.lasting_skill": 0.01,
    "leakage.lasting_share": 1.0,
    "trees.own_leaves": 2,
    "leakage.look_ahead_great": 0.01,
    "leakage.look_ahead_keeps": 0.01,
    "leakage.look_ahead_sure": 1.0,
}


def leaky_frame() -> pd.DataFrame:
    """A leak of every kind beside honest features, one symbol with a leak of its own, and two more
    targets whose only leak is a faint one: one remembers itself, one does not."""
    rng = np.random.default_rng(0)
    shape = (8, 640)
    returns, signal = rng.standard_normal(shape), autoregressive(rng, shape, 0.9)
    returns[:, 1:] += 0.25 * signal[:, :-1]
    forward = ahead(np.cumsum(returns, axis=1), 3) - np.cumsum(returns, axis=1)
    filled = np.nan_to_num(forward) / np.nanstd(forward)

    def blurred(share: float) -> np.ndarray:
        return share * filled + np.sqrt(1.0 - share**2) * rng.standard_normal(shape)

    # Its horizon of four bars overlaps: it remembers itself for as long, as returns ahead do.
    other = 0.15 * signal + 2.0 * ahead(trailing_mean(rng.standard_normal(shape), 4), 4)
    other, jump = np.nan_to_num(other), rng.standard_normal(shape)
    alone = rng.standard_normal(shape)
    alone[2], alone[4] = blurred(0.6)[2], blurred(0.95)[4]
    return panel_frame(
        {
            "signal": signal,
            "ret_1": returns,
            "window": trailing_mean(returns, 8),
            "noise": rng.standard_normal(shape),
            "near": blurred(0.9),
            "faint": 0.5 * other + rng.standard_normal(shape),
            "alone": alone,
            "some": np.where((np.arange(8) < 3)[:, None], blurred(0.9), rng.standard_normal(shape)),
            "tomorrow": ahead(returns, 1),
            "signal_ahead": ahead(signal, 1),
            "shifted": ahead(trailing_mean(returns, 8), 2),
            TARGET: forward,
            "glimpse": 0.3 * jump + rng.standard_normal(shape),
            OTHER: other,
            JUMP: jump,
        }
    )


def with_change(base: dict[str, object], key: str, value: object) -> dict[str, object]:
    section, _, name = key.rpartition(".")
    if not section:
        return {**base, name: value}
    return {**base, section: {**base.get(section, {}), name: value}}


def evidence_bytes(root: Path, panel: Path, settings: dict[str, object]) -> Iterator[dict[str, bytes]]:
    """The files of one target after the other, without the settings' hash, which every change alters."""
    config, layout = config_of(panel, settings, targets="fwd_*"), Layout(root)
    info = build_panel(config, layout)
    names = [spec.name for spec in info.targets]
    for evidence in evaluate_targets(names, info, config, layout, lambda _: None):
        files = folder_bytes(layout.feature_selection(evidence.target))
        yield {name: content.replace(evidence.settings_hash.encode(), b"") for name, content in files.items()}


def differs(one: Iterable[dict[str, bytes]], other: Iterable[dict[str, bytes]]) -> bool:
    """Whether any target's files do; those behind the first that does are not made."""
    with ExitStack() as running:
        for part in (one, other):
            if isinstance(part, Generator):
                running.enter_context(closing(part))
        return any(first != second for first, second in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "panel.parquet"
    leaky_frame().to_parquet(path, index=False)
    return path


@pytest.fixture(scope="module")
def baseline(panel: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    return list(evidence_bytes(tmp_path_factory.mktemp("baseline"), panel, BASE))


@pytest.mark.parametrize("key", CHANGES)
def test_every_setting_changes_the_evidence(
    tmp_path: Path, panel: Path, baseline: list[dict[str, bytes]], key: str
) -> None:
    assert differs(baseline, evidence_bytes(tmp_path, panel, with_change(BASE, key, CHANGES[key])))


@pytest.mark.parametrize("key", COMPANIONS)
def test_settings_that_need_another_change_the_evidence_too(tmp_path: Path, panel: Path, key: str) -> None:
    base = {**BASE, **COMPANIONS[key]}
    before = evidence_bytes(tmp_path / "before", panel, base)
    after = evidence_bytes(tmp_path / "after", panel, with_change(base, key, COMPANION_CHANGES[key]))
    assert differs(before, after)


def test_threads_change_nothing(tmp_path: Path, panel: Path, baseline: list[dict[str, bytes]]) -> None:
    assert not differs(baseline, evidence_bytes(tmp_path, panel, with_change(BASE, "threads", 2)))


def test_how_intercepts_are_drawn_together_is_nothing_to_scores(
    tmp_path: Path, panel: Path, baseline: list[dict[str, bytes]]
) -> None:
    """All but the share of feedback, which looks between windows, is the same."""

    def without_share(files: dict[str, bytes]) -> dict[str, object]:
        evidence = json.loads(files["evidence.json"])
        assert evidence.pop("feedback_share")
        return {**files, "evidence.json": evidence}

    changed = evidence_bytes(tmp_path, panel, with_change(BASE, "ridge.intercept_prior_rows", 5.0))
    assert list(map(without_share, changed)) == list(map(without_share, baseline))


def keys(model: type[ConfigModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        section = isinstance(field.annotation, type) and issubclass(field.annotation, ConfigModel)
        found |= keys(field.annotation, f"{prefix}{name}.") if section else {prefix + name}
    return found


def test_no_setting_is_left_untested() -> None:
    assert keys(EvidenceConfig) == {*CHANGES, *COMPANIONS, *NO_EFFECT, *ELSEWHERE}


@pytest.mark.parametrize("key", [*CHANGES, *COMPANIONS])
def test_the_hash_covers_what_changes_the_evidence(key: str) -> None:
    value = {**CHANGES, **COMPANION_CHANGES}[key]
    assert EvidenceConfig.model_validate(with_change({}, key, value)).config_hash() != (
        EvidenceConfig().config_hash()
    )


def test_the_hash_covers_neither_threads_nor_what_is_kept() -> None:
    other = EvidenceConfig(threads=4, keep_predictions=True)
    assert EvidenceConfig(threads=1).config_hash() == other.config_hash()


def test_the_hash_covers_a_calendar_and_leaves_the_replay_to_its_own() -> None:
    dated = EvidenceConfig.model_validate({"leakage": {"calendar": "day"}})
    replayed = EvidenceConfig.model_validate({"leakage": {"replay": {"cuts": 3}}})
    assert dated.config_hash() != EvidenceConfig().config_hash()
    assert replayed.config_hash() == EvidenceConfig().config_hash()
