"""The builder that evidence.md shows, registered as it says and run by the command line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_docs import DOCS, REPOSITORY, blocks
from test_own_data_docs import foxml

PAGE = DOCS / "evidence.md"


def write_raw_bars(path: Path) -> pd.DataFrame:
    """Daily closes of four symbols that drift slowly, so that past returns tell something of the next."""
    rng = np.random.default_rng(0)
    parts = []
    for symbol in ("AAA", "BBB", "CCC", "DDD"):
        drift = pd.Series(rng.standard_normal(700)).ewm(halflife=15).mean().to_numpy()
        close = 100.0 * np.exp(np.cumsum(0.1 * drift + 0.01 * rng.standard_normal(700)))
        days = pd.date_range("2020-01-01", periods=700, freq="D")
        parts.append(pd.DataFrame({"timestamp": days, "symbol": symbol, "close": close}))
    bars = pd.concat(parts, ignore_index=True)
    path.parent.mkdir(parents=True)
    bars.to_parquet(path, index=False)
    return bars


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with the page's package and config, and the panel that the function makes."""
    code = next(block.text for block in blocks(PAGE, "python"))
    package = tmp_path / "my_research"
    package.mkdir()
    (package / "features.py").write_text(code, encoding="utf-8")
    bars = write_raw_bars(tmp_path / "data" / "raw_bars.parquet")
    scope: dict[str, object] = {}
    exec((package / "features.py").read_text(encoding="utf-8"), scope)  # noqa: S102
    panel = scope["build"](bars.copy())  # type: ignore[operator]
    close = bars.groupby("symbol")["close"]
    panel["fwd_ret_5d"] = close.shift(-5) / bars["close"] - 1.0
    panel["weekday"] = bars["timestamp"].dt.day_of_week
    panel["vix"] = np.random.default_rng(1).standard_normal(len(panel))
    panel.to_parquet(tmp_path / "data" / "panel.parquet", index=False)
    shutil.copytree(REPOSITORY / "config", tmp_path / "my_config")
    leakage = "calendar: weekday, known_safe: {vix: published before the bar closes}"
    evidence = f"evidence: {{families: [ridge], n_folds: 3, leakage: {{{leakage}}}}}\n"
    example = next(block.text for block in blocks(PAGE, "yaml"))
    (tmp_path / "my_config" / "data_config.yaml").write_text(example + evidence, encoding="utf-8")
    policy = tmp_path / "my_config" / "routing_config.yaml"
    policy.write_text(policy.read_text().replace("profile: production", "profile: development"))
    return tmp_path


def test_the_builder_on_the_page_is_proven_and_the_plans_and_explanations_say_so(folder: Path) -> None:
    places = ("--config-dir", "my_config", "--root", "my_output")
    printed = " ".join(foxml(folder, "run", "--until", "plan", *places).split())
    assert "replay of my_research.features:build, 1 of 10: rows up to 2020-" in printed
    assert "replay: 2 of 2 features built are proven functions of the past" in printed
    expected = {
        "mean_20d": {"by": "replay", "cuts": 8},
        "ret_1d": {"by": "replay", "cuts": 8},
        "vix": {"by": "user", "reason": "published before the bar closes"},
        "weekday": {"by": "calendar"},
    }
    metrics = folder / "my_output" / "METRICS"
    plan = json.loads((metrics / "training_plan" / "master_training_plan.json").read_bytes())
    assert plan["metadata"]["assured"] == {"fwd_ret_5d": expected}
    told = " ".join(foxml(folder, "explain", "fwd_ret_5d", *places).split())
    assert "vouched for by you: vix: published before the bar closes." in told
    assert "known in advance, as you say (calendar): weekday." in told
    assert "proven by replay at 8 cuts to use earlier rows only: mean_20d, ret_1d." in told
