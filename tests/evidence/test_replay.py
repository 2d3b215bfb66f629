"""Features built again without the future: who looks ahead, who is proven, and what follows for targets."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from built_panels import HONEST, LEAKY, OTHER, TARGET, Research, research
from evidence_panels import Run

from foxml_assets.core.assurances import Assurance
from foxml_assets.core.vocabulary import AssuredBy, LeakageStatus
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.evidence.evaluating.stale import stale_targets
from foxml_assets.evidence.evidence_files import read_findings
from foxml_assets.evidence.leakage.findings import Detector
from foxml_assets.evidence.replay.replay import cut_bars
from foxml_assets.panel.panel_store import load_panel_info

SAFE, BLOCKED = LeakageStatus.SAFE, LeakageStatus.BLOCKED


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Research:
    return research(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def done(made: Research) -> Run:
    return made.run(TARGET, OTHER)


def test_what_changes_without_the_future_is_blocked_and_the_rest_is_proven(done: Run) -> None:
    for target in (TARGET, OTHER):
        evidence = done.evidence[target]
        assert {name for name, status in evidence.features.items() if status is BLOCKED} >= LEAKY
        assert {name for name, status in evidence.features.items() if status is SAFE} == HONEST
        assert set(evidence.assured) == HONEST
        assert {one.by for one in evidence.assured.values()} == {AssuredBy.REPLAY}
        assert evidence.assured["mean_8"] == Assurance(AssuredBy.REPLAY, cuts=8)
        replayed = [one for one in read_findings(done.layout, target) if one.detector == Detector.REPLAY]
        assert {(one.feature, one.status, one.symbol) for one in replayed} == {
            (name, BLOCKED, None) for name in LEAKY
        }


def test_a_finding_has_the_cut_the_symbol_and_the_value_with_and_without_the_future(
    made: Research, done: Run
) -> None:
    built = made.build().set_index(["symbol", "timestamp"])
    found = {one.feature: one for one in read_findings(done.layout, TARGET) if one.change is not None}
    for name in ("centred", "z_score", "tomorrow"):
        change = found[name].change
        assert change.time <= change.cut
        there = built.loc[(change.symbol, change.time), name]
        assert change.with_future == pytest.approx(there, rel=1e-12)
        assert change.symbol in found[name].reason
        assert change.time in found[name].reason
    z_score = found["z_score"].change
    assert z_score.size == pytest.approx(abs(z_score.with_future - z_score.without_future))
    # The last value of a shifted column is not there at all.
    assert found["tomorrow"].change.without_future is None
    assert found["tomorrow"].change.size is None
    assert "there is no value without them" in found["tomorrow"].reason


def test_the_artifact_says_what_was_compared_at_which_cuts(done: Run) -> None:
    replay = json.loads(done.layout.feature_replay.read_bytes())
    assert len(replay["cuts"]) == 8
    assert set(replay["features"]) == HONEST | LEAKY
    assert replay["features"]["ret_1"]["changed"] == 0
    # Three symbols are there at all 8 cuts, one of them from a third of the bars on; five rows each.
    assert replay["features"]["ret_1"]["compared"] in (8 * 15 + 5 * 5, 8 * 15 + 6 * 5)
    assert replay["features"]["z_score"]["changed"] == replay["features"]["z_score"]["compared"]


def test_the_cost_is_told_build_by_build(done: Run) -> None:
    told = [line for line in done.told if line.startswith("replay of ")]
    assert len(told) == 10
    assert ", 3 of 10: rows up to 2020-" in told[2]
    assert ", 9 of 10: all rows (1,320) built in " in told[8]
    assert "replay: 6 of 9 features built are proven functions of the past" in done.told


def test_a_replay_is_run_once_for_all_targets_and_again_only_when_its_inputs_change(tmp_path: Path) -> None:
    made = research(tmp_path)
    first = made.run(TARGET)
    before = first.layout.feature_replay.read_bytes()
    info = load_panel_info(first.layout)

    def built(targets: tuple[str, ...] = (TARGET,), **builder: object) -> bool:
        told: list[str] = []
        with made.here():
            config = made.config(**builder)
            list(evaluate_targets(targets, info, config, first.layout, told.append))
            assert set(targets).isdisjoint(stale_targets(info, config, first.layout))
        return any(line.startswith("replay of ") for line in told)

    def stale(leakage: dict[str, object] | None = None, **builder: object) -> bool:
        with made.here():
            return TARGET in stale_targets(info, made.config(leakage, **builder), first.layout)

    assert not built((OTHER,))
    assert not built()
    assert first.layout.feature_replay.read_bytes() == before
    for setting in ({"cuts": 3}, {"last_rows": 6}, {"tolerance": 0.1}):
        assert stale({"replay": setting})
    assert stale(version="2")
    assert not stale()
    made.code.write_text(made.code.read_text() + "\n# another remark\n")
    assert stale()
    assert built()
    assert not stale()
    bars = made.bars()
    bars.loc[len(bars) - 1, "reported"] = 0.5
    bars.to_parquet(made.folder / "bars.parquet", index=False)
    assert stale()
    # A version stands for the code, whatever the file says.
    assert built(version=1)
    made.code.write_text(made.code.read_text() + "\n# and another\n")
    assert not stale(version=1)
    assert stale(version=2)


def test_a_damaged_artifact_is_made_anew(tmp_path: Path) -> None:
    made = research(tmp_path)
    first = made.run(TARGET)
    before = first.layout.feature_replay.read_bytes()
    first.layout.feature_replay.write_bytes(before[:-30])
    made.run(TARGET)
    assert first.layout.feature_replay.read_bytes() == before


def test_a_feature_that_no_builder_makes_is_examined_as_ever(tmp_path: Path) -> None:
    made = research(tmp_path)
    label = made.bars().sort_values(["symbol", "timestamp"]).groupby("symbol")["close"].shift(-3)
    made.write_panel(echo=label.to_numpy(), noise=np.random.default_rng(1).standard_normal(len(label)))
    found = made.run(TARGET).evidence[TARGET]
    assert {"echo", "noise"}.isdisjoint(found.assured)
    assert found.features["noise"] is SAFE


def test_a_column_of_the_source_is_not_proven_by_passing_it_on(tmp_path: Path) -> None:
    body = """
def build(bars):
    out = bars[KEYS].assign(given=bars["reported"].fillna(0.0), close_now=bars["close"])
    out["made"] = bars.groupby("symbol")["close"].pct_change(3)
    return out
"""
    found = research(tmp_path, body).run().evidence[TARGET]
    assert set(found.assured) == {"given", "made"}


def test_the_label_in_the_source_is_a_near_copy_even_where_replay_finds_nothing(tmp_path: Path) -> None:
    body = """
def build(bars):
    return bars[KEYS].assign(twice=2.0 * bars["hint"], ret_1=bars.groupby("symbol")["close"].pct_change())
"""
    made = research(tmp_path, "def build(bars):\n    return bars[KEYS]\n")
    bars = made.bars()
    hint = bars.groupby("symbol")["close"].shift(-3) / bars["close"] - 1.0
    bars.assign(hint=hint).to_parquet(made.folder / "bars.parquet", index=False)
    made.write_code(body)
    made.write_panel()
    evidence = made.run().evidence[TARGET]
    assert evidence.features["twice"] is BLOCKED
    assert evidence.assured["twice"].by is AssuredBy.REPLAY


def test_the_user_stands_for_a_feature_against_replay_and_that_is_recorded(tmp_path: Path) -> None:
    made = research(tmp_path)
    vouched = {"known_safe": {"z_score": "a scale is no forecast"}}
    evidence = made.run(leakage=vouched).evidence[TARGET]
    assert evidence.features["z_score"] is SAFE
    assurance = evidence.assured["z_score"]
    assert (assurance.by, assurance.reason) == (AssuredBy.USER, "a scale is no forecast")
    assert "z_score changes when later rows are removed" in assurance.despite


def test_a_feature_that_is_empty_at_most_cuts_is_not_proven(tmp_path: Path) -> None:
    body = """
def build(bars):
    late = bars["timestamp"] >= "2020-10-01"
    ret = bars.groupby("symbol")["close"].pct_change()
    return bars[KEYS].assign(ret_1=ret, late=(2.0 * ret).where(late))
"""
    assert set(research(tmp_path, body).run().evidence[TARGET].assured) == {"ret_1"}


def test_a_column_that_is_only_there_with_the_future_looks_ahead(tmp_path: Path) -> None:
    body = """
def build(bars):
    month = pd.get_dummies(bars["timestamp"].dt.month, prefix="month", dtype=float)
    ret = bars.groupby("symbol")["close"].pct_change()
    return pd.concat([bars[KEYS], month, ret.rename("ret_1")], axis=1)
"""
    evidence = research(tmp_path, body).run().evidence[TARGET]
    assert "ret_1" in evidence.assured
    assert evidence.features["month_12"] is BLOCKED


def test_rounding_is_no_change_and_the_tolerance_says_how_much(tmp_path: Path) -> None:
    body = """
def build(bars):
    ret = bars.groupby("symbol")["close"].pct_change()
    return bars[KEYS].assign(ret_1=ret, rounded=ret * (1.0 + 1e-9 * len(bars)))
"""
    made = research(tmp_path, body)
    assert made.run(leakage={"replay": {"tolerance": 1e-5}}).evidence[TARGET].features["rounded"] is SAFE
    strict = made.run(leakage={"replay": {"tolerance": 0.0}}).evidence[TARGET]
    assert strict.features["rounded"] is BLOCKED
    assert strict.features["ret_1"] is SAFE


def test_more_rows_and_cuts_compare_more(tmp_path: Path) -> None:
    made = research(tmp_path)
    for settings, n_cuts, n_rows in (({"cuts": 3}, 3, 5), ({"last_rows": 1}, 8, 1)):
        run = made.run(leakage={"replay": settings})
        replay = json.loads(run.layout.feature_replay.read_bytes())
        assert len(replay["cuts"]) == n_cuts
        most = n_cuts * n_rows * 4
        assert most / 2 < replay["features"]["ret_1"]["compared"] <= most


@pytest.mark.parametrize(("n_bars", "cuts"), [(1000, 8), (2520, 12), (5, 8), (400, 50)])
def test_cuts_lie_one_in_each_part_and_fall_in_step_with_nothing(n_bars: int, cuts: int) -> None:
    bars = cut_bars(n_bars, cuts)
    assert bars == cut_bars(n_bars, cuts)
    assert all(0 <= bar < n_bars for bar in bars)
    if n_bars > cuts:
        parts = [math.floor(bar * cuts / n_bars) for bar in bars]
        assert max(abs(part - at) for at, part in enumerate(parts)) <= 1
        assert len({bar % 5 for bar in bars}) > 2
