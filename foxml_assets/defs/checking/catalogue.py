"""Every check by the asset it is of: what holds where it passes, and how it is mended where it does not."""

from foxml_assets.defs.graph import Check
from foxml_assets.defs.running.stage_runs import AS_PROMISED, FILES_INTACT, MATCH_THE_PLAN, MODEL_ASSETS
from foxml_assets.planning.store.tree import SUMMARY_FILE, VIEWS
from foxml_assets.planning.validate.plan_checks import PlanCheck
from foxml_assets.stages import CONFIGS

# What else they look at. Not the artifacts that have blocking checks of their own: where one of these fails,
# the run would leave out all checks that depend on the artifact.
_INPUTS = (*CONFIGS, "panel")
_ROUTE_AGAIN, _PLAN_AGAIN = "foxml run --until routing.", "foxml run --until plan."

PANEL_CHECKS = (
    Check(
        "panel",
        "size_as_before",
        "The panel has nearly as many rows and symbols as the one before.",
        "Look for what the source lost; checks.max_shrink in data_config.yaml says how much may go.",
    ),
)
CANDIDATES_CHECKS = (
    # Of the evidence behind them, whose runs make some targets each.
    Check(
        "routing_candidates",
        "null_at_chance",
        "On shuffled labels the pooled model of every target scores no better than chance.",
        "Do not believe the scores of these targets: see null_score in docs/evidence.md.",
        looks_at=("feature_selections",),
    ),
    Check(
        "routing_candidates",
        "ahead_of_no_target",
        "No feature that looks ahead for one target is used for another.",
        "Leave it out (panel.exclude_features), or vouch for it with a reason (evidence.leakage.known_safe).",
        looks_at=("feature_selections",),
    ),
    Check(
        "routing_candidates",
        "schema",
        "The table has the columns of candidates and no others.",
        "foxml run --until candidates, or import a table again.",
        is_blocking=True,
    ),
    Check(
        "routing_candidates",
        "unique_pairs",
        "No pair, and no target's pooled row, stands twice.",
        "Remove the other rows from what was imported.",
    ),
    Check(
        "routing_candidates",
        "ranges",
        "Scores lie in the range of their metric, and no sample size is negative.",
        "Correct what was imported.",
    ),
)
ROUTING_CHECKS = (
    Check(
        "routing_plan",
        "every_pair_decided",
        "Every pair of the candidates and of the panel has one route.",
        _ROUTE_AGAIN,
        is_blocking=True,
        looks_at=("panel",),
    ),
    Check(
        "routing_plan",
        "no_leaked_pair_routed",
        "Nothing is trained where the evidence found a leak.",
        _ROUTE_AGAIN,
        is_blocking=True,
    ),
    Check(
        "routing_plan",
        "cap_respected",
        "No target has more experimental pairs than the policy allows.",
        _ROUTE_AGAIN,
        is_blocking=True,
        looks_at=("routing_config",),
    ),
    Check(
        "routing_plan",
        "no_row_quarantined",
        "Every row of evidence could be used.",
        "foxml explain TARGET SYMBOL says what is wrong with a row.",
    ),
)
PLAN_CHECKS = {
    PlanCheck.STRUCTURE: Check(
        "master_training_plan",
        "ids_unique",
        "The plan is well formed, and no job stands twice.",
        _PLAN_AGAIN,
        is_blocking=True,
        looks_at=_INPUTS,
    ),
    PlanCheck.HASHES: Check(
        "master_training_plan",
        "hashes_recomputed",
        "The hashes in the plan are those of its content.",
        "It was edited: foxml run --until plan.",
        is_blocking=True,
        looks_at=_INPUTS,
    ),
    PlanCheck.ROUTING: Check(
        "master_training_plan",
        "consistent_with_routing_plan",
        "Jobs are those of the routing plan.",
        _PLAN_AGAIN,
        looks_at=_INPUTS,
    ),
    PlanCheck.NAMES: Check(
        "master_training_plan",
        "names_known",
        "Targets, symbols and features of the jobs are those of the panel.",
        _PLAN_AGAIN,
        looks_at=_INPUTS,
    ),
    PlanCheck.FAMILIES: Check(
        "master_training_plan",
        "families_allowed",
        "Every family of a job is known, has settings and fits the target's task.",
        "Add the family to training_config.yaml, then foxml run --until plan.",
        looks_at=_INPUTS,
    ),
    PlanCheck.FRESHNESS: Check(
        "master_training_plan",
        "not_stale",
        "The plan was made from the configs, the panel and the candidates as they are.",
        _PLAN_AGAIN,
        is_blocking=True,
        looks_at=_INPUTS,
    ),
}
AS_WRITTEN = Check(
    "master_training_plan",
    "as_written",
    "The folder of the plan holds the files that were written, as they were written.",
    _PLAN_AGAIN,
    looks_at=_INPUTS,
)
# Which files of the plan's folder are each asset's.
VIEW_PREFIXES = {
    "training_plan_mirrors": "training_plan.",
    "master_training_plan_summary": SUMMARY_FILE,
    **{f"plan_{view}": f"{view}/" for view in VIEWS},
}
VIEW_CHECKS = tuple(
    Check(asset, "equal_to_master_plan", "It says what the master plan says.", _PLAN_AGAIN)
    for asset in VIEW_PREFIXES
)


def model_checks_of(asset: str) -> tuple[Check, ...]:
    """The checks of one of the two assets of models."""
    return (
        Check(asset, MATCH_THE_PLAN, "Every planned job has models of its spec.", "foxml train."),
        Check(
            asset,
            FILES_INTACT,
            "Models and manifests are those that training recorded.",
            "foxml train makes them again.",
        ),
        Check(
            asset,
            AS_PROMISED,
            "On the hold-out the models keep at least a quarter of the skill that the evidence promised.",
            "Look at the report: the evidence may be old, or the relation gone.",
        ),
    )


# Made again by themselves where a file is changed by hand.
ARTIFACT_CHECKS = (
    *CANDIDATES_CHECKS,
    *ROUTING_CHECKS,
    *PLAN_CHECKS.values(),
    AS_WRITTEN,
    *VIEW_CHECKS,
)
MODEL_CHECKS = tuple(check for asset in MODEL_ASSETS.values() for check in model_checks_of(asset))
WARNINGS = {"no_row_quarantined", "size_as_before", AS_PROMISED}
