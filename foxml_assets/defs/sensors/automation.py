"""When an asset runs by itself."""

import dagster as dg

from foxml_assets.defs.running.ledger import Names


def when_inputs_change(names: Names) -> dg.AutomationCondition[dg.AssetKey]:
    """The content of an input changed, or an input is about to run.

    Nothing is made from what a blocking check has refused, unless that is made again in the same run; a
    check that was never made refuses nothing. Dagster's `all_deps_blocking_checks_passed` waits for such
    for ever, and where one failed does not see that the run brings it along.

    After a new panel comes evidence, and then candidates, in any case: a plan before would be one of old
    evidence. Waiting for what is in progress makes one run of several changes; a run that finds nothing new
    rewrites nothing. Without an input that was never made a run could only fail; there need be no panel
    where candidates were imported.
    """
    condition = dg.AutomationCondition
    is_refused = condition.any_checks_match(condition.check_failed(), blocking_only=True)
    is_panel_ahead = condition.asset_matches(names.key("panel"), condition.data_version_changed()).since(
        condition.asset_matches(names.key("routing_candidates"), condition.newly_updated())
    )
    return (
        condition.any_deps_match(
            condition.data_version_changed() | condition.will_be_requested()
        ).since_last_handled()
        & ~condition.any_deps_match(is_refused & ~condition.will_be_requested())
        & ~is_panel_ahead
        & ~condition.any_deps_in_progress()
        & ~condition.in_progress()
        & ~condition.any_deps_missing().ignore(dg.AssetSelection.assets(names.key("panel")))
    ).with_label("content of an input changed")
