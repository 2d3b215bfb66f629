"""Skill that short windows make by themselves: random walks, and features that are made of their past."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_panels import SMALL, Run, ahead, autoregressive, evaluate, panel_frame, trailing_mean

from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.target_evidence import RowEvidence

WALK, HONEST = "fwd_walk_20d", "fwd_known_20d"
FIVE_FOLDS = {**SMALL, "n_folds": 5, "families": ["ridge"]}


def frame() -> pd.DataFrame:
    """Returns ahead of a random walk, beside features made of its past, and of another walk, which a driver
    of its own moves."""
    rng = np.random.default_rng(5)
    shape = (40, 1_500)
    driver = autoregressive(rng, shape, 0.9)
    walk, known = (np.cumsum(rng.standard_normal(shape), axis=1) for _ in range(2))
    known[:, 1:] += 0.3 * np.cumsum(driver, axis=1)[:, :-1]
    return panel_frame(
        {
            "momentum": walk - np.concatenate([np.zeros((40, 60)), walk[:, :-60]], axis=1),
            "below_high": walk - np.maximum.accumulate(walk, axis=1),
            "above_mean": walk - trailing_mean(walk, 200),
            "driver": driver,
            WALK: ahead(walk, 20) - walk,
            HONEST: ahead(known, 20) - known,
        }
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return evaluate(tmp_path_factory.mktemp("walks"), frame(), evidence=FIVE_FOLDS, targets="fwd_*")


def pooled(found: Run, target: str) -> RowEvidence:
    (row,) = (row for row in found.evidence[target].rows if row.symbol is None)
    return row


def test_a_random_walk_has_skill_and_is_suspect_for_it(found: Run) -> None:
    row, share = pooled(found, WALK), found.evidence[WALK].feedback_share
    assert row.score.value > 8 * row.score.se, "the walk scores, clearly"
    assert share.value > max(0.25, 3 * share.se)
    assert row.leakage_status is LeakageStatus.SUSPECT
    told = (
        f"{share.value:.0%} of the pooled score is what features of the label's own past get in short windows"
    )
    assert row.leakage_reason == told
    own = [row for row in found.evidence[WALK].rows if row.symbol is not None]
    assert {(row.leakage_status, row.leakage_reason) for row in own} == {(LeakageStatus.SUSPECT, told)}


def test_skill_of_a_driver_beside_it_is_not(found: Run) -> None:
    row, share = pooled(found, HONEST), found.evidence[HONEST].feedback_share
    assert row.score.value > 8 * row.score.se
    assert share.value < 0.1
    assert row.leakage_status is LeakageStatus.SAFE


def test_the_share_that_is_borne_is_a_setting(tmp_path: Path) -> None:
    settings = {**FIVE_FOLDS, "leakage": {"max_feedback_share": 1.0}}
    found = evaluate(tmp_path, frame(), WALK, evidence=settings, targets="fwd_*")
    assert pooled(found, WALK).leakage_status is LeakageStatus.SAFE
