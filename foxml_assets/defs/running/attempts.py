"""How often something was tried in vain. What may pass is tried again, up to a number; what cannot is not."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from foxml_assets.core.errors import LockHeldError
from foxml_assets.defs.running.claims import root_id
from foxml_assets.defs.running.ledger import Ledger
from foxml_assets.defs.running.partitions import keys_of
from foxml_assets.defs.running.runs import ROOT_TAG, describe_runs

MAX_ATTEMPTS = 3
REQUEST_TAG = "foxml/request"
PLAN_TAG = "foxml/plan"
_LOCK_RETRIES, _LOCK_SECONDS = 5, 2
_VAIN = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@contextmanager
def retry_while_locked() -> Iterator[None]:
    """Have Dagster repeat the step, a few times, if another process writes the same artifact."""
    try:
        yield
    except LockHeldError as error:
        raise dg.RetryRequested(max_retries=_LOCK_RETRIES, seconds_to_wait=_LOCK_SECONDS) from error


def refusal(instance: dg.DagsterInstance, root: Path, request: str) -> str | None:
    """Why `request` is not to be tried again by itself; None if it may be.

    A run that was cancelled, or failed in a step, would end so again. One that lost its process may pass.
    """
    ended = _ended(instance, root, {REQUEST_TAG: request})
    final = [run for run in ended if _is_final(instance, run)]
    if final:
        return f"{describe_runs(final)} ended without a result"
    if len(ended) >= MAX_ATTEMPTS:
        return f"{describe_runs(ended)} lost their process"
    return None


def exhausted_keys(ledger: Ledger, root: Path, plan_hash: str, asset: str, order: Sequence[str]) -> set[str]:
    """The partitions of `asset` that are left to the user: MAX_ATTEMPTS batches of this plan, or one that
    was cancelled, ended with them in their range. Of interest are those that have no model even so."""
    tried: Counter[str] = Counter()
    for run in _ended(ledger.instance, root, {PLAN_TAG: plan_hash}):
        if ledger.names.key(asset) in (run.asset_selection or ()):
            cancelled = run.status is dg.DagsterRunStatus.CANCELED
            # Who cancels a batch does not want it again: it counts as all attempts.
            tried.update(dict.fromkeys(keys_of(run.tags, order), MAX_ATTEMPTS if cancelled else 1))
    return {key for key, times in tried.items() if times >= MAX_ATTEMPTS}


def _ended(instance: dg.DagsterInstance, root: Path, tags: Mapping[str, str]) -> Sequence[dg.DagsterRun]:
    return instance.get_runs(dg.RunsFilter(tags={ROOT_TAG: root_id(root), **tags}, statuses=_VAIN))


def _is_final(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    return run.status is dg.DagsterRunStatus.CANCELED or instance.get_run_stats(run.run_id).steps_failed > 0
