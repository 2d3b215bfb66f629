"""The Dagster component: a whole routing graph from a few lines of YAML, in anybody's project."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import dagster as dg
from pydantic import Field

from foxml_assets.components.scaffolding import RoutingScaffolder
from foxml_assets.defs.build import build_graph
from foxml_assets.defs.graph import Graph
from foxml_assets.workspace import CONFIG_DIR_VARIABLE, ROOT_VARIABLE, Workspace, current_workspace

_KEY = r"^[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*$"
Mode = Literal["automatic", "manual"]


class Automation(dg.Model, dg.Resolvable):
    """What its sensors do by themselves, until somebody switches one on or off in the UI."""

    plan: Mode = Field("automatic", description="Follow changed inputs up to the plan.")
    training: Mode = Field(
        "manual", description="Train what the plan lacks, as far as training_config.yaml allows."
    )


@dg.scaffold_with(RoutingScaffolder)
class FoxmlRouting(dg.Component, dg.Model, dg.Resolvable):
    """Decide, plan and train models per (target, symbol) pair of a panel.

    Relative paths begin in the folder of the defs.yaml, those in data_config.yaml in the project. Several of
    these may live in one code location if their roots and key prefixes differ.
    """

    root: str | None = Field(
        None, description="Folder of all that it makes; default: FOXML_ROOT, or `output` in the project."
    )
    config_dir: str | None = Field(
        None, description="Folder of the configs; default: FOXML_CONFIG_DIR, or `config` in the project."
    )
    key_prefix: str | None = Field(
        None,
        pattern=_KEY,
        description="What asset keys begin with, and jobs, sensors, pools and partition sets.",
    )
    group_prefix: str | None = Field(
        None, pattern="^[A-Za-z0-9_]*$", description="What groups begin with; default: the key prefix."
    )
    owners: list[str] = Field([], description="Owners of every asset: e-mail, or `team:name`.")
    tags: dict[str, str] = Field({}, description="Tags of every asset.")
    automation: Automation = Automation()
    panel_asset: str | None = Field(
        None, pattern=_KEY, description="Key of the asset that writes what the panel is read from."
    )

    panel_max_age_hours: float | None = Field(
        None, gt=0, description="By when another panel should be made, or the UI calls it stale."
    )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The whole graph. Raises ConfigError for a wrong training_config.yaml."""
        workspace = self._workspace(context.path, context.project_root)
        group_prefix = "_".join(workspace.key_prefix) if self.group_prefix is None else self.group_prefix
        hours = self.panel_max_age_hours
        return build_graph(
            Graph(
                workspace,
                group_prefix=group_prefix,
                owners=tuple(self.owners),
                tags=self.tags,
                panel_asset=dg.AssetKey.from_user_string(self.panel_asset) if self.panel_asset else None,
                panel_max_age=None if hours is None else timedelta(hours=hours),
                plan_follows_inputs=self.automation.plan == "automatic",
                training_follows_plan=self.automation.training == "automatic",
            )
        )

    def _workspace(self, folder: Path, project: Path) -> Workspace:
        """As the commands find theirs, but without the folder that they are called in."""
        root = _place(self.root, folder, ROOT_VARIABLE, project / "output")
        config_dir = _place(self.config_dir, folder, CONFIG_DIR_VARIABLE, project / "config")
        found = current_workspace(root, config_dir)
        # A config that the environment names is a command's, and speaks of the folder that it is called in.
        data_folder = None if config_dir is None else project
        prefix = tuple(self.key_prefix.split("/")) if self.key_prefix else found.key_prefix
        return replace(found, key_prefix=prefix, data_folder=data_folder)


def _place(chosen: str | None, folder: Path, variable: str, default: Path) -> Path | None:
    """Where the attribute leads; None leaves it to the environment."""
    if chosen is not None:
        return folder / chosen
    return None if os.environ.get(variable) else default
