"""Trained models in use: what a pair is served with under its route."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.vocabulary import ModelFamily, Route
from foxml_assets.families.model import FittedModel, Matrix, Vector
from foxml_assets.families.registry import load_model
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.directories import read_version
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.manifest import ModelState, manifest_path, model_path, read_manifest
from foxml_assets.training.models.stored import stored_model

USES_POOLED = frozenset({Route.CROSS_SECTIONAL, Route.BOTH})
USES_LOCAL = frozenset({Route.SYMBOL_SPECIFIC, Route.BOTH, Route.EXPERIMENTAL_ONLY})


@dataclass(frozen=True)
class JobModel:
    """All families of one job; it predicts their mean."""

    job: Job
    models: tuple[FittedModel, ...]

    def predict(self, X: Matrix) -> Vector:
        """Shape (n,): probabilities of class 1, or values. `X` holds the manifest's features."""
        return mean_prediction([model.predict(X) for model in self.models])


def load_job_model(job: Job, context: ModelContext) -> JobModel:
    """Load every family of a trained job. Raises TrainingError if one is missing, damaged or stale."""
    return JobModel(job, tuple(load_family(job, family, context) for family in job.model_families))


def load_family(job: Job, family: ModelFamily, context: ModelContext) -> FittedModel:
    """Load one model of a job. Raises TrainingError if it is missing, damaged or not the job's."""
    folder = context.layout.model_dir(job.target, job.symbol, family)
    return read_version(folder, lambda: _load(job, family, context))


def _load(job: Job, family: ModelFamily, context: ModelContext) -> FittedModel:
    path = model_path(job, family, context.layout)
    stored = stored_model(job, family, context)
    if stored.state is not ModelState.TRAINED:
        what = f"the model is {stored.state}: {stored.reason}"
        raise TrainingError(what, file=path, fix="train the job again")
    manifest = read_manifest(manifest_path(job, family, context.layout))
    return load_model(family, path, sha256=manifest.sha256)


def mean_prediction(predictions: Sequence[Vector]) -> Vector:
    """The mean of predictions of the same rows. A ROUTE_BOTH pair is served the mean of its two jobs'."""
    return np.asarray(np.mean(np.stack(list(predictions)), axis=0), dtype=np.float64)
