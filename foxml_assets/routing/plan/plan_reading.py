"""Reading the routing plan on disk, for whoever goes by its decisions: nothing that decides is imported."""

from pathlib import Path

import msgspec

from foxml_assets.core.errors import Problem
from foxml_assets.core.hashing import file_hash
from foxml_assets.routing.plan.plan_json import parse_plan
from foxml_assets.routing.plan.plan_parquet import PAIRS_NAME, read_parquet, unusable
from foxml_assets.routing.plan.routing_plan import RoutingPlan, routing_plan_hash
from foxml_assets.storage.directories import read_version
from foxml_assets.storage.layout import Layout


def read_routing_plan(layout: Layout) -> RoutingPlan:
    """The plan on disk, from its columnar form where it is there, else from the JSON.

    Raises RoutingPlanError if there is none, it cannot be parsed, its files do not belong together, or
    its hash is not that of its content.
    """
    return read_version(layout.routing_plan_dir, lambda: _read(layout))


def find_routing_plan(layout: Layout) -> RoutingPlan | None:
    """The plan on disk, None if there is none. Raises RoutingPlanError for one that cannot be used."""
    return read_version(
        layout.routing_plan_dir, lambda: _read(layout) if layout.routing_plan.is_file() else None
    )


def _read(layout: Layout) -> RoutingPlan:
    path = layout.routing_plan
    if not path.is_file():
        raise unusable(path, "there is no routing plan")
    has_columns = (layout.routing_plan_dir / PAIRS_NAME).is_file()
    plan = _read_columnar(path) if has_columns else _read_json(path)
    stated = plan.metadata.routing_plan_hash
    found = routing_plan_hash(plan.metadata, (plan.targets, plan.pairs, plan.quarantine))
    if found != stated:
        problem = Problem("metadata.routing_plan_hash", f"the content's hash is {found}", stated)
        raise unusable(path, "the plan was changed after it was written", problem)
    return plan


def _read_columnar(path: Path) -> RoutingPlan:
    plan, digest = read_parquet(path.parent)
    found = file_hash(path)
    if found != digest:
        problem = Problem("sha256", f"{PAIRS_NAME} was written with {digest}", found)
        raise unusable(path, "does not belong to the Parquet files beside it", problem)
    return plan


def _read_json(path: Path) -> RoutingPlan:
    try:
        return parse_plan(path.read_bytes())
    except msgspec.DecodeError as error:
        raise unusable(path, "is not a routing plan", Problem("", str(error))) from error
