"""A workspace that records whose artifacts its reader asks for: every path and input that it hands out."""

from dataclasses import dataclass, field

from foxml_assets.run_inputs import RunInputs
from foxml_assets.storage.layout import Layout
from foxml_assets.workspace import Workspace

MODELS = ("cross_sectional_models", "symbol_models")
# The assets behind each path of a layout. Nothing: a path that holds no asset's artifact.
PATHS: dict[str, tuple[str, ...]] = {
    "panel_dir": ("panel",),
    "panel": ("panel",),
    "panel_info": ("panel",),
    "metrics": (),
    "feature_selections": ("feature_selections",),
    "feature_selection": ("feature_selections",),
    "feature_replay": ("feature_selections",),
    "routing_candidates": ("routing_candidates",),
    "imported_candidates": (),
    "routing_plan_dir": ("routing_plan",),
    "routing_plan": ("routing_plan",),
    "fdr_history": ("routing_plan",),
    "training_plan_dir": ("master_training_plan",),
    "master_plan": ("master_training_plan",),
    "plan_diff": ("training_plan_diff",),
    "training_report": ("training_report",),
    "routing_audit": ("routing_audit",),
    "baselines": ("routing_audit",),
    "for_baselines": ("routing_audit",),
    "models": MODELS,
    "model_dir": MODELS,
    "model_folder": MODELS,
    "stored_folder": MODELS,
    "model_memory": (),
    "staged_models": MODELS,
    "retired_models": (),
}
INPUTS = {
    "data": ("data_config",),
    "policy": ("routing_config",),
    "training": ("training_config",),
    "panel": ("panel",),
}
CONFIG_FILES = {
    "data_config": ("data_config",),
    "routing_policy": ("routing_config",),
    "training_config": ("training_config",),
}


@dataclass(frozen=True)
class RecordingLayout(Layout):
    seen: set[str] = field(default_factory=set, compare=False)

    def __getattribute__(self, name: str) -> object:
        if name in PATHS:
            object.__getattribute__(self, "seen").update(PATHS[name])
        return object.__getattribute__(self, name)


@dataclass(frozen=True)
class RecordingInputs(RunInputs):
    seen: set[str] = field(default_factory=set, compare=False)

    def __getattribute__(self, name: str) -> object:
        if name in INPUTS:
            object.__getattribute__(self, "seen").update(INPUTS[name])
        return object.__getattribute__(self, name)


@dataclass(frozen=True)
class RecordingWorkspace(Workspace):
    """Its `seen` is what was asked for, by the name of the asset."""

    seen: set[str] = field(default_factory=set, compare=False)

    def __getattribute__(self, name: str) -> object:
        if name in CONFIG_FILES:
            object.__getattribute__(self, "seen").update(CONFIG_FILES[name])
        return object.__getattribute__(self, name)

    @property
    def layout(self) -> Layout:
        return RecordingLayout(self.root, self.seen)

    def read_inputs(self) -> RunInputs:
        # All files are read at once; what counts is what the reader then takes out of them.
        read = Workspace(self.root, self.config_dir).read_inputs()
        return RecordingInputs(self.layout, read.data, read.policy, read.training, read.panel, self.seen)


def paths_of_layout() -> set[str]:
    """Every public property and method of a layout that gives a path."""
    return {name for name in vars(Layout) if not name.startswith("_")} - {"root"}
