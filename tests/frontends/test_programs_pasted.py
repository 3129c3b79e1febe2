"""The law of whole programs: its lines, pasted into Python after ``from bpdebug.functions import *``, give the bits of the debugger.

What a line assigns is an array of its own, row by row, since each of its cells may be set; in Python it may be a look at another one
in that one's order, ``h = x.T``, or at one number, ``broadcast_to``, and what reads it adds up in that order. So it is copied there, as
``export`` does.
"""

from __future__ import annotations

import ast

import numpy as np
import pytest
from programs import PROGRAMS, program_in
from random_formulas import Writer, values_of

import bpdebug.functions as language
from bpdebug.core.description import Lines, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase
from bpdebug.core.standins import StandIns, Vocabulary
from bpdebug.frontends import load_scenario, shipped

FUNCTIONS = {name: getattr(language, name) for name in language.__all__}
SHIPPED = [entry.name for entry in shipped() if load_scenario(entry.path).lines]


class _Owned(ast.NodeTransformer):
    """What is assigned is an array of its own."""

    def visit_Assign(self, node):
        return ast.Assign(node.targets, ast.Call(ast.Name("own", ast.Load()), [node.value], []))


def own(value):
    return [*map(own, value)] if isinstance(value, list | tuple) else np.array(value, order="C") if isinstance(value, np.ndarray) else value


def in_python(program, values, text):
    """What lines of Python assign, from the values of tensors; names that are none to Python have stand-ins."""
    joined = frozenset(name for name in program.tensors if not name.isidentifier())
    names = StandIns(text, Vocabulary(joined))
    short = {name: name for name in program.tensors if name not in joined} | {name: stand_in for stand_in, name in names.meant.items()}
    drawn = iter([values[name] for name in program.draws])
    scope = (
        FUNCTIONS
        | {"bernoulli": lambda *_: next(drawn), "own": own}
        | {short[name]: value for name, value in values.items() if name in short}
    )
    with np.errstate(all="ignore"):
        exec(compile(ast.fix_missing_locations(_Owned().visit(ast.parse(names.source))), "<pasted>", "exec"), scope)
    return {name: scope[short[name]] for name in short if short[name] in scope}


def differing(program):
    """The tensors of an update that have other bits in Python: of the program's text, and of all stages."""
    machine = Machine(program)
    given = {name: np.array(value) for name, value in machine.values().items()} | {"m": np.array(int(machine.values()["m"]))}
    early = program.end_of(Phase.LOSS)
    own = in_python(program, given, program.scenario.lines.program)
    every = in_python(program, given, "\n".join(map(str, program.stages)))
    for place, stage in enumerate(program.stages):
        machine.step()
        found = machine.tensor(stage.name)
        for pasted in (own, every) if place < early else (every,):
            if not np.array_equal(found, np.asarray(pasted[stage.name], found.dtype), equal_nan=found.dtype.kind == "f"):
                yield stage.name


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_programs(name):
    assert len(SHIPPED) >= 8
    assert [*differing(make_program(load_scenario(name)))] == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_of_any_rank(tmp_path, name):
    assert [*differing(make_program(program_in(tmp_path, name)))] == []


def test_what_looks_at_another_tensor_is_read_row_by_row(tmp_path):
    (tmp_path / "s.yaml").write_text(
        f"program: |\n  h = (x @ W).T\n  loss = mean(sum(h, axis=0) ** 3)\n"
        f"parameters: {{seed: 1, shapes: {{W: [20, 9]}}}}\ndata: {{inputs: {np.arange(180).reshape(9, 20).tolist()}}}\n"
    )
    assert [*differing(make_program(load_scenario(tmp_path / "s.yaml")))] == []


def test_random_programs():
    for seed in range(60):
        writer = Writer(seed, 8)
        text = "\n".join(f"{target} = {formula.text}" for target, formula in writer.lines)
        values = values_of(writer, seed)
        lines = Lines(text, {name: value.shape for name, value in values.items()})
        none = np.zeros((1, 0))
        program = make_program(Scenario("", (), (), none, none, values=values, lines=lines, training=Training(2)))
        assert [*differing(program)] == [], f"seed {seed}"
