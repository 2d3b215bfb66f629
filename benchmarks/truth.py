"""How true the routes are on worlds with planted truth, beside baselines, through the real pipeline.

    python benchmarks/truth.py                                 seed 0 of the default world
    python benchmarks/truth.py --seeds 0-2 --reuse --policy shrinkage=my_routing.yaml

Development seeds are 0 to 9; report seeds 100 to 109. A policy file replaces routing_config.yaml, and is
routed from the evidence of the same run. `--set data_config.yaml:evidence.n_folds=4` changes a key.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.worlds.choices import Choice, Truth, truth_of
from benchmarks.worlds.flags import FlaggedFeature, LeakOutcome, flagged_features, leak_outcomes
from benchmarks.worlds.runs import Run, run_world
from benchmarks.worlds.served import Served, served_as, served_by_plan
from benchmarks.worlds.skills import SkillTable, skill_table
from benchmarks.worlds.spec import PRESETS
from benchmarks.worlds.verdicts import Verdict, kind_rows, right_pairs, verdict
from benchmarks.worlds.world import World, make_world
from foxml_assets.config_files import load_config
from foxml_assets.planning.builder import build_plan
from foxml_assets.routing.plan import RoutingPlan
from foxml_assets.routing.policy import RoutingPolicy
from foxml_assets.routing.router import route
from foxml_assets.stamp import RunStamp

STAMP = RunStamp("2026-01-01T00:00:00Z", "benchmark", None)
HEAD = (
    f"{'policy':<22} {'seed':>4} {'decid.':>7} {'kept':>6} {'/plant':>6} {'cost':>6} {'noise':>6}"
    f" {'drift':>6} {'unrel.':>6} {'leaks':>6}"
)


@dataclass(frozen=True)
class Bench:
    """One world with its truth and the evidence of the pipeline."""

    world: World
    table: SkillTable
    truth: Truth
    run: Run
    candidates: pd.DataFrame


@dataclass(frozen=True)
class Outcome:
    """One policy on one world."""

    verdict: Verdict
    leaks: list[LeakOutcome]
    wrong: pd.DataFrame


def judge_policy(bench: Bench, policy: RoutingPolicy) -> Outcome:
    """Route the run's candidates under `policy` and judge what its plan would serve."""
    universe = {plan.name: bench.world.symbols for plan in bench.world.targets}
    routing = route(bench.candidates, policy, universe=universe, stamp=STAMP)
    plan = build_plan(
        routing, policy, data_hashes={}, training_hash="benchmark", parent_plan_hash=None, stamp=STAMP
    )
    served = served_by_plan(bench.world, bench.table, routing, plan)
    return Outcome(
        verdict(bench.world, bench.table, bench.truth, served),
        leak_outcomes(bench.world, bench.candidates, served.leaking.any(axis=1)),
        wrong_pairs(bench, routing, served),
    )


def wrong_pairs(bench: Bench, routing: RoutingPlan, served: Served) -> pd.DataFrame:
    """The decidable pairs served wrongly, with what to tune by."""
    wrong = bench.truth.decidable & ~right_pairs(bench.world, bench.truth, served)
    t, s = np.nonzero(wrong)
    names = np.array([plan.name for plan in bench.world.targets])
    found = pd.DataFrame(
        {
            "target": names[t],
            "symbol": np.array(bench.world.symbols)[s],
            "kind": kind_rows(bench.world)[t],
            "planted": [Choice(value).name.lower() for value in bench.truth.planted[t, s]],
            "best": [Choice(value).name.lower() for value in bench.truth.oracle[t, s]],
            "served": [Choice(value).name.lower() for value in served.choice[t, s]],
            "leaking": served.leaking[t, s],
            "lost": bench.truth.skill.max(axis=-1)[t, s] - served.skill[t, s],
        }
    )
    columns = ["target", "symbol", "rule", "cs_rule", "local_rule", "local_stability", "local_leakage_status"]
    pairs = routing.pairs[[name for name in columns if name in routing.pairs]].astype(object)
    return found.merge(pairs, on=["target", "symbol"], how="left")


def baselines(bench: Bench) -> dict[str, Verdict]:
    """What one would have without routing, and with more than routing can know."""
    shape = bench.truth.planted.shape
    choices = {
        "all pooled": np.full(shape, Choice.POOLED, np.int8),
        "all own": np.full(shape, Choice.OWN, np.int8),
        "all both": np.full(shape, Choice.BOTH, np.int8),
        "planted kind": bench.truth.planted,
        "oracle on hold-out": bench.truth.oracle,
    }
    return {
        name: verdict(bench.world, bench.table, bench.truth, served_as(bench.world, bench.table, choice))
        for name, choice in choices.items()
    }


def prepare(world_name: str, seed: int, arguments: argparse.Namespace) -> Bench:
    """Make the world, its truth and the pipeline's evidence."""
    world = make_world(PRESETS[world_name], seed)
    started = time.perf_counter()
    table = skill_table(world, arguments.cache)
    print(f"seed {seed}: truth {time.perf_counter() - started:.0f} s", end="", flush=True)
    run = run_world(world, arguments.workdir, overrides=overrides(arguments.set), reuse=arguments.reuse)
    print(f", evidence {run.evidence_seconds:.0f} s ({run.evidence_cpu:.0f} s of CPU)", flush=True)
    return Bench(world, table, truth_of(world, table), run, run.candidates())


def overrides(settings: list[str]) -> dict[str, dict[str, object]]:
    """`file.yaml:a.b=value`, parsed as YAML, by file name."""
    found: dict[str, dict[str, object]] = {}
    for setting in settings:
        place, value = setting.split("=", 1)
        name, path = place.split(":", 1)
        below = found.setdefault(name, {})
        *parents, key = path.split(".")
        for parent in parents:
            below = below.setdefault(parent, {})  # type: ignore[assignment]
        below[key] = yaml.safe_load(value)
    return found


def line(name: str, seed: object, values: dict[str, float]) -> str:
    """One row of the table."""
    leaks = f"{values['leaks_served']:g}/{values['n_leaks']:g}"
    return (
        f"{name:<22} {seed!s:>4} {values['decidable']:7.3f} {values['kept']:6.3f} {values['kept_planted']:6.3f}"
        f" {values['cost']:6.3f} {values['noise_trained']:6.3f} {values['drift_trained']:6.3f}"
        f" {values['unrelated_trained']:6.3f} {leaks:>6}"
    )


def print_table(verdicts: dict[str, dict[int, Verdict]]) -> None:
    """The mean over seeds of everything, then the policies seed by seed."""
    print(f"\n{HEAD}\n{'-' * len(HEAD)}")
    for name, by_seed in verdicts.items():
        print(line(name, "mean", mean_of(by_seed)))
    for name, by_seed in verdicts.items():
        if len(by_seed) > 1:
            for seed, one in by_seed.items():
                print(line(name, seed, asdict(one)))


def mean_of(by_seed: dict[int, Verdict]) -> dict[str, float]:
    """The mean of each number; leaks are summed."""
    table = pd.DataFrame([asdict(one) for one in by_seed.values()])
    means = {str(name): float(value) for name, value in table.mean().items()}
    return means | {name: float(table[name].sum()) for name in ("leaks_served", "n_leaks")}


def print_leaks(outcomes: list[LeakOutcome]) -> None:
    """Leaks by kind and by the AUC of the column alone."""
    print("\nleaks (AUC of the column alone on the evidence)")
    for one in sorted(outcomes, key=lambda leak: (leak.kind, leak.auc)):
        print(f"  {one.kind:<22} {one.auc:.3f} {one.status:<10} {'SERVED' if one.served else ''}")


def print_wrong(wrong: pd.DataFrame) -> None:
    """Wrong decisions by what was planted, by what was served and by the rules that led there."""
    print(f"\n{len(wrong)} wrong decisions, by skill lost")
    if wrong.empty:
        return
    for by in (["kind", "planted", "best", "served"], ["served", "rule", "cs_rule", "local_rule"]):
        keys = [wrong[name].astype(object).where(wrong[name].notna(), "-").astype(str) for name in by]
        grouped = wrong.groupby(keys)["lost"].agg(["size", "sum"]).sort_values("sum", ascending=False)
        for values, row in grouped.head(14).iterrows():
            print(f"  {int(row['size']):5d} pairs {row['sum']:8.2f} lost   {' | '.join(map(str, values))}")
        print()


def print_flagged(flagged: list[FlaggedFeature], total: int) -> None:
    """Honest features called leaks."""
    print(f"honest features flagged: {len(flagged)} of {total} ({len(flagged) / max(total, 1):.2%})")
    for one in flagged[:40]:
        print(f"  {one.target:<16} {one.feature} {one.status:<8} {one.recipe}")


def seeds_of(text: str) -> list[int]:
    """`0-2,7` as numbers."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=seeds_of, default=[0], help="as 0-2 or 0,3")
    parser.add_argument("--world", choices=sorted(PRESETS), default="default")
    parser.add_argument("--cache", type=Path, default=Path(".truth_cache"), help="where truths are kept")
    parser.add_argument("--workdir", type=Path, default=Path(".truth_cache/runs"))
    parser.add_argument("--policy", action="append", default=[], metavar="NAME=FILE", help="may be repeated")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FILE:KEY=VALUE", help="may be repeated"
    )
    parser.add_argument("--reuse", action="store_true", help="keep runs of the same world and data config")
    parser.add_argument("--json", type=Path, help="write all numbers there")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    for folder in (arguments.cache, arguments.workdir):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    files = dict(item.split("=", 1) for item in arguments.policy)
    verdicts: dict[str, dict[int, Verdict]] = {}
    outcomes: dict[str, list[Outcome]] = {}
    flagged: list[FlaggedFeature] = []
    total = 0
    for seed in arguments.seeds:
        bench = prepare(arguments.world, seed, arguments)
        found, there = flagged_features(bench.world, bench.candidates)
        flagged, total = [*flagged, *found], total + there
        default = bench.run.config_dir / "routing_config.yaml"
        for name, path in {"default": default, **files}.items():
            outcome = judge_policy(bench, load_config(Path(path), RoutingPolicy))
            outcomes.setdefault(name, []).append(outcome)
            verdicts.setdefault(name, {})[seed] = outcome.verdict
        for name, one in baselines(bench).items():
            verdicts.setdefault(name, {})[seed] = one
    print_table(verdicts)
    print()
    print_flagged(flagged, total)
    for name, of_policy in outcomes.items():
        print(f"\n== {name}")
        print_leaks([leak for outcome in of_policy for leak in outcome.leaks])
        print_wrong(pd.concat([outcome.wrong for outcome in of_policy], ignore_index=True))
    if arguments.json:
        numbers = {name: {seed: asdict(v) for seed, v in by.items()} for name, by in verdicts.items()}
        arguments.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
