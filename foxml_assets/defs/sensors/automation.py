"""When an asset runs by itself."""

import dagster as dg

from foxml_assets.defs.running.ledger import Names


def when_inputs_change(names: Names) -> dg.AutomationCondition[dg.AssetKey]:
    """The content of an input changed, or an input is about to run.

    Nothing is made from what a blocking check has refused, unless that is made again in the same run; a
    check that was never made refuses nothing. Dagster's `all_deps_blocking_checks_passed` waits for such
    for ever, and does not see that a run brings its checks along.

    Waiting for what is in progress makes one run of several changes; a run that finds nothing new rewrites
    nothing. Without an input that was never made a run could only fail; there need be no panel where
    candidates were imported.
    """
    return (
        dg.AutomationCondition.any_deps_match(
            dg.AutomationCondition.data_version_changed() | dg.AutomationCondition.will_be_requested()
        ).since_last_handled()
        & ~dg.AutomationCondition.any_deps_match(
            dg.AutomationCondition.any_checks_match(dg.AutomationCondition.check_failed(), blocking_only=True)
            & ~dg.AutomationCondition.will_be_requested()
        )
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
        & ~dg.AutomationCondition.any_deps_missing().ignore(dg.AssetSelection.assets(names.key("panel")))
    ).with_label("content of an input changed")
