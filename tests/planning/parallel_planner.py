"""A process that writes its own plan several times as soon as it is told to, and says how each ended."""

import sys
from pathlib import Path

from plan_makers import job, plan

from foxml_assets.core.errors import LockHeldError
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.storage.layout import Layout


def large_plan(number: int) -> MasterPlan:
    """A plan that takes a while to write."""
    return plan([job(f"y{number}_{at}", f"S{symbol}") for at in range(10) for symbol in range(40)])


if __name__ == "__main__":
    layout, own = Layout(Path(sys.argv[1])), large_plan(int(sys.argv[2]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for _ in range(20):
        try:
            write_plan(own, layout, history=1)
            sys.stdout.write("written\n")
        except LockHeldError:
            sys.stdout.write("LockHeldError\n")
