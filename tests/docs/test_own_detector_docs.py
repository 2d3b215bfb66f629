"""The docs' example of a leakage detector of one's own, installed as a package and asked by the evidence."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_docs import DOCS, blocks

from foxml_assets.core.config_files import parse_config
from foxml_assets.core.entry_points import forget_entry_points
from foxml_assets.core.errors import ConfigError, DetectorError
from foxml_assets.core.vocabulary import LeakageStatus
from foxml_assets.evidence.evaluate import evaluate_targets
from foxml_assets.evidence.evaluating.stale import stale_targets
from foxml_assets.evidence.evidence_files import read_evidence, read_findings
from foxml_assets.evidence.leakage.detector import find_detector
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.panel_info import PanelInfo
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout

SAFE, SUSPECT, BLOCKED = LeakageStatus.SAFE, LeakageStatus.SUSPECT, LeakageStatus.BLOCKED
OTHERS = """
DROP = LeakageDetector("drop", "1", lambda panel, label: [Suspicion("still", LeakageStatus.BLOCKED, "out")])
DOUBT = LeakageDetector("doubt", "1", lambda panel, label: [Suspicion("walk", LeakageStatus.SUSPECT, "who")])
HOLD = LeakageDetector(
    "hold", "1", lambda panel, label: [Suspicion("walk", LeakageStatus.BLOCKED, "not here", symbol="AAA")]
)
ODD = LeakageDetector("odd", "1", lambda panel, label: [Suspicion("wlak", LeakageStatus.SAFE, "", "ZZZ")])
"""


def example(language: str) -> str:
    """The docs' block in that language that speaks of the detector."""
    (text,) = (block.text for block in blocks(DOCS / "evidence.md", language) if "FILLED" in block.text)
    return text


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The detectors, as pip would leave them."""
    site = tmp_path / "site"
    metadata = site / "my_detectors-1.dist-info"
    metadata.mkdir(parents=True)
    (site / "my_detectors.py").write_text(example("python") + OTHERS)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-detectors\nVersion: 1\n")
    ((group, points),) = tomllib.loads(example("toml"))["project"]["entry-points"].items()
    points |= {name: f"my_detectors:{name.upper()}" for name in ("drop", "doubt", "hold", "odd")}
    lines = [f"{name} = {value}" for name, value in points.items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
    monkeypatch.syspath_prepend(site)
    forget_entry_points()
    find_detector.cache_clear()
    yield
    monkeypatch.undo()
    forget_entry_points()
    find_detector.cache_clear()


def settings(folder: Path, detectors: list[str]) -> DataConfig:
    leakage = {"detectors": detectors}
    panel = {"source": "parquet", "path": str(folder / "panel.parquet"), "targets": ["fwd_5d"]}
    evidence = {"n_folds": 2, "min_rows": 60, "families": ["ridge"], "leakage": leakage}
    text = json.dumps({"panel": panel, "evidence": evidence})
    return parse_config(text.encode(), DataConfig, file=Path("data_config.yaml"))


def panel_of(folder: Path) -> tuple[PanelInfo, Layout]:
    """Three symbols; in BBB the feature `still` stands still."""
    rng, parts = np.random.default_rng(2), []
    for symbol in ("AAA", "BBB", "CCC"):
        walk = rng.standard_normal((2, 400)).cumsum(axis=1)
        still = np.repeat(walk[1, ::4], 4) if symbol == "BBB" else walk[1]
        part = pd.DataFrame({"walk": walk[0], "still": still, "fwd_5d": rng.standard_normal(400)})
        parts.append(part.assign(symbol=symbol, timestamp=pd.bdate_range("2020-01-01", periods=400)))
    pd.concat(parts).to_parquet(folder / "panel.parquet")
    layout = Layout(folder / "root")
    return build_panel(settings(folder, []), layout), layout


def test_a_detector_of_another_package_is_asked_and_its_findings_count(
    installed: None, tmp_path: Path
) -> None:
    info, layout = panel_of(tmp_path)
    list(evaluate_targets(["fwd_5d"], info, settings(tmp_path, []), layout, lambda _: None))
    before = read_evidence(layout, "fwd_5d")
    assert stale_targets(info, settings(tmp_path, []), layout) == ()
    for detectors, statuses, left_out in (
        (["filled"], {None: SAFE, "AAA": SAFE, "BBB": SUSPECT, "CCC": SAFE}, {}),
        (["drop"], {None: SAFE, "AAA": SAFE, "BBB": SAFE, "CCC": SAFE}, {"still": BLOCKED}),
        (["doubt"], {None: SAFE, "AAA": SAFE, "BBB": SAFE, "CCC": SAFE}, {"walk": SUSPECT}),
        (["hold"], {None: SAFE, "AAA": BLOCKED, "BBB": SAFE, "CCC": SAFE}, {}),
    ):
        config = settings(tmp_path, detectors)
        assert stale_targets(info, config, layout) == ("fwd_5d",)
        list(evaluate_targets(["fwd_5d"], info, config, layout, lambda _: None))
        evidence = read_evidence(layout, "fwd_5d")
        assert {row.symbol: row.leakage_status for row in evidence.rows} == statuses
        assert {name: status for name, status in evidence.features.items() if status is not SAFE} == left_out
        (finding,) = read_findings(layout, "fwd_5d")
        assert finding.detector == detectors[0]
        if detectors == ["filled"]:
            assert finding.symbol == "BBB"
            assert finding.numbers == {"still": pytest.approx(0.75, abs=0.01)}
            assert "still stands still in 75% of the rows of BBB" in evidence.rows[2].leakage_reason
    list(evaluate_targets(["fwd_5d"], info, settings(tmp_path, []), layout, lambda _: None))
    assert read_evidence(layout, "fwd_5d") == before


def test_another_version_makes_the_evidence_stale(installed: None, tmp_path: Path) -> None:
    info, layout = panel_of(tmp_path)
    config = settings(tmp_path, ["filled"])
    list(evaluate_targets(["fwd_5d"], info, config, layout, lambda _: None))
    assert stale_targets(info, config, layout) == ()
    object.__setattr__(find_detector("filled"), "version", "2")
    assert stale_targets(info, config, layout) == ("fwd_5d",)


def test_a_wrong_answer_and_an_unknown_detector_are_named(installed: None, tmp_path: Path) -> None:
    info, layout = panel_of(tmp_path)
    with pytest.raises(DetectorError, match=r"(?s)odd is wrong.*'wlak'.*'ZZZ'.*must be BLOCKED or SUSPECT"):
        list(evaluate_targets(["fwd_5d"], info, settings(tmp_path, ["odd"]), layout, lambda _: None))
    with pytest.raises(
        ConfigError, match="no installed leakage detector; known: doubt, drop, filled, hold, odd"
    ):
        settings(tmp_path, ["fille"])
