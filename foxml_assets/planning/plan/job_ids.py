"""Job ids: readable, and unique for any names."""

import hashlib
from collections import Counter
from collections.abc import Sequence

from foxml_assets.core.hashing import canonical_json

_HASH_LENGTHS = (0, 8, 16, 32, 64)


def job_ids(pairs: Sequence[tuple[str, str | None]]) -> list[str]:
    """The id of each (target, symbol): `cs_<target>` or `sym_<symbol>_<target>`.

    Ids that would be equal (`A_B` with `C`, `A` with `B_C`) all get `~` and 8 hex digits of the
    pair's hash, and more digits where that is not yet unique. Raises ValueError if a pair stands twice.
    """
    if len(set(pairs)) != len(pairs):
        raise ValueError("a pair of target and symbol stands twice")
    ids = [_with_hash(pair, 0) for pair in pairs]
    for length in _HASH_LENGTHS[1:]:
        # Only ids that still clash get more digits; the others keep their readable form.
        counts = Counter(ids)
        if len(counts) == len(ids):
            break
        ids = [
            _with_hash(pair, length) if counts[name] > 1 else name
            for pair, name in zip(pairs, ids, strict=True)
        ]
    return ids


def is_id_of(job_id: str, target: str, symbol: str | None) -> bool:
    """Whether `job_id` is the id of that pair beside some other pairs."""
    return any(job_id == _with_hash((target, symbol), length) for length in _HASH_LENGTHS)


def _with_hash(pair: tuple[str, str | None], length: int) -> str:
    target, symbol = pair
    name = f"cs_{target}" if symbol is None else f"sym_{symbol}_{target}"
    if not length:
        return name
    return f"{name}~{hashlib.sha256(canonical_json(pair)).hexdigest()[:length]}"
