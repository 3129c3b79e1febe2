from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from bpdebug.ui.draw.spans import crop, first_that_fits, fit, line, plain, width, wrap

NARROW = "ab z·−Σᵢ…"
WIDE = "日本語，😀"
ROLES = st.sampled_from(["", "dim", "bold heat:+3"])


def lines(alphabet=NARROW + WIDE):
    return st.lists(st.tuples(st.text(alphabet, max_size=6), ROLES), max_size=5).map(tuple)


def test_a_bare_string_has_no_role():
    assert line("a", ("b", "dim")) == (("a", ""), ("b", "dim"))
    assert line() == ()


def test_a_wide_character_takes_two_columns():
    assert width(line("日", "a")) == 3
    assert plain(line("日", "a")) == "日a"


@given(lines(), st.integers(0, 40))
def test_fit_takes_exactly_the_columns(drawn, columns):
    assert width(fit(drawn, columns)) == columns


@given(lines(), st.integers(0, 40))
def test_fit_keeps_what_fits_and_marks_what_does_not(drawn, columns):
    text = plain(fit(drawn, columns))
    if width(drawn) <= columns:
        assert text == plain(drawn) + " " * (columns - width(drawn))
    elif cell_len(plain(drawn).rstrip()) <= columns:
        assert text.rstrip() == plain(drawn).rstrip()  # only blanks are cut
    elif columns:
        assert text.endswith("…")


def test_fit_fills_with_blanks_and_cuts_with_an_ellipsis():
    assert fit(line(("ab", "x")), 5) == (("ab", "x"), ("   ", ""))
    assert fit(line("abcdef"), 4) == (("abc", ""), ("…", "dim"))
    assert fit(line("a"), 0) == ()
    assert fit(line("a"), -3) == ()


def test_fit_cuts_a_wide_character_in_half_to_a_blank():
    assert plain(fit(line("日本語"), 4)) == "日 …"


@given(lines(NARROW), st.integers(0, 40), st.integers(0, 40))
def test_crop_is_a_slice_of_the_text(drawn, start, columns):
    assert plain(crop(drawn, start, columns)) == plain(drawn)[start : start + columns]


@given(lines(NARROW), st.integers(0, 30), st.integers(0, 30))
def test_crop_keeps_the_role_of_each_character(drawn, start, columns):
    def roles(spans):
        return [role for text, role in spans for _ in text]

    assert roles(crop(drawn, start, columns)) == roles(drawn)[start : start + columns]


@given(lines(), st.integers(0, 40))
def test_crop_from_the_left_is_never_too_wide(drawn, columns):
    assert width(crop(drawn, 0, columns)) == min(columns, width(drawn))


@given(lines(), st.integers(0, 40), st.integers(0, 40))
def test_crop_from_any_column_is_never_too_wide(drawn, start, columns):
    assert width(crop(drawn, start, columns)) == max(min(columns, width(drawn) - start), 0)


@given(st.text(NARROW + "\n", max_size=80), st.integers(12, 60), st.sampled_from(["", "  "]), st.sampled_from(["", "x = "]))
def test_wrap_keeps_every_word_and_the_width(text, columns, indent, first):
    wrapped = wrap(text, columns, "dim", indent, first)
    assert all(width(drawn) <= columns for drawn in wrapped)
    assert all(role == "dim" for drawn in wrapped for _, role in drawn)
    assert "".join("".join(map(plain, wrapped)).split()) == "".join((first + text).split())


@given(st.text(WIDE + " ", max_size=60), st.integers(12, 60))
@example("日本語" * 5, 12)
def test_wrap_of_wide_characters_is_never_too_wide(text, columns):
    assert all(width(drawn) <= columns for drawn in wrap(text, columns))


@given(st.lists(st.text("abc", min_size=1, max_size=7), max_size=20), st.integers(8, 40))
def test_wrap_breaks_at_blanks_only_where_it_must(words, columns):
    wrapped = [plain(drawn) for drawn in wrap(" ".join(words), columns)]
    assert " ".join(wrapped) == " ".join(words)
    for earlier, later in pairwise(wrapped):
        assert cell_len(earlier) + 1 + len(later.split()[0]) > columns


def test_wrap_puts_its_beginnings_before_the_lines():
    assert [plain(drawn) for drawn in wrap("aa bb cc dd", 13, indent="   ", first="z = ")] == ["z = aa bb cc", "   dd"]
    assert wrap("   ", 20) == []


@pytest.mark.parametrize("columns", [0, 1, 5])
def test_wrap_to_next_to_nothing_ends(columns):
    assert "".join(map(plain, wrap("a derivation", columns))).replace(" ", "") == "aderivation"


def test_the_first_that_fits_is_the_fullest_there_is_room_for():
    ways = ["a whole sentence", "日本語", "no"]
    assert [first_that_fits(ways, columns) for columns in (16, 15, 6, 5, 1)] == [ways[0], ways[1], ways[1], "no", "no"]
    assert first_that_fits(map(line, ways), 1, ()) == ()
    assert first_that_fits(map(line, ways), 2, ()) == line("no")
