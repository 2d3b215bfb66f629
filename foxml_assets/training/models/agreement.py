"""What a manifest must say: every field that its job, the settings or the panel can contradict."""

from collections.abc import Iterator

from msgspec.structs import asdict, replace

from foxml_assets.core.errors import Problem
from foxml_assets.core.metrics import metric_of
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.families.registry import find_family
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.planning.plan.job_ids import is_id_of
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.training.context import ModelContext
from foxml_assets.training.data import job_features, job_symbols, symbol_feature
from foxml_assets.training.models.manifest import Manifest, Window


def contradictions(
    manifest: Manifest, job: Job, family: ModelFamily, context: ModelContext
) -> tuple[Problem, ...]:
    """The fields of `manifest` that cannot be those of the model of `job`, each with what it should be.

    Settings and panel count only while they are those that the job was planned for. What they leave open
    (scores, versions of libraries, which of the possible rows) is covered by the manifest's recorded hash.
    """
    found, expected = asdict(manifest), asdict(_as_it_must_be(manifest, job, family, context))
    return (
        *(problem for name in found for problem in _differences(name, found[name], expected[name])),
        *_score_problems(manifest, job),
        *_window_problems(manifest, context.panel_of(job)),
    )


def _as_it_must_be(manifest: Manifest, job: Job, family: ModelFamily, context: ModelContext) -> Manifest:
    """`manifest` with each field of which it is known what it must be corrected."""
    info = context.panel_of(job)
    families = context.config.families
    is_known = context.has_settings_of(job) and family in families.names
    categorical = manifest.categorical if job.symbol is None else ()
    if info is not None and is_known:
        categorical = symbol_feature(job, info, context.config)
    return replace(
        manifest,
        job_id=manifest.job_id if is_id_of(manifest.job_id, job.target, job.symbol) else job.job_id,
        spec_hash=job.spec_hash,
        family=family,
        target=job.target,
        symbol=job.symbol,
        training_type=job.training_type,
        task_type=job.task_type,
        horizon_bars=info.target(job.target).horizon_bars if info else manifest.horizon_bars,
        features=_features(manifest.features, job, info, categorical),
        categorical=categorical,
        symbols=_symbols(manifest.symbols, job, info),
        params=families.of(family).model_dump() if is_known else manifest.params,
        seed=context.config.seed if is_known else manifest.seed,
        model_file=find_family(family).model_file,
    )


def _features(
    found: tuple[str, ...], job: Job, info: PanelInfo | None, categorical: tuple[str, ...]
) -> tuple[str, ...]:
    names = job.features if info is None else job_features(job, info)
    if names is None:
        return found
    expected = (*names, *categorical)
    # The order of the panel's columns is part of no hash.
    in_any_order = job.features is None and sorted(found) == sorted(expected)
    return found if in_any_order else expected


def _symbols(found: tuple[str, ...], job: Job, info: PanelInfo | None) -> tuple[str, ...]:
    if job.symbol is not None:
        return (job.symbol,)
    if info is not None:
        return job_symbols(job, info)
    excluded = {item.symbol for item in job.excluded_symbols}
    return tuple(symbol for symbol in found if symbol not in excluded)


def _differences(name: str, found: object, expected: object) -> Iterator[Problem]:
    if found == expected:
        return
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in sorted(found.keys() | expected.keys()):
            yield from _differences(f"{name}.{key}", found.get(key), expected.get(key))
    elif isinstance(found, tuple) and isinstance(expected, tuple):
        has, due = set(found), set(expected)
        missing = [key for key in expected if key not in has]
        more = [key for key in found if key not in due]
        if missing or more:
            what = f"should have {', '.join(missing) or 'nothing else'}"
            yield Problem(name, what, ", ".join(more) or "nothing of it")
        else:
            yield Problem(name, f"should be in the order {', '.join(expected)}", ", ".join(found))
    else:
        yield Problem(name, f"should be {expected}", "nothing" if found is None else found)


def _score_problems(manifest: Manifest, job: Job) -> Iterator[Problem]:
    scores, rows = manifest.scores, manifest.holdout_window.rows
    symbols = tuple(item.symbol for item in scores.by_symbol)
    yield from _differences("scores.by_symbol", symbols, manifest.symbols)
    yield from _differences("scores.stacked.metric", scores.stacked.metric, metric_of(job.task_type))
    yield from _differences("scores.stacked.n", scores.stacked.n, rows)
    yield from _differences("scores.by_symbol.n", sum(item.score.n for item in scores.by_symbol), rows)


def _window_problems(manifest: Manifest, info: PanelInfo | None) -> Iterator[Problem]:
    train, held = manifest.training_window, manifest.holdout_window
    for name, window in (("training_window", train), ("holdout_window", held)):
        yield from _bounds_problems(name, window, info)
    if train.end is not None and held.start is not None and not train.end < held.start:
        yield Problem("training_window.end", f"should be before the hold-out, {held.start}", train.end)
    if train.rows == 0:
        yield Problem("training_window.rows", "should be at least 1", 0)
    # At most: rows that are purged, or have no label, are in neither window.
    if info is not None and train.rows + held.rows > info.n_rows:
        yield Problem("training_window.rows", f"should be at most {info.n_rows - held.rows}", train.rows)


def _bounds_problems(name: str, window: Window, info: PanelInfo | None) -> Iterator[Problem]:
    """ISO 8601 texts of one clock, which compare as the times do."""
    start, end = window.start, window.end
    if start is None or end is None:
        yield from _differences(f"{name}.rows", window.rows, 0)
        yield from _differences(f"{name}.start", start, end)
        return
    if start > end:
        yield Problem(f"{name}.start", f"should not be after the end, {end}", start)
    if info is not None and start < info.start:
        yield Problem(f"{name}.start", f"should not be before the panel's, {info.start}", start)
    if info is not None and end > info.end:
        yield Problem(f"{name}.end", f"should not be after the panel's, {info.end}", end)
