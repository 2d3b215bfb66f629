"""What the checks of candidates, routing plan and master plan find now, by (asset, name of the check)."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from foxml_assets.core.errors import FoxmlError, Problem
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.defs.checking.catalogue import PLAN_CHECKS, VIEW_PREFIXES
from foxml_assets.evidence.evidence_files import read_all_evidence, read_findings
from foxml_assets.evidence.leakage.findings import used_elsewhere
from foxml_assets.evidence.scores.null_score import nulls_above_chance
from foxml_assets.planning.validate.plan_checks import PlanCheck
from foxml_assets.routing.candidates.candidates_file import read_candidates
from foxml_assets.routing.plan.plan_reading import read_routing_plan
from foxml_assets.routing.plan.routing_plan_checks import (
    duplicate_rows,
    leaked_but_routed,
    over_the_cap,
    quarantined_rows,
    rows_out_of_range,
    undecided_pairs,
)
from foxml_assets.workspace import Workspace

Findings = Mapping[tuple[str, str], Sequence[Problem]]


def candidates_findings(workspace: Workspace) -> Findings:
    """Of the candidates: columns, one row per pair, values that can be, no skill where there is none, and no
    feature that looks ahead."""
    asset = "routing_candidates"
    # Each is read once for all; an error is not kept, and so is found by each.
    table = cache(lambda: read_candidates(workspace.layout.routing_candidates))
    evidence = cache(lambda: read_all_evidence(workspace.layout))

    def skilled_nulls() -> Sequence[Problem]:
        return nulls_above_chance(evidence())

    def ahead() -> Sequence[Problem]:
        findings = {one.target: read_findings(workspace.layout, one.target) for one in evidence()}
        safe = {
            one.target: [name for name, status in one.features.items() if status is LeakageStatus.SAFE]
            for one in evidence()
        }
        return used_elsewhere(findings, safe)

    return {
        (asset, "null_at_chance"): _find(skilled_nulls),
        (asset, "ahead_of_no_target"): _find(ahead),
        (asset, "schema"): _find(lambda: _nothing(table())),
        (asset, "unique_pairs"): _find(lambda: duplicate_rows(table())),
        (asset, "ranges"): _find(lambda: rows_out_of_range(table())),
    }


def routing_findings(workspace: Workspace) -> Findings:
    """Of the routing plan: one route per pair, no leak routed, the experimental lane not overfull."""
    inputs = cache(workspace.read_inputs)
    plan = cache(lambda: read_routing_plan(workspace.layout))

    def undecided() -> Sequence[Problem]:
        candidates = read_candidates(workspace.layout.routing_candidates)
        return undecided_pairs(plan(), candidates, inputs().universe)

    def cap() -> Sequence[Problem]:
        return over_the_cap(plan(), inputs().policy.experimental.max_fraction_symbols_per_target)

    asset = "routing_plan"
    return {
        (asset, "every_pair_decided"): _find(undecided),
        (asset, "no_leaked_pair_routed"): _find(lambda: leaked_but_routed(plan())),
        (asset, "cap_respected"): _find(cap),
        (asset, "no_row_quarantined"): _find(lambda: quarantined_rows(plan())),
    }


def plan_findings(workspace: Workspace) -> Findings:
    """Of the master plan and its views: the plan against itself, the routing plan and the present inputs."""
    try:
        results = workspace.read_inputs().validate_plan().results
        found = {result.check: result.problems for result in results}
    except FoxmlError as error:
        unreadable = Problem("", str(error))
        found = dict.fromkeys(PlanCheck, (unreadable,))
    findings = {(check.asset, check.name): found[kind] for kind, check in PLAN_CHECKS.items()}
    for asset, prefix in VIEW_PREFIXES.items():
        # A problem without a field says that nothing could be read, which concerns every view.
        own = tuple(one for one in found[PlanCheck.FILES] if one.field.startswith(prefix) or not one.field)
        findings[asset, "equal_to_master_plan"] = own
    prefixes = tuple(VIEW_PREFIXES.values())
    others = tuple(one for one in found[PlanCheck.FILES] if not one.field.startswith(prefixes))
    findings["master_training_plan", "as_written"] = others
    return findings


def all_findings(workspace: Workspace) -> Findings:
    """Of candidates and plans."""
    return {
        **candidates_findings(workspace),
        **routing_findings(workspace),
        **plan_findings(workspace),
    }


def first_words(problems: Sequence[Problem]) -> str | None:
    """What the result of a check says in one line; None if it passed."""
    return str(problems[0]) if problems else None


def _find(finder: Callable[[], Sequence[Problem]]) -> Sequence[Problem]:
    """What `finder` finds. An artifact that cannot be read is a failed check, not a crash."""
    try:
        return finder()
    except FoxmlError as error:
        return (Problem("", str(error)),)


def _nothing(_: object) -> Sequence[Problem]:
    return ()
