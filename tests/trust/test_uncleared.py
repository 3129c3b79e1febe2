"""Gradients that are never cleared are one cause, whichever update is looked at and however much of it is saved."""

from __future__ import annotations

import re

import numpy as np
import pytest
from debugger_scenarios import xor

from bpdebug.core.description import Layer, Loss, Optimizer
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.session.commands.check import compared
from bpdebug.session.session import Session

RULES = {
    "sgd": Optimizer("sgd", {"learning_rate": 0.3}),
}


def training(scenario, factor, moving=True):
    """What each update starts from and computes where every gradient of a parameter has a multiple of the one before in it."""
    program, kept = make_program(scenario), {}
    own = {program.gradients[name] for name in program.free}
    state = {**program.initial}

    def change(name, value):
        if name in own:
            kept[name] = factor * kept.get(name, 0.0) + value
        return kept[name] if name in own and moving else value

    for update in range(5):
        state |= program.batch(update)
        made = program.run(state, change=change)
        arrays = {name: array for name, array in state.items() if name not in program.constants and name != "m"}
        yield arrays | {name + "_new" * (name in state): array for name, array in (made | kept).items()}
        state |= {name: made[name] for name in program.persistent if name in made}


def scenario_of(rule, batch=None):
    return replace(xor(), optimizer=RULES[rule], training=replace(xor().training, batch_size=batch))


def named(text, factor):
    """Whether the one accusation in an answer names the cause and the factor."""
    said = r"all \d+ updates before|of the update before is still" if factor == 1 else rf"{factor:.6g} times"
    accused = [line for line in text.splitlines() if re.match("first off stage|also off", line)]
    return (
        len(accused) == 1
        and re.search("gradients never cleared", text)
        and re.search(said, text)
        and "tell" not in text.split("off stage")[1]
    )


@pytest.mark.parametrize("factor", [1.0, 1.3])
@pytest.mark.parametrize("kept", ["all", "no gradients but the last", "parameters"])
def test_several_files_show_it(factor, kept):
    scenario = scenario_of("sgd", 2)
    files = [*training(scenario, factor)][:4]
    for place, arrays in enumerate(files):
        if kept == "parameters" or (kept != "all" and place < 3):
            files[place] = {name: array for name, array in arrays.items() if name[0] != "d"}
    result = compared(Session(scenario), *files)
    assert result.text.count("gradients never cleared") == 3
    assert all(named(f"first off stage{part}", factor) for part in result.text.split("first off stage")[1:])


def test_what_is_too_much_by_chance_is_no_such_gradient():
    session = Session(xor())
    session.execute("goto update 3")
    *_, arrays = [*training(xor(), 0.0)][:4]
    for wrong in (2 * arrays["dW1"], arrays["dW1"] + np.linspace(0.1, 0.3, arrays["dW1"].size).reshape(2, 4)):
        assert "never cleared" not in compared(session, arrays | {"dW1": wrong}).text


def test_a_factor_that_grows_from_layer_to_layer_is_one_cause():
    layers = (Layer(4, "tanh"), Layer(3, "tanh"), Layer(1, "sigmoid"))
    scenario = replace(xor(), layers=layers, loss=Loss("squared_error", samples="mean"))
    arrays = next(training(scenario, 0.0))
    kept = {name: array for name, array in arrays.items() if not re.match(r"d[az]|.*_new", name)}
    mine = kept | {f"d{kind}{n}": 3.0 ** (4 - n) * kept[f"d{kind}{n}"] for kind in "Wb" for n in (1, 2, 3)}
    text = compared(Session(scenario), mine).text
    assert text.count("off stage") == 1 and "also off" not in text, text
    assert "once more with every layer" in text


def test_two_wrong_signs_in_a_layer_are_no_convention_in_which_what_is_right_would_be_wrong():
    layers = (Layer(4, "tanh"), Layer(3, "tanh"), Layer(1, "sigmoid"))
    scenario = replace(xor(), layers=layers)
    arrays = {name: array for name, array in next(training(scenario, 0.0)).items() if not name.endswith("_new")}
    mine = arrays | {name: -arrays[name] for name in ("dW2", "db2")}
    stages = compared(Session(scenario), mine).data["stages"]
    assert [stage["name"] for stage in stages if stage["status"] in ("off", "follows")] == ["dW2", "db2"]
