"""One job: its data, a fit per family, the model files and their manifests."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from foxml_assets.core.errors import FoxmlError, Problem, TrainingError
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.engines.task import Stop
from foxml_assets.families.registry import find_family, fit, installed_version, library_version
from foxml_assets.planning.plan.master_plan import ABSENT, Job
from foxml_assets.storage.directories import replacing_directory
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.data import JobData, Rows, load_job_data
from foxml_assets.training.models.failures import record_failure
from foxml_assets.training.models.fit_times import known_fit_seconds, write_fit_seconds
from foxml_assets.training.models.manifest import (
    MANIFEST_FILE,
    Manifest,
    ModelState,
    Window,
    manifest_path,
    read_hashed_manifest,
    write_manifest,
)
from foxml_assets.training.models.model_location import model_file, superseding
from foxml_assets.training.models.retired import take_back
from foxml_assets.training.models.stored import stored_model
from foxml_assets.training.outcome import JobOutcome, ModelOutcome, OutcomeStatus
from foxml_assets.training.scores import holdout_scores
from foxml_assets.training.shared_rows import SharedRows

_log = logging.getLogger(__name__)


def train_job(job: Job, context: TrainingContext, shared: SharedRows, stop: Stop) -> JobOutcome:
    """Train the families of `job` that are not trained yet, and no others; `stop` ends it before a fit.

    A retired model of the same spec is taken back instead, if it is sound. What cannot be trained is a failed
    model in the outcome, its reason kept on disk.
    """
    started = time.perf_counter()
    models = found_models(job, context)
    todo = [family for family in job.model_families if family not in models]
    if todo:
        models |= train_families(job, todo, context, shared, stop)
    return outcome_of(job, models, time.perf_counter() - started)


def found_models(job: Job, context: TrainingContext) -> dict[ModelFamily, ModelOutcome]:
    """The models of `job` that need no fit: that stand, were taken back, or cannot be told to be either."""
    found = {family: _found_model(job, family, context) for family in job.model_families}
    return {family: model for family, model in found.items() if model is not None}


def outcome_of(job: Job, models: Mapping[ModelFamily, ModelOutcome], seconds: float) -> JobOutcome:
    """What came of `job`; families before whose fit it was stopped are missing."""
    ordered = tuple(models[family] for family in job.model_families if family in models)
    return JobOutcome(job, ordered, seconds)


def failed_model(job: Job, family: ModelFamily, error: Exception, context: TrainingContext) -> ModelOutcome:
    """Record that `family` could not be trained, and why; of a model that stands all the same, nothing."""
    expected = isinstance(error, FoxmlError | OSError)
    message = " ".join(str(error).split())
    reason = message if expected else f"{type(error).__name__}: {message}"
    _log.warning("%s: %s failed: %s", job.job_id, family, reason, exc_info=None if expected else error)
    return recorded_failure(job, family, reason, context)


def recorded_failure(job: Job, family: ModelFamily, reason: str, context: TrainingContext) -> ModelOutcome:
    """Record why `family` could not be trained; of a model that stands all the same, nothing."""
    # A store that cannot be reached may be the very reason.
    if stored_model(job, family, context, asks_store=False).state is not ModelState.TRAINED:
        reason = record_failure(job, family, reason, context.layout)
    return ModelOutcome(family, OutcomeStatus.FAILED, None, reason=reason)


def _is_trained(job: Job, family: ModelFamily, context: TrainingContext) -> bool:
    return stored_model(job, family, context).state is ModelState.TRAINED


def _found_model(job: Job, family: ModelFamily, context: TrainingContext) -> ModelOutcome | None:
    """A model that stands or was taken back, or why it could not be; None if there is no sound one."""
    try:
        if _is_trained(job, family, context):
            return _outcome(OutcomeStatus.SKIPPED, job, family, context)
        with superseding(job, family, context):
            is_back = take_back(job, family, context.layout)
        if is_back and _is_trained(job, family, context):
            return _outcome(OutcomeStatus.TAKEN_BACK, job, family, context)
    except (FoxmlError, OSError) as error:
        return failed_model(job, family, error, context)
    return None


def _outcome(status: OutcomeStatus, job: Job, family: ModelFamily, context: TrainingContext) -> ModelOutcome:
    path = manifest_path(job, family, context.layout)
    manifest, sha256 = read_hashed_manifest(path)
    return ModelOutcome(family, status, manifest, sha256, known_fit_seconds(path.parent))


def train_families(
    job: Job,
    families: Sequence[ModelFamily],
    context: TrainingContext,
    shared: SharedRows,
    stop: Stop,
) -> dict[ModelFamily, ModelOutcome]:
    """Train `families` of `job`, whatever is there; `stop` ends it before a fit."""
    started = time.perf_counter()
    try:
        _check_spec(job, context)
        data = load_job_data(job, context, shared)
        _check_rows(data, context)
    except (FoxmlError, OSError) as error:
        return {family: failed_model(job, family, error, context) for family in families}
    reading = (time.perf_counter() - started) / len(families)
    models: dict[ModelFamily, ModelOutcome] = {}
    for family in families:
        if stop.is_set():
            break
        models[family] = _train_model(job, family, data, context, reading)
    return models


def _check_spec(job: Job, context: TrainingContext) -> None:
    """A model is filed under its job's spec, so what it is made of must be what the spec says."""
    current = context.data_hash(job)
    # Reading the data says it of a target or symbol that the panel does not hold.
    if current not in (ABSENT, job.data_hash):
        raise TrainingError(
            "the panel has changed since the plan was made",
            problems=[Problem("data_hash", f"is now {current}", job.data_hash)],
            fix="plan again: foxml run --until plan",
        )
    if not context.has_settings_of(job):
        raise TrainingError(
            "the job's spec is not that of the current training settings",
            problems=[Problem("spec_hash", "does not belong to them", job.spec_hash)],
            fix="plan again: foxml run --until plan",
        )
    described_for = context.info.holdout_fraction
    if context.holdout_fraction != described_for:
        raise TrainingError(
            "the panel was described for another hold-out",
            problems=[Problem("holdout_fraction", f"is now {context.holdout_fraction}", described_for)],
            fix="build the panel and plan again: foxml run --until plan",
        )


def _check_rows(data: JobData, context: TrainingContext) -> None:
    least, found = context.config.min_train_rows, len(data.train)
    if found < least:
        raise TrainingError(f"too few training rows: {found} with a label, min_train_rows is {least}")


def _train_model(
    job: Job, family: ModelFamily, data: JobData, context: TrainingContext, reading: float
) -> ModelOutcome:
    """Train one model, whose part of the seconds it took to read the rows is `reading`."""
    try:
        started = time.perf_counter()
        # A model's folder takes its place as a whole: an earlier model, or failure, stands until then.
        final = context.layout.model_dir(job.target, job.symbol, family)
        with (
            superseding(job, family, context),
            replacing_directory(final, staging=context.layout.staged_models) as folder,
        ):
            manifest = _fit_and_save(job, family, data, context, folder)
            model_file(job, family, context).put_in_store(folder, manifest)
            seconds = reading + time.perf_counter() - started
            write_fit_seconds(seconds, folder)
            sha256 = write_manifest(manifest, folder / MANIFEST_FILE)
    except (FoxmlError, OSError) as error:
        return failed_model(job, family, error, context)
    _log.debug("%s: %s trained in %.1f s", job.job_id, family, seconds)
    return ModelOutcome(family, OutcomeStatus.DONE, manifest, sha256, seconds)


def _fit_and_save(
    job: Job, family: ModelFamily, data: JobData, context: TrainingContext, folder: Path
) -> Manifest:
    """Fit one model, write its file into `folder`, and score it."""
    config, train, holdout = context.config, data.train, data.holdout
    params = config.families.of(family)
    model = fit(
        family,
        job.task_type,
        train.X,
        train.y,
        params=params,
        seed=config.seed,
        categorical=data.categorical,
    )
    prediction = model.predict(holdout.X.X) if len(holdout) else np.empty(0)
    sha256 = model.save(folder / find_family(family).model_file)
    return Manifest(
        schema_version=2,
        job_id=job.job_id,
        spec_hash=job.spec_hash,
        family=family,
        target=job.target,
        symbol=job.symbol,
        training_type=job.training_type,
        task_type=job.task_type,
        horizon_bars=context.info.target(job.target).horizon_bars,
        features=model.features,
        categorical=data.categorical,
        symbols=data.symbols,
        training_window=_window(train),
        holdout_window=_window(holdout),
        scores=holdout_scores(
            job.task_type, holdout.y, prediction, holdout.symbol, data.symbols, min_rows=config.min_score_rows
        ),
        params=params.model_dump(),
        seed=config.seed,
        library_versions={
            family: library_version(family),
            "numpy": installed_version("numpy"),
            "pandas": installed_version("pandas"),
        },
        model_file=find_family(family).model_file,
        sha256=sha256,
    )


def _window(rows: Rows) -> Window:
    if not len(rows):
        return Window(None, None, 0)
    return Window(rows.time.min().isoformat(), rows.time.max().isoformat(), len(rows))
