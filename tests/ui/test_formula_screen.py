"""The formula editor: its drawing as text, then journeys by key."""

from __future__ import annotations

import pytest
from renamed import NONSENSE, renamed
from textual.widgets import Input
from ui_app import LARGE, SMALL, debugger, errors, messages, press, settled, shown, until
from ui_views import loaded, role_of, session, text, view

from bpdebug.session.completion import candidates, complete, draft
from bpdebug.ui.draw.spans import plain, width
from bpdebug.ui.draw.typed import candidates_line, draft_lines, editor_title, mistake_line
from bpdebug.ui.pointing import Asked
from bpdebug.ui.prompt_screen import FormulaScreen


def judged(moment, name, written):
    return draft(moment.program, name, written, moment.shapes)


def verdict(name, written, columns=78, moment=None):
    moment = moment or view("xor", "goto dz1")
    return text(draft_lines(moment, moment.program.stage(name), judged(moment, name, written), columns)).splitlines()


def offered(written, chosen=None, columns=78, name="dz1"):
    moment = view("xor", "goto dz1")
    known = candidates(moment.program, name, moment.shapes)
    return plain(candidates_line(complete(written, len(written), known).found, chosen, columns))


def test_a_formula_that_fits_is_shown_in_mathematics_with_the_shapes_of_its_names():
    assert verdict("dW2", "x.T@dz2@W2.T@W2")[0].startswith("✗ dW2 is 4×1; this formula gives 2×1")
    assert verdict("dW2", "2*a1.T @ dz2") == ["✓ fits: dW2 is 4×1   a1 4×4   dz2 4×1", "  dW2 = 2·a1ᵀ·dz2"]


def test_the_derived_formula_and_the_one_that_runs_are_said():
    assert "this is the derived formula" in verdict("dW2", "a1.T@dz2")[0]
    edited = session("xor", "goto dz1", "formula dW2 = a1.T @ da2").view()
    assert "this is what runs now" in verdict("dW2", "a1.T@da2", moment=edited)[0]
    assert "this is the derived formula" in verdict("dW2", "a1.T@dz2", moment=edited)[0]


def test_a_mistake_comes_before_the_mathematics_and_is_wrapped():
    lines = verdict("dz1", "da1 * a2 @ a1", columns=50)
    assert lines[0].startswith("✗ a2 is") or lines[0].startswith("✗ da1 * a2 is")
    assert all(len(line) <= 50 for line in lines)
    assert lines[-1] == "  dz1 = da1 ⊙ a2·a1"
    assert verdict("dz1", "da1 *")[0].startswith("✗ ")


@pytest.mark.parametrize("columns", [20, 40, 77])
def test_no_line_is_wider_than_the_editor(columns):
    moment = view("xor", "goto dz1")
    for written in ("da1 * a1 * (1 - a1)", "nothing + da1", "da1 * x", "+".join(["da1"] * 40)):
        for line in draft_lines(moment, moment.program.stage("dz1"), judged(moment, "dz1", written), columns)[1:]:
            assert width(line) <= columns


@pytest.mark.parametrize(("written", "start", "place"), [("da1 * nothing", 6, 12), ("  (", 0, 2), ("1 + é", 3, 7), ("全 + 1", 0, 0)])
def test_the_caret_is_below_the_mistake(written, start, place):
    line = plain(mistake_line(judged(view("xor"), "dz1", written), start, 40))
    assert line == " " * place + "^"


def test_the_caret_goes_with_the_scrolled_text_and_out_of_sight():
    made = judged(view("xor"), "dz1", "da1 * nothing")
    assert plain(mistake_line(made, -4, 40)) == "  ^"
    assert mistake_line(made, -10, 40) == ()
    assert mistake_line(made, 6, 12) == ()
    assert mistake_line(judged(view("xor"), "dz1", "da1"), 6, 40) == ()


def test_the_candidates_stand_with_their_shapes():
    assert offered("da").rstrip() == "da1 4×4   da2 4×1"
    assert offered("tanh").rstrip() == "tanh("
    assert offered("loss").rstrip() == "loss"
    assert offered("zz") == ""


def test_of_many_candidates_as_many_as_fit_are_shown_and_the_rest_counted():
    shown_of = offered("", columns=40)
    assert len(shown_of) <= 40
    assert shown_of.startswith("da1 4×4   db2 1×1")
    count = len(offered("", columns=10**4).split("   ")) - 1
    assert shown_of.endswith(f"… {count - shown_of.count('   ')} more")


def test_the_chosen_candidate_is_always_in_sight():
    moment = view("xor", "goto dz1")
    found = complete("", 0, candidates(moment.program, "dz1", moment.shapes)).found
    for chosen, candidate in enumerate(found):
        line = candidates_line(found, chosen, 40)
        assert role_of(line, candidate.word) == "cursor"


def test_the_title_fits_a_small_screen():
    for name, all_keys in (("residual", True), ("ninja", False)):
        moment = view(name)
        titles = [editor_title(moment, stage, SMALL[0] - 2) for stage in moment.program.stages]
        assert max(map(width, titles)) <= SMALL[0] - 2
        assert all("Esc leaves" in plain(title) for title in titles)
        assert all("derived" in plain(title) for title in titles) == all_keys


def test_what_is_left_to_fill_in_opens_an_empty_line():
    moment = view("ninja")
    stage = moment.program.stage("dprobs")
    assert FormulaScreen(moment, stage, stage.formula.text).first == ""


def editor(app):
    assert isinstance(app.screen, FormulaScreen)
    return app.screen.query_one(Input)


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["large", "small"])
async def test_a_wrong_formula_is_typed_and_runs_from_then_on(size):
    async with debugger(size=size) as (app, pilot):
        app.perform("goto dz1")
        await press(pilot, "y")
        assert editor(app).value == "da1 * a1 * (1 - a1)"
        assert "this is the derived formula" in shown(app, "verdict")
        await press(pilot, *"da1 * a1 * (1 - ")
        assert shown(app, "verdict").startswith("✗ '(' was never closed")
        await press(pilot, *"z1)")
        assert shown(app, "verdict").splitlines()[:2] == ["✓ fits: dz1 is 4×4   da1 4×4   a1 4×4   z1 4×4", "  dz1 = da1 ⊙ a1 ⊙ (1 − z1)"]
        assert app.session.program.stage("dz1").edited is False
        await press(pilot, "enter")
        assert app.view.position.stage == "dz1"
        assert app.session.program.stage("dz1").formula.text == "da1 * a1 * (1 - z1)"
        assert "✎dz1 = da1 ⊙ a1 ⊙ (1 − z1)" in shown(app, "program")
        assert messages(app)[0].splitlines()[0] == "formula dz1 = da1 * a1 * (1 - z1)"
        assert messages(app)[0].splitlines()[-1] == "v checks it"


async def test_the_caret_stands_below_the_mistake_and_enter_leaves_it_there():
    async with debugger(size=SMALL) as (app, pilot):
        app.perform("goto dz1")
        await press(pilot, "y", *"da1 * a2 @ a1")
        row = shown(app, "mistake")
        line = app.screen.query_one("#line")
        assert row.index("^") - line.region.x + app.screen.query_one("#mistake").region.x == "da1 * a2 @ a1".index("@")
        await press(pilot, "enter")
        assert editor(app).value == "da1 * a2 @ a1"
        assert not app.session.timeline.edits
        await press(pilot, "escape")
        assert not isinstance(app.screen, FormulaScreen)
        assert app.session.program.stage("dz1").edited is False


async def test_the_caret_follows_a_line_that_is_longer_than_the_screen():
    async with debugger(size=SMALL) as (app, pilot):
        app.perform("goto dz1")
        await press(pilot, "y")
        editor(app).value = "da1 + " * 30 + "nothing"
        await press(pilot, "end")
        await settled(pilot)
        assert editor(app).scroll_x > 0
        line, row = app.screen.query_one("#line"), app.screen.query_one("#mistake")
        assert shown(app, "line")[shown(app, "mistake").index("^") + row.region.x - line.region.x :].startswith("nothing")
        await press(pilot, "home")
        await settled(pilot)
        assert shown(app, "mistake") == ""


async def test_tab_writes_what_is_sure_and_then_tries_the_candidates():
    async with debugger() as (app, pilot):
        app.perform("goto dz1")
        await press(pilot, "y", *"lear", "tab")
        assert editor(app).value == "learning_rate"
        await press(pilot, *" * d", "tab")
        assert editor(app).value == "learning_rate * da1"
        await press(pilot, "tab", "tab")
        assert editor(app).value == "learning_rate * dW2"
        await press(pilot, "shift+tab")
        assert editor(app).value == "learning_rate * db2"
        assert "da1 4×4" not in shown(app, "names")
        await press(pilot, *" + tanh", "tab")
        assert editor(app).value == "learning_rate * db2 + tanh("
        await press(pilot, "shift+tab")
        assert editor(app).value == "learning_rate * db2 + tanh(learning_rate"
        await press(pilot, *"!z", "tab")
        assert editor(app).value == "learning_rate * db2 + tanh(learning_rate!z2"


async def test_tab_completes_within_the_line():
    async with debugger() as (app, pilot):
        app.perform("goto dz1")
        await press(pilot, "y", *" * a1", "home", *"da", "tab", "tab")
        assert editor(app).value == "da2 * a1"
        assert editor(app).cursor_position == 3
        await press(pilot, *".T")
        assert editor(app).value == "da2.T * a1"


async def test_the_derived_formula_comes_back_by_key():
    async with debugger() as (app, pilot):
        app.perform("goto dz1")
        app.perform("formula dz1 = da1 * a1")
        await press(pilot, "y")
        assert editor(app).value == "da1 * a1"
        assert "this is what runs now" in shown(app, "verdict")
        await press(pilot, "ctrl+d", *" ")
        assert editor(app).value == "da1 * a1 * (1 - a1) "
        assert "this is the derived formula" in shown(app, "verdict")
        await press(pilot, "enter")
        assert app.session.program.stage("dz1").formula.text == "da1 * a1 * (1 - a1)"


async def test_a_formula_that_runs_already_is_no_edit():
    async with debugger() as (app, pilot):
        app.perform("goto dz1")
        await press(pilot, "y", "enter")
        assert not isinstance(app.screen, FormulaScreen)
        assert not app.session.timeline.edits


async def test_the_stage_is_that_of_the_listings_cursor_or_of_the_selected_cell_or_the_last_or_the_next():
    async with debugger() as (app, pilot):
        await press(pilot, "y")
        assert app.screen.stage.name == "z1"
        await press(pilot, "escape")
        app.perform("goto dz2")
        await press(pilot, "y")
        assert app.screen.stage.name == "dz2"
        await press(pilot, "escape", "left", "y")
        assert app.screen.stage.name == "da2"
        await press(pilot, "escape", "1", "down", "down", "y")
        assert app.screen.stage.name == "db2"
        await press(pilot, "escape")
        app.perform("goto end")
        await until(pilot, lambda: not app.session.journey.pending and not app.work.busy)
        await press(pilot, "2", "y")
        assert app.screen.stage.name == "b2"


async def test_the_keys_of_commands_do_nothing_behind_the_editor():
    async with debugger() as (app, pilot):
        app.perform("goto dz1")
        app.perform("set W1[0,0] = 1")
        await press(pilot, "y", "Z")
        assert isinstance(app.screen, FormulaScreen)
        assert len(app.session.timeline.edits) == 1
        await press(pilot, "escape", "Z")
        assert not app.session.timeline.edits
        assert not errors(app)


async def test_a_name_before_the_formula_turns_to_that_stage():
    async with debugger() as (app, pilot):
        app.perform("goto loss")
        await press(pilot, "y", *"dz1=da1")
        assert "dz1 =" in app.screen.query_one("#target").render().plain
        assert app.screen.query_one("Input").value == "da1"
        await press(pilot, "enter")
        assert app.session.program.stage("dz1").formula.text == "da1"
        assert app.session.program.stage("loss").derived is None


async def test_names_that_are_no_words_are_typed_and_pointed_at_all_the_same():
    scenario, names = renamed(loaded("xor"), NONSENSE["dotted"])
    async with debugger(scenario) as (app, pilot):
        app.perform(f"goto 3:{names['da1']}")
        await settled(pilot)
        await press(pilot, "y")
        app.screen.query_one(Input).value = f"{names['dz1']} = {names['da1']}"
        await settled(pilot)
        assert isinstance(app.screen, FormulaScreen)
        assert app.screen.stage.name == names["dz1"]
        assert app.screen.query_one(Input).value == names["da1"]
        app.screen.query_one(Input).value = f"{names['W1']} == {names['da1']}"
        await settled(pilot)
        assert app.screen.stage.name == names["dz1"]
        await press(pilot, "escape")
        app.on_asked(Asked(f"goto 2:{names['loss']}"))
        await until(pilot, lambda: app.view.position.update == 2)
        assert app.view.position.stage == names["loss"]
