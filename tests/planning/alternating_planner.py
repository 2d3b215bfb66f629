"""A process that replaces routing plan and master plan by two others in turn, until it is told to stop."""

import sys
import threading
from pathlib import Path

from plan_makers import SETTINGS
from routing_makers import STAMP, grid, policy, routed, row

from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.routing.pages.plan_files import write_routing_plan
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.storage.layout import Layout


def two_plans(number: int) -> tuple[RoutingPlan, MasterPlan]:
    """One of two routing plans, and the master plan made of it."""
    rows = [*grid(), row(f"other{number}", None, "strong"), row(f"other{number}", "A", "strong")]
    routing = routed(rows)
    plan = build_plan(
        routing, policy(), data_hashes={}, training_hashes=SETTINGS, parent_plan_hash=None, stamp=STAMP
    )
    return routing, plan


if __name__ == "__main__":
    layout = Layout(Path(sys.argv[1]))
    both = [two_plans(number) for number in range(2)]
    told = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
    written = 0
    while not told.is_set():
        routing, plan = both[written % 2]
        write_routing_plan(routing, layout)
        write_plan(plan, layout, history=3)
        written += 1
        if written == 2:
            sys.stdout.write("ready\n")
            sys.stdout.flush()
    sys.stdout.write(f"{written}\n")
