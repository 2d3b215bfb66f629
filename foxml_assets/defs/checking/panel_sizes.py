"""How large the last two panels were, as their materializations recorded it."""

from collections.abc import Mapping

import dagster as dg

from foxml_assets.core.errors import Problem
from foxml_assets.defs.running.ledger import Ledger

_ROWS, _SYMBOLS = "dagster/row_count", "symbols"
_NOW, _BEFORE = "now", "before"
Size = Mapping[str, int]


def panel_sizes(ledger: Ledger) -> Mapping[str, Size]:
    """Rows and symbols of the panel `now` and the one `before`, as far as there are such."""
    key = ledger.names.key("panel")
    records = ledger.instance.fetch_materializations(limit=2, records_filter=key).records
    return {
        when: {"rows": _number(record, _ROWS), "symbols": _number(record, _SYMBOLS)}
        for when, record in zip((_NOW, _BEFORE), records, strict=False)
    }


def shrunk(sizes: Mapping[str, Size], most: float) -> tuple[Problem, ...]:
    """What lost more than the share `most` of what it was."""
    if _BEFORE not in sizes:
        return ()
    now, before = sizes[_NOW], sizes[_BEFORE]
    return tuple(
        Problem(name, f"fell from {count:,} to {now[name]:,}, by more than max_shrink {most:g} allows")
        for name, count in before.items()
        if now[name] < (1 - most) * count
    )


def _number(record: dg.EventLogRecord, name: str) -> int:
    event = record.asset_materialization
    value = event.metadata[name].value if event is not None else 0
    return int(value) if isinstance(value, int | float) else 0
