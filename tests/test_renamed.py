from __future__ import annotations

import numpy as np
import pytest
from renamed import NONSENSE, in_words, renamed
from turns import by_turns

from bpdebug.core.layers import make_program
from bpdebug.core.tensors import Role
from bpdebug.frontends import load_scenario, shipped
from bpdebug.time.timeline import Timeline

SHIPPED = tuple(entry.name for entry in shipped())


@pytest.mark.parametrize(("name", "naming"), by_turns(SHIPPED, NONSENSE))
def test_the_same_program_under_other_names_has_the_same_bits(name, naming):
    scenario = load_scenario(name)
    other, names = renamed(scenario, NONSENSE[naming])
    ours, theirs = Timeline(make_program(scenario)), Timeline(make_program(other))
    assert [in_words(stage.formula.text, names) for stage in ours.program.stages] == [s.formula.text for s in theirs.program.stages]
    for t in (3, 2 * len(ours.program.stages) - 1, 5 * len(ours.program.stages)):
        ours.seek(t)
        theirs.seek(t)
        values, found = ours.machine.values(), theirs.machine.values()
        assert {names[key]: value.tobytes() for key, value in values.items()} == {key: value.tobytes() for key, value in found.items()}
    np.testing.assert_array_equal(ours.losses.points(), theirs.losses.points())


def test_what_a_tensor_is_stands_beside_its_name():
    program = make_program(renamed(load_scenario("residual"), NONSENSE["misleading"])[0])
    roles = {name: tensor.role for name, tensor in program.tensors.items()}
    assert roles["t0"] is Role.INPUT
    assert roles["b0"] is Role.TARGET
    assert roles["data1"] is roles["a1"] is Role.PARAMETER
    assert roles["dense"] is Role.LOSS
    assert program.gradients["dropout2"] == "r_dropout2"
    parts = [tensor for tensor in program.tensors.values() if tensor.through]
    assert parts
    assert all(tensor.name == f"r_{tensor.of}@{tensor.through}" for tensor in parts)
