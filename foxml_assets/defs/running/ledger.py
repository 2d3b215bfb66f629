"""What a routing graph calls its parts, so that several graphs live in one Dagster instance."""

from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from foxml_assets.workspace import Workspace


@dataclass(frozen=True)
class Names:
    """The names of one graph: the plain ones, which all graphs share, behind the graph's own prefix."""

    key_prefix: tuple[str, ...]

    def key(self, asset: str) -> dg.AssetKey:
        """The key of an asset."""
        return dg.AssetKey([*self.key_prefix, asset])

    def keys(self, assets: Iterable[str]) -> list[dg.AssetKey]:
        """The keys of several assets."""
        return [self.key(asset) for asset in assets]

    def flat(self, name: str) -> str:
        """The name of what is no asset: an op, a job, a sensor, a pool, a partition set."""
        return self.key(name).to_python_identifier()

    def asset(self, key: dg.AssetKey) -> str:
        """The plain name of the graph's asset that has this key."""
        return "/".join(key.path[len(self.key_prefix) :])


@dataclass(frozen=True)
class Ledger:
    """A Dagster instance as the ledger of one graph, whose assets and partition sets go by plain names."""

    instance: dg.DagsterInstance
    names: Names


def names_in(workspace: Workspace) -> Names:
    """The names of the graph over `workspace`."""
    return Names(workspace.key_prefix)


def ledger_of(workspace: Workspace, instance: dg.DagsterInstance) -> Ledger:
    """What `instance` holds of the graph over `workspace`."""
    return Ledger(instance, names_in(workspace))
