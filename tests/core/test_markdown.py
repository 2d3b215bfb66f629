"""Names and reasons never become markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foxml_assets.core.markdown import Markup, escape, link, table


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("y_will_swing_low_10m_0.20", "y_will_swing_low_10m_0.20"),
        ("_x_ *b* `c`", "\\_x\\_ \\*b\\* \\`c\\`"),
        ("<script>&amp;", "&lt;script\\>&amp;amp;"),
        ("a|b", "a\\|b"),
        ("[x](y)", "\\[x\\](y)"),
        ("two\nlines\u2028and\x00more", "two lines and\N{REPLACEMENT CHARACTER}more"),
        (0.5, "0.5"),
    ],
)
def test_text_renders_as_itself(text: object, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.lists(st.text(), min_size=2, max_size=2))
def test_a_cell_never_breaks_its_row(cells: list[str]) -> None:
    lines = table(("a", "b"), [cells]).split("\n")
    assert len(lines) == 3
    bars = [at for at, char in enumerate(lines[2]) if char == "|" and lines[2][at - 1] != "\\"]
    assert len(bars) == 3


def test_links_encode_their_path_and_stay_links_in_tables() -> None:
    made = link("BTC/USD", "by_symbol/BTC%2FUSD.json")
    assert made == "[BTC/USD](by_symbol/BTC%252FUSD.json)"
    assert made in table(("view",), [(made,)])
    assert isinstance(made, Markup)
