"""What a plan serves is read off its routes and jobs: leaks, families, cost, flips and wrong pairs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_world import SMALL

from benchmarks.worlds.bench import Bench, judge_policy
from benchmarks.worlds.choices import truth_of
from benchmarks.worlds.flags import flagged_features
from benchmarks.worlds.runs import Run
from benchmarks.worlds.served import served_as
from benchmarks.worlds.skills import skill_table
from benchmarks.worlds.spec import KindCounts
from benchmarks.worlds.verdicts import right_pairs
from benchmarks.worlds.world import World, make_world
from foxml_assets.core.vocabulary import TaskType
from foxml_assets.routing.candidates.candidates import typed_candidates
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout

POLICY = RoutingPolicy.model_validate({"families": [{"use": ["lightgbm"]}]})


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One global target, and pure noise that leaks."""
    return made(0, tmp_path_factory.mktemp("noise"))


@pytest.fixture(scope="module")
def related(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One global target, and forward volatility that leaks but is also foretold honestly."""
    return made(5, tmp_path_factory.mktemp("related"))


def made(seed: int, folder: Path) -> Bench:
    kinds = KindCounts(global_=1, local=0, mixed=0, noise=0, leak=1, drift=0)
    spec = replace(SMALL, n_symbols=3, kinds=kinds, holdout_bars=600, series_targets=False)
    world = make_world(spec, seed)
    table = skill_table(world, folder)
    return Bench(world, table, truth_of(world, table), Run(Layout(folder), folder, 0.0, 0.0), pd.DataFrame())


def candidates(world: World, statuses: dict[str, str], score: float = 0.7) -> pd.DataFrame:
    """Strong pooled rows and worthless symbol rows; features are SAFE but for `statuses`."""
    features = json.dumps({name: statuses.get(name, "SAFE") for name in world.features})
    rows = []
    for plan in world.targets:
        metric = "auc" if plan.task is TaskType.CLASSIFICATION else "ic"
        chance = 0.5 if metric == "auc" else 0.0
        head = {
            "target": plan.name,
            "task_type": plan.task.value,
            "score_metric": metric,
            "sample_size": 50_000,
            "score_se": 0.001,
            "n_snapshots": 5,
            "mean_overlap": 0.9,
            "std_overlap": 0.01,
            "mean_tau": 0.9,
            "std_tau": 0.01,
            "leakage_status": "SAFE",
            "successful_families": "lightgbm",
        }
        rows.append(head | {"symbol": None, "score": score, "features": features})
        rows += [head | {"symbol": symbol, "score": chance, "cs_score": score} for symbol in world.symbols]
    return typed_candidates(pd.DataFrame(rows))


def test_a_job_that_learns_from_its_targets_leak_is_caught(bench: Bench) -> None:
    (leak,) = bench.world.leaks
    found = judge_policy(replace(bench, candidates=candidates(bench.world, {})), POLICY)
    assert (found.verdict.leaks_served, found.verdict.n_leaks) == (1, 1)
    assert [one.served for one in found.leaks] == [True]
    wrong = found.wrong[found.wrong["target"] == leak.target]
    assert len(wrong) == len(bench.world.symbols)
    assert wrong["leaking"].all()
    assert set(wrong["rule"]) == {"shrunk_cs"}


def test_the_skill_of_a_job_that_learns_from_a_leak_does_not_count(related: Bench) -> None:
    (leak,) = related.world.leaks
    pooled = related.table.skill[:, :, related.table.place("lightgbm", None)].sum(axis=1)
    best = related.truth.skill.max(axis=-1).sum()
    honest = [plan.name != leak.target for plan in related.world.targets]
    served = judge_policy(replace(related, candidates=candidates(related.world, {})), POLICY)
    assert served.verdict.kept == pytest.approx(float(pooled[honest].sum() / best), rel=1e-5)
    assert abs(pooled[np.logical_not(honest)].sum()) > 0.05 * best


def test_nothing_that_leaks_is_right(related: Bench) -> None:
    choice = related.truth.oracle
    served = served_as(related.world, related.table, choice)
    assert right_pairs(related.world, related.truth, served).all()
    leaking = replace(served, leaking=np.ones_like(served.leaking))
    assert not right_pairs(related.world, related.truth, leaking).any()


def test_a_job_without_the_leak_serves_the_honest_skill(bench: Bench) -> None:
    (leak,) = bench.world.leaks
    table = candidates(bench.world, {leak.column: "SUSPECT"})
    found = judge_policy(replace(bench, candidates=table), POLICY)
    assert found.verdict.leaks_served == 0
    assert [one.status for one in found.leaks] == ["SUSPECT"]
    pooled = bench.table.skill[:, :, bench.table.place("lightgbm", None)].sum()
    assert found.verdict.kept == pytest.approx(float(pooled / bench.truth.skill.max(axis=-1).sum()), rel=1e-5)
    seconds = bench.table.pooled_seconds[0].sum()
    assert found.verdict.cost == pytest.approx(seconds / (seconds + bench.table.own_seconds[0].sum()))


def test_honest_features_called_leaks_are_listed_with_what_they_are(bench: Bench) -> None:
    (leak,) = bench.world.leaks
    honest = bench.world.features[bench.world.honest[0]]
    table = candidates(bench.world, {leak.column: "BLOCKED", honest: "SUSPECT"})
    found, total = flagged_features(bench.world, table)
    assert {(one.target, one.feature) for one in found} == {
        (plan.name, honest) for plan in bench.world.targets
    }
    assert total == len(bench.world.targets) * (len(bench.world.features) - 1)


def test_a_pair_that_is_not_routed_serves_nothing(bench: Bench) -> None:
    found = judge_policy(replace(bench, candidates=candidates(bench.world, {}, score=0.0)), POLICY)
    assert found.verdict.kept == found.verdict.cost == found.verdict.leaks_served == 0
    assert set(found.wrong["kind"]) == {"global"}
    assert set(found.wrong["served"]) == {"none"}


def test_flips_are_counted_against_re_plans(bench: Bench) -> None:
    table = candidates(bench.world, {})
    same = judge_policy(replace(bench, candidates=table, replans=(table,)), POLICY)
    other = candidates(bench.world, {}, score=0.0)
    turned = judge_policy(replace(bench, candidates=table, replans=(table, other)), POLICY)
    assert same.verdict.flipped == 0.0
    assert turned.verdict.flipped == 0.5
    assert np.isnan(judge_policy(replace(bench, candidates=table), POLICY).verdict.flipped)
