"""For any candidates and any policy: a plan that every check accepts, or a typed error."""

import tempfile
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_makers import SETTINGS
from routing_makers import STAMP, candidates, inputs_of, panel_behind, policy, row

from foxml_assets.core.config_files import parse_config
from foxml_assets.core.errors import ConfigError
from foxml_assets.core.vocabulary import Route, SignalState, TaskType, TrainingType
from foxml_assets.planning.diff.changes import diff_plans
from foxml_assets.planning.jobs.builder import build_plan
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.store.writer import write_plan
from foxml_assets.planning.validate.plan_checks import Basis
from foxml_assets.planning.validate.validation import validate_plan
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.storage.layout import Layout

NAMES = st.sampled_from(["y", "Y", "y_A", "..", "BTC/USD", "CON", "", "a|b", " ", "\U0001f98a", "x" * 300])
SYMBOLS = st.none() | st.sampled_from(["A", "a", "A_y", "..", "BTC/USD", "NUL", "", "a|b", "\n"])
ODD = {
    "score": st.sampled_from([None, float("nan"), float("inf"), -1.0, 0.0, 0.5, 0.53, 0.57, 0.66, 1.0, 2.0]),
    "sample_size": st.sampled_from([None, -5, 0, 999, 1_000, 9_999, 10_000, 10**12]),
    "leakage_status": st.sampled_from(["SAFE", "SUSPECT", "BLOCKED", "UNKNOWN", "WHO_KNOWS", None]),
    "task_type": st.sampled_from(["classification", "regression", "clustering", None]),
    "score_metric": st.sampled_from(["auc", "ic", "r2", "accuracy", None]),
    "failed_families": st.sampled_from(["", "xgboost", "lightgbm|xgboost", "prophet", None]),
    "features": st.sampled_from([None, "{}", '{"a":"SAFE","b":"BLOCKED"}', '{"a":"SAFE"}', "not json"]),
    "horizon_minutes": st.sampled_from([None, 10.0, 7200.0, -1.0, float("inf")]),
}
ROWS = st.lists(
    st.builds(
        lambda target, symbol, state, odd: row(target, symbol, state) | odd,
        NAMES,
        SYMBOLS,
        st.sampled_from(["strong", "weak", "experimental", "none"]),
        st.fixed_dictionaries({}, optional=ODD),
    ),
    max_size=12,
)


def _some(
    words: type[Route] | type[TrainingType] | type[TaskType] | type[SignalState],
) -> st.SearchStrategy[object]:
    return st.lists(st.sampled_from([str(word) for word in words]), min_size=1, max_size=2)


RULES = st.lists(
    st.fixed_dictionaries(
        {"use": st.lists(st.sampled_from(["lightgbm", "xgboost", "ridge"]), min_size=1, max_size=2)},
        optional={
            "when": st.fixed_dictionaries(
                {},
                optional={
                    "route": _some(Route),
                    "training_type": _some(TrainingType),
                    "task_type": _some(TaskType),
                    "state": _some(SignalState),
                    "min_sample_size": st.integers(-1, 10_000),
                    "max_priority": st.integers(0, 101),
                },
            )
        },
    ),
    max_size=3,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS)
def test_any_candidates_give_a_plan_that_passes_every_check(rows: list[dict[str, object]]) -> None:
    routing = route(candidates(rows), policy(), stamp=STAMP)
    plan = build_plan(
        routing, policy(), data_hashes={}, training_hashes=SETTINGS, parent_plan_hash=None, stamp=STAMP
    )
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder) / "root")
        write_plan(plan, layout, history=1)
        assert [path.name for path in Path(folder).iterdir()] == ["root"]
        loaded = load_master_training_plan(layout.master_plan)
        panel = panel_behind(loaded, routing.pairs["symbol"].unique())
        validation = validate_plan(loaded, layout, Basis(routing, policy(), panel, inputs_of(loaded)))
    assert validation.passed, validation.markdown()
    assert not diff_plans(plan, loaded).has_changes


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES, st.dictionaries(st.sampled_from(["experimental", "symbol", "surprise"]), st.integers(-5, 105)))
def test_any_family_rules_are_obeyed_or_refused(rules: list[object], priorities: dict[str, int]) -> None:
    document = {"method": "thresholds", "fdr": {"enabled": False}, "families": rules, "priority": priorities}
    try:
        chosen = parse_config(
            yaml.safe_dump(document).encode(), RoutingPolicy, file=Path("routing_config.yaml")
        )
    except ConfigError:
        return
    rows = [row("y", None, "strong"), row("y", "A", "strong"), row("z", None, "none")]
    rows.append(row("z", "B", "experimental"))
    plan = build_plan(
        route(candidates(rows), chosen, stamp=STAMP),
        chosen,
        data_hashes={},
        training_hashes=SETTINGS,
        parent_plan_hash=None,
        stamp=STAMP,
    )
    assert len(plan.jobs) == 3
    assert all(job.model_families in {rule.use for rule in chosen.families} for job in plan.jobs)
