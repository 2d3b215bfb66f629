"""The README's way to a panel of one's own, walked with real fits; and what it says is then on disk."""

import json
import os
import re
import shutil
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pandas as pd
import pytest
from forked import run_command
from markdown_docs import DOCS, README, REPOSITORY, blocks, commands, text_of

from foxml_assets.auditing.routing_audit import RoutingAudit

_BARS, _SYMBOLS = 700, ("AAA", "BBB")


def write_panel(folder: Path) -> None:
    """Daily bars, a file per symbol, with the columns that the README names.

    The breakout follows the signal everywhere, the return against it on one symbol, so that both types of
    model are worth training.
    """
    rng = np.random.default_rng(0)
    for symbol in _SYMBOLS:
        signal = pd.Series(rng.standard_normal(_BARS)).ewm(halflife=10).mean().to_numpy()
        label = 8.0 * signal + rng.standard_normal(_BARS)
        label[-5:] = np.nan
        frame = pd.DataFrame(
            {
                "timestamp": pd.date_range("2020-01-01", periods=_BARS, freq="D"),
                "close": 100.0 + rng.standard_normal(_BARS).cumsum(),
                "volume": rng.integers(1, 1_000, _BARS),
                "signal": signal,
                "noise": rng.standard_normal(_BARS),
                "fwd_ret_5d": label if symbol == "AAA" else -label,
                "y_breakout": np.where(np.isnan(label), np.nan, label > 0.5),
            }
        )
        place = folder / f"symbol={symbol}"
        place.mkdir(parents=True)
        frame.to_parquet(place / "part.parquet", index=False)


def own_config() -> str:
    """The README's `data_config.yaml`."""
    return next(block.text for block in blocks(README, "yaml") if "source: parquet" in block.text)


def follow_readme(folder: Path, *more: str) -> tuple[Path, str]:
    """Run the README's command for an own panel in `folder`; returns the root and what was printed."""
    arguments = next(words for words in commands(README, "foxml") if "my_config" in words)
    return folder / "my_output", foxml(folder, *arguments, *more)


def foxml(folder: Path, *arguments: str) -> str:
    """Run the command line in `folder`; returns what was printed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FOXML_", "DAGSTER_"))}
    result = run_command(arguments, environment, folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a panel and a config made as the README says."""
    folder = tmp_path_factory.mktemp("own")
    write_panel(folder / "data" / "panel")
    shutil.copytree(REPOSITORY / "config", folder / "my_config")
    # As the README asks for `foxml predict --oof`.
    kept = "evidence: {keep_predictions: true}\n"
    assert f"`{kept.strip()}`" in text_of(README)
    (folder / "my_config" / "data_config.yaml").write_text(own_config() + kept, encoding="utf-8")
    return folder


def documented_files() -> list[str]:
    """Every path of the README's tree below the root, as a glob."""
    tree = next(block.text for block in blocks(README, "text") if "├──" in block.text)
    open_folders: list[str] = []
    found: list[str] = []
    for line in tree.splitlines()[1:]:
        name_at = re.search(r"[^│├└─ ]", line)
        assert name_at is not None
        depth = name_at.start() // 4 - 1
        first, *others = re.split(r" {2,}", line[name_at.start() :])[0].split(" ")
        names = [first, *(first.partition(".")[0] + name if name[0] == "." else name for name in others)]
        open_folders = [*open_folders[:depth], first]
        above = "".join(open_folders[:-1])
        found += [re.sub(r"<\w+>", "*", above + name) for name in names]
    return found


def documented_columns(one: str) -> list[str]:
    """The columns of the table of docs/formats.md that has a column `one`."""
    text = text_of(DOCS / "formats.md")
    tables = [part for part in text.split("\n\n") if f"\n| `{one}` |" in part]
    assert len(tables) == 1
    return re.findall(r"^\| `(\w+)` \|", tables[0], re.MULTILINE)


def test_an_own_panel_takes_at_most_15_lines() -> None:
    assert len(own_config().splitlines()) <= 15


@pytest.mark.xdist_group("own_data")
def test_the_readme_leads_from_an_own_panel_to_its_evidence(folder: Path) -> None:
    root, _ = follow_readme(folder, "--until", "evidence")
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


@pytest.mark.xdist_group("own_data")
def test_every_file_and_title_that_the_readme_shows_is_there_after_a_run(folder: Path) -> None:
    policy = folder / "my_config" / "routing_config.yaml"
    policy.write_text(policy.read_text().replace("profile: production", "profile: development"))
    root, printed = follow_readme(folder)
    audited = foxml(
        folder, "audit", "--baselines", "--format", "json", "--config-dir", "my_config", "--root", "my_output"
    )
    jsonschema.validate(json.loads(audited), msgspec.json.schema(RoutingAudit))
    for words in commands(README, "foxml"):
        if words[:1] == ["predict"] and "my_config" in words:
            foxml(folder, *words)
    predicted, held = pd.read_parquet(folder / "today.parquet"), pd.read_csv(folder / "holdout.csv")
    assert list(predicted) == list(held) == documented_columns("prediction")
    assert 0 < len(held) < len(predicted)
    before = pd.read_csv(folder / "before.csv")
    assert list(before) == list(held)
    assert before["timestamp"].max() < held["timestamp"].min()
    assert before["models"].str.startswith("screen:").all()
    documented = documented_files()
    assert len(documented) > 20
    # No model has left the plan, which is the first.
    assert [path for path in documented if not list(root.glob(path))] == ["MODELS/retired/"]
    shown = next(block.text for block in blocks(README, "text") if "Pairs by route" in block.text)
    titles = [" ".join(line.split()) for line in shown.splitlines() if re.fullmatch(r"[A-Za-z, -]+", line)]
    assert len(titles) == 4
    assert [title for title in titles if title not in " ".join(printed.split())] == []
