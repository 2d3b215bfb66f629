"""How true the routes are on worlds with planted truth, beside baselines, through the real pipeline.

    python benchmarks/truth.py                                              seed 0 of the default world
    python benchmarks/truth.py --seeds 0-2 --reuse --policy other=my_routing.yaml
    python benchmarks/truth.py --set data_config.yaml:evidence.n_folds=4    another evidence
    python benchmarks/truth.py --world big --write DIR                      a panel and its config, no run

Seeds 0 to 9 are for development, 100 to 109 for reports. A policy file stands in for routing_config.yaml
and is routed from the evidence of the same run.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.worlds.bench import Bench, Outcome, baselines, judge_policy
from benchmarks.worlds.big import BIG, write_world
from benchmarks.worlds.choices import truth_of
from benchmarks.worlds.flags import FlaggedFeature, flagged_features
from benchmarks.worlds.runs import run_world
from benchmarks.worlds.skills import skill_table
from benchmarks.worlds.spec import PRESETS
from benchmarks.worlds.tables import print_bars, print_flagged, print_leaks, print_table, print_wrong
from benchmarks.worlds.verdicts import Verdict
from benchmarks.worlds.world import make_world
from foxml_assets.core.config_files import load_config
from foxml_assets.routing.policy.routing_config import RoutingPolicy

_REPLAN_BARS = 100


def prepare(seed: int, arguments: argparse.Namespace) -> Bench:
    """Make the world and its truth, and run the pipeline on it."""
    world = make_world(PRESETS[arguments.world], seed)
    started = time.perf_counter()
    table = skill_table(world, arguments.cache)
    print(f"seed {seed}: truth {time.perf_counter() - started:.0f} s", end="", flush=True)
    runs = [
        run_world(
            world,
            arguments.workdir,
            overrides=overrides(arguments.set),
            reuse=arguments.reuse,
            first_bar=number * _REPLAN_BARS,
        )
        for number in range(arguments.replans + 1)
    ]
    run, *again = runs
    print(f", evidence {run.evidence_seconds:.0f} s ({run.evidence_cpu:.0f} s of CPU)", flush=True)
    replans = tuple(one.candidates() for one in again)
    return Bench(world, table, truth_of(world, table), run, run.candidates(), replans)


def overrides(settings: list[str]) -> dict[str, dict[str, object]]:
    """`file.yaml:a.b=value` with a YAML value, as nested mappings by file name."""
    found: dict[str, dict[str, object]] = {}
    for setting in settings:
        place, value = setting.split("=", 1)
        name, path = place.split(":", 1)
        below = found.setdefault(name, {})
        *parents, key = path.split(".")
        for parent in parents:
            inner = below.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise SystemExit(f"--set {setting}: {parent} is {inner!r} already, which holds no keys")
            below = inner
        below[key] = yaml.safe_load(value)
    return found


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
    add = parser.add_argument
    add("--seeds", type=seeds_of, default=[0], help="as 0-2 or 0,3")
    add("--world", choices=sorted([*PRESETS, BIG.name]), default="default")
    add("--cache", type=Path, default=Path(".truth_cache"), help="where truths are kept")
    add("--workdir", type=Path, default=Path(".truth_cache/runs"), help="where the pipeline runs")
    add("--policy", action="append", default=[], metavar="NAME=FILE", help="may be repeated")
    add("--set", action="append", default=[], metavar="FILE:KEY=VALUE", help="may be repeated")
    add("--reuse", action="store_true", help="keep runs of the same world and data config")
    add("--replans", type=int, default=0, help=f"runs on evidence {_REPLAN_BARS} bars later each")
    add("--json", type=Path, help="write all numbers there")
    add("--write", type=Path, metavar="DIR", help="write the first seed's panel and config, and stop")
    arguments = parser.parse_args()
    if arguments.world == BIG.name and arguments.write is None:
        parser.error("the big world has no truth table: use --write DIR")
    return arguments


def main() -> None:
    arguments = parse()
    if arguments.write:
        spec = PRESETS.get(arguments.world, BIG)
        write_world(spec, arguments.seeds[0], arguments.write, overrides(arguments.set))
        return
    for folder in (arguments.cache, arguments.workdir):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    files = {name: Path(path) for name, path in (item.split("=", 1) for item in arguments.policy)}
    verdicts: dict[str, dict[int, Verdict]] = {}
    outcomes: dict[str, list[Outcome]] = {}
    flagged: list[FlaggedFeature] = []
    n_honest = 0
    for seed in arguments.seeds:
        bench = prepare(seed, arguments)
        found, there = flagged_features(bench.world, bench.candidates)
        flagged, n_honest = [*flagged, *found], n_honest + there
        default = bench.run.config_dir / "routing_config.yaml"
        for name, path in {"default": default, **files}.items():
            outcome = judge_policy(bench, load_config(path, RoutingPolicy))
            outcomes.setdefault(name, []).append(outcome)
            verdicts.setdefault(name, {})[seed] = outcome.verdict
        for name, one in baselines(bench).items():
            verdicts.setdefault(name, {})[seed] = one
    print_table(verdicts)
    print_flagged(flagged, n_honest)
    for name, of_policy in outcomes.items():
        print(f"\n== {name}")
        leaks = [leak for outcome in of_policy for leak in outcome.leaks]
        print_bars(verdicts[name], verdicts["all pooled"], leaks, len(flagged) / n_honest)
        print_leaks(leaks)
        print_wrong(pd.concat([outcome.wrong for outcome in of_policy], ignore_index=True))
    if arguments.json:
        numbers = {name: {seed: asdict(one) for seed, one in by.items()} for name, by in verdicts.items()}
        arguments.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
