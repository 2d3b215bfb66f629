"""The engine that `training_config.yaml` names."""

from typing import Literal

from pydantic import Field

from foxml_assets.core.config_files import ConfigModel


class OnDask(ConfigModel):
    """Targets and jobs are tasks of a Dask scheduler, begun on its workers."""

    kind: Literal["dask"]
    scheduler: str = Field(pattern=r"^(tcp|tls)://[^\s/]+:\d{1,5}$")


class OnThreads(ConfigModel):
    """They run on threads of the run's own process."""

    kind: Literal["threads"] = "threads"


EngineSettings = OnDask | OnThreads
THREADS = OnThreads()
