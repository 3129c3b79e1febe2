from __future__ import annotations

import re

import numpy as np
import pytest
from turns import by_day
from ui_views import NAMES, big, role_of, session, text, view

from bpdebug.core.numbers import short
from bpdebug.look.sums import sum_of
from bpdebug.ui.draw.formula_lines import stacked
from bpdebug.ui.draw.spans import plain, width
from bpdebug.ui.draw.why import displays_in_border, why_lines, why_title
from bpdebug.ui.draw.why_numbers import written_out


def why(columns, rows, *moment):
    return text(why_lines(view(*moment), columns, rows))


def test_a_gradient_is_explained_by_formula_numbers_and_result():
    assert why(76, 8, "xor", "goto dW2").splitlines() == [
        "dW2[0,0] = Σᵢ a1[i,0]·dz2[i,0]",
        "         = 0.5·0.721688 + 0.866175·(−0.31025) + 0.853716·(−0.171238)",
        "         + 0.974209·0.8126",
        "         = 0.73757",
        "dW2[0,0], from hidden unit 0 to the output: raise W2[0,0] by 0.01 and the",
        "loss rises by 0.0074; so the update lowers it, by 0.074.",
        "Enter goes to dz2[3,0]   o takes the next of 8 operands   r paths",
        "From z2 = a1·W2 + b2: ∂(a1·W2)/∂W2 = a1ᵀ, times dz2, which arrives. Each",
        "weight gets its input times the arriving gradient, summed over the samples.",
        "a1 is transposed so that each input meets the gradient of its own sample.",
        "The samples share W2, hence the sum.",
    ]


def test_with_room_a_sum_has_a_line_and_a_bar_for_each_term():
    assert why(78, 10, "xor", "goto dW2", "select dW2[1,0]").splitlines()[:9] == [
        "dW2[1,0] = Σᵢ a1[i,1]·dz2[i,0]",
        "         = a1[0,1]·dz2[0,0] = 0.5·0.721688           = +0.360844  ━━━━━━━━━━━━",
        "         + a1[1,1]·dz2[1,0] = 0.27343·(−0.31025)     = −0.084832  ━━━",
        "         + a1[2,1]·dz2[2,0] = 0.5987254·(−0.1712381) = −0.102525  ━━━╸",
        "         + a1[3,1]·dz2[3,0] = 0.359595·0.8126        = +0.292207  ━━━━━━━━━╸",
        "         = 0.46569",
        "dW2[1,0], from hidden unit 1 to the output: raise W2[1,0] by 0.01 and the loss",
        "rises by 0.0047; so the update lowers it, by 0.047.",
        "Enter goes to dz2[0,0]   o takes the next of 8 operands   r paths",
    ]
    assert why(78, 10, "xor", "goto db2").splitlines()[1] == "         = dz2[0,0] = +0.72169  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸"


def test_of_a_long_sum_the_largest_terms_are_shown_and_what_is_left_is_said():
    shown = view(big(), "goto dW1", "select dW1[401,60]")
    lines = [plain(line).strip() for line in why_lines(shown, 118, 14)[1:]]
    terms = shown.tensors["x"][:, 401] * shown.tensors["dz1"][:, 60]
    values = [float(line.split(" = ")[-1].split()[0].replace("−", "-")) for line in lines if "·dz1[" in line and " = " in line]
    (rest,) = [line for line in lines if " more" in line]
    largest = sorted(np.abs(terms))[-len(values) :]
    assert np.allclose(sorted(np.abs(values)), largest, atol=1e-4)
    left = float(rest.split(" = ")[1].split()[0].replace("−", "-"))
    assert rest.startswith(f"+ {len(terms) - len(values)} more")
    assert np.isclose(left + sum(sorted(terms, key=abs)[-len(values) :]), terms.sum(), atol=1e-4)


def test_in_columns_places_are_subscripts_and_brackets_are_what_commands_say():
    lines = why(76, 8, "iris", "convention columns", "goto dW1", "select dW1[3,6]").splitlines()
    assert lines[0] == "dW1₆,₃ = Σᵢ x₃,ᵢ·dz1₆,ᵢ"
    assert lines[4].endswith("= −0.060053   in commands dW1[3,6]")
    assert any(line.startswith("Enter goes to dz1₆,₁₁ ") for line in lines)
    assert why(60, 4, "xor", "convention columns", "select x[1,0]").startswith(
        "x₀,₁ = 0   in commands x[1,0]\nGiven: input 0 (x1) of sample 1"
    )


def test_the_operand_that_enter_goes_to_can_be_chosen():
    assert "Enter goes to dz2[0,0]" in why(76, 8, "xor", "goto dW2", "operand")
    assert "Enter goes to dz2[3,0]" in why(76, 8, "xor", "goto dW2", "operand 8", "operand")


def test_an_update_is_an_assignment_from_the_value_before():
    lines = why(76, 8, "xor", "goto 0:W1").splitlines()
    assert lines[0] == "W1[0,0] ← W1[0,0] − learning_rate·dW1[0,0]"
    assert "1.764" in lines[1]


def test_a_parameter_tells_after_an_update_what_all_of_them_did_together():
    told = why(78, 11, "xor", "update").splitlines()
    assert told[2].endswith("━"), "the bars keep their place"
    assert "−0.31, really −0.28" in told
    assert "most moved: b2[0,0] −0.11, W2[3,0] −0.079, W2[0,0] −0.074" in told
    assert "most moved" not in why(76, 20, "xor", "update", "select x[1,0]") + why(76, 20, "xor", "goto 0:W1")


def test_what_is_given_says_so_and_goes_nowhere():
    shown = why(60, 8, "xor", "select x[1,0]")
    assert shown.startswith("x[1,0] = 0\nGiven: input 0 (x1) of sample 1")
    assert "Enter" not in shown


def test_before_the_first_stage_it_says_how_to_begin():
    lines = why(60, 8, "xor").splitlines()
    assert lines[0] == "s runs the first stage: z1 = x·W1 + b1"
    assert "arrow keys" in " ".join(lines)
    assert lines[1:3] == ["New here?  :tour shows it in five steps", "? explains every sign"]
    assert why(26, 8, "xor").splitlines()[:4] == [
        "s runs the first stage:",
        "  z1 = x·W1 + b1",
        "New here?  :tour shows it",
        "? explains every sign",
    ]
    assert "New here" not in why(60, 8, "xor", "tour")
    assert "One formula of the backward pass" in why(60, 8, "xor", "hunt 7")


def test_after_the_last_stage_it_says_how_to_go_back():
    opened = session("xor", "goto end")
    opened.cursor.selected = None
    lines = why_lines(opened.view(), 60, 8)
    assert plain(lines[0]) == "The training is complete."
    assert "U goes back" in text(lines)


def test_a_nan_names_where_it_begins():
    lines = why_lines(view("saturation", "continue"), 100, 20)
    shown = text(lines)
    assert "nan comes from (1 − y[1,0])·log(1 − a2[1,0]) = (1 − 1)·log(1 − 1) = 0·(−inf) = nan" in shown
    assert "⚠ divide by zero, invalid value in loss" in shown
    result = next(line for line in lines if plain(line).strip() == "= nan")
    assert role_of(result, "nan") == "bad"


def test_a_formula_in_short_form_is_shown_in_full():
    assert "loss = Σ(−y ⊙ log(a2) − (1 − y) ⊙ log(1 − a2))" in why(76, 12, "xor", "goto loss")


def test_where_the_formula_is_long_the_result_comes_first():
    shown = why_lines(view(big(), "goto z1"), 40, 5)
    first = plain(shown[0]).removeprefix("z1[0,0] = ")
    assert float(first.replace("−", "-"))
    assert plain(shown[1]).strip().startswith("= Σᵢ")
    assert " more, together " in text(shown)


@pytest.mark.parametrize("name", by_day(NAMES, 3))
def test_the_result_is_always_in_sight_in_the_pane_of_a_small_screen(name):
    opened = session(name)
    for _ in opened.program.stages:
        opened.execute("step")
        shown = opened.view()
        if shown.explanation.term is None:
            continue
        lines = why_lines(shown, 42, 8)
        results = {f" {short(shown.explanation.value, digits)}".replace("-", "−") for digits in range(4, 11)}
        assert any(result in plain(line) for line in lines[:8] for result in results), opened.position.stage


def test_the_sentence_on_the_operand_fits_the_pane_of_a_small_screen():
    assert all(width(line) <= 42 for line in why_lines(view("xor", "goto dW2"), 42, 8))


def test_the_ellipsis_of_a_long_sum_has_room():
    opened = session("xor", "goto a2", "select z2[2,0]")
    for columns in range(60, 90):
        assert all(width(line) <= columns for line in why_lines(opened.view(), columns, 5))


@pytest.mark.parametrize("scenario", ["xor", "iris", "deep_sigmoid"])
def test_what_is_shown_of_a_sum_adds_up_however_little_room_there_is(scenario):
    opened = session(scenario, "update", "convention columns")
    for stage in [stage for stage in opened.program.stages if stage.name.startswith(("z", "dW", "db"))]:
        opened.execute(f"goto 1:{stage.name}")
        opened.cursor.select(stage.name, tuple(length - 1 for length in opened.timeline.machine.shapes()[stage.name]))
        explained = opened.explain(*opened.selected)
        sizes = sum(abs(term.value) for _, term in sum_of(explained.term).terms)
        for numbers in written_out(explained):
            added = eval(re.sub(r"\d+ more, together (.*)", r"(\1)", numbers.text).replace("·", "*").replace("−", "-"))  # noqa: S307
            assert abs(added - explained.value) < 2e-3 * sizes + 1e-12, (stage.name, numbers.text)
        for columns in (24, 37, 42):
            assert max(width(line) for line in why_lines(opened.view(), columns, 7)) <= columns


@pytest.mark.parametrize("columns", [30, 42, 60])
def test_a_formula_is_broken_outside_of_its_parentheses_and_before_a_sign(columns):
    for name, stage in (("xor", "da2"), ("xor", "loss"), ("xor", "dW2")):
        for line in why(columns, 12, name, f"goto {stage}").splitlines()[:4]:
            if line.count("(") == line.count(")"):
                assert not line.rstrip().endswith(("+", "−"))
    assert "\n         + (1 − y[0,0])/(1 − a2[0,0])" in why(42, 8, "xor", "goto da2")


@pytest.mark.parametrize(("stage", "operands"), [("dW2", 8), ("db2", 4)])
@pytest.mark.parametrize("rows", [8, 12])
def test_the_number_that_enter_goes_to_is_underlined(stage, operands, rows):
    for operand in range(1, operands + 1):
        shown = session("xor", f"goto {stage}", f"operand {operand}").view()
        name, index = shown.explanation.operands[shown.operand]
        ((number, _),) = [span for line in why_lines(shown, 76, rows) for span in line if "lit" in span[1].split()]
        assert float(number.replace("−", "-")) == pytest.approx(shown.tensors[name][index], rel=1e-3)


def test_the_values_of_long_terms_stand_for_them_where_there_is_little_room():
    assert "= 1.279 + 0.37143 + 0.18782 + 1.6745\n     = 3.5128" in why(42, 8, "xor", "goto loss")
    assert "log(0.721688)" in why(150, 12, "xor", "goto loss")


def test_the_way_that_enter_has_led_is_in_the_border_until_one_goes_elsewhere():
    opened = session("xor", "goto dW1", "select dW1[1,0]", "origin", "origin")
    assert why_title(opened.view(), "6 Why", 78) == "6 Why  dW1[1,0] ‹ dz1[1,0] ‹ da1[1,0]  Bksp returns"
    assert why_title(opened.view(), "6 Why", 46) == "6 Why  … ‹ dz1[1,0] ‹ da1[1,0]  Bksp returns"
    opened.execute("return")
    assert opened.view().crumbs == (("dW1", (1, 0)), ("dz1", (1, 0)))
    opened.execute("return")
    assert why_title(opened.view(), "6 Why", 78) == "6 Why"
    opened.execute("origin")
    opened.execute("step")
    assert not opened.view().crumbs


def test_why_the_program_stands_here_comes_first_until_the_next_move():
    opened = session("xor", "watch dW1[1,0] sign", "continue")
    first, *_ = why_lines(opened.view(), 100, 8)
    assert plain(first).startswith("watchpoint 1: dW1[1,0] changed its sign: 0.00018")
    assert " → −0.00016" in plain(first)
    assert role_of(first, "watchpoint") == "changed"
    opened.execute("step")
    assert "watchpoint" not in text(why_lines(opened.view(), 100, 8))


def test_what_is_displayed_is_in_the_border_or_above_the_fold():
    opened = session("xor", "display loss", "display norm(dW1)", "display max(abs(dz2))", "goto dW1")
    for columns in (20, 42, 90):
        shown = opened.view()
        seen = displays_in_border(shown, columns) + text(why_lines(shown, columns, 8)[:3])
        assert len(displays_in_border(shown, columns)) <= columns
        for display in ("loss = 3.51", "norm(dW1) = ", "max(abs(dz2)) = "):
            assert display[: columns - 1] in seen, columns


def test_a_number_from_before_an_edit_says_so_and_when_it_is_computed_anew():
    opened = session("xor", "goto dW2", "formula da2 = a2 - y", "check", "select dz2[0,0]")
    before = opened.value("dz2")[0, 0]
    first, *_ = why_lines(opened.view(), 76, 8)
    assert plain(first) == "computed before the edit of da2: the next update has it"
    opened.execute("reverse-step")
    opened.execute("step")
    assert opened.value("dz2")[0, 0] == before
    for command in ("goto 1:dW2", "select dz2[0,0]"):
        opened.execute(command)
    assert "computed before" not in text(why_lines(opened.view(), 76, 8))
    assert opened.value("da2")[0, 0] == opened.value("a2")[0, 0] - opened.value("y")[0, 0]


def test_a_result_is_green_only_where_a_check_says_that_it_is_right():
    def role(opened):
        (drawn,) = [line for line in why_lines(opened.view(), 76, 8) if plain(line).startswith("         = 0.73757")]
        return role_of(drawn, "0.73757")

    opened = session("xor", "goto dW2")
    assert role(opened) == "bold"
    opened.execute("check")
    assert role(opened) == "good"


def test_the_way_to_the_next_operand_is_never_cut():
    for columns in range(18, 80):
        shown = why(columns, 8, big(), "goto z1")
        assert re.search(r"  o (takes the next of 64\+ operands|next \(1 of 64\+\)|1/64\+)", shown), columns


def test_how_the_number_has_changed_stands_beside_it_where_there_is_room():
    moment = ("xor", "goto 0:dW2", "goto 1:dW2")
    shown = why(100, 8, *moment)
    now, was = session(*moment).value("dW2")[0, 0], session(*moment[:2]).value("dW2")[0, 0]
    value, change = re.search(r"\n         = (\S+)   was (\S+)  Δ (\S+) since the last stop\n", shown).group(1, 3)
    assert float(value) == pytest.approx(now, rel=1e-4)
    assert float(change.replace("−", "-")) == pytest.approx(now - was, rel=1e-2)
    assert "Δ" not in why(24, 8, *moment)


def test_paths_are_offered_where_there_are_several_and_few_cells():
    assert "r writes out its paths to the loss" in why(100, 8, "xor", "goto dz1")
    assert "   r paths" in why(76, 8, "xor", "goto dW2")
    assert "paths" not in why(100, 8, "xor", "goto dz2"), "there is one"
    assert "paths" not in why(100, 8, "xor", "goto z1"), "it leads to no loss yet"
    assert "paths" not in why(200, 8, big(), "goto dW1")
    edited = session("xor", "formula a1 = tanh(z1)", "goto dW2").view()
    assert "paths" not in text(why_lines(edited, 100, 8))


def on_paper(scenario, command):
    shown = view(scenario, command)
    return list(stacked(shown, shown.explanation.formula, shown.explanation.style).lines)


def test_a_formula_on_paper_has_bars_roots_and_what_sums_run_over():
    assert on_paper("xor", "goto da2") == ["−y[0,0]    1 − y[0,0]", "─────── + ───────────", "a2[0,0]   1 − a2[0,0]"]
    assert [row.rstrip() for row in on_paper("iris", "goto dz2")] == [
        "a2[0,0] · ⎛da2[0,0] − Σ da2[0,j] · a2[0,j]⎞",
        "          ⎝           j                   ⎠",
    ]
    step = on_paper("iris", "goto W1")
    assert len({width(row) for row in step}) == 1
    assert [row.strip() for row in step if "√" in row or row.strip() == "t"] == ["t", "√1 − beta2"]


@pytest.mark.parametrize("rows", [8, 12, 16, 30])
def test_a_formula_stands_as_on_paper_where_nothing_else_gives_way(rows):
    shown = view("xor", "goto da2")
    flat, high = (why_lines(shown, 80, rows, high) for high in (False, True))
    assert any("───" in plain(drawn) for drawn in high) == (rows > 8)
    assert len(high) <= max(rows, len(flat))
    told = {plain(drawn) for drawn in flat[2:] if " = " not in plain(drawn)}
    assert told <= {plain(drawn) for drawn in high}
    named = next(drawn for drawn in high if "da2[0,0]" in plain(drawn) and " = " in plain(drawn))
    assert ("───" in plain(named)) == (rows > 8)
