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

fdr_history.json keeps it in the folder of the routing plan.
"""

from itertools import groupby
from operator import itemgetter
from pathlib import Path

import msgspec
import pandas as pd
from scipy.special import zeta

from foxml_assets.core.errors import FdrHistoryError, Problem
from foxml_assets.core.hashing import canonical_json, content_hash
from foxml_assets.routing.candidates.alignment import Alignment
from foxml_assets.routing.plan.plan_json import read_metadata
from foxml_assets.routing.plan.routing_plan import BatchInForce, RoutingMetadata, RoutingPlan
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import ErrorControl, Side
from foxml_assets.routing.sides.fdr import Earlier
from foxml_assets.storage.directories import is_switch_interrupted, read_version
from foxml_assets.storage.exact_json import decode_json
from foxml_assets.storage.layout import Layout

SCHEMA_VERSION = 1

# Above 1 the shares have a finite sum; the larger, the more the first batches get. 1.6 is what SAFFRON uses
# (Ramdas, A. et al. 2018, ICML).
_DECAY = 1.6


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
    pooled, symbol = (policy.fdr_q(side) for side in Side)
    if not policy.keeps_history() or pooled is None or symbol is None:
        return None
    before = history.before(candidates_hash)
    number = len(before.batches) + 1
    return BatchInForce(number, before.content_hash(), share(number) * pooled, share(number) * symbol)


def earlier_discoveries(
    history: FdrHistory, batch: BatchInForce | None, candidates_hash: str, alignment: Alignment
) -> tuple[Earlier, Earlier]:
    """What the pooled side (by target) and the symbol side (by pair) must know of earlier batches."""
    targets, pairs = _found(FdrHistory() if batch is None else history.before(candidates_hash))
    # Both sides spend the same share, each of its own rate.
    spent = 1.0 if batch is None else share(batch.number)
    of_pairs = pd.MultiIndex.from_tuples(list(pairs), names=alignment.pairs.names)
    return (
        Earlier(spent, pd.Index(alignment.targets, dtype=object).isin(targets)),
        Earlier(spent, alignment.pairs.isin(of_pairs)),
    )


def with_plan(history: FdrHistory, plan: RoutingPlan) -> FdrHistory:
    """The history after `plan` was written.

    New candidates add a batch, the last batch takes what the plan found, and an earlier one stays as it is:
    later batches rest on it. A plan that keeps no history, or tested nothing, changes nothing. Raises
    FdrHistoryError if the plan was made from another history.
    """
    made, batch = plan.metadata, _spent(plan.metadata)
    if batch is None:
        return history
    before = history.before(made.candidates_hash)
    if before.content_hash() != batch.earlier_hash:
        raise FdrHistoryError(
            "another plan was written while this one was made", fix="run `foxml run --until plan` again"
        )
    if batch.number < len(history.batches):
        return history
    (targets, pairs), (known_targets, known_pairs) = _discovered(plan), _found(before)
    fresh = groupby(sorted(pairs - known_pairs), key=itemgetter(0))
    new = Batch(
        number=batch.number,
        candidates_hash=made.candidates_hash,
        level_cross_sectional=batch.level_cross_sectional,
        level_symbol=batch.level_symbol,
        tested_cross_sectional=made.cross_sectional.tested,
        tested_symbol=made.symbol.tested,
        found_cross_sectional=tuple(sorted(targets - known_targets)),
        found_symbol={target: tuple(symbol for _, symbol in named) for target, named in fresh},
    )
    return FdrHistory((*before.batches, new))


def _spent(plan: RoutingMetadata) -> BatchInForce | None:
    """The batch of a history that the plan spent; None if it kept no history, or tested nothing."""
    return plan.policy.fdr_batch if plan.cross_sectional.tested + plan.symbol.tested else None


def _found(history: FdrHistory) -> tuple[set[str], set[tuple[str, str]]]:
    """The targets (pooled rows) and the pairs that were ever found."""
    by_target = [named for batch in history.batches for named in batch.found_symbol.items()]
    targets = {target for batch in history.batches for target in batch.found_cross_sectional}
    return targets, {(target, symbol) for target, symbols in by_target for symbol in symbols}


def _discovered(plan: RoutingPlan) -> tuple[set[str], set[tuple[str, str]]]:
    """The targets (pooled rows) and the pairs that the plan found."""
    found = []
    for side, rows in ((Side.CROSS_SECTIONAL, plan.targets), (Side.SYMBOL, plan.pairs)):
        # Hysteresis lets rows pass that are a margin short of a discovery; they were not found.
        is_named = rows[f"{side.prefix}_error_control"] == ErrorControl.DISCOVERED.value
        reaches_threshold = rows[f"{side.prefix}_score"] >= rows[f"{side.prefix}_fdr_threshold"]
        found.append(rows[(is_named & reaches_threshold).to_numpy()])
    targets, pairs = found
    return set(targets["target"]), set(zip(pairs["target"], pairs["symbol"], strict=True))


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema_version: int
    history_hash: str
    batches: msgspec.Raw


def read_history(layout: Layout) -> FdrHistory:
    """The history on disk; empty where neither it nor a plan that belongs to one was ever written.

    Raises FdrHistoryError if it is lost, cannot be parsed, was changed, or is not that of the routing plan
    beside it.
    """
    return read_version(layout.routing_plan_dir, lambda: _read(layout))


def _read(layout: Layout) -> FdrHistory:
    path = layout.fdr_history
    if is_switch_interrupted(layout.routing_plan_dir):
        fix = "run `foxml run --until plan`"
        raise FdrHistoryError("writing the routing plan was interrupted", file=path, fix=fix)
    plan = read_metadata(layout.routing_plan)
    batch = None if plan is None else _spent(plan)
    told = "cannot be read" if batch is None else f"is batch {batch.number} of one"
    what = f"the routing plan beside it {told}"
    if not path.is_file():
        if layout.routing_plan.is_file() and (plan is None or batch is not None):
            raise _refused(layout, "the history is lost", Problem("", what))
        return FdrHistory()
    history = _parse(path, layout)
    if plan is not None and batch is not None:
        before = history.before(plan.candidates_hash)
        # `before` ends at the batch of these candidates, and is the whole history where there is none.
        if before == history or before.content_hash() != batch.earlier_hash:
            summary = "is not the history of the routing plan beside it"
            raise _refused(layout, summary, Problem("batches", what))
    return history


def history_after(plan: RoutingPlan, layout: Layout) -> bytes | None:
    """The file as it must be once `plan` is written; None for no file. Raises FdrHistoryError.

    A plan without a history leaves the file as it is, whatever it holds.
    """
    if plan.metadata.policy.fdr_batch is None:
        return layout.fdr_history.read_bytes() if layout.fdr_history.is_file() else None
    history = with_plan(read_history(layout), plan)
    return history_json(history) if history.batches else None


def history_json(history: FdrHistory) -> bytes:
    """The file, a line per batch."""
    lines = b",\n".join(canonical_json(batch) for batch in history.batches)
    return b'{"schema_version":%d,\n"history_hash":"%b",\n"batches":[\n%b\n]}\n' % (
        SCHEMA_VERSION,
        history.content_hash().encode(),
        lines,
    )


def _parse(path: Path, layout: Layout) -> FdrHistory:
    try:
        document = decode_json(path.read_bytes(), _Document)
        if document.schema_version != SCHEMA_VERSION:
            wrong = Problem("schema_version", f"this program reads {SCHEMA_VERSION}", document.schema_version)
            raise _refused(layout, "is of another version", wrong)
        history = FdrHistory(decode_json(document.batches, tuple[Batch, ...]))
    except msgspec.DecodeError as error:
        problem = Problem("", str(error))
        raise _refused(layout, "is not a history of false-discovery control", problem) from error
    found = history.content_hash()
    if found != document.history_hash:
        problem = Problem("history_hash", f"the content's hash is {found}", document.history_hash)
        raise _refused(layout, "was changed after it was written", problem)
    return history


def _refused(layout: Layout, summary: str, problem: Problem) -> FdrHistoryError:
    fix = (
        f"restore the file; or start a new history, in which earlier discoveries no longer count: delete"
        f" {layout.routing_plan_dir} and run `foxml run --until plan`"
    )
    return FdrHistoryError(summary, file=layout.fdr_history, problems=[problem], fix=fix)
