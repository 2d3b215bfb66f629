"""Names of targets and symbols become unique, contained path segments and partition keys."""

import re
from contextlib import suppress
from pathlib import Path

import dagster_webserver
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foxml_assets.core.errors import UnsafeNameError
from foxml_assets.core.names import (
    check_symbol_name,
    check_target_name,
    pair_key,
    symbol_segment,
    target_segment,
)

anything = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("name", "segment"),
    [("AAPL", "AAPL"), ("BRK.B", "BRK.B"), ("BTC/USD", "BTC%2FUSD"), ("BF-B", "BF-B"), ("600519", "600519")],
)
def test_an_ordinary_symbol_stays_readable(name: str, segment: str) -> None:
    assert symbol_segment(name) == segment


def test_an_ordinary_target_stays_readable() -> None:
    assert target_segment("y_will_swing_low_10m_0.20") == "y_will_swing_low_10m_0.20"


@pytest.mark.parametrize(
    "name", ["..", ".", "", "CON", "nul.txt", "a" * 300, "\U0001f98a", "/etc/passwd", "a\x00b"]
)
def test_a_hostile_name_stays_one_segment_inside_its_folder(name: str, tmp_path: Path) -> None:
    segment = symbol_segment(name)
    path = (tmp_path / segment).resolve()
    assert path.parent == tmp_path.resolve()
    assert len(segment.encode()) <= 160
    assert not segment.startswith(".")


@given(anything, anything)
def test_two_names_never_share_a_segment_even_where_case_folds(one: str, other: str) -> None:
    for segment in (symbol_segment, target_segment):
        if one != other:
            assert segment(one).casefold() != segment(other).casefold()


def test_names_that_differ_in_case_only_get_their_own_segments() -> None:
    assert symbol_segment("aapl").casefold() != symbol_segment("AAPL").casefold()


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(UnsafeNameError, match="Unicode"):
        symbol_segment("\ud800")


@pytest.mark.parametrize("name", ["", " A", "A ", "a|b", "a\nb", "a\x00", "\ud800"])
def test_a_name_that_breaks_a_partition_key_is_refused(name: str) -> None:
    with pytest.raises(UnsafeNameError):
        check_symbol_name(name)
    with pytest.raises(UnsafeNameError):
        check_target_name(name)


def test_a_pair_key_joins_target_and_symbol() -> None:
    assert pair_key("fwd_ret_5d", "BTC/USD") == "fwd_ret_5d@BTC/USD"


def test_a_symbol_may_hold_what_separates_and_a_target_may_not() -> None:
    assert pair_key("y", "@ES") == "y@@ES"
    with pytest.raises(UnsafeNameError, match="separates target and symbol"):
        check_target_name("y@ES")


@given(st.tuples(st.text("ab@"), st.text("ab@")), st.tuples(st.text("ab@"), st.text("ab@")))
def test_no_two_pairs_share_a_key(one: tuple[str, str], other: tuple[str, str]) -> None:
    keys = []
    for pair in (one, other):
        with suppress(UnsafeNameError):
            keys.append(pair_key(*pair))
    assert len(set(keys)) == len(keys) or one == other


def test_the_partition_field_of_the_ui_takes_the_key_of_a_pair_as_text() -> None:
    # The signs that the page of the installed web server reads outside quotes; at `|` its links are split.
    chunks = (Path(dagster_webserver.__file__).parent / "webapp/build/_next/static/chunks").glob("*.js")
    quoted = re.compile(r"/\[\^(-a-zA-Z0-9_[^\]]*)\]/")
    (signs,) = {found for chunk in chunks for found in quoted.findall(chunk.read_text(encoding="utf-8"))}
    assert re.fullmatch(f"[{signs}]+", pair_key("fwd_ret_20d", "XOM"))
