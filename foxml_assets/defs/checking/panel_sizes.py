"""How large the last two panels were, as their materializations recorded it."""

from collections.abc import Mapping

import dagster as dg

from foxml_assets.core.errors import Problem
from foxml_assets.defs.running.ledger import Ledger

_KEYS = {"rows": "dagster/row_count", "symbols": "symbols"}
_NOW, _BEFORE = "now", "before"
Size = Mapping[str, int]


def panel_sizes(ledger: Ledger) -> Mapping[str, Size]:
    """Rows and symbols of the panel `now` and the one `before`, as far as there are such.

    A materialization that was reported by hand, and so says neither, is none.
    """
    key = ledger.names.key("panel")
    records = ledger.instance.fetch_materializations(limit=2, records_filter=key).records
    found = (_size(record) for record in records)
    return {when: size for when, size in zip((_NOW, _BEFORE), found, strict=False) if size}


def shrunk(sizes: Mapping[str, Size], most: float) -> tuple[Problem, ...]:
    """What lost more than the share `most` of what it was."""
    now, before = sizes.get(_NOW), sizes.get(_BEFORE)
    if now is None or before is None:
        return ()
    return tuple(
        Problem(name, f"fell from {count:,} to {now[name]:,}, by more than max_shrink {most:g} allows")
        for name, count in before.items()
        if name in now and now[name] < (1 - most) * count
    )


def _size(record: dg.EventLogRecord) -> Size:
    event = record.asset_materialization
    said = {} if event is None else event.metadata
    counts = {name: said[key].value for name, key in _KEYS.items() if key in said}
    return {name: count for name, count in counts.items() if isinstance(count, int)}
