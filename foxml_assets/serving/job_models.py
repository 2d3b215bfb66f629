"""Trained models in use: loaded as their job planned them, and what they say on rows of a panel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foxml_assets.core.errors import TrainingError
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.families.model import FittedModel, Matrix, Vector
from foxml_assets.families.registry import load_model
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.serving.panel_rows import PanelRows
from foxml_assets.storage.directories import read_version
from foxml_assets.training.context import ModelContext
from foxml_assets.training.models.manifest import Manifest, ModelState, manifest_path, read_manifest
from foxml_assets.training.models.model_location import model_file
from foxml_assets.training.models.stored import stored_model


@dataclass(frozen=True)
class JobModel:
    """All families of one job; it predicts their mean. `symbols` are those it was trained on, and
    `categorical` names the feature, if any, that holds a symbol's position among them."""

    job: Job
    models: tuple[FittedModel, ...]
    symbols: tuple[str, ...]
    categorical: tuple[str, ...]

    def predict(self, X: Matrix) -> Vector:
        """Shape (n,): probabilities of class 1, or values. `X` holds the manifest's features."""
        return mean_prediction([model.predict(X) for model in self.models])

    def predict_rows(self, rows: PanelRows) -> dict[str, Vector]:
        """The predictions of each symbol's rows, for the symbols that the models were trained on.

        Raises TrainingError if a feature is missing or not numeric.
        """
        known = rows.only(self.symbols)
        if not len(known):
            return {symbol: np.empty(0) for symbol in known.symbols}
        codes = {symbol: code for code, symbol in enumerate(self.symbols)}
        # The models know a symbol by its position among those they were trained on, not among the panel's.
        code = known.spread([codes[symbol] for symbol in known.symbols])
        said = self.predict(known.frame.assign(**dict.fromkeys(self.categorical, code)))
        return {symbol: said[known.rows_of(symbol)] for symbol in known.symbols}


def load_job_model(job: Job, context: ModelContext) -> JobModel:
    """Load every family of a trained job. Raises TrainingError if one is missing, damaged or stale."""
    models, manifests = zip(*(_load(job, family, context) for family in job.model_families), strict=True)
    return JobModel(job, models, manifests[0].symbols, manifests[0].categorical)


def load_family(job: Job, family: ModelFamily, context: ModelContext) -> FittedModel:
    """Load one model of a job. Raises TrainingError if it is missing, damaged or not the job's."""
    return _load(job, family, context)[0]


def mean_prediction(predictions: Sequence[Vector]) -> Vector:
    """The mean of predictions of the same rows. A ROUTE_BOTH pair is served the mean of its two jobs'."""
    return np.asarray(np.mean(np.stack(list(predictions)), axis=0), dtype=np.float64)


def _load(job: Job, family: ModelFamily, context: ModelContext) -> tuple[FittedModel, Manifest]:
    def load() -> tuple[FittedModel, Manifest]:
        file = model_file(job, family, context)
        # What is in a store is verified as it is fetched, below.
        stored = stored_model(job, family, context, asks_store=False)
        if stored.state is not ModelState.TRAINED:
            what = f"the model is {stored.state}: {stored.reason}"
            raise TrainingError(what, file=file.path, fix="train the job again")
        manifest = read_manifest(manifest_path(job, family, context.layout))
        with file.at_hand(manifest.sha256) as path:
            return load_model(family, path, sha256=manifest.sha256), manifest

    return read_version(context.layout.model_dir(job.target, job.symbol, family), load)
