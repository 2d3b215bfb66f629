"""The trained models of a plan one by one, from their manifests, and what each family's took to train."""

from collections.abc import Iterable, Iterator

from foxml_assets.reporting.report import FamilyTime, ModelLine
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.fit_times import known_fit_seconds
from foxml_assets.training.models.inventory import JobStatus
from foxml_assets.training.models.manifest import ModelState, manifest_path, read_manifest


def model_lines(statuses: Iterable[JobStatus], layout: Layout) -> tuple[ModelLine, ...]:
    """Every trained model that has a score, the most skilled first. Raises TrainingError."""
    lines = (line for status in statuses for line in _lines_of(status, layout))
    return tuple(sorted(lines, key=lambda line: (-line.skill, line.job_id, line.family)))


def family_times(statuses: Iterable[JobStatus], layout: Layout) -> tuple[FamilyTime, ...]:
    """What the trained models of each family took, by name of the family."""
    found: dict[str, list[float | None]] = {}
    for status in statuses:
        job = status.job
        for model in status.models:
            if model.state is ModelState.TRAINED:
                folder = layout.model_dir(job.target, job.symbol, model.family)
                found.setdefault(model.family, []).append(known_fit_seconds(folder))
    return tuple(_time_of(family, found[family]) for family in sorted(found))


def _time_of(family: str, seconds: list[float | None]) -> FamilyTime:
    timed = [one for one in seconds if one is not None]
    return FamilyTime(family, len(seconds), len(timed), round(sum(timed), 3))


def _lines_of(status: JobStatus, layout: Layout) -> Iterator[ModelLine]:
    job = status.job
    for model in status.models:
        if model.state is not ModelState.TRAINED:
            continue
        found = read_manifest(manifest_path(job, model.family, layout)).scores.within_symbols
        if found.value is None or found.skill is None:
            continue
        yield ModelLine(
            job_id=job.job_id,
            target=job.target,
            symbol=job.symbol,
            family=model.family,
            route=job.route,
            metric=found.metric,
            score=found.value,
            skill=found.skill,
            n=found.n,
            evidence_score=job.metadata.score_in(found.metric),
        )
