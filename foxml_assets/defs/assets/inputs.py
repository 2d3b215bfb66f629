"""The config files and what the panel is made from: the graph observes them and makes none.

A new content is a new data version, whoever reports it: a sensor or a command by an event, the UI by a run.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from foxml_assets.core.config_files import ConfigModel
from foxml_assets.core.errors import PanelError
from foxml_assets.core.hashing import content_hash
from foxml_assets.defs.assets.events import observed_version, version_observation
from foxml_assets.defs.assets.metadata import file_link
from foxml_assets.defs.graph import Body, Graph, bound, code_of
from foxml_assets.defs.running.ledger import Ledger, names_in
from foxml_assets.panel.source import panel_source_hash
from foxml_assets.stages import CONFIGS, PANEL_SOURCE
from foxml_assets.workspace import Workspace

GROUP = "inputs"
_DESCRIPTIONS = {
    "data_config": "`data_config.yaml`: the panel's source and how evidence is computed.",
    "routing_config": "`routing_config.yaml`: the policy that turns evidence into routes and jobs.",
    "training_config": "`training_config.yaml`: how a job becomes models.",
    PANEL_SOURCE: "What the panel is made from: real prices or the user's files, and how to read them.",
}
_KINDS = {**dict.fromkeys(CONFIGS, "yaml"), PANEL_SOURCE: "file"}
# How to read the source is said in this file.
_DEPS = {PANEL_SOURCE: ["data_config"]}


@dataclass(frozen=True)
class Observed:
    """An input as it is, by content."""

    name: str
    version: str
    metadata: Mapping[str, dg.MetadataValue]


def input_assets(graph: Graph) -> dg.AssetsDefinition:
    """The inputs, each of which can be observed alone."""
    names = graph.names
    specs = [
        dg.AssetSpec(
            names.key(name),
            deps=names.keys(_DEPS.get(name, ())),
            group_name=graph.group(GROUP),
            description=description,
            metadata=code_of(_observe),
            kinds={_KINDS[name]},
        )
        for name, description in _DESCRIPTIONS.items()
    ]
    name = names.flat("inputs")
    make: Callable[[Body], dg.AssetsDefinition] = dg.multi_observable_source_asset(
        specs=specs, name=name, can_subset=True
    )
    return make(bound(_observe, graph))


def _observe(context: dg.AssetExecutionContext, workspace: Workspace) -> Iterator[dg.ObserveResult]:
    """The content of the config files and of the panel's source."""
    names = names_in(workspace)
    for found in (*read_configs(workspace), read_source(workspace)):
        if names.key(found.name) in context.selected_asset_keys:
            yield dg.ObserveResult(
                asset_key=names.key(found.name),
                data_version=dg.DataVersion(found.version),
                metadata=found.metadata,
            )


def read_configs(workspace: Workspace) -> list[Observed]:
    """The three config files. Raises ConfigError."""
    return [
        _config("data_config", workspace.data_config_file, workspace.data_config()),
        _config("routing_config", workspace.routing_config_file, workspace.routing_policy()),
        _config("training_config", workspace.training_config_file, workspace.training_config()),
    ]


def read_source(workspace: Workspace) -> Observed:
    """What the panel is made from. Raises ConfigError, and PanelError when it is missing."""
    config = workspace.data_config()
    settings = dg.MetadataValue.json(config.panel.model_dump(mode="json"))
    return Observed(PANEL_SOURCE, panel_source_hash(config), {"settings": settings})


def config_version(config: ConfigModel) -> str:
    """The data version of a config: the hash of every setting, defaults included."""
    return content_hash(config.model_dump(mode="json"))


def news(ledger: Ledger, inputs: Iterable[Observed]) -> list[dg.AssetObservation]:
    """What is to be reported of `inputs`: each that was last observed in another version, or never."""
    return [
        version_observation(ledger.names.key(found.name), found.version, found.metadata)
        for found in inputs
        if observed_version(ledger, found.name) != found.version
    ]


def observe_inputs(ledger: Ledger, workspace: Workspace) -> None:
    """Report the inputs as they are, before something is made from them. Raises ConfigError."""
    inputs = read_configs(workspace)
    # Imported candidates need no panel; what does need one says that its source is missing.
    with suppress(PanelError):
        inputs.append(read_source(workspace))
    for event in news(ledger, inputs):
        ledger.instance.report_runless_asset_event(event)


def _config(name: str, path: Path, config: ConfigModel) -> Observed:
    settings = dg.MetadataValue.json(config.model_dump(mode="json"))
    return Observed(name, config_version(config), {"settings": settings, "file": file_link(path)})
