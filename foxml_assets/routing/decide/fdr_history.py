"""False-discovery control over a history of plans: what each batch of tests may spend, and what it found.

A batch is the tests of one version of the candidates. Batch t tests new discoveries by Benjamini-Hochberg
at share(t) of the rate q, with the standing discoveries of earlier batches counted as found. The shares add
up to 1, and what a batch adds to all that was ever found is no smaller a denominator than its own number of
discoveries, so the expected false share of all rows ever found is at most q, if the p-values of a side are
independent or positively dependent (PRDS) over rows and plans, as those of a growing window are.

Levels by number of discoveries: Javanmard, A. and Montanari, A. (2018), Online rules for control of false
discovery rate, Ann. Statist. 46(2). In batches: Zrnic, T., Jiang, D., Ramdas, A. and Jordan, M. (2020), The
power of batching in multiple hypothesis testing, AISTATS. The step for each batch: Blanchard, G. and
Roquain, E. (2008), Two simple sufficient conditions for FDR control, Electron. J. Statist. 2, lemma 3.2.
BatchBH of the second source is not used: it counts a row that every plan finds again as so many discoveries,
which pay for false ones. Here a row counts once, however often it is found.
"""

from itertools import chain
from typing import TypeAlias

import msgspec
import numpy as np
import pandas as pd
from scipy.special import zeta

from foxml_assets.core.errors import FdrHistoryError
from foxml_assets.core.hashing import content_hash
from foxml_assets.routing.candidates.alignment import Alignment
from foxml_assets.routing.candidates.table_columns import Bools
from foxml_assets.routing.plan.routing_plan import BatchInForce, RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import ErrorControl, Side
from foxml_assets.routing.sides.fdr import Earlier

# Above 1 the shares have a finite sum; the larger, the more the first batches get. 1.6 is what SAFFRON uses
# (Ramdas, A. et al. 2018, ICML).
_DECAY = 1.6

PairSets: TypeAlias = dict[str, set[str]]


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One batch: its levels, how many rows were tested, and the targets (pooled rows) and pairs (symbols
    by target) that it was the first to find."""

    number: int
    candidates_hash: str
    level_cross_sectional: float
    level_symbol: float
    tested_cross_sectional: int
    tested_symbol: int
    found_cross_sectional: tuple[str, ...]
    found_symbol: dict[str, tuple[str, ...]]


class FdrHistory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All batches, in the order of their first plan. Only the last may still change, with the policy."""

    batches: tuple[Batch, ...] = ()

    def before(self, candidates_hash: str) -> "FdrHistory":
        """What came before the batch of these candidates: everything, if they are new."""
        known = (at for at, batch in enumerate(self.batches) if batch.candidates_hash == candidates_hash)
        return FdrHistory(self.batches[: next(known, None)])

    def content_hash(self) -> str:
        """Hash of all batches."""
        return content_hash(self.batches)


def share(number: int) -> float:
    """The share of the rate for the batch of this number, counted from 1; over all numbers they add to 1."""
    return float(number**-_DECAY / zeta(_DECAY))


def batch_in_force(history: FdrHistory, policy: RoutingPolicy, candidates_hash: str) -> BatchInForce | None:
    """The batch of these candidates under `policy`; None where no history is kept."""
    pooled, symbol = (policy.error_rate(side).q for side in Side)
    if not policy.keeps_history() or pooled is None or symbol is None:
        return None
    before = history.before(candidates_hash)
    number = len(before.batches) + 1
    return BatchInForce(number, before.content_hash(), share(number) * pooled, share(number) * symbol)


def earlier_discoveries(
    history: FdrHistory, batch: BatchInForce | None, candidates_hash: str, alignment: Alignment
) -> tuple[Earlier, Earlier]:
    """What the pooled side (by target) and the symbol side (by pair) must know of earlier batches."""
    pooled = np.zeros(len(alignment.targets), dtype=np.bool_)
    if batch is None:
        return Earlier(1.0, pooled), Earlier(1.0, np.zeros(len(alignment.pairs), dtype=np.bool_))
    before = history.before(candidates_hash)
    targets, pairs = _found(before)
    pooled[:] = [target in targets for target in alignment.targets]
    listed = [(target, symbol) for target, symbols in pairs.items() for symbol in symbols]
    found = pd.MultiIndex.from_tuples(listed, names=alignment.pairs.names)
    # Both sides spend the same share, each of its own rate.
    spent = share(batch.number)
    return Earlier(spent, pooled), Earlier(spent, alignment.pairs.isin(found))


def with_plan(history: FdrHistory, plan: RoutingPlan) -> FdrHistory:
    """The history after `plan` was written.

    New candidates add a batch, the last batch takes what the plan found, and an earlier one stays as it is:
    later batches rest on it. A plan that keeps no history, or tested nothing, changes nothing. Raises
    FdrHistoryError if the plan was made from another history.
    """
    made, batch = plan.metadata, plan.metadata.policy.fdr_batch
    if batch is None or not made.cross_sectional.tested + made.symbol.tested:
        return history
    before = history.before(made.candidates_hash)
    if before.content_hash() != batch.earlier_hash:
        raise FdrHistoryError(
            "another plan was written while this one was made", fix="run `foxml run --until plan` again"
        )
    if batch.number < len(history.batches):
        return history
    old_targets, old_pairs = _found(before)
    fresh = {
        target: symbols - old_pairs.get(target, set())
        for target, symbols in sorted(_discovered_pairs(plan).items())
    }
    new = Batch(
        number=batch.number,
        candidates_hash=made.candidates_hash,
        level_cross_sectional=batch.level_cross_sectional,
        level_symbol=batch.level_symbol,
        tested_cross_sectional=made.cross_sectional.tested,
        tested_symbol=made.symbol.tested,
        found_cross_sectional=tuple(sorted(_discovered_targets(plan) - old_targets)),
        found_symbol={target: tuple(sorted(symbols)) for target, symbols in fresh.items() if symbols},
    )
    return FdrHistory((*before.batches, new))


def _found(history: FdrHistory) -> tuple[set[str], PairSets]:
    pairs: PairSets = {}
    for batch in history.batches:
        for target, symbols in batch.found_symbol.items():
            pairs.setdefault(target, set()).update(symbols)
    return set(chain.from_iterable(batch.found_cross_sectional for batch in history.batches)), pairs


def _discovered_targets(plan: RoutingPlan) -> set[str]:
    return set(plan.targets.loc[_is_discovered(plan.targets, "cs"), "target"])


def _discovered_pairs(plan: RoutingPlan) -> PairSets:
    rows = plan.pairs.loc[_is_discovered(plan.pairs, "local")]
    by_target = rows["symbol"].groupby(rows["target"], observed=True)
    return {str(target): set(symbols) for target, symbols in by_target}


def _is_discovered(rows: pd.DataFrame, prefix: str) -> Bools:
    # Hysteresis lets rows pass that are a margin short of a discovery; they were not found.
    is_named = (rows[f"{prefix}_error_control"] == ErrorControl.DISCOVERED.value).to_numpy()
    reaches_threshold = (rows[f"{prefix}_score"] >= rows[f"{prefix}_fdr_threshold"]).to_numpy()
    return np.asarray(is_named & reaches_threshold)
