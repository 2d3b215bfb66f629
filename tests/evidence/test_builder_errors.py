"""Builders that cannot be replayed: each is refused by name, with what is wrong and what to do."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from built_panels import TARGET, Research, research
from evidence_panels import config_of, run

from foxml_assets.core.errors import BuilderError, ConfigError, FoxmlError, PanelError
from foxml_assets.evidence.evaluating.stale import stale_targets
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.storage.layout import Layout

HONEST = """
def build(bars):
    return bars[KEYS].assign(ret_1=bars.groupby("symbol")["close"].pct_change())
"""


@pytest.fixture
def made(tmp_path: Path) -> Research:
    return research(tmp_path, HONEST)


def refused(made: Research, error: type[FoxmlError] = BuilderError, **builder: object) -> str:
    """The error of an evaluation: it names the function, and nothing is written."""
    with pytest.raises(error) as caught:
        made.run(**builder)
    assert not (made.folder / "out" / "METRICS").exists()
    assert caught.value.fix
    return str(caught.value)


BROKEN: dict[str, tuple[str, list[str]]] = {
    "raises": (
        "def build(bars):\n    return bars[KEYS].assign(ret_1=bars['clsoe'])\n",
        ["raises an error", "KeyError in features.py, line 7", "clsoe"],
    ),
    "no frame": ("def build(bars):\n    return bars['close']\n", ["is no pandas.DataFrame", "'Series'"]),
    "no keys": (
        "def build(bars):\n    return bars.assign(ret_1=1.0)[['timestamp', 'ret_1']]\n",
        ["column symbol: is missing"],
    ),
    "keys in the index": (
        "def build(bars):\n    return bars.set_index(KEYS)\n",
        ["column timestamp: is missing", "column symbol: is missing"],
    ),
    "empty keys": (
        "def build(bars):\n    return bars[KEYS].assign(symbol=None, ret_1=1.0)\n",
        ["column symbol: has empty values"],
    ),
    "text times": (
        "def build(bars):\n    return bars[KEYS].assign(timestamp='2020-01-01', ret_1=1.0)\n",
        ["column timestamp: is not a timestamp"],
    ),
    "another time zone": (
        "def build(bars):\n    t = bars['timestamp'].dt.tz_localize('UTC')\n"
        "    return bars[['symbol']].assign(timestamp=t, ret_1=1.0)\n",
        ["column timestamp: has a time zone, and the panel none"],
    ),
    "rows twice": (
        "def build(bars):\n    return pd.concat([bars, bars])[KEYS].assign(ret_1=1.0)\n",
        ["rows: stand twice for a time and symbol (found '2020-01-01 00:00:00, S000')"],
    ),
    "columns twice": (
        "def build(bars):\n    return pd.concat([bars[KEYS], bars[['close', 'close']]], axis=1)\n",
        ["column close: stands there twice"],
    ),
    "text": (
        "def build(bars):\n    return bars[KEYS].assign(ret_1='up')\n",
        ["column ret_1: is not numeric"],
    ),
    "no feature": (
        "def build(bars):\n    return bars[KEYS].assign(return_1=1.0)\n",
        ["returns no feature of the panel, only timestamp, symbol, return_1"],
    ),
    "random": (
        "def build(bars):\n    noise = np.random.default_rng().standard_normal(len(bars))\n"
        "    return bars[KEYS].assign(ret_1=noise)\n",
        ["is impure: of the same rows it makes another ret_1 the second time"],
    ),
    "counts its calls": (
        "calls = []\n\ndef build(bars):\n    calls.append(1)\n"
        "    return bars[KEYS].assign(ret_1=float(len(calls)))\n",
        ["is impure"],
    ),
    "other values": (
        HONEST.replace("ret_1=", "ret_1=1.01 * "),
        [
            "does not make what the panel holds",
            "ret_1: differs in 1,100 of 1,104 rows; at 2020-01-02",
        ],
    ),
    "its own file": (
        "def build(bars):\n    bars = pd.read_parquet('bars.parquet')\n"
        "    return bars[KEYS].assign(ret_1=bars.groupby('symbol')['close'].pct_change())\n",
        ["returns rows up to 2020-12-25 00:00:00 when it is given those up to", "from nothing else"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_builder_that_does_not_do_its_work_is_refused(made: Research, case: str) -> None:
    body, parts = BROKEN[case]
    made.write_code(body)
    told = refused(made)
    for part in (f"the feature builder {made.name}.features:build", *parts):
        assert part in told


def test_what_a_builder_keeps_of_the_future_does_not_help_it(made: Research) -> None:
    body = """
scale = []

def build(bars):
    ret = bars.groupby("symbol")["close"].pct_change()
    if not scale:
        scale.append(ret.std())
    return bars[KEYS].assign(ret_1=ret / scale[0])
"""
    made.write_code(body)
    made.write_panel()
    assert "does not make what the panel holds" in refused(made)


def test_a_builder_may_change_the_frame_that_it_is_given(made: Research) -> None:
    body = """
def build(bars):
    bars["ret_1"] = bars.groupby("symbol")["close"].pct_change()
    bars["close"] = 0.0
    return bars[[*KEYS, "ret_1"]]
"""
    made.write_code(body)
    assert set(made.run().evidence[TARGET].assured) == {"ret_1"}


def test_rows_that_the_builder_does_not_make_are_other_values_than_the_panels(made: Research) -> None:
    made.write_code(HONEST.replace("bars[KEYS]", "bars[bars['symbol'] != 'S001'][KEYS]"))
    told = refused(made)
    assert "on S001 the builder makes no value, the panel holds" in told


@pytest.mark.parametrize(
    ("function", "part"),
    [
        ("research_nowhere.features:build", "ModuleNotFoundError"),
        ("research_nowhere:build", "module research_nowhere: cannot be found"),
        ("{}.features:biuld", "is not in its module"),
        ("{}.features:KEYS", "is no function"),
        ("sys:getsizeof", "has no source file: give the builder a `version`"),
    ],
)
def test_a_function_that_is_not_there_is_refused(made: Research, function: str, part: str) -> None:
    function = function.format(made.name)
    told = refused(made, function=function)
    assert function in told
    assert part in told
    assert "in the folder that holds the package" in told


@pytest.mark.parametrize(
    ("body", "part"), [("def build(bars)\n", "SyntaxError"), ("raise OSError('no licence')", "no licence")]
)
def test_a_module_that_fails_when_it_is_imported_is_refused(made: Research, body: str, part: str) -> None:
    made.write_code(body)
    told = refused(made)
    assert "cannot be imported" in told
    assert part in told


@pytest.mark.parametrize("function", ["build", "my research:build", "my_research.features", "a:b.c", "a:"])
def test_a_function_is_named_by_module_and_name(made: Research, function: str) -> None:
    with pytest.raises(ConfigError, match=r"panel\.builders\.0\.function"):
        made.config(function=function)


def test_two_builders_of_the_same_feature_are_refused(made: Research) -> None:
    registered = [{"function": f"{made.name}.features:build", "source": "bars.parquet"} for _ in range(2)]
    config = config_of(Path("panel.parquet"), exclude_features=["close"], builders=registered)
    with made.here(), pytest.raises(BuilderError, match="two feature builders make the same feature"):
        run(made.folder / "out", config, TARGET)


@pytest.mark.parametrize(
    ("column", "part"),
    [(TARGET, "is a target of the panel"), ("future_high", "comes from the future")],
)
def test_a_source_that_holds_labels_is_refused(made: Research, column: str, part: str) -> None:
    made.bars().assign(**{column: 0.5}).to_parquet(made.folder / "bars.parquet", index=False)
    assert f"column {column}: {part}" in refused(made)


def test_a_source_that_cannot_be_used_is_refused(made: Research) -> None:
    bars = made.bars()
    assert "panel.builders.source: names no Parquet file" in refused(
        made, PanelError, source="nowhere/*.parquet"
    )
    (made.folder / "text.parquet").write_text("text")
    assert "is not a readable Parquet file" in refused(made, PanelError, source="text.parquet")
    bars.drop(columns="timestamp").to_parquet(made.folder / "no_time.parquet", index=False)
    assert "column timestamp: is missing" in str(refused(made, FoxmlError, source="no_time.parquet"))
    late = bars[bars["timestamp"] > "2020-12-01"]
    late.to_parquet(made.folder / "late.parquet", index=False)
    assert "has no source rows before the hold-out" in refused(made, source="late.parquet")


def test_a_source_may_be_a_folder_with_a_file_a_symbol(made: Research) -> None:
    for symbol, part in made.bars().groupby("symbol"):
        folder = made.folder / "raw" / f"symbol={symbol}"
        folder.mkdir(parents=True)
        part.drop(columns="symbol").to_parquet(folder / "part.parquet", index=False)
    assert set(made.run(source="raw").evidence[TARGET].assured) == {"ret_1"}


def test_times_in_another_zone_are_the_same_times(tmp_path: Path) -> None:
    made = research(tmp_path, HONEST)
    bars = made.bars()
    bars["timestamp"] = bars["timestamp"].dt.tz_localize("America/New_York")
    bars.to_parquet(made.folder / "bars.parquet", index=False)
    made.write_panel()
    assert set(made.run().evidence[TARGET].assured) == {"ret_1"}


def test_a_32_bit_panel_is_what_a_64_bit_builder_makes(made: Research) -> None:
    path = made.folder / "panel.parquet"
    panel = pd.read_parquet(path)
    panel["ret_1"] = panel["ret_1"].astype(np.float32)
    panel.to_parquet(path, index=False)
    assert set(made.run().evidence[TARGET].assured) == {"ret_1"}


def test_a_broken_builder_is_told_before_anything_is_called_stale(made: Research) -> None:
    with made.here():
        layout = Layout(made.folder / "out")
        info = build_panel(made.config(), layout)
        made.code.unlink()
        with pytest.raises(BuilderError, match="cannot be imported"):
            stale_targets(info, made.config(), layout)
        assert stale_targets(info, made.config(version="1"), layout)


def test_edited_code_is_what_is_run_also_in_the_same_process(made: Research) -> None:
    made.run()
    made.write_code(HONEST.replace("ret_1=", "ret_1=2.0 * "))
    with pytest.raises(BuilderError, match="does not make what the panel holds"):
        made.run()


def test_no_bytecode_is_left_in_the_working_directory(made: Research) -> None:
    made.run()
    assert not list(made.folder.rglob("__pycache__"))
