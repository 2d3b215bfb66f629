"""The stages of the pipeline in their order, and the assets that each of them makes.

Commands, sensors and checks go by this table: it is nowhere said again what comes before what.
"""

from enum import StrEnum

CONFIGS = ("data_config", "routing_config", "training_config")
PANEL_SOURCE = "panel_source"
GROUPS = ("inputs", "evidence", "routing", "planning", "training", "reporting")
PLAN_VIEWS = (
    "training_plan_mirrors",
    "master_training_plan_summary",
    "plan_by_target",
    "plan_by_symbol",
    "plan_by_type",
    "plan_by_route",
)


class Stage(StrEnum):
    """Where `foxml run` may stop."""

    PANEL = "panel"
    EVIDENCE = "evidence"
    CANDIDATES = "candidates"
    ROUTING = "routing"
    PLAN = "plan"
    TRAINING = "training"

    @property
    def heading(self) -> str:
        """What a reader of the log calls it."""
        return _STAGES[self][0]

    @property
    def assets(self) -> tuple[str, ...]:
        """The assets it makes."""
        return _STAGES[self][1]

    def includes(self, other: "Stage") -> bool:
        """Whether `other` has to be done for this one, or is this one."""
        order = list(Stage)
        return order.index(other) <= order.index(self)


_STAGES = {
    Stage.PANEL: ("Panel", ("panel",)),
    Stage.EVIDENCE: ("Evidence", ("feature_selections",)),
    Stage.CANDIDATES: ("Candidates", ("routing_candidates",)),
    Stage.ROUTING: ("Routing plan", ("routing_plan",)),
    Stage.PLAN: ("Training plan", ("master_training_plan", *PLAN_VIEWS, "training_plan_diff")),
    Stage.TRAINING: ("Training", ("cross_sectional_models", "symbol_models", "training_report")),
}
# A run for none of these changes nothing that a stage reads.
STAGE_ASSETS = tuple(name for stage in Stage for name in stage.assets)
