"""Who stands for a feature: from the evidence into the routing plan, to its readers."""

import json

import pandas as pd
import pytest
from candidate_rows import explanation_text, local, pooled, routed, target_row

from foxml_assets.core.assurances import Assurance
from foxml_assets.core.metrics import ScoreMetric
from foxml_assets.core.vocabulary import AssuredBy, LeakageStatus, TaskType
from foxml_assets.evidence.target_evidence import Estimate, RowEvidence, TargetEvidence
from foxml_assets.routing.candidates.candidates import candidates_from_evidence
from foxml_assets.routing.pages.explanation import explain
from foxml_assets.routing.pages.plan_markdown import plan_markdown
from foxml_assets.routing.plan.plan_json import parse_plan, plan_json
from foxml_assets.routing.policy.routing_config import Output

FEATURES = '{"vix": "SAFE", "hour": "SAFE", "mom": "SAFE", "doubted": "SAFE", "copy": "BLOCKED"}'
ASSURED = json.dumps(
    {
        "vix": {"by": "user", "reason": "published before the bar closes"},
        "hour": {"by": "calendar"},
        "mom": {"by": "replay", "cuts": 8},
        "copy": {"by": "calendar"},
    }
)


def test_candidates_hold_the_assurances_of_selected_features_on_the_pooled_row() -> None:
    vix = Assurance(AssuredBy.USER, reason="published before")
    evidence = TargetEvidence(
        "y",
        TaskType.REGRESSION,
        ScoreMetric.IC,
        60.0,
        "data",
        "settings",
        tuple(RowEvidence(symbol, 100, Estimate(0.1), LeakageStatus.SAFE) for symbol in (None, "A")),
        {"vix": LeakageStatus.SAFE},
        {"vix": vix, "left_out": vix},
    )
    first, second = candidates_from_evidence([evidence])["assured"]
    assert json.loads(first) == {"vix": {"by": "user", "reason": "published before"}}
    assert pd.isna(second)


def test_the_routing_plan_assures_features_that_a_job_may_use() -> None:
    plan = routed(pooled(features=FEATURES, assured=ASSURED), local(), pooled("other"))
    assured = json.loads(target_row(plan)["assured"])
    assert set(assured) == {"vix", "hour", "mom"}
    assert assured["vix"] == {"by": "user", "reason": "published before the bar closes"}
    assert pd.isna(target_row(plan, "other")["assured"])
    without_list = target_row(routed(pooled(assured=ASSURED)))
    assert set(json.loads(without_list["assured"])) == {"vix", "hour", "mom", "copy"}


def test_the_assurances_are_part_of_the_plan_and_of_its_hash() -> None:
    plans = [
        routed(pooled(features=FEATURES, assured=text), local())
        for text in (None, ASSURED, ASSURED.replace("published", "known"))
    ]
    assert len({plan.metadata.routing_plan_hash for plan in plans}) == 3
    back = parse_plan(b"".join(plan_json(plans[1])))
    assert target_row(back)["assured"] == target_row(plans[1])["assured"]
    assert back.metadata.routing_plan_hash == plans[1].metadata.routing_plan_hash


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"vix": "because"}', '{"vix": {"by": "a friend"}}', '{"vix": {"reason": "x"}}']
)
def test_an_assurance_that_cannot_be_read_quarantines_its_row(text: str) -> None:
    plan = routed(pooled(features=FEATURES, assured=text), local())
    assert list(plan.quarantine["reason"]) == ["assured is not a JSON object of feature to who stands for it"]
    assert pd.isna(target_row(plan)["assured"])


@pytest.mark.parametrize("symbol", [None, "A"])
def test_an_explanation_and_the_page_say_who_stands_for_what(symbol: str | None) -> None:
    plan = routed(pooled(features=FEATURES, assured=ASSURED), local())
    explained = explanation_text(explain(plan, "y", symbol))
    page = plan_markdown(plan, Output(), has_yaml=True)
    for line in (
        "vouched for by you: vix: published before the bar closes",
        "known in advance, as you say (calendar): hour",
        "proven by replay at 8 cuts to use earlier rows only: mom",
    ):
        assert f"Leakage is not doubted: {line}." in explained
        assert f"- {line}" in page
    bare = routed(pooled(), local())
    assert "not doubted" not in explanation_text(explain(bare, "y", symbol))
    assert "not doubted" not in plan_markdown(bare, Output(), has_yaml=True)
