from __future__ import annotations

import random
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import COMBINATIONS, scenario_of
from turns import by_day
from ui_views import NAMES, big, random_chain, role_of, session, text

from bpdebug.core.numbers import NumberStyle
from bpdebug.core.record import replace
from bpdebug.core.render import Style
from bpdebug.look.equation import equation_of
from bpdebug.look.sums import sum_of
from bpdebug.ui.draw.equation import equation_picture
from bpdebug.ui.draw.spans import plain, width
from bpdebug.ui.draw.why import why_lines


def moment(scenario, *commands):
    """The view of a moment, with its equation."""
    return with_equation(session(scenario, *commands))


def with_equation(opened):
    inside = opened.cursor.inside == opened.position.t
    return replace(opened.view(), equation=equation_of(opened.timeline, opened.selected, opened.cursor.style, inside))


def picture(columns, rows, *moments, alone=False):
    return text(equation_picture(moment(*moments), columns, rows, alone).lines)


def test_a_product_has_its_matrices_and_alone_below_them_what_makes_the_number():
    lines = picture(78, 12, "xor", "goto dW2", "select dW2[1,0]").splitlines()
    assert lines == [
        "dW2 4×1       a1ᵀ 4×4                               dz2 4×1",
        "⎡ +0.7376 ⎤   ⎡ +0.5000 +0.8662 +0.8537 +0.9742 ⎤   ⎡ +0.7217 ⎤",
        "⎢ +0.4657 ⎥ = ⎢ +0.5000 +0.2734 +0.5987 +0.3596 ⎥ · ⎢ −0.3102 ⎥",
        "⎢ +0.7221 ⎥   ⎢ +0.5000 +0.7211 +0.7269 +0.8731 ⎥   ⎢ −0.1712 ⎥",
        "⎣ +0.7858 ⎦   ⎣ +0.5000 +0.4622 +0.9039 +0.8899 ⎦   ⎣ +0.8126 ⎦",
    ]
    alone = picture(78, 30, "xor", "goto dW2", "select dW2[1,0]", alone=True).splitlines()
    assert alone == [*lines, "", *text(why_lines(moment("xor", "goto dW2", "select dW2[1,0]"), 78, 30)).splitlines()]


def test_elementwise_operands_stand_side_by_side():
    assert picture(78, 9, "xor", "goto dz2", "select dz2[1,0]").splitlines() == [
        "dz2 4×1       da2 4×1       a2 4×1        1 − a2 4×1",
        "⎡ +0.7217 ⎤   ⎡ +3.5931 ⎤   ⎡ +0.7217 ⎤   ⎡ +0.2783 ⎤",
        "⎢ −0.3102 ⎥ = ⎢ −1.4498 ⎥ ⊙ ⎢ +0.6898 ⎥ ⊙ ⎢ +0.3102 ⎥",
        "⎢ −0.1712 ⎥   ⎢ −1.2066 ⎥   ⎢ +0.8288 ⎥   ⎢ +0.1712 ⎥",
        "⎣ +0.8126 ⎦   ⎣ +5.3362 ⎦   ⎣ +0.8126 ⎦   ⎣ +0.1874 ⎦",
    ]


def test_a_sum_has_arrows_along_the_axis_that_is_summed():
    lines = equation_picture(moment("xor", "goto db2"), 60, 10).lines
    assert [plain(line).rstrip() for line in lines[:6]] == [
        "                dz2 4×1",
        "db2 1×1         ⎡ +0.7217 ⎤",
        "[ +1.0528 ] = Σ ⎢ −0.3102 ⎥",
        "                ⎢ −0.1712 ⎥",
        "                ⎣ +0.8126 ⎦",
        "                     ↓",
    ]


def test_only_the_arrow_of_the_selected_sum_is_bright():
    lines = equation_picture(moment("xor", "goto db1", "select db1[0,2]"), 100, 12).lines
    (arrows,) = [line for line in lines if "↓" in plain(line)]
    assert [role for part, role in arrows if "↓" in part] == ["faint", "faint", "next", "faint"]
    turned = equation_picture(moment("xor", "convention columns", "goto db1", "select db1[0,2]"), 100, 12).lines
    assert [role for line in turned for part, role in line if part == "→"] == ["faint", "faint", "next", "faint"]


def test_a_loss_is_the_sum_of_its_terms_and_a_number():
    shown = picture(78, 12, "iris", "goto loss").splitlines()
    assert shown[0].strip() == "CCE(a2, y) 16×3"
    (middle,) = [line for line in shown if line.startswith("1.7261 = Σ")]
    assert middle.endswith("/ 16")


def roles(shown, columns=120, rows=14):
    """The roles of the numbers of a picture, by tensor and cell."""
    drawn = equation_picture(shown, columns, rows)
    found = {}
    for (x, y), cell in drawn.cells.items():
        found.setdefault(cell, set()).add([role for part, role in drawn.lines[y] for _ in part][x])
    assert all(len(looks) == 1 for looks in found.values())
    return found


def test_what_makes_the_selected_number_is_lit_and_the_rest_is_dim():
    found = roles(moment("xor", "goto dW2", "select dW2[1,0]"))
    assert found["dW2", (1, 0)] == {"cursor"}
    bright = {cell for cell, looks in found.items() if any("bold" in look for look in looks)}
    assert bright == {("a1", (i, 1)) for i in range(4)} | {("dz2", (i, 0)) for i in range(4)}
    dim = {cell for cell, looks in found.items() if any("dim" in look for look in looks)}
    assert dim == {("a1", (i, j)) for i in range(4) for j in range(4) if j != 1}
    assert [cell for cell, looks in found.items() if any("lit" in look for look in looks)] == [("dz2", (0, 0))]


def test_without_a_selected_number_nothing_is_dim():
    found = roles(moment("xor", "goto dW2", "select x[0,0]"))
    assert len(found) == 4 + 16 + 4
    assert not [look for looks in found.values() for look in looks if "dim" in look or "cursor" in look]


def test_what_is_not_finite_stands_out_even_where_it_is_not_lit():
    found = roles(moment("xor", "goto dz2", "set dz2[2,0] = nan", "step", "select dW2[0,0]"))
    assert {look.split()[0] for look in found["dz2", (2, 0)]} == {"bad"}


def test_stepping_into_shows_the_cells_one_by_one():
    opened = session("xor", "goto a1", "into", "into 2")
    shown = with_equation(opened)
    lines = [plain(line) for line in equation_picture(shown, 100, 12).lines]
    assert [line[2:9].strip() for line in lines[1:5]] == ["+0.9528", "+0.7990", "+1.5769", "╱╱╱╱╱╱╱"]
    opened.execute("into")
    assert "╱\n" not in text(equation_picture(with_equation(opened), 100, 12).lines[:5])
    opened.execute("reverse-into 3")
    assert [plain(line)[2:9].strip() for line in equation_picture(with_equation(opened), 100, 12).lines[1:5]][1:] == ["╱╱╱╱╱╱╱"] * 3


def test_before_the_first_stage_it_says_what_to_press():
    assert picture(78, 10, "xor").startswith("i runs a stage and goes into it: z1 = x·W1 + b1\n")
    assert picture(42, 10, "xor").startswith("i runs a stage and goes into it:\n  z1 = x·W1 + b1\n"), "nothing is cut off"


def test_a_large_product_is_shown_around_its_cell():
    shown = moment(big(), "goto dW1", "select dW1[401,60]")
    found = roles(shown, 118, 20)
    names = {name for name, _ in found}
    assert names == {"dW1", "x", "dz1"}
    assert found["dW1", (401, 60)] == {"cursor"}
    assert {index[1] for name, index in found if name == "x"} >= {401}
    assert {index[1] for name, index in found if name == "dz1"} == {index[1] for name, index in found if name == "dW1"}
    assert {index[0] for name, index in found if name == "dz1"} == {index[0] for name, index in found if name == "x"}
    drawn = [plain(line) for line in equation_picture(shown, 118, 20).lines]
    assert sum(line.count("…") >= 2 for line in drawn) > 5
    assert sum("⋮" in line for line in drawn) >= 2


def test_the_window_goes_to_the_operand_that_enter_goes_to():
    opened = session(big(), "goto dW1", "select dW1[401,60]", "operand 25")
    name, index = opened.explain(*opened.selected).operands[24]
    found = roles(with_equation(opened), 118, 20)
    assert any("lit" in look for look in found[name, index])


@pytest.mark.parametrize("number", by_day(range(5, len(COMBINATIONS), 40), 3))
def test_the_terms_add_up_to_the_number(number):
    opened = session(scenario_of(number))
    for _ in opened.program.stages[:-1]:
        opened.execute("step")
        explained = opened.explain(*opened.selected)
        found = sum_of(explained.term)
        if found:
            total = sum(-term.value if sign == "−" else term.value for sign, term in found.terms)
            assert np.isclose(total, found.value, rtol=1e-4, atol=1e-6)


def numbers_of(shown, columns, rows):
    """The cells and the texts that stand where they are, as far as the columns reach."""
    drawn = equation_picture(shown, columns, rows)
    for (y, cell), found in groupby(sorted(drawn.cells, key=lambda at: at[::-1]), lambda at: (at[1], drawn.cells[at])):
        places = [x for x, _ in found]
        yield cell, plain(drawn.lines[y])[places[0] : places[-1] + 1]


@settings(max_examples=60)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), st.integers(1, 9), st.integers(24, 160), st.integers(4, 50), st.data())
def test_a_number_is_whole_and_the_cells_own_wherever_it_stands(widths, samples, columns, rows, data):
    opened = session(random_chain(samples, widths, epochs=2), "finish 2", f"step {data.draw(st.integers(1, 20))}")
    if data.draw(st.booleans()):
        opened.execute("convention columns")
    shown = with_equation(opened)
    for (name, index), written in numbers_of(shown, columns, rows):
        if name in shown.program.persistent:
            continue  # an update shows the value before as well
        value = float(shown.tensors[name][index])
        assert abs(float(written.replace("−", "-")) - value) <= max(0.006, 0.06 * abs(value)), (name, index)


def anywhere(opened, chance):
    """Some moment, and the cell cursor on some cell."""
    opened.timeline.seek(chance.choice([chance.randrange(min(opened.timeline.end, 3000)), chance.randrange(40), opened.timeline.end]))
    opened.cursor.follow()
    values = opened.values()
    name = chance.choice(sorted(values))
    opened.cursor.select(name, tuple(chance.randrange(length) for length in values[name].shape))
    opened.execute(chance.choice(["where", "into", "reverse-into", "into 7", "convention", "notation", "format fixed 2", "format full"]))
    return with_equation(opened)


@pytest.mark.parametrize("name", by_day(NAMES, 3))
def test_at_any_moment_and_size_it_is_drawn_and_not_too_wide(name):
    chance, opened = random.Random(name), session(name)  # noqa: S311
    for _ in range(10):
        shown = anywhere(opened, chance)
        for _ in range(3):
            columns, rows = chance.randint(1, 200), chance.randint(1, 60)
            lines = equation_picture(shown, columns, rows).lines
            assert lines
            for line in lines:
                assert width(line) <= columns, (opened.position, opened.selected, columns, rows)


def test_a_chosen_number_of_digits_is_kept():
    shown = replace(moment("xor", "goto dW2"), number_style=NumberStyle("fixed", 2))
    assert [part for part in text(equation_picture(shown, 120, 12).lines[1:2]).split() if part[0] in "+−"] == [
        "+0.74", "+0.50", "+0.87", "+0.85", "+0.97", "+0.72",
    ]  # fmt: skip


def test_names_are_written_in_the_chosen_notation():
    opened = session("xor", "notation partial", "goto dW2")
    shown = replace(with_equation(opened), style=Style("unicode", notation="partial"))
    first, *_ = [plain(line) for line in equation_picture(shown, 120, 12).lines]
    assert first.split()[::2] == ["∂L/∂W2", "a1ᵀ", "∂L/∂z2"]
    assert role_of(equation_picture(shown, 120, 12).lines[0], "∂L/∂W2") == "next"


@pytest.mark.parametrize("stage", ["z1", "dW1", "z2", "dW2", "da1", "db1"])
@pytest.mark.parametrize(("columns", "rows"), [(42, 10), (76, 11), (42, 20)])
def test_the_row_and_the_column_that_make_a_number_are_in_sight_whole_on_a_small_screen(stage, columns, rows):
    opened = session("xor", f"goto 0:{stage}")
    for index in np.ndindex(opened.timeline.machine.shapes()[stage]):
        opened.cursor.select(stage, index)
        shown = with_equation(opened)
        seen = {*equation_picture(shown, columns, rows).cells.values()}
        assert {(stage, index), *shown.explanation.operands} <= seen, index


@pytest.mark.parametrize("scenario", ["xor", "iris"])
def test_from_cell_to_cell_nothing_moves_but_what_is_lit(scenario):
    opened = session(scenario, "goto 0:loss", "goto 0:da1")
    for columns, rows in ((42, 10), (76, 11)):
        places = set()
        for row in range(4):
            opened.cursor.select("da1", (row, 1))
            drawn = equation_picture(with_equation(opened), columns, rows)
            places.add(tuple(sorted((x, y, name) for (x, y), (name, _) in drawn.cells.items())))
        assert len(places) == 1
