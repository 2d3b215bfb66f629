"""One working place: the root that holds the artifacts and the folder that holds the config."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from foxml_assets.core.config_files import load_config
from foxml_assets.core.errors import ConfigError, Problem
from foxml_assets.core.hashing import content_hash
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_store import load_panel_info
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.run_inputs import RunInputs
from foxml_assets.storage.layout import Layout
from foxml_assets.storage.tables import find_table
from foxml_assets.training.training_config import TrainingConfig

ROOT_VARIABLE, CONFIG_DIR_VARIABLE, KEY_PREFIX_VARIABLE = "FOXML_ROOT", "FOXML_CONFIG_DIR", "FOXML_KEY_PREFIX"
DEFAULT_ROOT = Path("output")
DEFAULT_CONFIG_DIR = Path("config")


@dataclass(frozen=True)
class Workspace:
    """Where everything is. Each call reads anew; a run reads its inputs once and passes them on."""

    root: Path
    config_dir: Path
    key_prefix: tuple[str, ...] = ()
    """What the keys of its assets begin with in the Dagster instance, which may hold several graphs."""
    data_folder: Path | None = None
    """Where relative paths of the data config begin, if not in the working directory."""

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
        """`DAGSTER_HOME` if set, which may be a link, else a folder of the root."""
        chosen = os.environ.get("DAGSTER_HOME")
        return Path(chosen).resolve() if chosen else self.root.absolute() / "dagster"

    @property
    def settings_id(self) -> str:
        """What a process that works on the root goes by: config folder, Dagster instance and asset keys."""
        folders = [str(self.config_dir.resolve()), str(self.dagster_home.resolve())]
        return content_hash([*folders, self.key_prefix])

    def data_config(self) -> DataConfig:
        """Raises ConfigError."""
        config = load_config(self.data_config_file, DataConfig)
        return config if self.data_folder is None else config.placed_in(self.data_folder)

    def routing_policy(self) -> RoutingPolicy:
        """Raises ConfigError."""
        return load_config(self.routing_config_file, RoutingPolicy)

    def training_config(self) -> TrainingConfig:
        """Raises ConfigError."""
        return load_config(self.training_config_file, TrainingConfig)

    def check_configs(self) -> None:
        """Read all three before any work starts, so that a slip costs no time. Raises ConfigError."""
        self.data_config()
        self._require_sections(self.routing_policy(), self.training_config())

    def has_imported_candidates(self) -> bool:
        """Whether imported candidates stand in for the evidence."""
        return find_table(self.layout.imported_candidates) is not None

    def command(self, arguments: str) -> str:
        """The command line `foxml <arguments>` on this workspace, as it is typed in the current folder."""
        options = [] if self.root == DEFAULT_ROOT.resolve() else ["--root", str(self.root)]
        if self.config_dir != DEFAULT_CONFIG_DIR.absolute():
            options += ["--config-dir", str(self.config_dir)]
        return shlex.join(["foxml", *arguments.split(), *options])

    def read_inputs(self) -> RunInputs:
        """Configs and panel as they are now. Raises ConfigError, and PanelError for a damaged panel."""
        layout = self.layout
        inputs = RunInputs(
            layout=layout,
            data=self.data_config(),
            policy=self.routing_policy(),
            training=self.training_config(),
            panel=load_panel_info(layout) if layout.panel_info.is_file() else None,
        )
        self._require_sections(inputs.policy, inputs.training)
        return inputs

    def _require_sections(self, policy: RoutingPolicy, training: TrainingConfig) -> None:
        """A family without a section would be found out by its first job. Raises ConfigError."""
        used = {name for rule in policy.families for name in rule.use}
        missing = sorted(used - training.families.names)
        if missing:
            raise ConfigError(
                "the routing policy uses model families that have no section",
                file=self.training_config_file,
                problems=[Problem(f"families.{name}", "is missing") for name in missing],
                fix=f"write, for the family's defaults: families: {{{missing[0]}: {{}}}}",
            )


def current_workspace(root: Path | None = None, config_dir: Path | None = None) -> Workspace:
    """The workspace of `root` and `config_dir`, else of the environment, else of the defaults."""
    chosen_root = root or Path(os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT)
    chosen_config = config_dir or Path(os.environ.get(CONFIG_DIR_VARIABLE) or DEFAULT_CONFIG_DIR)
    prefix = tuple(filter(None, os.environ.get(KEY_PREFIX_VARIABLE, "").split("/")))
    return Workspace(chosen_root.resolve(), chosen_config.absolute(), prefix)
