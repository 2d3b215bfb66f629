"""The part of the policy that planning applies: job priorities and model families."""

from functools import cache
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from foxml_assets.core.config_files import ConfigModel
from foxml_assets.core.vocabulary import Route, SignalState, TaskType, TrainingType
from foxml_assets.families.sections import FamilyName

PriorityValue = Annotated[int, Field(ge=0, le=100)]


class StatePriority(ConfigModel):
    """Priority of a job by the signal state of its side."""

    strong: PriorityValue
    weak_but_ok: PriorityValue


class Priority(ConfigModel):
    """Priority of every job: higher trains first."""

    cross_sectional: StatePriority = StatePriority(strong=90, weak_but_ok=75)
    symbol: StatePriority = StatePriority(strong=80, weak_but_ok=70)
    experimental: PriorityValue = 30

    def of(self, training_type: TrainingType, state: SignalState) -> int:
        """The priority of a job whose own side is in `state`; anything weaker than weak is experimental."""
        is_cs = training_type is TrainingType.CROSS_SECTIONAL
        side = self.cross_sectional if is_cs else self.symbol
        by_state = {SignalState.STRONG: side.strong, SignalState.WEAK_BUT_OK: side.weak_but_ok}
        return by_state.get(state, self.experimental)


class FamilyCondition(ConfigModel):
    """What a job must be for a rule to apply; a condition that is left out holds for every job.

    `sample_size` is the job's own, `priority` the one given by the `priority` section.
    """

    route: tuple[Route, ...] | None = Field(default=None, min_length=1)
    training_type: tuple[TrainingType, ...] | None = Field(default=None, min_length=1)
    task_type: tuple[TaskType, ...] | None = Field(default=None, min_length=1)
    state: tuple[SignalState, ...] | None = Field(default=None, min_length=1)
    min_sample_size: Annotated[int, Field(ge=0)] | None = None
    max_sample_size: Annotated[int, Field(ge=0)] | None = None
    min_priority: PriorityValue | None = None
    max_priority: PriorityValue | None = None

    @model_validator(mode="after")
    def _satisfiable(self) -> Self:
        for low, high, name in (
            (self.min_sample_size, self.max_sample_size, "sample_size"),
            (self.min_priority, self.max_priority, "priority"),
        ):
            if low is not None and high is not None and low > high:
                raise ValueError(f"min_{name} {low} is above max_{name} {high}: no job can match")
        if self.route is not None and Route.BLOCKED in self.route:
            raise ValueError("a blocked pair is never a job, so ROUTE_BLOCKED cannot match")
        return self


class FamilyRule(ConfigModel):
    """A job that meets `when` trains the families in `use`, in this order.

    Under `by_evidence` it trains only those of them that the evidence found best, where it says so.
    """

    when: FamilyCondition = FamilyCondition()
    use: Annotated[tuple[FamilyName, ...], Field(min_length=1)]
    by_evidence: bool = False

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.use)) != len(self.use):
            raise ValueError("a family is listed twice")
        return self


BY_EVIDENCE = "by_evidence"


@cache
def default_families() -> tuple[FamilyRule, ...]:
    """What `families: by_evidence` is short for."""
    return (FamilyRule(use=("lightgbm", "ridge"), by_evidence=True),)


def _written_out(value: object) -> object:
    return default_families() if value == BY_EVIDENCE else value


def _ordered(rules: tuple[FamilyRule, ...]) -> tuple[FamilyRule, ...]:
    """`rules`, if exactly the last one matches every job. Raises ValueError."""
    catch_all = [index for index, rule in enumerate(rules) if rule.when == FamilyCondition()]
    if not catch_all:
        raise ValueError("the last rule must have no conditions, so that every job gets families")
    if catch_all[0] != len(rules) - 1:
        raise ValueError(f"rule {catch_all[0] + 1} matches every job, so the rules after it are never used")
    return rules


FamilyRules = Annotated[tuple[FamilyRule, ...], BeforeValidator(_written_out), AfterValidator(_ordered)]
