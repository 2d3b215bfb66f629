"""Small real worlds: six stocks, the last years, real fits, through the real command line."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from forked import run_command

REPOSITORY = Path(__file__).parents[2]
_SMALL = {
    "data_config.yaml": {
        "panel": {"symbols": ["AAPL", "BAC", "CVX", "JNJ", "RRC", "XOM"], "start": "2008-01-01"},
        "evidence": {"n_folds": 3, "trees": {"rounds": 15}},
    },
    "routing_config.yaml": {"profile": "development"},
    "training_config.yaml": {
        "batch_size": 5,
        "families": {"lightgbm": {"rounds": 20}, "xgboost": {"rounds": 20}},
    },
}


@dataclass(frozen=True)
class World:
    """A root and a config folder of its own."""

    root: Path
    config_dir: Path

    def foxml(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in a process of its own, to its end."""
        return run_command(arguments, self.environment() | environment)

    def environment(self) -> dict[str, str]:
        """The environment in which commands and servers of this world run."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FOXML_", "DAGSTER_"))}
        kept |= {"FOXML_ROOT": str(self.root), "FOXML_CONFIG_DIR": str(self.config_dir), "COLUMNS": "160"}
        return kept

    def edit(self, name: str, change: Callable[[dict], None]) -> None:
        """Change one config file in place."""
        path = self.config_dir / name
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(settings)
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")

    def copy(self, folder: Path) -> "World":
        """An independent copy of this world."""
        shutil.copytree(self.root, folder / "root")
        shutil.copytree(self.config_dir, folder / "config")
        return World(folder / "root", folder / "config")


def model_times(world: World) -> dict[str, int]:
    """Modification time of every model file, by its path below MODELS."""
    models = world.root / "MODELS"
    return {p.relative_to(models).as_posix(): p.stat().st_mtime_ns for p in models.rglob("model.*")}


def accept_more_discoveries(settings: dict) -> None:
    """Accept more false discoveries, so that more symbols get a model of their own."""
    settings["fdr"]["q"].update(symbol=0.3)


def _merge(settings: dict, changes: dict) -> None:
    for key, value in changes.items():
        if isinstance(value, dict):
            _merge(settings.setdefault(key, {}), value)
        else:
            settings[key] = value


def make_world(folder: Path) -> World:
    """The shipped config, cut down, over an empty root."""
    world = World(folder / "root", folder / "config")
    shutil.copytree(REPOSITORY / "config", world.config_dir)
    for name, changes in _SMALL.items():
        world.edit(name, lambda settings, changes=changes: _merge(settings, changes))
    return world
