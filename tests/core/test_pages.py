"""Whatever the values: every page is set well, and no value is markup."""

import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from routing_makers import grid, policy, routed, row

from foxml_assets.auditing.pages.audit_markdown import audit_markdown
from foxml_assets.auditing.routing_audit import Interval, RoutingAudit, Scheme, SchemeLine
from foxml_assets.core.markdown import escape, render
from foxml_assets.core.vocabulary import Route
from foxml_assets.planning.diff.change_causes import FieldChange
from foxml_assets.planning.diff.changes import PlanDiff
from foxml_assets.planning.diff.changes_report import diff_markdown
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.store.plan_pages import render_plan, render_summary
from foxml_assets.reporting.report import TrainingReport
from foxml_assets.reporting.report_markdown import report_markdown
from foxml_assets.routing.pages.plan_markdown import plan_markdown
from foxml_assets.routing.policy.routing_config import Output
from foxml_assets.training.models.manifest import ModelState

HOSTILE = "| a |\n\n# <script> [x](http://y) `code` **b**"
BLOCK = re.compile(
    r"""
      \#{1,3}\ .+             # a heading,
    | (\|.*\|\n)+\|.*\|       # a table,
    | (-\ .+\n)*-\ .+         # a list
    | [^\#|\-\s].*            # or a paragraph, on one line
    """,
    re.VERBOSE,
)
COUNT = st.integers(0, 10**9)


def ill_set(page: str) -> list[str]:
    """The blocks of `page` that are not one thing, whole, with one blank line around it."""
    assert page.endswith("\n")
    return [block for block in page.rstrip("\n").split("\n\n") if not _is_well_set(block)]


def _is_well_set(block: str) -> bool:
    bars = {len(re.findall(r"(?<!\\)\|", line)) for line in block.split("\n") if line.startswith("|")}
    return BLOCK.fullmatch(block) is not None and len(bars) <= 1


INTERVALS = st.builds(Interval, low=st.floats(), high=st.floats()) | st.builds(
    Interval, low=st.none(), high=st.none()
)
VALUES = st.none() | st.floats() | st.text() | st.lists(st.text(), max_size=8).map(tuple)
st.register_type_strategy(Interval, INTERVALS)
st.register_type_strategy(FieldChange, st.builds(FieldChange, old=VALUES, new=VALUES))


def line_of(scheme: Scheme) -> st.SearchStrategy[SchemeLine]:
    return st.builds(SchemeLine, scheme=st.just(scheme))


AUDITS = st.builds(
    RoutingAudit, schemes=st.tuples(*map(line_of, Scheme)), best_baseline=st.none(), pairs=COUNT
)
REPORTS = st.builds(
    TrainingReport,
    audit=st.none() | AUDITS,
    jobs_by_state=st.fixed_dictionaries(dict.fromkeys(ModelState, COUNT)),
    pairs_by_route=st.fixed_dictionaries(dict.fromkeys(Route, COUNT)),
)
# The first example that fails says enough, and to look for a smaller one takes minutes.
any_values = settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


@any_values
@given(st.from_type(MasterPlan))
def test_the_pages_of_any_plan_are_well_set(plan: MasterPlan) -> None:
    assert ill_set(render_plan(plan)) == []
    assert ill_set(render_summary(plan)) == []


@any_values
@given(st.from_type(PlanDiff))
def test_the_page_of_any_diff_is_well_set(diff: PlanDiff) -> None:
    assert ill_set(diff_markdown(diff)) == []


@any_values
@given(AUDITS)
def test_the_page_of_any_audit_is_well_set(audit: RoutingAudit) -> None:
    assert ill_set(audit_markdown(audit)) == []


@any_values
@given(REPORTS)
def test_any_report_is_well_set(report: TrainingReport) -> None:
    assert ill_set(report_markdown(report)) == []


@pytest.mark.parametrize("limit", [0, 1, 40])
def test_the_page_of_a_routing_plan_is_well_set(limit: int) -> None:
    rows = [one | {"target": f"{one['target']}{HOSTILE}"} for one in grid()]
    rows += [row("pooled alone", None, "strong"), row("broken", HOSTILE, "strong", score=7.0)]
    plan = routed(rows, policy())
    output = Output(markdown_max_targets=limit, markdown_max_symbols_per_target=limit)
    page = plan_markdown(plan, output, has_yaml=limit > 1)
    assert ill_set(page) == []
    assert [limit == 0 or f"### {escape(name)}" in page for name in plan.targets["target"].head(1)] == [True]


def test_a_value_is_never_markup_and_a_missing_one_is_an_error() -> None:
    import jinja2

    template = "planning/diff/training_plan_diff.md.j2"
    values = {"diff": {"old_plan_hash": None, "new_plan_hash": HOSTILE}, "headline": HOSTILE}
    tables = {"inputs": [], "header": (), "jobs": [], "most_jobs": 1}
    assert HOSTILE not in render(template, **values, **tables)
    with pytest.raises(jinja2.UndefinedError, match="inputs"):
        render(template, **values)
