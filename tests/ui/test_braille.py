from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.spans import plain, width

WITHIN = st.tuples(st.integers(0, 19), st.integers(0, 23))
ANYWHERE = st.tuples(st.integers(-30, 60), st.integers(-30, 60))


def dots(canvas):
    """The dots that are set, as places."""
    bits = {0x01: (0, 0), 0x02: (0, 1), 0x04: (0, 2), 0x40: (0, 3), 0x08: (1, 0), 0x10: (1, 1), 0x20: (1, 2), 0x80: (1, 3)}
    return {
        (2 * column + right, 4 * row + down)
        for row, drawn in enumerate(canvas.lines())
        for column, character in enumerate(plain(drawn))
        for bit, (right, down) in bits.items()
        if character >= "\u2800" and (ord(character) - 0x2800) & bit
    }


def drawn(*segments):
    canvas = Canvas(10, 6)
    for start, end in segments:
        canvas.segment(start, end, "curve")
    return canvas


def roles(canvas):
    return [[role for text, role in line for _ in text] for line in canvas.lines()]


@given(WITHIN)
def test_a_dot_is_where_it_was_put(place):
    canvas = Canvas(10, 6)
    canvas.dot(*place, "curve")
    assert dots(canvas) == {place}


@given(WITHIN, WITHIN, WITHIN, WITHIN)
def test_segments_that_cross_keep_all_dots_of_both(a, b, c, d):
    assert dots(drawn((a, b), (c, d))) == dots(drawn((a, b))) | dots(drawn((c, d)))


@given(WITHIN, WITHIN)
def test_a_segment_joins_its_ends_without_a_gap(start, end):
    places = dots(drawn((start, end)))
    assert {start, end} <= places
    assert len(places) == max(abs(start[0] - end[0]), abs(start[1] - end[1])) + 1


@given(ANYWHERE, ANYWHERE)
def test_what_lies_outside_is_left_out(start, end):
    canvas = drawn((start, end))
    assert dots(canvas) <= {(x, y) for x in range(20) for y in range(24)}


@given(st.lists(st.tuples(ANYWHERE, ANYWHERE), max_size=4), st.lists(st.tuples(ANYWHERE, st.text("ab●", max_size=9)), max_size=4))
def test_every_line_has_the_columns_of_the_canvas(segments, texts):
    canvas = drawn(*segments)
    for (column, row), text in texts:
        canvas.write(column, row, text, "bold")
    assert [width(line) for line in canvas.lines()] == [10] * 6


def test_a_text_stands_over_the_dots():
    canvas = drawn(((0, 0), (19, 0)))
    canvas.write(2, 0, "ab", "bold")
    canvas.write(8, 5, "cut off", "dim")
    assert plain(canvas.lines()[0]) == "⠉⠉ab⠉⠉⠉⠉⠉⠉"
    assert plain(canvas.lines()[5]) == "        cu"
    assert roles(canvas)[0][2:4] == ["bold", "bold"]


def test_where_lines_meet_the_strongest_gives_the_role():
    canvas = Canvas(10, 6)
    canvas.segment((0, 0), (0, 23), "strong", 0.9)
    canvas.segment((0, 0), (19, 0), "weak", 0.1)
    assert roles(canvas)[0][:2] == ["strong", "weak"]
    canvas = Canvas(10, 6)
    canvas.segment((0, 0), (19, 0), "weak", 0.1)
    canvas.segment((0, 0), (0, 23), "strong", 0.9)
    assert roles(canvas)[0][:2] == ["strong", "weak"]


def test_a_wider_line_has_all_dots_of_the_thin_one():
    thin, wide, wider = (Canvas(10, 6) for _ in range(3))
    for size, canvas in enumerate((thin, wide, wider), 1):
        canvas.segment((2, 6), (17, 15), "curve", width=size)
    assert dots(thin) < dots(wide) < dots(wider)
    assert (len(dots(wide)), len(dots(wider))) == (2 * len(dots(thin)), 3 * len(dots(thin)))


def test_a_broken_line_has_half_the_dots_of_the_solid_one():
    solid, broken = Canvas(10, 6), Canvas(10, 6)
    solid.segment((0, 0), (19, 23), "curve")
    broken.segment((0, 0), (19, 23), "curve", broken=True)
    assert dots(broken) < dots(solid)
    assert len(dots(broken)) == len(dots(solid)) / 2


def test_wide_characters_take_two_places():
    canvas = Canvas(6, 1)
    canvas.write(1, 0, "入a", "dim")
    canvas.write(5, 0, "入", "dim")
    assert plain(canvas.lines()[0]) == " 入a  "
