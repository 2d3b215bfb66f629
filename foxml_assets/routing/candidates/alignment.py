"""Which candidate row belongs to which target and pair of the universe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foxml_assets.routing.candidates.coding import Bools, Index


@dataclass(frozen=True)
class Alignment:
    """Targets, pairs (in order of target, symbol) and the row of each, -1 where there is none.

    `owner` gives for every candidate row the position of its target or pair, -1 for a row without a target.
    """

    targets: list[str]
    symbols: list[str]
    cs_rows: Index
    cs_repeated: Bools
    pair_target: Index
    pair_symbol: Index
    pair_rows: Index
    pair_repeated: Bools
    is_pooled: Bools
    owner: Index


def align(candidates: pd.DataFrame, universe: Mapping[str, Sequence[str]] | None) -> Alignment:
    """Align typed, sorted candidates to all targets and pairs of the candidates and the universe."""
    world = universe or {}
    targets = sorted({*candidates["target"].cat.categories, *world})
    symbols = sorted(
        {*candidates["symbol"].cat.categories, *(symbol for listed in world.values() for symbol in listed)}
    )
    target = _recode(candidates["target"], targets)
    symbol = _recode(candidates["symbol"], symbols)
    is_pooled = symbol < 0
    cs_owner = np.where(is_pooled & (target >= 0), target, -1)
    keys = target * len(symbols) + symbol
    is_pair = ~is_pooled & (target >= 0)
    wanted = [_universe_keys(world, targets, symbols), keys[is_pair]]
    pairs = wanted[1] if not len(wanted[0]) and _ascending(wanted[1]) else np.unique(np.concatenate(wanted))
    pair_owner = np.full(len(keys), -1, dtype=np.int64)
    pair_owner[is_pair] = np.searchsorted(pairs, keys[is_pair])
    cs_rows, cs_repeated = _first_rows(cs_owner, len(targets))
    pair_rows, pair_repeated = _first_rows(pair_owner, len(pairs))
    return Alignment(
        targets=targets,
        symbols=symbols,
        cs_rows=cs_rows,
        cs_repeated=cs_repeated,
        pair_target=pairs // max(len(symbols), 1),
        pair_symbol=pairs % max(len(symbols), 1),
        pair_rows=pair_rows,
        pair_repeated=pair_repeated,
        is_pooled=is_pooled,
        owner=np.where(is_pooled, cs_owner, pair_owner),
    )


def owners_of(flagged: Bools, owner: Index, n: int) -> Bools:
    """Which of `n` owners have at least one flagged row."""
    found = np.zeros(n, dtype=np.bool_)
    found[owner[flagged & (owner >= 0)]] = True
    return found


def _first_rows(owner: Index, n: int) -> tuple[Index, Bools]:
    owned = np.flatnonzero(owner >= 0)
    rows = np.full(n, -1, dtype=np.int64)
    rows[owner[owned[::-1]]] = owned[::-1]
    counts = np.bincount(owner[owned], minlength=n)
    return rows, counts > 1


def _universe_keys(world: Mapping[str, Sequence[str]], targets: list[str], symbols: list[str]) -> Index:
    position = pd.Index(targets, dtype=object).get_indexer(pd.Index(list(world), dtype=object))
    of_symbol = pd.Index(symbols, dtype=object)
    keys = [
        at * len(symbols) + of_symbol.get_indexer(pd.Index(list(listed), dtype=object))
        for at, listed in zip(position.tolist(), world.values(), strict=True)
        if listed
    ]
    return np.concatenate(keys).astype(np.int64) if keys else np.zeros(0, dtype=np.int64)


def _recode(column: pd.Series, words: list[str]) -> Index:
    position = {word: at for at, word in enumerate(words)}
    table = np.array([*(position[word] for word in column.cat.categories), -1], dtype=np.int64)
    return table[column.cat.codes.to_numpy()]


def _ascending(keys: Index) -> bool:
    return bool((np.diff(keys) > 0).all())
