"""What the plan promised of its models, out of fold, and what came of it on the hold-out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from foxml_assets.core.errors import Problem
from foxml_assets.reporting.report import ModelLine

# Much skill is lost to the choice of the best and to time; below this share next to nothing is left.
LEAST_KEPT = 0.25
PROMISE_HEADER = ("models", "compared", "promised", "hold-out", "kept their promise")


@dataclass(frozen=True)
class Promise:
    """Mean skill of `models`, as promised and on the hold-out; `kept` of them reached what was promised."""

    models: int
    promised: float
    realised: float
    kept: int


def promised_skill(line: ModelLine) -> float | None:
    """The skill that the model's job was planned on; None where the evidence had no score of its metric."""
    return None if line.evidence_score is None else line.metric.to_skill(line.evidence_score)


def compared_skills(lines: Iterable[ModelLine]) -> list[tuple[ModelLine, float]]:
    """The models that can be compared, each with the skill that was promised."""
    return [(line, promised) for line in lines if (promised := promised_skill(line)) is not None]


def promise_of(lines: Iterable[ModelLine]) -> Promise | None:
    """What was promised of `lines` together; None where nothing can be compared."""
    compared = compared_skills(lines)
    if not compared:
        return None
    return Promise(
        models=len(compared),
        promised=sum(promised for _, promised in compared) / len(compared),
        realised=sum(line.skill for line, _ in compared) / len(compared),
        kept=sum(line.skill >= promised for line, promised in compared),
    )


def broken_promise(lines: Iterable[ModelLine]) -> tuple[Problem, ...]:
    """That the models together kept less than LEAST_KEPT of the skill they were planned on, if so."""
    found = promise_of(lines)
    if found is None or found.realised >= LEAST_KEPT * found.promised:
        return ()
    skill = f"have a mean skill of {found.realised:.3f} there, {found.promised:.3f} was promised"
    return (Problem("hold-out", f"{found.models} models {skill}"),)


def promise_words(lines: Iterable[ModelLine]) -> str:
    """What came of the promise in one sentence, without a full stop; empty where nothing can be compared."""
    found = promise_of(lines)
    if found is None:
        return ""
    kept = f", {100 * found.realised / found.promised:.0f} %" if found.promised > 0.0 else ""
    return (
        f"Of a mean skill of {found.promised:.3f} that the evidence promised, "
        f"the hold-out gave {found.realised:.3f}{kept}"
    )


def promise_rows(lines: Sequence[ModelLine]) -> list[Sequence[object]]:
    """A row of PROMISE_HEADER for pooled models and for symbols' own, as far as there are any to compare."""
    pooled = [line for line in lines if line.symbol is None]
    own = [line for line in lines if line.symbol is not None]
    found = (("pooled", promise_of(pooled)), ("of one symbol", promise_of(own)))
    return [
        (name, one.models, f"{one.promised:.3f}", f"{one.realised:.3f}", f"{one.kept} of {one.models}")
        for name, one in found
        if one is not None
    ]
