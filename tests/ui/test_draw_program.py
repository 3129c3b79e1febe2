from __future__ import annotations

import re

import numpy as np
import pytest
from turns import by_turns
from ui_views import NAMES, big, role_of, session, text, view

from bpdebug.core.description import Layer, Scenario
from bpdebug.core.record import replace
from bpdebug.core.schedule import Skipped, Stage
from bpdebug.look.folds import Heading, rows_of
from bpdebug.session.session import Session
from bpdebug.ui.draw.program import Listing, formula_text, plan_of, program_line
from bpdebug.ui.draw.program_signs import memory_text, rails_line
from bpdebug.ui.draw.spans import plain, width


def program_rows(shown):
    return rows_of(shown.program, shown.folds).all


def listing(shown, columns=60):
    return [program_line(shown, row, columns) for row in program_rows(shown)]


def of_stage(shown, name, columns=60):
    return next(program_line(shown, row, columns) for row in program_rows(shown) if isinstance(row, Stage) and row.name == name)


def stages(shown):
    return shown.program.stages


def test_the_listing_of_the_tutorials_update():
    assert text(listing(view("xor", "goto a2"), 38)).splitlines() == [
        "FORWARD",
        "    z1 = x·W1 + b1                 4×4",
        "    a1 = σ(z1)                     4×4",
        "    z2 = a1·W2 + b2                4×1",
        "    a2 = σ(z2)                     4×1",
        "LOSS",
        "▶   loss = Σ BCE(a2, y)           next",
        "BACKWARD",
        "    da2 = −y/a2 + (1 − y)/(1 − a2)",
        "    dz2 = da2 ⊙ a2 ⊙ (1 − a2)      4×1",
        "    dW2 = a1ᵀ·dz2                  4×1",
        "    db2 = Σᵢ dz2                   1×1",
        "    da1 = dz2·W2ᵀ                  4×4",
        "    dz1 = da1 ⊙ a1 ⊙ (1 − a1)      4×4",
        "    dW1 = xᵀ·dz1                   2×4",
        "    db1 = Σᵢ dz1                   1×4",
        "UPDATE",
        "    W1 = W1 − learning_rate·dW1    2×4",
        "    b1 = b1 − learning_rate·db1    1×4",
        "    W2 = W2 − learning_rate·dW2    4×1",
        "    b2 = b2 − learning_rate·db2    1×1",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_stage_stands_under_its_phase_once_and_in_order(name):
    shown = view(name)
    phase, stages = "", []
    for row in program_rows(shown):
        if isinstance(row, str):
            phase = row
        else:
            assert (row.fold if isinstance(row, Heading) else row).phase == phase
            stages += [row.name] * isinstance(row, Stage)
    assert stages == [stage.name for stage in shown.program.stages]


@pytest.mark.parametrize(("name", "command"), by_turns(NAMES, ["goto start", "step", "goto loss", "update", "goto end"]))
def test_one_arrow_at_the_next_stage_which_says_so(name, command):
    shown = view(name, command)
    rows = [(row, plain(program_line(shown, row, 60))) for row in program_rows(shown) if isinstance(row, Stage)]
    assert [row.name for row, line in rows if line.startswith("▶")] == [shown.position.next] * (shown.position.next is not None)
    room = [row.name for row, line in rows if row.name == shown.position.next and not line.endswith("…")]
    assert [row.name for row, line in rows if line.endswith("  next")] == room


@pytest.mark.parametrize(("command", "stage"), [("where", "dz2"), ("select z1[1,2]", "z1"), ("select x[0,0]", "dz2")])
def test_the_stage_that_is_explained_has_a_background_to_the_end_of_the_line(command, stage):
    shown = view("xor", "goto dz2", command)
    for other in shown.program.stages:
        assert {"here" in role for _, role in of_stage(shown, other.name)} == {other.name == stage}


def test_a_stage_that_is_skipped_says_why():
    rows = [row for row in program_rows(view("two_outputs")) if isinstance(row, Skipped)]
    assert [plain(program_line(view("two_outputs"), row, 60)).rstrip() for row in rows] == [
        "   — b1 skipped: b1 is frozen",
        "   — b2 skipped: b2 is frozen",
    ]


def test_in_a_narrow_listing_a_skipped_stage_says_the_gist():
    shown = Session(big()).view()
    loss = replace(shown.program.network.asked, function="categorical_cross_entropy", from_logits=True)
    layers = (Layer(4, "relu"), Layer(10, "softmax"))
    fused = Session(replace(shown.program.scenario, loss=loss, layers=layers)).view()
    row = next(row for row in program_rows(fused) if isinstance(row, Skipped))
    assert plain(program_line(fused, row, 34)).rstrip() == "   — da2: fused with softmax"
    assert plain(program_line(fused, row, 120)).rstrip() == f"   — da2 skipped: {row.reason}"


def test_a_stage_that_gave_a_nan_is_marked():
    line = of_stage(view("saturation", "continue"), "loss")
    assert plain(line)[2] == "⚠"
    assert role_of(line, "⚠").split()[0] == "bad"


def test_a_formula_of_the_users_is_marked():
    shown = view("tutorial_as_written", "goto da2")
    assert plain(of_stage(shown, "da2")).startswith("   ✎da2 = a2 − y")
    assert sum("✎" in plain(line) for line in listing(shown)) == 1


def test_a_long_formula_ends_in_an_ellipsis():
    line = of_stage(view("xor"), "da2", 24)
    assert plain(line) == "    da2 = −y/a2 + (1 − …"
    assert {width(line) for line in listing(view("iris"), 24)} == {24}


def test_the_short_form_of_a_formula_and_the_whole_one():
    shown = view("xor")
    stage = session("xor").program.stage("loss")
    assert formula_text(shown, stage) == "Σ BCE(a2, y)"
    assert formula_text(shown, stage, short=False) == "Σ(−y ⊙ log(a2) − (1 − y) ⊙ log(1 − a2))"


def test_where_the_settings_have_no_room_they_are_letters_and_the_phase_says_which():
    lines = text(listing(view("xor"), 29)).splitlines()
    assert [re.sub(r"  +\d×\d$", "", line) for line in lines[-5:]] == [
        "UPDATE  η learning_rate",
        "    W1 = W1 − η·dW1",
        "    b1 = b1 − η·db1",
        "    W2 = W2 − η·dW2",
        "    b2 = b2 − η·db2",
    ]
    assert "    vb1 = β₂·vb1 + (1 − β₂)·db1²" in text(listing(view("iris"), 34))
    assert "η" not in text(listing(view("xor"), 34))


def test_where_a_sample_is_a_column_the_shapes_are_those_of_the_matrices():
    shown = view("xor", "convention columns")
    drawn = {stage.name: plain(of_stage(shown, stage.name)).split()[-1] for stage in stages(shown)[3:12]}
    assert drawn == {
        "a2": "1×4", "loss": "1", "da2": "1×4", "dz2": "1×4", "dW2": "1×4", "db2": "1×1", "da1": "4×4", "dz1": "4×4", "dW1": "4×2",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "columns"), by_turns(NAMES, [29, 34]))
def test_the_marked_stage_is_seen_to_its_end(name, columns):
    shown = view(name)
    style = replace(shown.style, letters=plan_of(shown, columns).letters)
    whole = {stage.name: formula_text(shown, stage, style=style) for stage in stages(shown)}
    for marked, formula in whole.items():
        lines = [plain(drawn) for row, drawn in Listing(shown, columns, marked) if isinstance(row, Stage) and row.name == marked]
        unrailed = (re.sub(r"[ ─╴│╮╯┬┴┤┼]+$", "", line) for line in lines)
        written = "".join(re.sub(r"  +(next|\d+(×\d+)*)$", "", line) for line in unrailed)  # without what stands at the end of a line
        assert "".join(written.split()).removeprefix("▶").partition("=")[2] == "".join(formula.split())
        assert {len(line) for line in lines} == {columns}


def test_all_other_stages_take_one_line():
    shown = view("iris")
    rows = [row for row, _ in Listing(shown, 29, "W1") if isinstance(row, Stage) and row.name != "W1"]
    assert [row.name for row in rows] == [stage.name for stage in stages(shown) if stage.name != "W1"]
    assert len(Listing(shown, 29)) == len(program_rows(shown))


def test_a_wide_listing_has_whole_formulas_shapes_and_meanings():
    lines = text(listing(view("xor"), 156)).splitlines()
    loss = next(line for line in lines if " loss = " in line)
    assert "loss = Σ(−y ⊙ log(a2) − (1 − y) ⊙ log(1 − a2))  1  " in loss
    assert next(line for line in lines if " dW1 = " in line).split("  ")[-1] == view("xor").program.stage("dW1").meaning
    assert len({line.index(shape) for line in lines for shape in ("4×4", "4×1", "2×4") if shape in line}) == 1
    assert next(line for line in text(listing(view("xor"), 76)).splitlines() if " dW1 = " in line).endswith("2×4")


def test_in_a_wide_listing_the_meaning_of_the_marked_stage_is_read_to_its_end():
    shown = view("iris", "goto dz1")
    lines = [plain(drawn) for row, drawn in Listing(shown, 116, "dz1") if isinstance(row, Stage) and row.name == "dz1"]
    assert len(lines) > 1
    place = lines[0].index("The slope")
    assert " ".join(" ".join(line[place:] for line in lines).split()) == shown.program.stage("dz1").meaning


def test_nothing_is_green_that_has_not_been_checked():
    shown = view("xor", "goto end", "reverse-step")
    assert not any(part in ("good", "done") for line in listing(shown) for _, role in line for part in role.split())
    checked = view("xor", "goto W2", "check")
    green = [stage.name for stage in stages(checked) if any("good" in role for _, role in of_stage(checked, stage.name))]
    assert green == [stage.name for stage in stages(checked) if stage.of]


def test_the_phase_that_we_are_in_is_lit():
    headings = {row: program_line(view("xor", "goto dz2"), row, 20) for row in ("forward", "backward")}
    assert role_of(headings["backward"], "BACKWARD") == "heading"
    assert role_of(headings["forward"], "FORWARD") == "dim bold"


def test_the_kind_of_a_breakpoint_is_seen():
    shown = view("xor", "break dz2", "break a1", "disable 2", "tbreak da1", "break dW1 if max(dW1) > 1", "break 40:db1", "goto dz2")
    assert plain(of_stage(shown, "dz2")).startswith(" ●  dz2 =")
    assert plain(of_stage(shown, "a1")).startswith(" ○  a1 =")
    assert plain(of_stage(shown, "a2")).startswith("    a2 =")
    assert plain(of_stage(shown, "da1")).startswith(" ◌  da1 =")
    assert plain(of_stage(shown, "dW1")).startswith(" ◐  dW1 =")
    assert plain(of_stage(shown, "db1")).startswith(" ◐  db1 =")


def test_of_several_breakpoints_the_one_that_stops_most_often_is_seen():
    stops = ["break dz2", "disable 1", "break dz2 if max(dz2) > 1"]
    assert plain(of_stage(view("xor", *stops), "dz2")).startswith(" ◐")
    assert plain(of_stage(view("xor", *stops, "break dz2"), "dz2")).startswith(" ●")


def test_what_an_edit_has_made_out_of_date_is_marked():
    shown = view("xor", "goto dz2", "set a1[0,0] = 0.25")
    assert shown.stale
    for stage in shown.program.stages[: shown.position.done]:
        assert plain(of_stage(shown, stage.name))[2] == ("~" if stage.name in shown.stale else " ")


def test_a_finite_value_of_which_the_floating_point_unit_complained_is_marked():
    layers, values = (Layer(1, "sigmoid"),), {"W1": np.array([[1.0]])}
    overflow = Scenario("overflow", ("x",), layers, np.array([[-800.0]]), np.array([[1.0]]), values=values)
    opened = session(overflow, "goto loss")
    assert plain(of_stage(opened.view(), "a1")).startswith("  ! a1")
    assert plain(of_stage(opened.view(), "z1")).startswith("    z1")
    row = next(row for row in opened.execute("list").data["stages"] if row["name"] == "a1")
    assert (row["status"], row["warnings"]) == ("computed", ["overflow"])


def test_rails_go_from_the_stage_that_makes_a_tensor_to_the_last_that_reads_it():
    shown = view("xor", "goto dz2")
    rails = {stage.name: plain(rails_line(shown, place, place + 1)).rstrip() for place, stage in enumerate(stages(shown))}
    assert list(rails.values())[:13] == [
        "─╮", "─┴╮", "─┬┤", "─┴│╮", "──│┤", "─┬│┤", "─┴│┴╮", "──┼─┤", "──│─┤", "─┬│─╯", "─┴┴╮", "───┤", "───╯",
    ]  # fmt: skip
    assert not any(list(rails.values())[13:]), "the update reads gradients of parameters, which have none"
    listed = [plain(drawn) for row, drawn in Listing(shown, 40) if isinstance(row, Stage)]
    assert [line.endswith(rails[stage.name].ljust(5)) for line, stage in zip(listed, stages(shown), strict=True)][:13] == [True] * 13
    narrow = [plain(drawn) for row, drawn in Listing(shown, 34) if isinstance(row, Stage)]
    assert narrow[5] == "    da2 = −y/a2 + (1 − y)/(1 − a2)", "a formula that is longer runs over them"
    assert "╮" not in text([drawn for _, drawn in Listing(shown, 30)]), "where too many are there are none"


def test_what_is_kept_is_what_a_later_stage_reads():
    shown = view("xor", "goto loss")
    assert memory_text(shown, 60) == "kept 160 B: a1 a2  most 296 B at da1"
    assert memory_text(shown, 30) == "kept 160 B  most 296 B at da1"


def test_a_group_that_is_folded_is_one_row_with_the_signs_and_rails_of_all():
    shown = view("xor", "goto z2", "close z1", "close dW2")
    lines = [plain(drawn).rstrip() for _, drawn in Listing(shown, 40, "z1")]
    assert lines[1] == "    ⋯ layer 1  z1 a1               ──╮"
    assert lines[7].startswith("    ⋯ layer 2  da2 dz2 dW2 db2")
    assert Listing(shown, 40, "z1").beside("z1", 1) == "z2"
    assert Listing(shown, 40, "z1").beside("dW2", 1) == "da1"
