"""Metadata values for the UI: tables with their schema, Markdown, pictures, and what is shown of models."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import dagster as dg
import pandas as pd

from foxml_assets.core.markdown import Markup, escape, table
from foxml_assets.routing.frames import Column
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.manifest import Manifest, manifest_path
from foxml_assets.training.models.model_location import ModelFile, model_file
from foxml_assets.training.outcome import JobOutcome, OutcomeStatus

_SCORES = ("family", "hold-out", "promised", "skill", "rows", "trained from", "to", "seconds")
_MAX_REASON = 2_000


def table_metadata(frame: pd.DataFrame, columns: Sequence[Column]) -> dict[str, dg.MetadataValue]:
    """Row count, and what each of the frame's `columns` holds, under the names the UI knows."""
    shown = [
        dg.TableColumn(name=column.name, type=str(frame[column.name].dtype), description=column.meaning)
        for column in columns
    ]
    return {
        "dagster/row_count": dg.MetadataValue.int(len(frame)),
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns=shown)),
    }


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MetadataValue:
    """A Markdown table; cells are escaped, since names are the user's."""
    return dg.MetadataValue.md(table(header, rows))


def table_of_numbers(header: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MetadataValue:
    """The same with cells that are never broken over lines, as the UI's narrow columns would."""
    return markdown_table(header, [[_unbroken(cell) for cell in row] for row in rows])


def picture(png: bytes, title: str) -> dg.MetadataValue:
    """A PNG shown in place, as Markdown with the image inside."""
    encoded = base64.b64encode(png).decode("ascii")
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")


def model_metadata(outcome: JobOutcome, context: ModelContext) -> dict[str, dg.MetadataValue]:
    """What the page of a model's partition shows: its job, and how its models did for what was promised.

    Thousands of such events are kept, so there is nothing large in it; the numbers are also there alone,
    since the UI draws them over the partitions.
    """
    job = outcome.job
    found: dict[str, dg.MetadataValue] = {
        "job_id": dg.MetadataValue.text(job.job_id),
        "route": dg.MetadataValue.text(job.route.value),
        "priority": dg.MetadataValue.int(job.priority),
        "reason": dg.MetadataValue.text(job.reason[:_MAX_REASON]),
        "families": dg.MetadataValue.text(", ".join(job.model_families)),
        "scores": table_of_numbers(_SCORES, _score_rows(outcome)),
        "trained in this run": dg.MetadataValue.bool(outcome.status is OutcomeStatus.DONE),
    }
    timed = [model.seconds for model in outcome.models if model.seconds is not None]
    if timed:
        found["training seconds"] = dg.MetadataValue.float(round(sum(timed), 3))
    if job.metadata.score is not None and job.metadata.score_metric is not None:
        found[f"promised_{job.metadata.score_metric}"] = dg.MetadataValue.float(job.metadata.score)
    for model in outcome.models:
        family, manifest = model.family, model.manifest
        found[f"{family}/manifest_sha256"] = dg.MetadataValue.text(model.manifest_sha256)
        found[f"{family}/manifest"] = file_link(manifest_path(job, family, context.layout))
        found[f"{family}/model"] = _model_link(model_file(job, family, context))
        if manifest is not None:
            found |= _holdout_numbers(manifest)
    return found


def _score_rows(outcome: JobOutcome) -> Iterator[Sequence[object]]:
    for model in outcome.models:
        if model.manifest is not None:
            score, window = model.manifest.scores.within_symbols, model.manifest.training_window
            promised = outcome.job.metadata.score_in(score.metric)
            yield (
                model.family,
                "" if score.value is None else f"{score.value:.3f} {score.metric}",
                "" if promised is None else f"{promised:.3f}",
                "" if score.skill is None else f"{score.skill:.3f}",
                f"{window.rows:,}",
                (window.start or "")[:10],
                (window.end or "")[:10],
                "" if model.seconds is None else f"{model.seconds:.2f}",
            )


def _holdout_numbers(manifest: Manifest) -> dict[str, dg.MetadataValue]:
    score = manifest.scores.within_symbols
    if score.value is None or score.skill is None:
        return {}
    return {
        f"{manifest.family}/holdout_{score.metric}": dg.MetadataValue.float(score.value),
        f"{manifest.family}/holdout_skill": dg.MetadataValue.float(score.skill),
    }


def _model_link(file: ModelFile) -> dg.MetadataValue:
    return dg.MetadataValue.text(file.address) if file.is_stored else file_link(file.path)


def _unbroken(cell: object) -> Markup:
    return Markup(escape(cell).replace(" ", "&nbsp;"))


def file_link(path: Path) -> dg.MetadataValue:
    """A path the UI shows as such."""
    return dg.MetadataValue.path(path)
