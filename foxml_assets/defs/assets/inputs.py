"""The config files as assets: a config's data version is the hash of its parsed, defaulted content."""

from pathlib import Path

import dagster as dg

from foxml_assets.core.config_files import ConfigModel
from foxml_assets.core.hashing import content_hash
from foxml_assets.defs.assets.metadata import file_link
from foxml_assets.defs.graph import asset
from foxml_assets.workspace import Workspace

GROUP = "inputs"


@asset("data_config", group=GROUP, kinds={"yaml"})
def data_config(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """`data_config.yaml`: the panel's source and how evidence is computed."""
    return _config(workspace.data_config_file, workspace.data_config())


@asset("routing_config", group=GROUP, kinds={"yaml"})
def routing_config(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """`routing_config.yaml`: the policy that turns evidence into routes and jobs."""
    return _config(workspace.routing_config_file, workspace.routing_policy())


@asset("training_config", group=GROUP, kinds={"yaml"})
def training_config(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """`training_config.yaml`: how a job becomes models."""
    return _config(workspace.training_config_file, workspace.training_config())


def config_version(config: ConfigModel) -> str:
    """The data version of a config: the hash of every setting, defaults included."""
    return content_hash(config.model_dump(mode="json"))


def _config(path: Path, config: ConfigModel) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(
        data_version=dg.DataVersion(config_version(config)),
        metadata={
            "settings": dg.MetadataValue.json(config.model_dump(mode="json")),
            "file": file_link(path),
        },
    )
