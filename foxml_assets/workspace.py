"""One working place: the root that holds the artifacts and the folder that holds the config."""

import os
from dataclasses import dataclass
from pathlib import Path

from foxml_assets.config_files import load_config
from foxml_assets.hashing import content_hash
from foxml_assets.layout import Layout
from foxml_assets.planning.consumer import load_master_training_plan
from foxml_assets.planning.staleness import CurrentInputs, read_current_inputs
from foxml_assets.planning.validation import Validation, validate_plan
from foxml_assets.routing.plan_files import read_routing_plan
from foxml_assets.routing.policy import RoutingPolicy
from foxml_assets.selection.config import DataConfig
from foxml_assets.selection.panel import load_panel_info
from foxml_assets.selection.panel_info import PanelInfo
from foxml_assets.selection.source import source_fingerprint
from foxml_assets.tables import find_table
from foxml_assets.training.config import TrainingConfig, plan_training_hash
from foxml_assets.training.context import TrainingContext

DEFAULT_ROOT = Path("output")
DEFAULT_CONFIG_DIR = Path("config")


@dataclass(frozen=True)
class Workspace:
    """Where everything is. Config files are read anew at each call, so that an edit is seen at once."""

    root: Path
    config_dir: Path

    @property
    def layout(self) -> Layout:
        return Layout(self.root)

    @property
    def data_config_file(self) -> Path:
        return self.config_dir / "data_config.yaml"

    @property
    def routing_config_file(self) -> Path:
        return self.config_dir / "routing_config.yaml"

    @property
    def training_config_file(self) -> Path:
        return self.config_dir / "training_config.yaml"

    @property
    def dagster_home(self) -> Path:
        """`DAGSTER_HOME` if set, else a folder of the root."""
        return Path(os.environ.get("DAGSTER_HOME") or self.root / "dagster").absolute()

    def data_config(self) -> DataConfig:
        """Raises ConfigError."""
        return load_config(self.data_config_file, DataConfig)

    def routing_policy(self) -> RoutingPolicy:
        """Raises ConfigError."""
        return load_config(self.routing_config_file, RoutingPolicy)

    def training_config(self) -> TrainingConfig:
        """Raises ConfigError."""
        return load_config(self.training_config_file, TrainingConfig)

    def check_configs(self) -> None:
        """Read all three before any work starts, so that a slip costs no time. Raises ConfigError."""
        self.data_config()
        self.routing_policy()
        self.training_config()

    def training_hash(self) -> str:
        """Hash of all settings that change a trained model. Raises ConfigError."""
        return plan_training_hash(self.training_config(), self.data_config().evidence.holdout_fraction)

    def panel_source_hash(self) -> str:
        """Hash of what the panel is made from: the source's content and how to read it. Raises PanelError."""
        config = self.data_config()
        return content_hash([source_fingerprint(config), config.panel.model_dump(mode="json")])

    def has_imported_candidates(self) -> bool:
        """Whether imported candidates stand in for the evidence."""
        return find_table(self.layout.imported_candidates) is not None

    def panel_info(self) -> PanelInfo | None:
        """The materialized panel; None before there is one. Raises PanelError for a damaged one."""
        return load_panel_info(self.layout) if self.layout.panel_info.is_file() else None

    def data_hashes(self) -> dict[str, str]:
        """Hash of each target's data; empty without a panel. Raises PanelError."""
        info = self.panel_info()
        return {spec.name: info.data_hash_for(spec.name) for spec in info.targets} if info else {}

    def universe(self) -> dict[str, tuple[str, ...]] | None:
        """The symbols to decide for each target; None without a panel. Raises PanelError."""
        info = self.panel_info()
        return {spec.name: info.symbols for spec in info.targets} if info else None

    def current_inputs(self) -> CurrentInputs:
        """What a plan made now would be made from. Raises FoxmlError for a damaged input."""
        return read_current_inputs(
            self.layout,
            self.routing_policy(),
            training_hash=self.training_hash(),
            data_hashes=self.data_hashes() or None,
        )

    def validate_plan(self) -> Validation:
        """All checks of the master training plan. Raises PlanError if it cannot even be read."""
        plan, info = load_master_training_plan(self.layout.master_plan), self.panel_info()
        return validate_plan(
            plan,
            self.layout,
            routing=read_routing_plan(self.layout) if self.layout.routing_plan.is_file() else None,
            policy=self.routing_policy(),
            current=self.current_inputs(),
            targets=[spec.name for spec in info.targets] if info else None,
            symbols=info.symbols if info else None,
        )

    def training_context(self) -> TrainingContext:
        """What training needs beside the plan. Raises PanelError without a panel, ConfigError."""
        return TrainingContext(
            layout=self.layout,
            info=load_panel_info(self.layout),
            config=self.training_config(),
            holdout_fraction=self.data_config().evidence.holdout_fraction,
        )


def current_workspace(root: Path | None = None, config_dir: Path | None = None) -> Workspace:
    """The workspace of `root` and `config_dir`, else of the environment, else of the defaults."""
    chosen_root = root or Path(os.environ.get("FOXML_ROOT") or DEFAULT_ROOT)
    chosen_config = config_dir or Path(os.environ.get("FOXML_CONFIG_DIR") or DEFAULT_CONFIG_DIR)
    return Workspace(root=chosen_root.absolute(), config_dir=chosen_config.absolute())
