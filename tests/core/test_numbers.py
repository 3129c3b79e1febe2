from __future__ import annotations

import math

import numpy as np
import pytest
from debugger_scenarios import xor
from hypothesis import given
from hypothesis import strategies as st

from bpdebug.core.numbers import AUTO, NumberStyle, Statistics, aligned, digits_apart, number_format, short, sparkline
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError

FINITE = st.floats(-1e12, 1e12, allow_subnormal=False)


@given(st.lists(st.one_of(FINITE, st.sampled_from([math.nan, math.inf, -math.inf, 0.0])), max_size=30))
def test_statistics_are_those_of_numpy(numbers):
    values = np.array(numbers, float)
    known, finite = Statistics(values), values[np.isfinite(values)]
    assert known.zeros == (values == 0).sum()
    assert sum(known.broken.values()) == values.size - finite.size
    if finite.size:
        assert (known.low, known.high) == (finite.min(), finite.max())
        assert np.isclose(known.mean, finite.mean())
        assert np.isclose(known.norm, np.sqrt((finite**2).sum()))
    nonzero = np.abs(finite[finite != 0])
    assert abs(known.least) == (nonzero.min() if nonzero.size else 0)


@given(st.lists(FINITE, min_size=1, max_size=8), st.integers(0, 6), st.sampled_from(["auto", "fixed", "scientific", "full"]))
def test_a_written_number_is_near_the_number_and_has_its_sign(numbers, digits, kind):
    values = np.array(numbers)
    form = NumberStyle(kind, digits).form(Statistics(values))
    for value in values:
        text = aligned(value, form)
        read = float(text)
        assert (read > 0, read < 0) == (value > 0, value < 0) or (kind == "fixed" and read == 0), text
        assert text.strip() == "0" if value == 0 else text[0] in "+-"
        assert abs(read - value) <= max(0.51 * 10.0**-digits, abs(value) * 0.51 * 10.0 ** -min(digits, 1)), text


def test_fixed_point_that_was_asked_for_never_turns_scientific_for_a_small_number():
    form = NumberStyle("fixed", 1).form(Statistics(np.array([0.004, -1.0])))
    assert [aligned(value, form) for value in (0.004, -0.004, -1.0, 0.0)] == ["+0.0", "-0.0", "-1.0", "0  "]
    assert aligned(0.004, NumberStyle("auto", 1).form(Statistics(np.array([0.004, -1.0])))) == "+4e-3"


def test_zeros_stand_in_the_place_of_the_digit_before_the_point():
    assert aligned(0.0, "+.4f") == "0     "
    assert "+1.2345".index("1") - len("+1.2345") == aligned(0.0, "+.4f").index("0") - len(aligned(0.0, "+.4f"))
    assert aligned(0.0, "+.2e") == aligned(0.0, "full") == aligned(0.0, "+.0f") == "0"


@pytest.mark.parametrize(("value", "text"), [(math.nan, "nan"), (math.inf, "+inf"), (-math.inf, "-inf"), (np.float32(0.1), "+0.1")])
def test_all_digits_of_what_is_no_usual_number(value, text):
    assert aligned(value, "full") == text


def test_the_usual_format_is_that_of_the_numbers():
    for values in ([1.25, -3.5], [1e-7, 1e-3], [12345.5], [0.0], [math.nan], []):
        expected = "+.0f" if values == [0.0] else number_format(np.array(values))
        assert AUTO.form(Statistics(np.array(values))) == expected
    assert AUTO.form(Statistics(np.array([1.0, -20.0]))) == "+.0f"


def test_the_format_is_chosen_shown_and_kept():
    session = Session(xor(2))
    assert session.execute("format").text == "numbers are written: auto"
    assert session.execute("format fixed").text == "numbers are written: fixed 4"
    assert session.execute("format   scientific  7").text == "numbers are written: scientific 7"
    assert session.view().number_style == NumberStyle("scientific", 7)
    assert session.execute("format full").data == {"kind": "full", "digits": 4}
    session.execute("step")
    assert session.view().number_style.kind == "full"


def test_print_writes_numbers_in_the_chosen_format():
    session = Session(xor(2))
    value = float(session.value("W1")[0, 1])
    texts = {"auto": f"{value:.10g}", "fixed 2": f"{value:.2f}", "scientific 3": f"{value:.3e}", "full": repr(value)}
    for style, text in texts.items():
        session.execute(f"format {style}")
        assert session.execute("print W1[0,1]").text == f"W1[0,1] = {text}"
        assert session.execute("print W1[0,1]").data["value"] == value


WRONG = {
    "hexadecimal": "there is no format 'hexadecimal'; there are auto, fixed N, scientific N, full",
    "fixde": "there is no format 'fixde'; did you mean 'fixed'?",
    "auto 3": "auto takes no number of digits; found '3'",
    "fixed -1": "a number of digits from 0 to 17 is expected; found '-1'",
    "fixed 18": "a number of digits from 0 to 17 is expected; found '18'",
    "scientific 2 3": "a number of digits from 0 to 17 is expected; found '2 3'",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_format_is_refused_and_nothing_changes(text):
    session = Session(xor(2))
    session.execute("format fixed 3")
    with pytest.raises(CommandError) as caught:
        session.execute(f"format {text}")
    assert str(caught.value) == WRONG[text]
    assert session.number_style == NumberStyle("fixed", 3)


def test_a_sentence_has_few_digits():
    assert [short(value) for value in (0.00012341, 0.000012341, 1234123.0, 12341234.0)] == ["0.0001234", "1.234e-5", "1234123", "1.234e7"]
    assert short(0.00009999999999) == "0.0001"
    assert [short(value, 3) for value in (0.00012345, 123456.0, -1e-9, 0.0)] == ["0.000123", "123456", "-1e-9", "0"]


@given(FINITE, FINITE)
def test_numbers_that_are_not_the_same_do_not_look_the_same(one, other):
    for near in (other, one * (1 + 1e-9), float(np.nextafter(one, np.inf))):
        digits = digits_apart(one, near, 8)
        assert digits >= 8
        assert (short(one, digits) == short(near, digits)) == (one == near)
        assert digits == 8 or short(one, digits - 1) == short(near, digits - 1)


@pytest.mark.parametrize(
    ("values", "span", "bars"),
    [
        ([0.147, 0.135], 0.0, "█▇"),
        ([2.8, 2.79], 0.0, "██"),
        ([1.0, 0.0], 0.0, "█▁"),
        ([-1.0, 1.0], 0.0, "▁█"),
        ([-2.0, -1.0], 0.0, "▁▅"),
        ([0.0, 0.0], 0.0, "▁▁"),
        ([-3.0, -3.0], 1.0, "▅▅"),
        ([-3.0, -3.5], 1.0, "▆▃"),
        ([-3.0, -4.0, -5.0], 1.0, "█▅▁"),
        ([1.0, math.nan, 2.0], 0.0, "▅?█"),
        ([1.0], 0.0, ""),
        ([math.inf, math.nan], 0.0, ""),
    ],
)
def test_small_bars_are_as_high_as_their_numbers(values, span, bars):
    assert sparkline(values, span=span) == bars
