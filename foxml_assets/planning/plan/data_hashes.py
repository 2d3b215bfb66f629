"""The data that a job depends on: the rows of its symbol, or of all that a pooled model learns from."""

from collections.abc import Iterable, Mapping

from foxml_assets.core.hashing import content_hash
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.planning.plan.master_plan import ABSENT, ExcludedSymbol

# By target and symbol.
DataHashes = Mapping[str, Mapping[str, str]]


def data_hashes(info: PanelInfo | None) -> DataHashes:
    """The hash of each symbol's data, for each target; empty without a panel."""
    return {spec.name: info.symbol_hashes(spec.name) for spec in info.targets} if info else {}


def data_hash(
    hashes: DataHashes, target: str, symbol: str | None, excluded: Iterable[ExcludedSymbol] = ()
) -> str:
    """The hash of what a job learns from; `absent` where the panel does not hold its target or symbol."""
    known = hashes.get(target)
    if known is None:
        return ABSENT
    if symbol is not None:
        return known.get(symbol, ABSENT)
    left_out = {item.symbol for item in excluded}
    return content_hash({name: hash_ for name, hash_ in known.items() if name not in left_out})
