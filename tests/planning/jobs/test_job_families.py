"""Which families a job trains: by the rules of the policy, by its evidence, or by both."""

import pytest
from routing_makers import built, job_of, policy, routed, row

from foxml_assets.core.vocabulary import ModelFamily

LGB, XGB, RIDGE = "lightgbm", "xgboost", "ridge"


@pytest.mark.parametrize(
    ("when", "families"),
    [
        ({"min_sample_size": 8_000}, (XGB,)),
        ({"min_sample_size": 8_001}, (LGB,)),
        ({"max_sample_size": 8_000}, (XGB,)),
        ({"max_sample_size": 7_999}, (LGB,)),
        ({"min_priority": 80}, (XGB,)),
        ({"min_priority": 81}, (LGB,)),
        ({"max_priority": 80}, (XGB,)),
        ({"max_priority": 79}, (LGB,)),
        ({"route": ["ROUTE_SYMBOL_SPECIFIC"], "task_type": ["classification"]}, (XGB,)),
        ({"route": ["ROUTE_BOTH"]}, (LGB,)),
        ({"task_type": ["regression"]}, (LGB,)),
        ({"training_type": ["cross_sectional"]}, (LGB,)),
        ({"state": ["WEAK_BUT_OK"]}, (LGB,)),
        ({"state": ["WEAK_BUT_OK", "STRONG"]}, (XGB,)),
    ],
)
def test_each_condition_of_a_family_rule_decides(
    when: dict[str, object], families: tuple[ModelFamily, ...]
) -> None:
    chosen = policy(families=[{"when": when, "use": ["xgboost"]}, {"use": ["lightgbm"]}])
    rows = [row("y", None, "none"), row("y", "A", "strong", sample_size=8_000)]
    assert job_of(built(routed(rows, chosen), chosen), "y", "A").model_families == families


def test_the_first_family_rule_that_matches_wins() -> None:
    chosen = policy(
        families=[
            {"when": {"training_type": ["cross_sectional"], "state": ["STRONG"]}, "use": ["xgboost"]},
            {"when": {"state": ["STRONG"], "min_sample_size": 5_000}, "use": ["lightgbm"]},
            {"when": {"max_priority": 75, "task_type": ["classification"]}, "use": ["xgboost", "lightgbm"]},
            {"use": ["lightgbm", "xgboost"]},
        ]
    )
    rows = [
        row("y", None, "strong"),
        row("y", "BIG", "strong"),
        row("y", "SMALL", "strong", sample_size=2_000),
        row("z", None, "weak"),
        row("z", "A", "none"),
    ]
    plan = built(routed(rows, chosen), chosen)
    assert job_of(plan, "y").model_families == (XGB,)
    assert job_of(plan, "y", "BIG").model_families == (LGB,)
    assert job_of(plan, "y", "SMALL").model_families == (LGB, XGB)
    assert job_of(plan, "z").model_families == (XGB, LGB)


def test_experimental_jobs_train_the_family_of_the_default_rule() -> None:
    plan = built(routed([row("y", None, "none"), row("y", "A", "experimental")]))
    assert job_of(plan, "y", "A").model_families == (LGB,)


def test_families_by_evidence_are_those_that_each_row_found_best() -> None:
    rows = [
        row("y", None, "strong", families="ridge"),
        row("y", "A", "strong", families="lightgbm|ridge"),
        row("y", "B", "strong", families=None),
        row("y", "C", "strong", families="xgboost"),
        row("y", "D", "strong", families="lightgbm", failed_families="lightgbm"),
    ]
    chosen = policy(families="by_evidence")
    plan = built(routed(rows, chosen), chosen)
    assert job_of(plan, "y").model_families == (RIDGE,)
    assert job_of(plan, "y", "A").model_families == (LGB, RIDGE)
    # Nothing found, or nothing of what may be used: all that may be used and did not fail.
    assert job_of(plan, "y", "B").model_families == (LGB, RIDGE)
    assert job_of(plan, "y", "C").model_families == (LGB, RIDGE)
    assert job_of(plan, "y", "D").model_families == (RIDGE,)


def test_a_rule_may_choose_by_evidence_among_its_own_families() -> None:
    rows = [row("y", None, "strong", families="xgboost"), row("y", "A", "strong", families="xgboost")]
    chosen = policy(
        families=[
            {"when": {"training_type": ["symbol_specific"]}, "use": ["lightgbm", "xgboost"]},
            {"use": ["lightgbm", "xgboost", "ridge"], "by_evidence": True},
        ]
    )
    plan = built(routed(rows, chosen), chosen)
    assert job_of(plan, "y").model_families == (XGB,)
    assert job_of(plan, "y", "A").model_families == (LGB, XGB)


def test_a_family_that_failed_in_the_evidence_is_not_trained() -> None:
    rows = [row("y", None, "strong"), row("y", "A", "strong", failed_families="xgboost")]
    plan = built(routed(rows))
    assert job_of(plan, "y").model_families == (LGB, XGB)
    assert job_of(plan, "y", "A").model_families == (LGB,)
