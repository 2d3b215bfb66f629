"""The README's way to a panel of one's own, walked with real fits."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from markdown_docs import README, REPOSITORY, blocks, commands

_BARS, _SYMBOLS = 700, ("AAA", "BBB")


def write_panel(folder: Path) -> None:
    """Daily bars, a file per symbol, with the columns that the README names."""
    rng = np.random.default_rng(0)
    for symbol in _SYMBOLS:
        signal = pd.Series(rng.standard_normal(_BARS)).ewm(halflife=10).mean().to_numpy()
        label = 3.0 * signal + rng.standard_normal(_BARS)
        label[-5:] = np.nan
        frame = pd.DataFrame(
            {
                "timestamp": pd.date_range("2020-01-01", periods=_BARS, freq="D"),
                "close": 100.0 + rng.standard_normal(_BARS).cumsum(),
                "volume": rng.integers(1, 1_000, _BARS),
                "signal": signal,
                "noise": rng.standard_normal(_BARS),
                "fwd_ret_5d": label,
                "y_breakout": np.where(np.isnan(label), np.nan, label > 0.5),
            }
        )
        place = folder / f"symbol={symbol}"
        place.mkdir(parents=True)
        frame.to_parquet(place / "part.parquet", index=False)


def own_config() -> str:
    """The README's `data_config.yaml`."""
    return next(block.text for block in blocks(README, "yaml") if "source: parquet" in block.text)


def test_an_own_panel_takes_at_most_15_lines() -> None:
    assert len(own_config().splitlines()) <= 15


def test_the_readme_leads_from_an_own_panel_to_its_evidence(tmp_path: Path) -> None:
    write_panel(tmp_path / "data" / "panel")
    shutil.copytree(REPOSITORY / "config", tmp_path / "my_config")
    (tmp_path / "my_config" / "data_config.yaml").write_text(own_config(), encoding="utf-8")
    arguments = next(words for words in commands(README, "foxml") if "my_config" in words)
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "from foxml_assets.cli import main; main()",
            *arguments,
            "--until",
            "evidence",
        ],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if not k.startswith(("FOXML_", "DAGSTER_"))},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    root = tmp_path / "my_output"
    panel = json.loads((root / "DATA" / "panel.json").read_bytes())
    assert panel["features"] == ["noise", "signal"]
    assert panel["symbols"] == list(_SYMBOLS)
    assert {target["name"]: target["horizon_bars"] for target in panel["targets"]} == {
        "fwd_ret_5d": 5,
        "y_breakout": 5,
    }
    for target, metric in (("fwd_ret_5d", "ic"), ("y_breakout", "auc")):
        evidence = json.loads(
            (root / "METRICS" / "feature_selections" / target / "evidence.json").read_bytes()
        )
        assert evidence["score_metric"] == metric
        assert [row["symbol"] for row in evidence["rows"]] == [None, *_SYMBOLS]
        assert all(row["score"]["value"] is not None for row in evidence["rows"])
