"""Trained models in use: what a pair is served with under its route."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.core.errors import Problem, TrainingError
from foxml_assets.core.vocabulary import ModelFamily, Route
from foxml_assets.families.model import FittedModel, Matrix, Vector
from foxml_assets.families.registry import load_model
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.manifest import manifest_path, model_path, read_manifest

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


def load_job_model(job: Job, layout: Layout) -> JobModel:
    """Load every family of a trained job. Raises TrainingError if one is missing, damaged or stale."""
    return JobModel(job, tuple(load_family(job, family, layout) for family in job.model_families))


def load_family(job: Job, family: ModelFamily, layout: Layout) -> FittedModel:
    """Load one model of a job. Raises TrainingError if it is missing, damaged or of another spec."""
    path = manifest_path(job, family, layout)
    manifest = read_manifest(path)
    if manifest.spec_hash != job.spec_hash:
        raise TrainingError(
            "the model was trained for another spec",
            file=path,
            problems=[Problem("spec_hash", f"the plan's is {job.spec_hash}", manifest.spec_hash)],
            fix="train the job again",
        )
    return load_model(family, model_path(job, family, layout), sha256=manifest.sha256)


def mean_prediction(predictions: Sequence[Vector]) -> Vector:
    """The mean of predictions of the same rows. A ROUTE_BOTH pair is served the mean of its two jobs'."""
    return np.asarray(np.mean(np.stack(list(predictions)), axis=0), dtype=np.float64)
