"""Which value of a program is its answer, and what is made of it: beside the targets, over the inputs, or a reason why there is none."""

from __future__ import annotations

import numpy as np
import pytest

from bpdebug import Session, load_scenario
from bpdebug.core.layers import make_program
from bpdebug.frontends.shipped import shipped
from bpdebug.look.answer import answer_of
from bpdebug.look.surface import surface_of

FORWARD = "z = x @ W + b\np = 1 / (1 + exp(-z))\n"
CLASSES = "s = x @ V\nq = softmax(s)\n"


def opened(tmp_path, lines, targets, more="", inputs="[[0.5, 1], [1.5, 0], [-1, 2.5]]"):
    """A session of a small program with these lines."""
    path = tmp_path / "program.yaml"
    text = "".join(f"  {line}\n" for line in lines.splitlines())
    parameters = "parameters: {seed: 1, shapes: {W: [2, 1], b: [1], V: [2, 3]}}\n"
    path.write_text(
        f"program: |\n{text}{parameters}data: {{inputs: {inputs}, targets: {targets}}}\n{more}optimizer: {{learning_rate: 0.1}}\n"
    )
    return Session(load_scenario(str(path)))


@pytest.mark.parametrize(
    ("lines", "targets", "answer", "target"),
    [
        (FORWARD + "loss = mean((p - y) ** 2)", "[[0], [1], [1]]", "p", "y"),
        (FORWARD + "loss = mean((y - p) ** 2)", "[[0], [1], [1]]", "p", "y"),
        (FORWARD + "loss = mean((z[:, 0] - y) ** 2)", "[0.3, 1, 2]", "z[:, 0]", "y"),
        (FORWARD + "loss = mean(abs(x @ W - y)) + 0.1 * sum(W ** 2)", "[[0.3], [1], [2]]", "x @ W", "y"),
        (FORWARD + "loss = -mean(y * log(p) + (1 - y) * log(1 - p))", "[[0], [1], [1]]", "p", "y"),
        (FORWARD + "loss = -mean(y * log(p + 1e-9) + (1 - y) * log(1 - p + 1e-9))", "[[0], [1], [1]]", "p", "y"),
        (FORWARD + "c = clip(p, 1e-9, 1 - 1e-9)\nloss = -mean(where(y > 0, log(c), log(1 - c)))", "[[0], [1], [1]]", "c", "y > 0"),
        (FORWARD + "loss = mean(maximum(0, 1 - y * z))", "[[-1], [1], [1]]", "z", "y"),
        (FORWARD + "loss = mean(log(1 + exp(z)) - y * z)", "[[0], [1], [1]]", "z", "y"),
        (CLASSES + "loss = -sum(y * log(q)) / 3", "[[0, 0, 1], [1, 0, 0], [0, 1, 0]]", "q", "y"),
        (CLASSES + "loss = -mean(log(q[arange(3), y]))", "[2, 0, 1]", "q", "y"),
        (CLASSES + "l = log(q)\nloss = -mean(l[arange(len(y)), y])", "[2, 0, 1]", "q", "y"),
        (CLASSES + "l = log_softmax(s)\nloss = -mean(l[arange(len(y)), y])", "[2, 0, 1]", "exp(l)", "y"),
        (CLASSES + "loss = mean(logsumexp(s, axis=1) - s[arange(len(y)), y])", "[2, 0, 1]", "s", "y"),
        (CLASSES + "loss = cross_entropy(s, y)", "[2, 0, 1]", "s", "y"),
        (CLASSES + "t = one_hot(y, 3)\nloss = -mean(sum(t * log(q), axis=1))", "[2, 0, 1]", "q", "t"),
    ],
)
def test_the_answer_is_what_the_loss_compares_with_the_targets(tmp_path, lines, targets, answer, target):
    session = opened(tmp_path, lines, targets)
    found = answer_of(session.program)
    assert not isinstance(found, str), found
    values = surface_of(session.timeline)
    assert (found.text, values.prediction) == (answer, answer)
    known = session.program.run({**session.program.initial, **session.program.batch(0)}) | session.program.batch(0)
    outputs = values.outputs
    assert outputs.shape == values.y.shape
    if answer in known and not found.places:
        assert np.array_equal(outputs.ravel(), known[answer].ravel())
    if found.places or target == "t":
        assert values.wanted.tolist() == [2, 0, 1]
        assert values.task == "classes"
        assert values.decided.tolist() == known["s"].argmax(axis=1).tolist()
    if found.score and not found.places:
        assert values.decided.tolist() == (known["z"].ravel() > 0).tolist()


@pytest.mark.parametrize(
    ("lines", "targets", "reason"),
    [
        (FORWARD + "loss = mean((p - y) ** 2) + mean((z - y) ** 2)", "[[0], [1], [1]]", "in several ways, with p and z"),
        (FORWARD + "loss = mean(y) * mean(z)", "[[0], [1], [1]]", "that is no answer to each sample"),
        (FORWARD + "loss = mean(p)", "[[0], [1], [1]]", "compares no value with y"),
        (FORWARD + "loss = mean(y * z)", "[[0.2], [1.3], [1]]", "whose numbers are no classes"),
    ],
)
def test_where_nothing_tells_the_answer_the_reason_is_said(tmp_path, lines, targets, reason):
    session = opened(tmp_path, lines, targets)
    assert reason in answer_of(session.program)
    assert session.view(["surface"]).surface is None
    with pytest.raises(Exception, match=reason):
        session.execute("predictions")


@pytest.mark.parametrize("name", [one.name for one in shipped() if not load_scenario(one.name).lines])
def test_layers_written_as_lines_have_the_same_answers(name, tmp_path):
    session, path = Session(load_scenario(name)), tmp_path / "lines.yaml"
    session.execute(f"export {path}")
    written = Session(load_scenario(str(path)))
    for one in (session, written):
        one.execute("update 3")
    first, second = surface_of(session.timeline), surface_of(written.timeline)
    assert second.prediction == session.program.prediction
    assert np.array_equal(first.outputs, second.outputs)
    assert first.task == second.task
    assert (first.grid is None) == (second.grid is None)
    assert first.grid is None or np.allclose(first.grid[:, :3], second.grid[:, :3], rtol=1e-12)


def test_answers_over_the_inputs_only_where_each_sample_is_answered_by_itself(tmp_path):
    alone = opened(tmp_path, FORWARD + "loss = mean((p - y) ** 2)", "[[0], [1], [1]]")
    assert surface_of(alone.timeline).grid is not None
    together = opened(tmp_path, "h = x - mean(x, axis=0)\nz = h @ W + b\nloss = mean((z - y) ** 2)", "[[0], [1], [1]]")
    assert surface_of(together.timeline).grid is None
    masked = opened(
        tmp_path, "z = x * mask @ W + b\nloss = mean((z - y) ** 2)", "[[0], [1], [1]]", "tensors: {mask: [[1, 0], [0, 1], [1, 1]]}\n"
    )
    assert surface_of(masked.timeline).grid is None
    places = opened(tmp_path, "z = sum(W[x], axis=1)\nloss = mean((z - y) ** 2)", "[[0], [1], [1]]", inputs="[[0, 1], [1, 1], [0, 0]]")
    assert surface_of(places.timeline).grid is None


def test_each_position_of_a_sequence_is_an_answer(tmp_path):
    lines = "e = x[:, :, None] * V[0]\nl = log_softmax(e)\nloss = -mean(l[arange(3)[:, None], arange(2), y])"
    surface = surface_of(opened(tmp_path, lines, "[[2, 0], [1, 1], [0, 2]]").timeline)
    assert surface.samples.tolist() == [0, 0, 1, 1, 2, 2]
    assert surface.wanted.tolist() == [2, 0, 1, 1, 0, 2]
    assert np.allclose(surface.outputs.sum(axis=1), 1)


def test_layers_answer_with_their_last_one():
    assert answer_of(make_program(load_scenario("xor"))).text == "a2"


@pytest.mark.parametrize(("name", "cells"), [("exam_graph", "x y"), ("batch_norm", "gamma[1] W2[0,0]"), ("xor", "W1[0,1] b2[0,0]")])
def test_the_loss_over_two_cells_of_parameters(name, cells):
    session = Session(load_scenario(name))
    session.execute("update 3")
    before = {key: value.tobytes() for key, value in session.values().items()}
    result = session.execute(f"surface {cells}")
    assert {key: value.tobytes() for key, value in session.values().items()} == before
    surface = session.view(["surface"]).surface
    assert list(surface.inputs) == cells.split() == result.data["cells"]
    program, points = session.program, len(surface.axes[0])
    given = {**program.batch(3), **{key: session.value(key) for key in program.persistent}}
    for row, column in ((0, points - 1), (points // 2, points // 2), (points - 1, 3)):
        changed = {key: value.copy() for key, value in given.items()}
        for cell, axis, place in zip(cells.split(), surface.axes, (column, row), strict=True):
            tensor, _, index = cell.rstrip("]").partition("[")
            changed[tensor][tuple(map(int, filter(None, index.split(","))))] = axis[place]
        assert surface.grid[0, row, column] == program.run(changed)[program.loss] == result.data["values"][row][column]
    assert surface.outputs[0, 0] == pytest.approx(surface.grid[0, points // 2, points // 2], rel=1e-12)
    session.execute("update 4")
    assert session.view(["surface"]).surface.x.tolist() != surface.x.tolist()
    session.execute("surface")
    shown = session.view(["surface"]).surface
    assert shown is None or shown.prediction != program.loss


def test_another_program_is_not_asked_for_cells_that_it_may_not_have(tmp_path):
    path = tmp_path / "changed.yaml"
    text = "program: |\n  loss = sum((x @ W - 1) ** 2)\nparameters: {seed: 1, shapes: {W: [2, 1]}}\ndata: {inputs: [[1, 2]]}\n"
    path.write_text(text)
    session = Session(load_scenario(str(path)))
    session.execute("surface W[0,0] W[1,0]")
    assert session.view(["surface"]).surface.inputs == ("W[0,0]", "W[1,0]")
    path.write_text(text.replace("W", "V"))
    session.execute("reload")
    assert session.view(["surface"]).surface is None
