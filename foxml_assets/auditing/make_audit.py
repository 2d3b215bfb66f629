"""Making the audit from the plan and the models on disk. It trains nothing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foxml_assets.auditing.baselines import Baselines, make_baselines
from foxml_assets.auditing.holdout_errors import HoldoutBlocks, blocks_of_targets
from foxml_assets.auditing.pair_skills import SERVED, Desk, PairSkills, score_pairs
from foxml_assets.auditing.routing_audit import LeftOut, RoutingAudit, Scheme, Screening, Window
from foxml_assets.auditing.schemes import make_serving
from foxml_assets.auditing.shelf import Shelf, take_stock
from foxml_assets.auditing.summary import best_baseline, known_skills, route_lines, scheme_lines
from foxml_assets.core.errors import PlanMissingError
from foxml_assets.core.stamp import RunStamp
from foxml_assets.evidence.timing import read_timing
from foxml_assets.panel.data_config import BlockConfig
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.serving.holdout import holdout_timeline, require_holdout
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import find_table
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.split import Timeline
from foxml_assets.training.training_gate import authorise_training


@dataclass(frozen=True)
class Contest:
    """The plan against training everything, and which of their models are there."""

    plan: MasterPlan
    baselines: Baselines
    shelf: Shelf


def open_contest(context: TrainingContext, policy: RoutingPolicy, stamp: RunStamp) -> Contest:
    """Read the current plan and find the models. Raises PlanError, RoutingPlanError and PanelError.

    Raises PlanStaleError as training does: baselines of other inputs would be compared with nothing.
    """
    layout = context.layout
    if not layout.master_plan.is_file() or not layout.routing_plan.is_file():
        missing = layout.routing_plan if layout.master_plan.is_file() else layout.master_plan
        raise PlanMissingError("there is no plan to audit", file=missing, fix="make one: foxml run")
    plan = authorise_training(context, policy, stamp).plan
    baselines = make_baselines(read_routing_plan(layout), policy, context)
    return Contest(plan, baselines, take_stock(plan.jobs, (*baselines.pooled, *baselines.own), context))


def make_audit(
    contest: Contest, context: TrainingContext, blocks_config: BlockConfig
) -> tuple[RoutingAudit, pd.DataFrame]:
    """The audit, and a row per pair behind it (`pair_table`). Raises PanelError and TrainingError.

    `blocks_config` is the evidence's: the blocks of time are as long as its own.
    """
    plan, baselines, shelf = contest.plan, contest.baselines, contest.shelf
    timeline = holdout_timeline(context)
    require_holdout(timeline, context.layout)
    entered = baselines.pairs[baselines.pairs["left_out"] == ""]
    blocks = blocks_of_targets(entered["target"], context.info, timeline, blocks_config)
    desk = Desk(context, timeline, blocks, make_serving(plan, baselines, shelf), shelf)
    skills = score_pairs(entered, desk)
    pairs = pair_table(baselines.pairs, skills)
    costs = {
        Scheme.PLAN: shelf.cost(plan.jobs),
        Scheme.ALL_POOLED: shelf.cost(baselines.pooled),
        Scheme.ALL_SYMBOL: shelf.cost(baselines.own),
        Scheme.BOTH_AVERAGED: shelf.cost((*baselines.pooled, *baselines.own)),
    }
    known, screening = known_skills(skills, costs), _screening(baselines.pairs["target"], context.layout)
    left_out = pairs["left_out"].value_counts()
    audit = RoutingAudit(
        schema_version=1,
        plan_hash=plan.metadata.plan_hash,
        symbol_as_feature=context.config.symbol_as_feature,
        holdout=_window(timeline, blocks),
        pairs=len(pairs),
        compared=int(skills.scored.sum()),
        left_out={why: int(left_out.get(why.value, 0)) for why in LeftOut},
        schemes=scheme_lines(skills, known, costs, screening),
        best_baseline=best_baseline(known),
        routes=route_lines(entered["route"].to_numpy(dtype=object)[skills.scored], known),
        screening=screening,
    )
    return audit, pairs


def pair_table(pairs: pd.DataFrame, skills: PairSkills) -> pd.DataFrame:
    """Every pair: target, symbol, route, left_out (why, or ""), rows (labelled, in the hold-out), and the
    skill under the plan and each baseline; NaN where no model serves it."""
    entered = (pairs["left_out"] == "").to_numpy()
    table = pairs.assign(rows=0)
    table.loc[entered, "rows"] = skills.rows
    table.loc[entered, "left_out"] = np.where(skills.scored, "", LeftOut.NOT_SCORED.value)
    for scheme in SERVED:
        values = np.full(len(pairs), np.nan)
        # Column 0 is the skill on all blocks.
        values[entered] = np.where(skills.served[scheme], skills.skill[scheme][:, 0], np.nan)
        table[scheme.value] = values
    return table


def _window(timeline: Timeline, blocks: HoldoutBlocks) -> Window:
    held = timeline.times[timeline.holdout_bar :]
    ends = (held[0].isoformat(), held[-1].isoformat())
    return Window(*ends, len(held), len(blocks.shared), blocks.longest)


def _screening(targets: pd.Series, layout: Layout) -> Screening:
    names = sorted(set(targets))
    # Imported candidates stand in for the evidence, whatever that took.
    evidence = [] if find_table(layout.imported_candidates) is not None else names
    timings = [timing for name in evidence if (timing := read_timing(layout, name)) is not None]
    return Screening(
        targets=len(names),
        timed=len(timings),
        seconds=round(sum(timing.seconds for timing in timings), 3),
        cpu_seconds=round(sum(timing.cpu_seconds for timing in timings), 3),
    )
