"""The lag profile of every finding: as numbers, in words and as a picture."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_panels import Run, ahead, as_class, evaluate, panel_frame

from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.evidence_files import read_findings, read_importances
from foxml_assets.evidence.leakage.findings import Detector, Finding
from foxml_assets.evidence.pages import MOST_PROFILES, evidence_page, leading_findings
from foxml_assets.evidence.profile_picture import MOST_PANELS, profile_picture

HORIZON, BARS = 10, 600
LAGS = (-20, -10, -5, -1, 0, 1, 5, 10, 20)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Overlapping labels beside a noisy copy, a window centred on its row, and honest features."""
    rng = np.random.default_rng(0)
    returns = rng.standard_normal((4, BARS + 100))
    total = pd.DataFrame(returns.T).rolling(HORIZON).sum().to_numpy().T
    label, past = ahead(total, HORIZON)[:, 50:-50], total[:, 50:-50]
    columns = {
        "copy": label + 0.5 * rng.standard_normal(label.shape),
        "centred": ahead(total, HORIZON // 2)[:, 50:-50],
        "past": past,
        "move": np.abs(returns[:, 50:-50]),
    }
    targets = {"fwd_ret_10d": label, "y_up_10d": as_class(label), "y_fair_10d": as_class(past)}
    return evaluate(
        tmp_path_factory.mktemp("profiles"), panel_frame(columns | targets), targets=list(targets)
    )


def finding(run: Run, target: str, feature: str, symbol: str | None = None) -> Finding:
    found = read_findings(run.layout, target)
    return next(one for one in found if (one.feature, one.symbol) == (feature, symbol))


# What `copy` copies is the return, which remembers more of itself than its sign does.
@pytest.mark.parametrize(("target", "near"), [("fwd_ret_10d", 0.05), ("y_up_10d", 0.25)])
def test_a_copy_fades_on_both_sides_as_the_label_does(run: Run, target: str, near: float) -> None:
    profile = finding(run, target, "copy").profile
    assert tuple(point.lag for point in profile) == LAGS
    by_lag = {point.lag: point for point in profile}
    assert by_lag[0].skill == by_lag[0].copy == pytest.approx(finding(run, target, "copy").skill, abs=1e-5)
    assert by_lag[1].skill > by_lag[5].skill > by_lag[20].skill
    for point in profile:
        assert point.skill == pytest.approx(point.copy, abs=near)


def test_what_looks_ahead_is_best_before_its_own_row(run: Run) -> None:
    profile = finding(run, "fwd_ret_10d", "centred").profile
    best = max(profile, key=lambda point: point.skill)
    assert best.lag == -HORIZON // 2
    assert best.skill > best.copy + 0.3
    by_lag = {point.lag: point for point in profile}
    assert by_lag[5].skill < by_lag[5].copy - 0.1


def test_a_symbols_profile_is_of_its_own_rows(run: Run) -> None:
    one = finding(run, "fwd_ret_10d", "copy", "S001")
    frame = pd.read_parquet(run.layout.panel)
    own = frame[frame["symbol"] == "S001"].reset_index(drop=True)
    # The last test window ends a purge of 16 bars before the hold-out, and with it the labels.
    known = own["timestamp"].isin(own["timestamp"][: int(BARS * 0.85) - 16])
    label = own["fwd_ret_10d"].where(known)
    for point in one.profile:
        direct = own["copy"].shift(point.lag).corr(label, method="spearman")
        assert point.skill == pytest.approx(direct, abs=0.02), point.lag


def test_targets_without_findings_have_no_profile(run: Run) -> None:
    page = evidence_page(run.evidence["y_fair_10d"], (), read_importances(run.layout, "y_fair_10d"))
    assert page.profiles == ""
    assert page.verdict.startswith("No leak found. Pooled model: auc ")


def test_what_surely_looks_ahead_is_found_where_it_is_of_no_use_too(run: Run) -> None:
    found = {(one.feature, one.detector) for one in read_findings(run.layout, "y_fair_10d")}
    assert found == {("centred", "look_ahead"), ("copy", "look_ahead")}


def test_the_page_leads_with_the_worst_leak_and_its_profile(run: Run) -> None:
    found = read_findings(run.layout, "fwd_ret_10d")
    page = evidence_page(run.evidence["fwd_ret_10d"], found, read_importances(run.layout, "fwd_ret_10d"))
    leading = leading_findings(found)
    assert page.verdict.startswith(f"{leading[0].reason} (and 1 more). Pooled model: ic ")
    assert "findings of these features on single symbols are not shown" in page.leakage
    rows = page.profiles.splitlines()
    assert rows[0] == f"| rows earlier | {' | '.join(map(str, LAGS))} |"
    assert [row.split(" | ")[0] for row in rows[2:4]] == [f"| {leading[0].feature}", "| a copy of the label"]
    assert len(page.profiles) < 1_000


def test_long_lists_are_cut_to_what_the_web_page_shows_in_place(run: Run) -> None:
    one = finding(run, "fwd_ret_10d", "copy")
    many = [replace(one, feature=f"a_rather_long_name_of_a_feature_{at:02d}") for at in range(30)]
    evidence, importances = run.evidence["fwd_ret_10d"], read_importances(run.layout, "fwd_ret_10d")
    page = evidence_page(evidence, many, importances)
    assert len(page.profiles.splitlines()) == 2 + 2 * MOST_PROFILES
    assert len(page.profiles) < 1_000
    assert profile_picture(many) == profile_picture(many[:MOST_PANELS])
    assert profile_picture(many) != profile_picture(many[: MOST_PANELS - 1])


def test_the_docs_say_what_a_finding_holds() -> None:
    docs = Path(__file__).parents[2] / "docs"
    for name in ("evidence.md", "formats.md"):
        text = (docs / name).read_text(encoding="utf-8")
        assert {f"`{word}`" for word in ("profile", "lag", "copy")} <= set(re.findall(r"`\w+`", text)), name


def test_the_picture_is_the_same_each_time_and_shows_the_curve(run: Run) -> None:
    found = leading_findings(read_findings(run.layout, "fwd_ret_10d"))
    assert profile_picture(found) == profile_picture(found)
    assert profile_picture(found[:1]) != profile_picture(found[1:2])


@pytest.mark.parametrize("name", ["$x^$", "日本", "a\nb", "x" * 300])
def test_odd_names_and_unknown_points_draw_without_failing(run: Run, name: str) -> None:
    from matplotlib.image import imread

    one = finding(run, "fwd_ret_10d", "copy")
    holes = tuple(replace(point, skill=None, copy=None) for point in one.profile)
    odd = replace(one, feature=name, symbol=name, profile=holes)
    assert imread(io.BytesIO(profile_picture([odd])), format="png").size > 0
    bare = Finding(None, name, Detector.NEWS, LeakageStatus.SUSPECT, 0.1, None, None, None, None, "why")
    assert imread(io.BytesIO(profile_picture([bare])), format="png").size > 0
