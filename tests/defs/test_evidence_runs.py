"""A run over a range of targets evaluates those whose evidence is not current, and no others."""

import dagster as dg
from shell_world import Shell
from training_world import LONELY, RETURN, UP

from foxml_assets.defs.running.stage_runs import StageRun, evidence_run
from foxml_assets.evidence.timing import timing_path

TARGETS = [RETURN, UP, LONELY]


def materialized(result: dg.ExecuteInProcessResult) -> set[str | None]:
    return {event.partition for event in result.asset_materializations_for_node("feature_selections")}


def test_current_evidence_within_the_range_is_skipped_and_reported(shell: Shell) -> None:
    first = evidence_run(shell.ledger, TARGETS, {UP})
    assert first.keys == (UP,)
    assert materialized(shell.execute(first)) == {UP}
    kept = timing_path(shell.layout, UP).stat().st_mtime_ns
    rest = evidence_run(shell.ledger, TARGETS, {RETURN, LONELY})
    assert rest.keys == tuple(TARGETS)
    assert materialized(shell.execute(rest)) == set(TARGETS)
    assert timing_path(shell.layout, UP).stat().st_mtime_ns == kept
    asked = StageRun(("feature_selections",), {"dagster/partition": UP})
    assert materialized(shell.execute(asked)) == {UP}
    assert timing_path(shell.layout, UP).stat().st_mtime_ns > kept, "who asks for one target gets it"
