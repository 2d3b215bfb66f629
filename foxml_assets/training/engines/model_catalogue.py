"""The models' folders under the root, kept by who sends jobs to workers that do not see it."""

import dataclasses

from foxml_assets.core.errors import FoxmlError
from foxml_assets.core.vocabulary import ModelFamily
from foxml_assets.planning.plan.master_plan import Job
from foxml_assets.storage.directories import replacing_directory
from foxml_assets.storage.object_store import ObjectStore
from foxml_assets.training.context import TrainingContext
from foxml_assets.training.models.fit_times import write_fit_seconds
from foxml_assets.training.models.manifest import MANIFEST_FILE, Manifest, write_manifest
from foxml_assets.training.models.model_location import superseding, write_mark
from foxml_assets.training.outcome import JobOutcome, ModelOutcome
from foxml_assets.training.train_job import failed_model, found_models, outcome_of, recorded_failure


class Catalogue:
    """What stands under the root of the jobs of a batch, whose files are in `store`."""

    def __init__(self, context: TrainingContext, store: ObjectStore) -> None:
        self._context, self._store = context, store
        self._found: dict[str, dict[ModelFamily, ModelOutcome]] = {}

    def missing(self, job: Job) -> tuple[ModelFamily, ...]:
        """The families of `job` that are to be trained: no model of them stands or can be taken back."""
        found = self._found[job.job_id] = found_models(job, self._context)
        return tuple(family for family in job.model_families if family not in found)

    def enter(self, job: Job, trained: JobOutcome | None = None) -> JobOutcome:
        """What came of `job`: what stood, and what a worker has trained, which is written down."""
        models = self._found.pop(job.job_id)
        if trained is not None:
            models |= {model.family: self._entered(job, model) for model in trained.models}
        return outcome_of(job, models, trained.seconds if trained is not None else 0.0)

    def _entered(self, job: Job, model: ModelOutcome) -> ModelOutcome:
        """As it is after it was written down: its folder, or why it failed, takes its place as a whole."""
        if model.manifest is None:
            return recorded_failure(job, model.family, model.reason, self._context)
        try:
            sha256 = self._write(job, model, model.manifest)
        except (FoxmlError, OSError) as error:
            return failed_model(job, model.family, error, self._context)
        return dataclasses.replace(model, manifest_sha256=sha256)

    def _write(self, job: Job, model: ModelOutcome, manifest: Manifest) -> str:
        layout = self._context.layout
        final = layout.model_dir(job.target, job.symbol, model.family)
        with (
            superseding(job, model.family, self._context),
            replacing_directory(final, staging=layout.staged_models) as folder,
        ):
            write_mark(folder, self._store)
            if model.seconds is not None:
                write_fit_seconds(model.seconds, folder)
            return write_manifest(manifest, folder / MANIFEST_FILE)
