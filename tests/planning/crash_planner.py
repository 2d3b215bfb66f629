"""A process that plans for ever, to be killed: two plans in turn, with different targets and symbols."""

import sys
from pathlib import Path

from plan_makers import job, plan

from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.storage.layout import Layout


def crash_plan(number: int) -> MasterPlan:
    """One of two plans; what one has views of, the other has not."""
    targets = [f"y{number}_{at}" for at in range(4)]
    symbols = [f"S{number}_{at}" for at in range(10)]
    return plan([job(target) for target in targets] + [job(t, s) for t in targets for s in symbols])


if __name__ == "__main__":
    layout = Layout(Path(sys.argv[1]))
    plans = [crash_plan(0), crash_plan(1)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for turn in range(1_000_000):
        write_plan(plans[turn % 2], layout, history=2)
