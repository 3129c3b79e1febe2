"""The folds of a listing: whatever is open, each stage is in exactly one row."""

from __future__ import annotations

import random

import pytest
from folded import in_steps

from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import replace
from bpdebug.core.schedule import Level, Stage
from bpdebug.frontends.loader import load_scenario
from bpdebug.look.folds import Heading, folds_of, opened, rows_of
from bpdebug.session.session import Session


def with_paths(name, seed, deepest=4):
    """A shipped scenario whose stages stand in calls and loops, each stage one further in or out than the one before."""
    session, draw = Session(load_scenario(name)), random.Random(seed)  # noqa: S311
    path, lines = list[Level](), []
    for number, line in enumerate(session.program.lines):
        for _ in range(draw.randrange(3)):
            if path and draw.random() < 0.5:
                path.pop()
            elif len(path) < deepest:
                turn = bool(path) and path[-1].title == "for t in range(9)"
                title = f"t = {number}" if turn else draw.choice(("step()", "for t in range(9)"))
                path.append(Level(title, f"train.py:{len(path) + 3}", number + 1, turn))
        lines.append(replace(line, path=(*path,)) if isinstance(line, Stage) else line)
    session.begin(replace(session.program, lines=tuple(lines)))
    return session


def stages_in(rows):
    return [stage.name for y, _ in enumerate(rows.all) for stage in rows.stages(y)]


@pytest.mark.parametrize("name", ["xor", "attention", "ninja"])
@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_open_each_stage_is_in_exactly_one_row(name, seed):
    program, draw = with_paths(name, seed).program, random.Random(seed)  # noqa: S311
    folds = {fold.key: fold for around in folds_of(program).around for fold in around}
    names = [stage.name for stage in program.stages]
    for share in (0.0, 0.2, 0.5, 0.8, 1.0):
        chosen = {key: draw.random() < share for key in folds}
        rows = rows_of(program, opened(program, chosen, draw.randrange(len(names))))
        assert stages_in(rows) == names
        for place, stage in enumerate(names):
            assert stage in [one.name for one in rows.stages(rows.row_of(place))]
        assert all(fold.end - fold.first > 1 or not fold.called for fold in folds.values()), "what is alone makes no fold"
    flat = [row for row in rows_of(program, frozenset(folds)).all if not isinstance(row, Heading)]
    assert [row.name for row in flat if not isinstance(row, str)] == [line.name for line in program.lines], "all open is the flat listing"


def test_time_steps_are_one_line_that_opens_to_its_turns_and_each_of_them_to_its_stages():
    session = in_steps()
    rows = session.execute("list").text.splitlines()
    assert rows[1].startswith(">    + forward(): for t in range(T) line 30: 25 × 12 stages: h24_11")
    assert session.execute("into").text == "forward(): for t in range(T) line 30 is open: 25 × 12 stages"
    assert session.position.t == 0
    rows = session.execute("list").text.splitlines()
    assert rows[1] == "     forward(): for t in range(T) line 30: 25 × 12 stages"
    assert [row[:27] for row in rows[2:4]] == [">      + t = 0: 12 stages: ", "       + t = 1: 12 stages: "]
    session.execute("into")
    rows = session.execute("list").text.splitlines()
    assert rows[3].startswith(">        h0_0 = ") and rows[15].startswith("       + t = 1")
    assert session.execute("into").data["into"]["name"] == "h0_0", "then the cells"
    for closed in ("t = 0", "forward(): for t in range(T) line 30"):
        assert session.execute("reverse-into").text.startswith(f"{closed} is closed: ")
    assert "25 × 12 stages: h24_11" in session.execute("list").text.splitlines()[1]


def test_next_goes_over_a_closed_fold_and_step_into_it():
    session = in_steps(3, 12)
    session.execute("next")
    assert session.position.t == 36
    session.execute("reverse-next")
    assert session.position.t == 0
    session.execute("step")
    rows = session.execute("list").text.splitlines()
    assert rows[3].startswith(" *       h0_0 = ") and rows[4].startswith(">        h0_1 = "), "where one stands is open"
    session.execute("next")
    assert session.position.t == 2
    session.execute("close h0_3")
    session.execute("next")
    assert session.position.t == 12
    session.execute("next 2")
    assert session.position.t == 36


@pytest.mark.parametrize(
    "command", ["goto h7_3", "until h7_3", "select h7_3[0,0]", "break h7_3\ncontinue", "goto train.py:34", "into 2000"]
)
def test_what_goes_to_a_stage_opens_what_hides_it(command):
    session = in_steps()
    session.execute("goto end")
    session.execute("goto start" if "select" not in command else "goto loss")
    for one in command.splitlines():
        session.execute(one)
    name = session.selected[0]
    assert not session.cursor.hiding(name)
    assert f" {name} = " in session.execute("list").text


def test_all_stages_are_in_the_data_of_the_listing_and_the_folds_beside_them():
    session = in_steps()
    data = session.execute("list").data
    assert [row["name"] for row in data["stages"]] == [line.name for line in session.program.lines]
    whole, first = data["folds"][:2]
    assert (whole["title"], whole["line"], whole["turns"], whole["stages"], whole["open"]) == (
        "forward(): for t in range(T)", "train.py:30", 25, 300, False
    )  # fmt: skip
    assert (first["title"], first["first"], first["depth"]) == ("t = 0", "h0_0", 1)


def test_layers_are_folds_too_and_the_keys_go_through_their_cells_as_ever():
    session = Session(load_scenario("xor"))
    session.execute("close z1")
    assert session.execute("list").text.splitlines()[1] == ">    + layer 1: 2 stages: z1 a1"
    assert "is open" in session.execute("into").text
    session.execute("into")
    assert session.selected == ("z1", (0, 0))
    session.execute("into 20")
    session.execute("reverse-into 5")
    assert session.selected == ("z1", (3, 3))
    with pytest.raises(BpdebugError, match="no fold is closed at z1"):
        session.execute("open z1")
    with pytest.raises(BpdebugError, match="no fold is open at loss"):
        session.execute("close loss")


def test_few_stages_are_open_at_first_and_many_are_not():
    few, many = folds_of(in_steps(3, 3).program), folds_of(in_steps(25, 12).program)
    assert {fold.key for fold in few.around[0]} <= few.open
    assert not {fold.key for fold in many.around[0]} & many.open
