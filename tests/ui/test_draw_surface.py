from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ui_views import chain, session, text, whole

from bpdebug import Session, load_scenario
from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.record import replace
from bpdebug.ui.draw.plane import SHADES, Sight, resampled
from bpdebug.ui.draw.roles import DARK, HEAT_STEPS, Roles
from bpdebug.ui.draw.spans import plain, width
from bpdebug.ui.draw.surface import surface_parts, surface_title

surface_lines = whole(surface_parts)

CORNERS = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0], [-1.0, 0.0]])


@cache
def seen(scenario, *commands):
    """The view with what the network answers after some commands."""
    return session(scenario, *commands).view(("surface",))


@cache
def four(epochs=60):
    """Four classes at the four winds."""
    layers = (Layer(8, "tanh"), Layer(4, "softmax"))
    return Scenario(
        "winds",
        ("x1", "x2"),
        layers,
        CORNERS,
        np.eye(4),
        loss=Loss("categorical_cross_entropy", samples="mean"),
        optimizer=Optimizer("adam", {"learning_rate": 0.1}),
        training=Training(epochs),
        outputs=("north", "east", "south", "west"),
    )


def cells(line):
    """The characters of a line with their roles."""
    return [(character, role) for part, role in line for character in part]


def field(lines, left):
    """The plane alone: without the numbers above it, the axes, and what is left of it."""
    legend = "wrong" in plain(lines[1])
    return [cells(line)[left:] for line in lines[1 + legend : -1]]


def test_where_it_is_not_looked_at_nothing_is_drawn():
    assert surface_lines(session("xor").view(), 60, 12) == []
    assert surface_title(session("xor").view(), "9 Surface") == "9 Surface"


def test_the_title_says_what_is_shown():
    assert surface_title(seen("xor"), "9 Surface") == "9 Surface  a2 over x1, x2"
    assert surface_title(seen("residual"), "9 Surface") == "9 Surface  a4 over x"
    assert surface_title(seen("iris"), "9 Surface") == "9 Answers  a2 beside y"


def test_a_trained_network_has_its_samples_on_their_sides():
    lines = surface_lines(seen("xor", "goto end"), 46, 18)
    assert plain(lines[0]).startswith("4 of 4 right")
    plane = field(lines, 4)
    marks = {(x > 20, y > 8): cell for y, row in enumerate(plane) for x, cell in enumerate(row) if cell[0] in "01"}
    assert {place: mark for place, (mark, _) in marks.items()} == {
        (False, False): "1",
        (True, False): "0",
        (False, True): "0",
        (True, True): "1",
    }
    assert {role for _, role in marks.values()} == {"point"}
    bare = [text for row in plane for text, role in row if role == "point" and text == " "]
    assert len(bare) == 2, "the sample in sight is three columns wide"


def test_an_untrained_network_has_samples_on_the_wrong_side():
    lines = surface_lines(seen("xor", "goto 8:z1"), 60, 18)
    assert plain(lines[0]).startswith("1 of 4 right   sample 0: 0.509 for 0 ✗")
    marks = [cell for row in field(lines, 4) for cell in row if cell[0] in "01"]
    assert sorted(mark for mark, _ in marks) == list("0011")
    assert [role for _, role in marks].count("point missed") == 3


def test_letters_and_digits_stand_only_where_samples_are():
    plane = field(surface_lines(seen("xor", "goto end"), 46, 18), 4)
    dotted = {(x, y) for y, row in enumerate(plane) for x, (character, _) in enumerate(row) if "\u2800" < character <= "\u28ff"}
    assert len(dotted) > 20
    assert all(role == "point" for row in plane for character, role in row if character.isalnum())
    plane = field(surface_lines(seen(four(), "goto end"), 60, 24), 5)
    assert sorted(character for row in plane for character, role in row if character.isalnum()) == sorted("NESW")


def test_the_colours_follow_the_output():
    shown = seen("xor", "goto end")
    plane = field(surface_lines(shown, 70, 42), 5)
    grid = shown.surface.grid[0]
    for y, x, row, column in ((0, 0, 64, 0), (38, 64, 0, 64), (38, 0, 0, 0), (0, 64, 64, 64)):
        role = plane[y][x][1].split()[0]
        assert int(role.removeprefix("heat:")) == pytest.approx((grid[row, column] - 0.5) / 0.5 * HEAT_STEPS, abs=1.1)


def test_classes_have_letters_and_borders():
    lines = surface_lines(seen(four(), "goto end"), 60, 24)
    plane = field(lines, 5)
    assert plain(lines[0]).startswith("4 of 4 right   sample 0: north")
    told = {part.strip(): role for part, role in lines[1] if role.startswith("class:")}
    assert told == {name: f"class:{place}:8" for place, name in enumerate(("north", "east", "south", "west"))}
    assert {character for row in plane for character, _ in row} >= set("NESW")
    assert any(character > "\u2800" for row in plane for character, _ in row)
    top, bottom = plane[0][len(plane[0]) // 2], plane[-1][len(plane[0]) // 2]
    assert (top[1].split(":")[1], bottom[1].split(":")[1]) == ("0", "2")


def test_a_wrong_class_is_underlined_and_named():
    opened = session(four(), "goto end", "set b2[0,1] = 99")
    lines = surface_lines(opened.view(("surface",)), 70, 20)
    assert plain(lines[0]).startswith("1 of 4 right   sample 0: east 1 ✗ not north")
    marks = [cell for row in field(lines, 5) for cell in row if cell[0] in "SW"]
    assert all(role == "point missed" for _, role in marks)
    assert {mark for mark, _ in marks} == {"S", "W"}


def test_numbers_over_a_plane_point_to_their_targets():
    x = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    scenario = chain((1,), x, np.array([[5.0], [-5.0], [0.0]]), values={"W1": np.zeros((2, 1))})
    lines = surface_lines(seen(scenario), 70, 12)
    drawn = text(lines[2:])
    assert (drawn.count("▲"), drawn.count("▼"), drawn.count("◆")) == (1, 1, 1)
    assert plain(lines[0]).startswith("mean |error| 3.33   sample 0: 0 for 5")


def test_the_output_that_is_looked_at_is_that_of_the_selected_cell():
    x = np.array([[0.0, 0.0], [1.0, 1.0]])
    scenario = chain((2,), x, np.array([[5.0, 1.0], [3.0, 2.0]]))
    plain_view = seen(scenario, "goto a1", "select a1[0,0]")
    chosen = replace(plain_view, selected=("a1", (0, 1)))

    def output_shown(shown):
        return Sight(shown, shown.surface).output

    assert output_shown(plain_view) == 0
    assert output_shown(chosen) == output_shown(replace(chosen, selected=("y", (0, 1)))) == 1
    assert output_shown(replace(chosen, selected=("W1", (1, 0)))) == 0
    assert surface_title(chosen, "9 Surface").endswith("a1 1 over x1, x2")
    assert "sample 0:" in text(surface_lines(chosen, 70, 12))


def test_over_one_input_the_curve_goes_by_its_samples_when_it_has_learned_them():
    shown = seen("residual", "goto end")
    lines = surface_lines(shown, 66, 22)
    rows = [plain(line) for line in lines[1:-2]]
    points = [(x, y) for y, row in enumerate(rows) for x, character in enumerate(row) if character == "◆"]
    dots = {(x, y) for y, row in enumerate(rows) for x, character in enumerate(row) if character > "\u2800"}
    assert len(points) == 13
    assert all(any((x + a, y + b) in dots for a in (-1, 0, 1) for b in (-1, 0, 1)) for x, y in points)
    assert {"−2", "0", "2"} <= set(plain(lines[-1]).split())
    assert plain(lines[-2]).rstrip().endswith("x")


def test_of_one_neuron_the_line_is_drawn():
    lines = surface_lines(seen("one_neuron", "goto end"), 44, 10)
    assert plain(lines[0]).startswith("mean |error| 0   sample 0: 4 for 4")
    heights = {x: y for y, line in enumerate(lines[1:-2]) for x, character in enumerate(plain(line)) if character > "\u2800"}
    assert [heights[x] for x in sorted(heights)] == sorted(heights.values(), reverse=True), "it rises"


def test_answers_that_are_no_numbers_are_told():
    shown = seen("saturation", "catch non-finite off", "goto end")
    assert "No answer is finite" in text(surface_lines(shown, 60, 10))


def test_resampling_keeps_a_plane_exact():
    up, across = np.linspace(0, 1, 9), np.linspace(0, 1, 17)
    grid = (3 * across[None, :] + up[:, None])[None]
    fine = resampled(grid, 20, 30)[0]
    rows, columns = 1 - (np.arange(20) + 0.5) / 20, (np.arange(30) + 0.5) / 30
    assert np.allclose(fine, 3 * columns[None, :] + rows[:, None])


def with_grid(shown, value):
    """A view whose left half of the inputs has another answer."""
    grid = shown.surface.grid.copy()
    grid[..., : grid.shape[-1] // 2] = value
    return replace(shown, surface=replace(shown.surface, grid=grid))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_where_the_plane_has_no_answer_it_says_so_and_shows_the_rest(value):
    shown = seen("xor", "goto end")
    whole, part = (field(surface_lines(view, 46, 18), 4) for view in (shown, with_grid(shown, value)))
    middle = len(whole[0]) // 2
    assert [row[middle + 2 :] for row in part] == [row[middle + 2 :] for row in whole]
    left = [cell for row in part for cell in row[: middle - 2]]
    assert {cell for cell in left if cell[0] < "\u2800" and cell[1] != "point"} == {("?", "faint")}
    borders = {x for row in part for x, (character, _) in enumerate(row) if character > "\u2800"}
    assert any(abs(x - middle) <= 1 for x in borders), "a border stands where the answers end"


def test_classes_without_an_answer_have_no_colour():
    shown = with_grid(seen(four(), "goto end"), np.nan)
    plane = field(surface_lines(shown, 60, 24), 5)
    assert {cell for row in plane for cell in row[:20] if cell[1] != "point"} == {("?", "faint")}


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_a_curve_goes_only_where_there_are_answers(value):
    shown = seen("residual", "goto end")
    lines = surface_lines(with_grid(shown, value), 66, 22)
    columns = {x for line in lines[1:-2] for x, character in enumerate(plain(line)) if character > "\u2800"}
    assert min(columns) >= 30
    assert text(lines).count("◆") == 1 + 13, "the samples and the one that explains the mark"


def test_a_curve_of_one_input_as_it_is_drawn():
    x = np.array([[-1.0], [0.0], [1.0]])
    scenario = chain((1,), x, 2 * x, values={"W1": np.array([[2.0]])})
    assert text(surface_lines(seen(scenario), 44, 11)).splitlines() == CURVE.splitlines()[1:]


CURVE = """
mean |error| 0   sample 0: −2 for −2
◆ target
  │
 2┤                                 ⣀⣀⡤◆⠒⠒⠉⠉
  │                         ⣀⣀⡤⠤⠖⠒⠋⠉⠁
 0┤                 ⢀⣀⡠◆⠔⠒⠊⠉⠁
  │         ⢀⣀⣠⠤⠴⠒⠚⠉⠁
−2┤  ⣀⣀◆⠴⠒⠚⠉⠉
  │⠉⠉
  └────┬───────────────┬───────────────┬─ x1
      −1               0               1
"""


def test_a_plane_as_it_is_drawn_without_colours():
    """One neuron that answers 1 where x1 + x2 is above a little more than 1."""
    x = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    scenario = chain((1,), x, np.array([[0.0], [0], [0], [1]]), values={"W1": np.full((2, 1), 50.0), "b1": np.array([[-50.01]])})
    scenario = replace(scenario, layers=(Layer(1, "sigmoid"),))
    assert text(surface_lines(seen(scenario), 40, 11)).splitlines() == PLANE.splitlines()[1:]


PLANE = """
4 of 4 right   0  1  ✗ wrong
 x2 ⠉⠓⠦⣄⡀
1.0    ▀0⠓⠦⣄⡀                      1
           ▀⠉⠓⠦⣄⡀
               ▀⠉⠓⠦⣄⡀
0.5                ▀⠉⠓⠦⣄⡀
                       ▀⠉⠓⠦⣄⡀
                           ▀⠉⠓⠦⣄⡀
0.0     0                      ▀⠉⠓⠦0⡀
                                   ▀⠉⠓⠦⡄
       0.0           0.5          1.0 x1
"""


def test_without_colours_the_outputs_are_shades():
    shown = seen("xor", "goto end")
    lines = surface_lines(shown, 70, 42, shades=True)
    assert not any("heat" in role or "class" in role for line in lines for _, role in line)
    plane, grid = field(lines, 5), shown.surface.grid[0]
    assert {plane[y][x][0] for y, x in ((0, 0), (38, 64))} == {"█"}
    for y, x, row, column in ((0, 0, 64, 0), (38, 64, 0, 64), (38, 0, 0, 0), (0, 64, 64, 64)):
        assert SHADES.index(plane[y][x][0]) == pytest.approx(grid[row, column] * (len(SHADES) - 1), abs=0.75)
    assert f"0 {SHADES} 1" in plain(surface_lines(shown, 100, 20, shades=True)[0])
    assert (
        len(
            {character for row in field(surface_lines(seen(four(), "goto end"), 60, 24, shades=True), 5) for character, _ in row}
            & set(SHADES)
        )
        == 4
    )


@pytest.mark.parametrize("size", [(36, 8), (38, 10), (60, 12), (76, 18), (156, 40)])
def test_what_the_marks_mean_is_told_at_every_usual_size(size):
    for scenario, words in (("xor", ("0  1", "✗ wrong")), ("residual", ("◆ target",)), (four(), ("N north", "W west"))):
        head = text(surface_lines(seen(scenario, "goto end"), *size)[:2])
        assert all(word in head for word in words) or (scenario == four() and size[1] < 9), (scenario, head)


def test_at_tiny_sizes_only_the_score_is_left():
    for scenario in ("xor", "residual"):
        shown = seen(scenario, "goto end")
        assert [plain(line) for line in surface_lines(shown, 30, 3)] == [plain(line) for line in surface_lines(shown, 30, 8)[:1]]
        assert len(surface_lines(shown, 12, 20)) == len(surface_lines(shown, 1, 1)) == 1
        assert len(surface_lines(shown, 16, 4)) == 4


def test_before_the_first_stage_the_initial_parameters_answer():
    shown = seen("xor")
    assert not shown.losses[0].size
    assert plain(surface_lines(shown, 60, 12)[0]).startswith("2 of 4 right   sample 0: 0.722 for 0 ✗")


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["xor", "two_outputs", "residual", "one_neuron", "iris", "saturation", "winds"]),
    st.integers(1, 160),
    st.integers(1, 50),
)
def test_at_any_size_nothing_is_too_wide_or_too_high(name, columns, rows):
    shown = seen(four() if name == "winds" else name, "goto 3:z1")
    lines = surface_lines(shown, columns, rows)
    assert all(width(line) <= max(columns, 8) for line in lines)
    assert shown.surface.grid is None or len(lines) <= max(rows, 5)


def test_half_blocks_take_the_colours_of_both_halves():
    roles = Roles({**DARK.variables, "surface": DARK.surface, "foreground": DARK.foreground, "success": DARK.success})
    half = roles.style("heat:-8 upper:heat:+8")
    assert half.bgcolor == roles.style("heat:-8").bgcolor
    assert half.color == roles.style("heat:+8").bgcolor
    assert len({roles.style(f"class:{place}:8").bgcolor for place in range(6)}) == 6
    assert roles.style("class:1:0").bgcolor == roles.style("class:4:0").bgcolor


def test_a_program_without_answers_says_what_can_be_shown_instead():
    opened = Session(load_scenario("exam_graph"))
    fixed, _ = surface_parts(opened.view(["surface"]), 200, 10)
    told = "".join(text for text, _ in fixed[0])
    assert told == (
        "No answers to show: the program has no targets to compare an answer with. :surface x y shows f over two cells of parameters."
    )
    opened.execute("surface x y")
    view = opened.view(["surface"])
    assert surface_title(view, "Surface") == "Surface  f over x, y"
    lines = ["".join(text for text, _ in line) for line in surface_parts(view, 60, 12)[0]]
    assert lines[0].startswith("f −12 here (◆)")
    assert sum(line.count("◆") for line in lines) == 2, "the loss here is marked once, and the mark explained"
