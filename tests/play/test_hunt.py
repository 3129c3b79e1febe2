from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, bits, classes, xor
from restated import computed
from turns import by_day

from bpdebug import cli
from bpdebug.core.errors import BpdebugError, FormulaError
from bpdebug.core.layers import make_program
from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario, shipped
from bpdebug.frontends.shipped import FAULTY
from bpdebug.play.hunt import LOCKED, TRIES, Hunt, disguised, game_of
from bpdebug.play.planting import is_right, planting
from bpdebug.session.commands import COMMANDS
from bpdebug.session.script import session_script
from bpdebug.session.session import Session
from bpdebug.time.results import to_json
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust.compare import compare
from bpdebug.trust.faults import FAULTS

NAMES = [entry.name for entry in shipped()]
SEEDS = 30
loaded = cache(load_scenario)


def plant(program, seed):
    """What planting comes to, in one piece."""
    return whole(planting(program, seed))


def meant(scenario):
    """The program without a scenario's own formulas, which a hunt puts aside."""
    return make_program(replace(scenario, formulas={}))


def hunting(scenario, seed, *commands):
    session = Session(scenario)
    for command in (f"hunt {seed}", *commands):
        session.execute(command)
    return session


def answers(session, *commands):
    """The text and the JSON of commands."""
    for command in commands:
        result = session.execute(command)
        yield result.text
        yield to_json(command, session.position, result)


@pytest.mark.parametrize(("seeds", "least"), [(5, 2), pytest.param(SEEDS, 6, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", by_day(NAMES, 3))
def test_every_shipped_scenario_can_be_hunted_and_the_planted_program_runs(name, seeds, least):
    program = meant(loaded(name))
    kinds = Counter()
    for seed in range(seeds):
        fault = plant(program, seed)
        kinds[fault.kind] += 1
        assert program.stage(fault.stage).of, "a stage of the backward pass"
        assert fault.formula != fault.meant
        assert np.isfinite(fault.value)
        timeline = hidden(program, fault.stage, fault.formula)
        timeline.seek(timeline.program.index[fault.stage] + 1)
        value = timeline.machine.tensor(fault.stage)
        assert value[fault.cell] == pytest.approx(fault.value, rel=1e-12)
        assert not np.allclose(value, timeline_of(name, fault.stage), rtol=1e-4, atol=0)
        timeline.seek(len(program.stages) + 1)
    assert len(kinds) >= least - (not program.layers), "it is not always the same mistake"


@cache
def timeline_of(name, stage):
    """The right value of a stage in the first update."""
    timeline = Timeline(meant(loaded(name)))
    timeline.seek(timeline.program.index[stage] + 1)
    return timeline.machine.tensor(stage).copy()


@pytest.mark.parametrize("name", by_day([name for name in NAMES if name != "conv"], 2))
def test_the_check_of_a_planted_program_finds_the_stage(name):
    for seed in range(2):
        session = hunting(loaded(name), seed)
        fault = session.hunts[-1].fault
        checked = session.execute("check anyway")
        assert checked.data["culprit"] == fault.stage, (seed, fault)


def test_the_same_seed_plants_the_same_fault():
    program = make_program(xor())
    faults = [plant(program, seed) for seed in range(SEEDS)]
    assert faults == [plant(make_program(xor()), seed) for seed in range(SEEDS)]
    assert len({fault.stage for fault in faults}) >= 5
    assert len({fault.kind for fault in faults}) >= 8
    assert {fault.kind for fault in faults} <= set(FAULTS)


def test_where_nothing_can_be_wrong_no_hunt_begins():
    one = xor(values={"W1": np.zeros((2, 4)), "b1": np.zeros((1, 4)), "W2": np.zeros((4, 1))})
    exact = replace(one, x=np.zeros((4, 2)), y=np.full((4, 1), 0.5))
    session = Session(exact)
    session.execute("goto 3:a1")
    with pytest.raises(BpdebugError, match="no hunt is possible here"):
        session.execute("hunt 1")
    assert session.hunts == ()
    assert session.position.stage == "a1"


@pytest.mark.parametrize("name", ["short last batch", "adam float32", "residual", "adamw elu"])
def test_a_planted_fault_has_the_numbers_of_the_same_formula_in_the_open(name):
    program = make_program(SCENARIOS[name])
    for seed in range(3):
        fault = plant(program, seed)
        planted, shown = hidden(program, fault.stage, fault.formula), Timeline(open_(program, fault))
        for t in (program.index[fault.stage] + 1, 5 * len(program.stages) + 3, planted.end, 2 * len(program.stages) + 9):
            planted.seek(t)
            shown.seek(t)
            assert bits(planted.machine.values()) == bits(shown.machine.values())


def hidden(program, stage, formula):
    """A timeline on which a planted formula runs in disguise."""
    running, shown = disguised(program, stage, formula)
    timeline = Timeline(running)
    timeline.disguise = shown
    return timeline


def open_(program, fault):
    return program.with_formula(fault.stage, fault.formula)


def test_a_fault_may_be_planted_in_an_update_too():
    program = make_program(xor(30))
    planted = hidden(program, "W1", "W1 + learning_rate * dW1")
    shown = Timeline(program.with_formula("W1", "W1 + learning_rate * dW1"))
    for timeline in (planted, shown):
        timeline.seek(timeline.end)
    assert bits(planted.machine.values()) == bits(shown.machine.values())
    assert str(planted.program.stage("W1")) == "W1 = W1 - learning_rate * dW1"


def test_a_planted_formula_has_to_fit():
    program = make_program(xor())
    for text in ("da2 * z2", "dW1", "nothing", "da1 +"):
        with pytest.raises(FormulaError):
            hidden(program, "dz1", text)


def formulas_in(thing, seen=None):
    """The texts of all formulas that can be reached from an object."""
    seen = {} if seen is None else seen
    if id(thing) in seen or isinstance(thing, str | bytes | int | float | np.ndarray | type(None)):
        return
    seen[id(thing)] = thing
    if isinstance(thing, Formula):
        yield thing.text
    parts = list(thing.items()) if isinstance(thing, Mapping) else list(thing) if isinstance(thing, list | tuple | frozenset | set) else []
    for part in [*parts, *getattr(thing, "__dict__", {}).values()]:
        yield from formulas_in(part, seen)


LOOKS = (
    *("goto {stage}", "list", "where", "select {cell}", "explain {cell}", "print {stage}", "step", "hint", "hint", "hint", "score"),
    *("info", "bookmark", "save kept.bp", "goto {stage}", "diff start", "break {stage}", "watch {cell}", "display {cell}", "continue"),
    *("continue", "history norm({stage})", "goto {stage}", "origin", "return", "catch small-update", "reverse-continue"),
)


def strings_in(text):
    """Every string of a JSON text."""
    found = []
    json.loads(text, object_hook=lambda made: found.extend(map(str, made.values())))
    return found


@pytest.mark.parametrize("name", ["xor", "iris", "residual", "tutorial_as_written"])
def test_the_disguise_leaks_nowhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in range(2):
        session, plain = hunting(loaded(name), seed), Session(replace(loaded(name), formulas={}))
        fault = session.hunts[-1].fault
        assert [*answers(session, "list")] == [*answers(plain, "list")]
        looks = [look.format(stage=fault.stage, cell=f"{fault.stage}[0,0]") for look in LOOKS]
        told = [*answers(session, *looks), Path("kept.bp").read_text("utf-8"), repr(session.view()), repr(session.program)]
        told += [string for text in told if text.startswith("{") for string in strings_in(text)]
        for text in told:
            assert fault.formula != text
            assert f"{fault.stage} = {fault.formula}" not in text
            assert fault.title not in text
            assert fault.evidence not in text
        session.execute(f"goto {fault.stage}")
        plain.execute(f"goto {fault.stage}")
        for moment in (session, plain):
            moment.cursor.select(fault.stage, fault.cell)
        assert session.view().program.lines == plain.program.lines
        assert repr(session.program.lines) == repr(plain.program.lines)
        assert session.view().explanation.symbolic == plain.view().explanation.symbolic
        assert set(formulas_in(session.view())) == set(formulas_in(plain.view()))


def test_what_the_player_computes_himself_shows_it():
    for seed in range(SEEDS):
        session = hunting(xor(), seed)
        fault = session.hunts[-1].fault
        session.execute(f"break {fault.stage} if norm({fault.stage} - ({fault.meant})) > 1e-9")
        assert session.execute("continue").data["reason"] == "breakpoint"
        assert session.position.stage == fault.stage
        for stage in session.program.stages:
            if stage.of and stage.name in session.values():
                gap = np.abs(session.value(f"{stage.name} - ({stage.formula.text})")).max()
                assert (gap > 1e-12) == (stage.name == fault.stage)


def test_an_explanation_ends_in_the_value_that_the_tensor_has():
    session = hunting(xor(), 1)
    fault = session.hunts[-1].fault
    session.execute(f"goto {fault.stage}")
    explained = session.explain(fault.stage, fault.cell)
    assert explained.value == fault.value
    assert explained.term.value == pytest.approx(fault.right)
    assert explained.stage.formula.text == fault.meant


@pytest.mark.parametrize("name", [name for name in LOCKED if name in COMMANDS])
def test_what_would_tell_is_locked_until_it_is_asked_for(name):
    session = hunting(xor(), 3, "goto dW1")
    with pytest.raises(BpdebugError, match=f"{name} is locked during a hunt: 'check anyway' unlocks it and costs the point"):
        session.execute(f"{name} dz1")
    assert not session.hunts[-1].checked


def test_check_anyway_unlocks_everything_and_costs_the_point():
    session = hunting(xor(), 3)
    assert session.execute("check anyway").type == "check"
    assert session.hunts[-1].checked
    assert session.execute("check").type == "check"
    assert session.execute("check anyway").type == "check"
    assert "derived" not in session.execute("formula dz1").text
    found = session.execute(f"accuse {session.hunts[-1].fault.stage}")
    assert "no point" in found.text
    assert (found.data["found"], found.data["points"], found.data["hunts"]) == (True, 0, 1)


def test_a_check_is_not_locked_where_there_is_no_hunt():
    session = Session(xor())
    assert session.execute("check").type == "check"
    with pytest.raises(BpdebugError):
        session.execute("check anyway")


def other_stages(session):
    return [stage.name for stage in session.program.stages if stage.name != session.hunts[-1].fault.stage]


def test_the_right_accusation_brings_the_point_and_shows_the_fault():
    session = hunting(xor(), 3, "goto 2:dW1")
    fault, before, t = session.hunts[-1].fault, bits(session.values()), session.position.t
    told = session.execute(f"accuse {fault.stage}")
    assert told.text.startswith(f"right: {fault.stage}\n")
    for text in (fault.formula, fault.meant, fault.title, fault.evidence, "score 1/1"):
        assert text in told.text
    assert told.data["fault"]["formula"] == fault.formula
    assert (session.position.t, bits(session.values())) == (t, before), "nothing else has changed"
    stage = session.program.stage(fault.stage)
    assert stage.edited
    assert (stage.formula.text, stage.derived.text) == (fault.formula, fault.meant)
    assert session.view().program.stage(fault.stage).edited
    assert session.execute("check").data["culprit"] == fault.stage
    session.execute("goto 0:z1")
    session.execute("goto 2:dW1")
    assert bits(session.values()) == before


def test_three_wrong_accusations_lose():
    session = hunting(xor(), 3)
    wrong = other_stages(session)[: TRIES + 1]
    for count, name in enumerate(wrong[: TRIES - 1], 1):
        told = session.execute(f"accuse {name}")
        assert told.text.startswith(f"wrong: {name} ")
        assert told.data["tries"] == TRIES - count
        assert "fault" not in told.data
    told = session.execute(f"accuse {wrong[TRIES - 1]}")
    assert session.hunts[-1].fault.formula in told.text
    assert (told.data["over"], told.data["found"], told.data["points"], told.data["hunts"]) == (True, False, 0, 1)
    assert session.program.stage(session.hunts[-1].fault.stage).edited
    for command in (f"accuse {wrong[TRIES]}", "hint", "reveal"):
        with pytest.raises(BpdebugError, match="this hunt is over"):
            session.execute(command)


def test_the_score_counts_hunts_that_are_over():
    session = hunting(xor(), 0)
    lines = [session.view().game.line]

    def play(*commands):
        for command in commands:
            session.execute(command)
        lines.append(session.view().game.line)

    play(f"accuse {other_stages(session)[0]}")
    play(f"accuse {session.hunts[-1].fault.stage}")
    play("hunt")
    play("reveal")
    play("hunt 7", "hint")
    play("hunt", "check anyway")
    play(f"accuse {session.hunts[-1].fault.stage}")
    play("hunt 2", f"accuse {plant(make_program(xor()), 2).stage}")
    assert lines == [
        "hunt 1: 3 tries left · score 0/0",
        "hunt 1: 2 tries left · score 0/0",
        "hunt 1: found · score 1/1",
        "hunt 2: 3 tries left · score 1/1",
        "hunt 2: revealed · score 1/2",
        "hunt 3: 3 tries left · score 1/2",
        "hunt 4: 3 tries left, no point (checked) · score 1/3",
        "hunt 4: found, no point (checked) · score 1/4",
        "hunt 5: found · score 2/5",
    ]
    rows = session.execute("score").text.splitlines()
    assert [row.split(":")[0] for row in rows[:-1]] == [f"hunt {n}, seed {seed}" for n, seed in enumerate((0, 1, 7, 8, 2), 1)]
    assert "left" in rows[2]
    assert rows[-1] == "score 2/5"
    assert [hunt.seed for hunt in session.hunts] == [0, 1, 7, 8, 2]


def test_without_a_hunt_there_is_no_game():
    assert game_of(()) is None
    assert Session(xor()).view().game is None


def test_one_try_is_said_in_the_singular():
    hunt = Hunt(3, plant(make_program(xor()), 3), ("z1", "a1"))
    assert game_of((hunt,)).line == "hunt 1: 1 try left · score 0/0"


def test_hints_narrow_it_down_and_end():
    for seed in range(SEEDS):
        session = hunting(xor(), seed)
        fault = session.hunts[-1].fault
        hints = [session.execute("hint").data["hint"] for _ in range(3)]
        assert ("dW" in hints[0]) == (fault.stage[1] in "Wb")
        assert hints[1] == f"it is in layer {fault.stage[-1]}"
        assert fault.formula not in hints[2]
        with pytest.raises(BpdebugError, match="no more hints"):
            session.execute("hint")
        assert session.hunts[-1].hints == 3


def test_an_accusation_twice_is_refused_and_costs_nothing():
    session = hunting(xor(), 3)
    name = other_stages(session)[0]
    session.execute(f"accuse {name}")
    with pytest.raises(BpdebugError, match="already been accused"):
        session.execute(f"accuse {name}")
    with pytest.raises(BpdebugError, match="did you mean"):
        session.execute("accuse dz11")
    assert session.hunts[-1].tries == TRIES - 1


def test_a_hunt_begins_anew_and_says_what_it_drops():
    session = Session(loaded("tutorial_as_written"))
    session.execute("goto 3:dz2")
    session.execute("set W1[0,0] = 2")
    session.execute("break dz1")
    session.execute("bookmark here")
    told = session.execute("hunt 4")
    assert session.position.t == 0
    assert told.data["dropped"] == ["set W1[0,0] = 2.0", "formula da2 = a2 - y"]
    assert "dropped: set W1[0,0] = 2.0; formula da2 = a2 - y" in told.text
    assert session.timeline.edits == []
    assert session.program.stage("da2").formula.text == "-y / a2 + (1 - y) / (1 - a2)"
    assert list(session.stops.all) == [1]
    assert session.bookmarks == {"here": 3 * 17 + 7}


def test_numbers_may_be_set_and_an_unlocked_formula_replaces_what_was_planted():
    session = hunting(xor(), 3, "goto a1", "set a1[0,0] = 0.25", "check anyway")
    fault = session.hunts[-1].fault
    session.execute(f"formula {fault.stage} = {fault.meant}")
    session.execute("goto 1:W1")
    assert np.abs(session.value(f"{fault.stage} - ({fault.meant})")).max() == 0
    told = session.execute(f"accuse {fault.stage}")
    assert told.data["found"]
    assert session.program.stage(fault.stage).formula.text == fault.meant, "the player's own formula stays"
    session.execute("undo")
    assert session.program.stage(fault.stage).formula.text == fault.formula


def test_a_saved_hunt_is_its_seed_and_what_was_done():
    session = hunting(classes(3, shuffle=True), 5, "hint", "accuse z1", "hunt 6", "check anyway", "goto 1:dW2", "set dW2[0,0] = 3", "hint")
    script = session_script(session)
    assert script.splitlines()[1:8] == ["hunt 5", "hint", "accuse z1", "hunt 6", "hint", "check anyway", "goto 1:dW2"]
    fresh = Session(classes(3, shuffle=True))
    for line in script.splitlines()[1:]:
        fresh.execute(line)
    assert fresh.hunts == session.hunts
    assert bits(fresh.values()) == bits(session.values())
    assert session_script(fresh) == script


ACTS = (
    *("hunt", "accuse {stage.name}", "hint", "reveal", "score", "check anyway", "predict on", "answer 0", "step", "list"),
    *("goto {update}:{stage.name}", "update", "reverse-step 7", "set W1[0,0] = 0.5", "formula {stage} * 0.9", "undo", "print norm(W1)"),
)


@pytest.mark.parametrize("seed", by_day(range(8), 4))
def test_random_games_keep_the_law_of_time_and_the_score(seed):
    choose, scenario = random.Random(seed), [xor(9), classes(4, shuffle=True)][seed % 2]  # noqa: S311
    session = Session(scenario)
    session.execute(f"hunt {seed}")
    for _ in range(60):
        command = choose.choice(ACTS).format(stage=choose.choice([*session.program.stages]), update=choose.randrange(3))
        try:
            session.execute(command)
        except BpdebugError as error:
            assert str(error)
        session.view()
        game = session.view().game
        assert 0 <= game.points <= game.hunts <= game.number == len(session.hunts)
        assert game.points == sum(hunt.found and not hunt.checked for hunt in session.hunts)
        if not session.timeline.edits:
            assert session.hunts[-1].over == any(stage.edited for stage in session.program.stages)
    fresh = Session(scenario)
    for line in session_script(session).splitlines()[1:]:
        fresh.execute(line)
    assert bits(fresh.values()) == bits(session.values())
    assert (fresh.hunts, fresh.position) == (session.hunts, session.position)
    assert fresh.question == session.question


@pytest.fixture
def run(capsys):
    def run(*arguments):
        status = cli.main(list(arguments))
        return status, *capsys.readouterr()

    return run


def test_a_hunt_runs_without_a_screen(run):
    fault = plant(make_program(loaded("xor")), 12)
    status, output, errors = run("hunt", "xor", "--seed", "12", "-x", "goto 3:dW1", "-x", "hint", "-x", f"accuse {fault.stage}")
    assert (status, errors) == (0, "")
    assert output.startswith("hunt 1 on XOR, seed 12: ")
    assert f"right: {fault.stage}\n" in output
    assert run("hunt", "xor", "--seed", "12", "-x", "goto 3:dW1", "-x", "hint", "-x", f"accuse {fault.stage}")[1] == output


def test_each_line_of_a_hunt_in_json_is_an_object(run):
    status, output, _ = run("hunt", "--seed", "3", "--json", "-x", "hint", "-x", "score", "-x", "reveal")
    lines = [json.loads(line) for line in output.splitlines()]
    assert status == 0
    assert [line["command"] for line in lines] == ["hunt 3", "hint", "score", "reveal"]
    assert {line["type"] for line in lines} == {"hunt"}
    assert [line["hints"] for line in lines] == [0, 1, 1, 1]
    assert "fault" not in lines[2]
    assert lines[3]["fault"]["stage"]


def test_the_seed_chooses_a_scenario_without_a_fault_of_its_own(run):
    chosen = {json.loads(run("hunt", "--seed", str(seed), "--json")[1].splitlines()[0])["scenario"] for seed in range(3 * len(NAMES))}
    assert chosen == {loaded(name).name for name in NAMES if name not in FAULTY}
    assert not any(loaded(name).formulas for name in NAMES if name not in FAULTY)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hunt", "nosuch"], "nosuch"),
        (["hunt", "--seed", "-1", "--json"], "--seed"),
        (["hunt", "--seed", "x", "--json"], "a number from 0 is expected"),
        (["hunt", "xor"], "is not a terminal"),
        (["hunt", "xor", "--script", "nosuch.bp"], "there is no such file"),
    ],
)
def test_bad_usage_of_hunt_ends_with_2(run, arguments, message):
    status, output, errors = run(*arguments)
    assert (status, output) == (2, "")
    assert message in errors


def test_without_a_terminal_a_hunt_names_the_command_that_works(run):
    _, _, errors = run("hunt", "--seed", "1")
    assert "bpdebug hunt xor --seed 1 -x hint" in errors


def test_on_a_terminal_the_app_opens_on_a_hunt(monkeypatch):
    opened = []
    module = ModuleType("bpdebug.ui.app")
    module.run_app = lambda session, fresh, settings: opened.append((session.hunts[-1].seed, session.view().game.line, fresh)) or 0
    monkeypatch.setitem(sys.modules, "bpdebug.ui.app", module)
    monkeypatch.setattr("bpdebug.headless._missing_terminal", lambda: "")
    assert cli.main(["hunt", "xor", "--seed", "4", "--fresh"]) == 0
    assert opened == [(4, "hunt 1: 3 tries left · score 0/0", True)]


def test_a_locked_command_ends_a_run_with_1(run):
    status, _, errors = run("hunt", "xor", "--seed", "1", "-x", "check")
    assert status == 1
    assert "'check anyway' unlocks it and costs the point" in errors


@pytest.mark.parametrize("name", by_day([name for name in NAMES if load_scenario(name).layers], 3))
def test_no_convention_is_planted(name):
    program = meant(loaded(name))
    for seed in range(4):
        fault = plant(program, seed)
        report = compare(Timeline(program), computed(program.with_formula(fault.stage, fault.formula)))
        assert [finding.stage.name for finding in report.accused] == [fault.stage], (seed, fault.kind, fault.formula)


def test_a_common_factor_with_a_name_is_no_mistake_to_hunt_for():
    program = meant(loaded("xor"))
    values = program.initial | program.batch(0)
    values |= program.run(values, program.end_of(Phase.BACKWARD))
    for stage, factor, right in (("da2", 2.0, True), ("dz2", 1 / 4, True), ("da2", 3.0, False), ("da2", -1.0, False), ("da1", 2.0, False)):
        assert is_right(program, program.stage(stage), factor * values[stage], values) == right


def test_a_mistake_that_does_not_fit_a_length_that_only_the_run_knows_is_passed_over(tmp_path):
    text = "program: |\n  e = x @ w - y\n  big = e[abs(e) > 0.1]\n  loss = sum(big ** 2) / len(x)\nparameters: {values: {w: [0.5, -1]}}\n"
    (tmp_path / "s.yaml").write_text(f"{text}data: {{inputs: [[1, 2], [0.5, -1], [0.3, 0.2]], targets: [0.5, 1, -1]}}\n")
    for seed in (8, 13, 51):
        session = Session(load_scenario(tmp_path / "s.yaml"))
        session.execute(f"hunt {seed}")
        assert session.execute("check anyway").data["culprit"] == session.hunts[-1].fault.stage
