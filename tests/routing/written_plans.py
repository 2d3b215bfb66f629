"""A routing plan with every kind of name and row, for the tests of its files."""

import pandas as pd
from candidate_rows import local, pooled, routed

from foxml_assets.routing.plan.routing_plan import RoutingPlan

HOSTILE = [
    "BTC/USD",
    "..",
    "CON",
    "x" * 300,
    "aapl",
    "AAPL",
    "😀",
    "a b",
    "<script>alert(1)</script>",
    "**bold**",
    "[link](http://e.vil)",
    "a`b",
    "$x$",
    "NA",
    "null",
    "1e5",
    "été",
    "東京",
    "=1+1",
    "'; drop",
    '"q"',
    "a\\b",
]


def hostile_plan() -> RoutingPlan:
    """Pairs of hostile names, a quarantined row, a duplicate, an empty target."""
    rows = [
        pooled(score=0.6, score_se=0.01, features='{"f":"SAFE","g":"SUSPECT"}', data_hash="d" * 64),
        pooled("z", score=9),
    ]
    rows += [local(name, score=0.5 + 0.005 * at, score_se=0.01) for at, name in enumerate(HOSTILE)]
    rows += [local("own", score=0.62, features='{"h":"SAFE"}'), local("bad|name"), local("dup"), local("dup")]
    return routed(*rows, universe={"z": ["A"], "empty": []})


def assert_same(one: RoutingPlan, other: RoutingPlan) -> None:
    """Both hold the same, down to the types of the columns."""
    assert one.metadata == other.metadata
    pd.testing.assert_frame_equal(one.targets, other.targets)
    pd.testing.assert_frame_equal(one.pairs, other.pairs)
    pd.testing.assert_frame_equal(one.quarantine, other.quarantine)
