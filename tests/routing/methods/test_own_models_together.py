"""Own models of a target that have skill in their mean, though none shows it alone."""

import numpy as np
import pytest
from candidate_rows import STAMP, explanation_text, local, pair, pooled, table, target_row

from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.explanation import explain
from foxml_assets.routing.pages.plan_markdown import plan_markdown
from foxml_assets.routing.plan.routing_plan import RoutingPlan
from foxml_assets.routing.policy.routing_config import Output, RoutingPolicy

METHODS = ("shrinkage", "thresholds")
BLOCKED, SYMBOL = "ROUTE_BLOCKED", "ROUTE_SYMBOL_SPECIFIC"


def own_rows(target: str, mean: float, n: int = 40, **values: object) -> list[dict[str, object]]:
    """Own models of AUC `mean`, each known to 0.04, and a pooled one that has learned nothing."""
    rng = np.random.default_rng(4)
    scores = mean + 0.025 * rng.standard_normal(n)
    return [
        local(f"S{at:02d}", target, score=score, score_se=0.04, cs_score=0.5, cs_score_se=0.02, **values)
        for at, score in enumerate(scores.tolist())
    ]


def plan_of(*rows: dict[str, object], **settings: object) -> RoutingPlan:
    return route(table(*rows), RoutingPolicy.model_validate(settings), stamp=STAMP)


def opposite(mean_se: float | None = 0.007, **values: object) -> list[dict[str, object]]:
    """A target whose symbols all have coefficients of their own, and one of noise."""
    return [
        pooled("own", score=0.5, score_se=0.01, local_score=0.57, local_score_se=mean_se),
        *own_rows("own", 0.57, **values),
        pooled("noise", score=0.5, score_se=0.01, local_score=0.501, local_score_se=0.007),
        *own_rows("noise", 0.50),
    ]


@pytest.mark.parametrize("method", METHODS)
def test_models_that_are_found_together_need_not_be_found_alone(method: str) -> None:
    plan = plan_of(*opposite(), method=method)
    pairs = plan.pairs
    own = pairs[pairs["target"] == "own"]
    assert set(own["local_error_control"]) == {"together"}
    assert (own["route"] == SYMBOL).mean() > 0.6
    assert (own["local_probability"] >= 0.7).all()
    # By their mean, of which each is told as well as by its own score.
    assert own["local_skill"].std() < 0.5 * 2 * own["local_score"].std()
    noise = pairs[pairs["target"] == "noise"]
    assert set(noise["route"]) == {BLOCKED}
    assert noise["local_probability"].isna().all()
    assert (plan.metadata.symbol.together, plan.metadata.symbol.discovered) == (40, 0)
    # The bound is of rows that pass by themselves.
    assert plan.metadata.symbol.expected_false < 0.1


@pytest.mark.parametrize("method", METHODS)
def test_without_the_rate_each_is_found_by_itself(method: str) -> None:
    for settings in ({"q_together": None}, {"over": "history"}):
        plan = plan_of(*opposite(), method=method, fdr=settings)
        assert set(plan.pairs["route"]) == {BLOCKED}
        assert set(plan.pairs["local_error_control"]) == {"rejected"}
        assert plan.metadata.policy.fdr_q_together is None
        assert plan.targets["local_threshold"].isna().all()


def test_the_mean_is_tested_over_all_targets_at_the_rate() -> None:
    # Four errors above chance, p = 0.00003: a discovery among a few targets, none among ten.
    errors = {"score": 0.5, "score_se": 0.01, "local_score_se": 0.01}
    few = [pooled("own", **errors, local_score=0.54), *own_rows("own", 0.57)]
    others = [pooled(f"t{at}", **errors, local_score=0.5) for at in range(9)]
    assert target_row(plan_of(*few), "own")["local_threshold"] < 0.54
    assert set(plan_of(*few).pairs["local_error_control"]) == {"together"}
    many = plan_of(*few, *others)
    assert target_row(many, "own")["local_threshold"] > 0.54
    assert set(many.pairs["local_error_control"]) == {"rejected"}
    assert set(plan_of(*few, *others, fdr={"q_together": 0.05}).pairs["local_error_control"]) == {"together"}


def test_a_mean_above_chance_confirms_the_pooled_row() -> None:
    # One-sided p = 0.02 of the pooled row; of the mean 0.001, which is enough for that and no more.
    weak = {"score": 0.541, "score_se": 0.02, "local_score_se": 0.01}
    rows = [pooled("own", **weak, local_score=0.53), pooled("none", **weak, local_score=0.51)]
    plan = plan_of(*rows, *own_rows("own", 0.53), *own_rows("none", 0.51))
    assert target_row(plan, "own")["cs_error_control"] == "discovered"
    assert target_row(plan, "own")["cs_fdr_q"] == 0.05
    assert target_row(plan, "none")["cs_error_control"] == "rejected"
    assert set(plan.pairs["local_error_control"]) == {"rejected"}


def test_what_is_gone_from_the_pooled_model_is_found_in_no_own_ones() -> None:
    rows = opposite()
    gone = {"earlier_score": 0.6, "earlier_score_se": 0.01, "recent_score": 0.5, "recent_score_se": 0.01}
    plan = plan_of({**rows[0], **gone}, *rows[1:])
    assert target_row(plan, "own")["cs_stability"] == "DIVERGED"
    assert np.isnan(target_row(plan, "own")["local_threshold"])
    assert set(plan.pairs["route"]) == {BLOCKED}


def test_what_own_models_have_lost_in_their_mean_is_not_found() -> None:
    faded = {"earlier_score": 0.59, "earlier_score_se": 0.05, "recent_score": 0.503, "recent_score_se": 0.05}
    plan = plan_of(*opposite(**faded))
    # None of them alone shows that it has faded.
    assert set(plan.pairs[plan.pairs["target"] == "own"]["local_stability"]) == {"STABLE"}
    assert np.isnan(target_row(plan, "own")["local_threshold"])
    assert set(plan.pairs["route"]) == {BLOCKED}
    told = explanation_text(explain(plan, "own"))
    assert "Own models are not tested together, as skill is gone in the recent folds" in told
    lasting = plan_of(*opposite(**faded | {"recent_score": 0.51}))
    assert set(lasting.pairs[lasting.pairs["target"] == "own"]["local_error_control"]) == {"together"}


def test_a_symbol_without_a_part_in_it_is_left_out() -> None:
    rows = opposite()
    rows.append(local("none", "own", score=0.44, score_se=0.02, cs_score=0.5, cs_score_se=0.02))
    plan = plan_of(*rows)
    found = pair(plan, "none", "own")
    assert (found["route"], found["local_error_control"]) == (BLOCKED, "rejected")
    assert found["local_probability"] < 0.05
    told = explanation_text(explain(plan, "own", "none"))
    assert "min_probability 0.7, as own models are found together; it is 0.00" in told


@pytest.mark.parametrize(
    "values",
    [{"leakage_status": "SUSPECT"}, {"leakage_status": "BLOCKED"}, {"sample_size": 10}],
    ids=["suspect", "blocked", "short"],
)
def test_what_may_not_be_trained_is_not_found_by_the_others(values: dict[str, object]) -> None:
    plan = plan_of(*opposite(**values), enable_experimental_lane=False)
    assert set(plan.pairs["route"]) == {BLOCKED}


def test_a_mean_without_an_error_tells_nothing() -> None:
    plan = plan_of(*opposite(mean_se=None))
    assert set(plan.pairs["route"]) == {BLOCKED}
    assert np.isnan(target_row(plan, "own")["local_threshold"])


def test_what_is_said_of_a_target_a_pair_and_the_plan() -> None:
    plan = plan_of(*opposite())
    target = explanation_text(explain(plan, "own"))
    assert "Own models are found together: their mean score is 0.5700 (standard error 0.0070)" in target
    assert "(fdr.q_together 0.0001) is asked" in target
    assert "Own models are not found together" in explanation_text(explain(plan, "noise"))
    one = explain(plan, "own", "S00")
    assert "own models are found together; it is" in one.sides[1].decided
    page = plan_markdown(plan, Output(), has_yaml=True)
    assert "0.0001 for a target's own models together" in page
    assert "40 more pass, beside that bound, where the own models of their target are found together" in page


def test_a_mean_that_cannot_be_true_sets_its_row_aside() -> None:
    for wrong in ({"local_score": 1.2}, {"local_score": 0.6, "local_score_se": -0.1}):
        plan = plan_of(pooled(score=0.6, score_se=0.01, **wrong), local(score=0.6, score_se=0.01))
        assert "local_score is out of range" in target_row(plan)["quarantine_reason"]
