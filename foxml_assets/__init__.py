"""Decide, plan and train models per (target, symbol) pair, as a Dagster asset graph."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foxml_assets.components.foxml_routing import FoxmlRouting as FoxmlRouting

__all__ = ["FoxmlRouting"]


def __getattr__(name: str) -> object:
    """Dagster looks for components here, and who imports another module of the package needs no Dagster."""
    if name in __all__:
        return getattr(import_module("foxml_assets.components.foxml_routing"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
