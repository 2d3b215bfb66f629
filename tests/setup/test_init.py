"""`foxml init`: a panel that nobody described becomes a config, or an error that says what to name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foxml_assets.commands.setup.init import write_configs
from foxml_assets.core.errors import ConfigError, PanelError
from foxml_assets.panel.guess import Wish, guess_panel
from foxml_assets.panel.panel_store import build_panel
from foxml_assets.routing.policy.routing_words import Profile, Side
from foxml_assets.workspace import current_workspace

N = 400


def market(n: int = N) -> pd.DataFrame:
    """A panel as people have it: prices beside features, two labels with a horizon in their names."""
    rng = np.random.default_rng(1)
    parts = [
        pd.DataFrame(
            {
                "date": pd.date_range("2021-01-01", periods=n, freq="D"),
                "ticker": symbol,
                "close": 100 + rng.standard_normal(n).cumsum(),
                "Volume": rng.integers(1, 9, n),
                "momentum": rng.standard_normal(n),
                "fwd_ret_5d": rng.standard_normal(n),
                "y_up_5d": rng.integers(0, 2, n).astype(float),
            }
        )
        for symbol in ("AAA", "NA")
    ]
    return pd.concat(parts, ignore_index=True)


def written(tmp_path: Path, frame: pd.DataFrame, wish: Wish = Wish()) -> Path:  # noqa: B008 - frozen
    path = tmp_path / "panel.parquet"
    frame.to_parquet(path, index=False)
    assert write_configs(tmp_path / "out", tmp_path / "cfg", str(path), wish) == 0
    return path


def test_what_is_written_builds_the_panel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, market())
    workspace = current_workspace(tmp_path / "out", tmp_path / "cfg")
    workspace.check_configs()
    info = build_panel(workspace.data_config(), workspace.layout)
    assert info.symbols == ("AAA", "NA")
    assert info.features == ("momentum",)
    assert [target.name for target in info.targets] == ["fwd_ret_5d", "y_up_5d"]
    told = capsys.readouterr().out
    assert "left out   close, Volume" in told
    assert "profile    development" in told
    assert "training   from 100 labelled rows on, as few as the profile asks for (min_train_rows)" in told
    assert "Next: foxml run --until panel" in told


@pytest.mark.parametrize(("n", "profile"), [(400, Profile.DEVELOPMENT), (1_600, Profile.PRODUCTION)])
def test_a_symbol_that_the_profile_lets_through_has_the_rows_to_be_trained(
    n: int, profile: Profile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, market(n))
    workspace = current_workspace(tmp_path / "out", tmp_path / "cfg")
    policy, training = workspace.routing_policy(), workspace.training_config()
    assert policy.profile is profile
    assert training.min_train_rows <= policy.sample_minimum(Side.SYMBOL)
    assert ("min_train_rows" in capsys.readouterr().out) == ("min_train_rows" in training.model_fields_set)
    assert ("min_train_rows" in training.model_fields_set) == (profile is Profile.DEVELOPMENT)


def test_what_seems_to_tell_of_what_comes_is_no_feature(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = ["y_up_1d", "next_close", "Ret fwd 5 d", "label2"]
    named_alike = ["nextera_spread", "forwarder", "targeting"]
    frame = market().assign(**dict.fromkeys([*others, *named_alike], 0.5))
    written(tmp_path, frame, Wish(targets=("y_up_5d",)))
    workspace = current_workspace(tmp_path / "out", tmp_path / "cfg")
    info = build_panel(workspace.data_config(), workspace.layout)
    assert [target.name for target in info.targets] == ["y_up_5d"]
    assert set(info.features) == {"momentum", *named_alike}
    assert f"left out   fwd_ret_5d, {', '.join(others)}: their names say" in capsys.readouterr().out


WRITTEN: dict[str, Callable[[pd.DataFrame, Path], str]] = {
    "csv": lambda frame, folder: _to_csv(frame, folder / "panel.csv"),
    "csv folder": lambda frame, folder: str(Path(_to_csv(frame, folder / "parts" / "panel.csv")).parent),
    "hive folders": lambda frame, folder: _to_hive(frame, folder / "hive"),
}


def _to_csv(frame: pd.DataFrame, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)
    return str(path)


def _to_hive(frame: pd.DataFrame, folder: Path) -> str:
    for ticker, part in frame.groupby("ticker"):
        place = folder / f"ticker={ticker}"
        place.mkdir(parents=True)
        part.drop(columns="ticker").to_parquet(place / "part.parquet", index=False)
    return str(folder)


@pytest.mark.parametrize("kind", WRITTEN)
def test_files_of_every_shape_are_understood(kind: str, tmp_path: Path) -> None:
    guess = guess_panel(WRITTEN[kind](market(), tmp_path), Wish())
    assert (guess.time_column, guess.symbol_column, guess.n_symbols) == ("date", "ticker", 2)
    assert guess.targets == ("fwd_ret_5d", "y_up_5d")
    assert guess.n_rows == 2 * N


def test_a_column_may_be_in_some_of_the_files_only_unless_it_is_a_key_or_label(tmp_path: Path) -> None:
    frame, folder = market(), tmp_path / "parts"
    folder.mkdir()
    frame[:N].drop(columns="close").to_csv(folder / "a.csv", index=False)
    frame[N:].to_csv(folder / "b.csv", index=False)
    assert guess_panel(str(folder), Wish()).levels == ("Volume", "close")
    with pytest.raises(PanelError, match=r"column when: is missing \(found 'a.csv'\)"):
        guess_panel(str(folder), Wish(time_column="when"))
    frame[:N].drop(columns="y_up_5d").to_csv(folder / "a.csv", index=False)
    with pytest.raises(PanelError, match=r"column y_up_5d: is missing \(found 'a.csv'\)"):
        guess_panel(str(folder), Wish())


@pytest.mark.parametrize(("unit", "step"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_the_unit_of_whole_times_is_told_by_their_size(unit: str, step: int, tmp_path: Path) -> None:
    frame = market()
    frame["date"] = frame["date"].astype("datetime64[s]").astype("int64") * step
    frame.to_parquet(tmp_path / "panel.parquet", index=False)
    assert guess_panel(str(tmp_path / "panel.parquet"), Wish()).time_unit == unit


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_dates_as_whole_numbers_need_no_unit(kind: str, tmp_path: Path) -> None:
    frame, path = market(), tmp_path / f"panel.{kind}"
    frame["date"] = frame["date"].dt.strftime("%Y%m%d").astype(int)
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path, index=False)
    write_configs(tmp_path / "out", tmp_path / "cfg", str(path), Wish())
    workspace = current_workspace(tmp_path / "out", tmp_path / "cfg")
    info = build_panel(workspace.data_config(), workspace.layout)
    assert info.start == "2021-01-01T00:00:00"
    assert info.target("fwd_ret_5d").horizon_bars == 5


def test_what_cannot_be_told_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = market().rename(columns={"y_up_5d": "y_up"})
    frame["y_regime_5d"] = frame["momentum"].round().clip(-1, 1)
    frame["y_side_5d"], frame["y_sign_5d"] = frame["y_up"] + 1, frame["y_up"] * 2 - 1
    written(tmp_path, frame)
    told = capsys.readouterr().out
    assert "how far each of these looks ahead, as `5 bars`: y_up" in told
    assert "y_regime_5d: regression, or make a label" in told
    assert "y_side_5d: regression, or make a label" in told
    assert "y_sign_5d" not in told.partition("Say under")[2]
    assert "Then: foxml run" in told


def test_what_is_not_numeric_is_named_with_a_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = market().assign(sector="tech", y_way_5d=pd.Categorical(["up", "down"] * N))
    texts = frame["momentum"].astype(str)
    texts.iloc[7] = "n.a."
    written(tmp_path, frame.assign(momentum=texts))
    told = capsys.readouterr().out
    assert "features   none" in told
    assert "left out   momentum ('n.a.'), sector ('tech'), y_way_5d ('up'): not numeric" in told
    frame.drop(columns=["fwd_ret_5d", "y_up_5d"]).to_parquet(tmp_path / "panel.parquet", index=False)
    with pytest.raises(PanelError, match=r"looks like a label; not numeric: y_way_5d \('up'\)"):
        guess_panel(str(tmp_path / "panel.parquet"), Wish())


@pytest.mark.parametrize(
    ("step", "asked"), [("MS", "y_up_30m, y_up_1m"), ("h", "y_up_1m"), ("5min", ""), ("min", "")]
)
def test_a_duration_of_less_than_half_a_bar_says_no_horizon(step: str, asked: str, tmp_path: Path) -> None:
    frame = market().rename(columns={"fwd_ret_5d": "y_up_30m"}).drop(columns="y_up_5d")
    frame = frame.assign(
        y_up_1m=frame["y_up_30m"],
        date=frame["date"].map(
            dict(zip(frame["date"].unique(), pd.date_range("1980", periods=N, freq=step), strict=True))
        ),
    )
    if step == "5min":
        frame = frame.rename(columns={"y_up_1m": "y_up_5m"})
    for kind in WRITTEN:
        guess = guess_panel(WRITTEN[kind](frame, tmp_path / kind), Wish())
        assert ", ".join(guess.without_horizon) == asked


def test_a_panel_without_keys_or_labels_says_what_to_name(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    frame = market().rename(columns={"date": "a", "ticker": "b", "fwd_ret_5d": "c_5d", "y_up_5d": "d_5d"})
    frame.assign(a=frame["a"].astype("int64"), b=frame["b"].str.len()).to_parquet(path, index=False)
    with pytest.raises(PanelError, match="--time-column, --symbol-column; its columns: a, b, close"):
        write_configs(tmp_path / "out", tmp_path / "cfg", str(path), Wish())
    assert not (tmp_path / "cfg").exists()
    named = guess_panel(str(path), Wish("a", "b", ("?_5d",)))
    assert (named.time_unit, named.targets) == ("us", ("c_5d", "d_5d"))


def test_what_keeps_a_column_from_being_the_time_is_named_with_its_value(tmp_path: Path) -> None:
    path = tmp_path / "panel.csv"
    frame = market().assign(date=lambda rows: rows["date"].astype(str))
    frame.loc[7, "date"] = "n.a."
    frame.to_csv(path, index=False)
    with pytest.raises(PanelError, match=r"column date: holds 1 values.*'n\.a\.'") as refused:
        guess_panel(str(path), Wish())
    assert "mend that column, or name it with --time-column" in str(refused.value)


def test_config_files_are_not_replaced(tmp_path: Path) -> None:
    path = written(tmp_path, market())
    before = {file.name: file.read_bytes() for file in (tmp_path / "cfg").iterdir()}
    with pytest.raises(ConfigError, match="is there already"):
        write_configs(tmp_path / "out", tmp_path / "cfg", str(path), Wish())
    assert {file.name: file.read_bytes() for file in (tmp_path / "cfg").iterdir()} == before
