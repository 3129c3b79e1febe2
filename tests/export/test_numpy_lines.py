"""The NumPy script of an update: run, it gives the same bits."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from programs import PROGRAMS, program_in

from bpdebug.export.formats import FORMATS, exported
from bpdebug.export.numpy_lines import TAKEN
from bpdebug.export.python import python_names
from bpdebug.export.update import working
from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session
from bpdebug.time.tasks import whole


def run(session):
    """The script's tensors by our names, those that the update has computed, and what it prints."""
    worked, scope, told = whole(working(session.timeline, explained=False)), {}, io.StringIO()
    with contextlib.redirect_stdout(told), np.errstate(all="ignore"):
        exec(exported(session.timeline, FORMATS["numpy"]), scope)
    return {step.stage.name: (step.value, scope[python_names(worked, TAKEN)[step.stage.name]]) for step in worked.stages}, told.getvalue()


def same(made):
    return all(np.asarray(theirs).tobytes() == ours.tobytes() for ours, theirs in made.values())


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_script_of_a_program_of_lines_gives_the_same_bits(name, tmp_path):
    session = Session(program_in(tmp_path, name))
    session.execute("update 2")
    made, told = run(session)
    assert same(made)
    assert f"{session.program.loss} =" in told


@pytest.mark.parametrize("name", ["xor", "iris", "residual"])
def test_so_does_that_of_layers(name):
    session = Session(load_scenario(name))
    session.execute("update 3")
    assert same(run(session)[0])


def test_what_was_changed_by_hand_is_in_the_script(tmp_path):
    session = Session(program_in(tmp_path, "two lines"))
    for command in ("goto 0:h", "set h[0,1] = 0.25", "formula dW2 = 2 * (h.T @ loss.1)", "goto 0:dW2"):
        session.execute(command)
    made, _ = run(session)
    assert same({name: pair for name, pair in made.items() if name != "h"})
    assert made["h"][1][0, 1] == 0.25


def looking(tmp_path):
    """A program whose tensors are, in Python, looks at others: turned, spread, renamed."""
    numbers = np.random.default_rng(0).uniform(-1, 1, (9, 20)).tolist()
    text = "program: |\n  h = (x @ W).T\n  q = h[:] @ V\n  k = q[:]\n  loss = mean(k) + sum(h) / 7\n"
    (tmp_path / "s.yaml").write_text(f"{text}parameters: {{seed: 1, shapes: {{W: [20, 20], V: [9, 20]}}}}\ndata: {{inputs: {numbers}}}\n")
    return Session(load_scenario(tmp_path / "s.yaml"))


def test_what_only_looks_at_another_tensor_is_laid_out_as_ours(tmp_path):
    session = looking(tmp_path)
    session.execute("update 2")
    assert same(run(session)[0])


def test_what_is_changed_by_hand_does_not_change_what_it_looked_at(tmp_path):
    session = looking(tmp_path)
    for command in ("goto 0:k", "set k[0,1] = 0.25", "goto 0:dq", "set dq[1,0] = 2", "update"):
        session.execute(command)
    session.execute("goto 0:dV")
    made, _ = run(session)
    assert same({name: pair for name, pair in made.items() if name not in ("k", "dq")})
    assert made["k"][1][0, 1] == 0.25 != made["q"][1][0, 1]


def test_names_that_are_functions_or_none_to_python_are_others(tmp_path):
    session = Session(program_in(tmp_path, "statistics"))
    names = python_names(whole(working(session.timeline, explained=False)), TAKEN)
    assert names["var"] == "var_"
    assert names["dh@mu"] == "dh_mu"
    assert len(set(names.values())) == len(names)


def test_the_ending_py_is_numpy_where_there_are_lines_and_torch_where_there_are_layers(tmp_path):
    for session, first in ((Session(program_in(tmp_path, "scalars")), "import numpy"), (Session(load_scenario("xor")), "import torch")):
        path = tmp_path / "step.py"
        session.execute(f"export {path}")
        assert f"\n{first}" in path.read_text("utf-8")
