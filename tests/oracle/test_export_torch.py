"""The scripts that an export writes, run in PyTorch: their gradients and new parameters are ours."""

from __future__ import annotations

import contextlib
import io
from functools import reduce

import numpy as np
import pytest
from forms import FORMS, GIVEN
from programs import PROGRAMS, program_in
from random_networks import COMBINATIONS, scenario_of

from bpdebug.core.derive import derived
from bpdebug.core.description import Layer, Loss, Optimizer
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import parse
from bpdebug.core.record import replace
from bpdebug.core.structure import kind_of
from bpdebug.core.writing import to_text
from bpdebug.export.torch import to_script
from bpdebug.export.torch_words import Words, definitions, worded
from bpdebug.export.update import working
from bpdebug.frontends import load_scenario, shipped
from bpdebug.session.session import Session
from bpdebug.time.tasks import whole

torch = pytest.importorskip("torch")

RELATIVE, FLOOR = 1e-10, 1e-13
STRIDE = 5
"""Of the networks of test_torch, every fifth: each activation, each loss and each optimizer many times."""


def ran(script):
    """What a script has printed, and the names that it has defined."""
    names = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(script, "export.py", "exec"), names)
    torch.set_printoptions(profile="default")
    return printed.getvalue(), names


def worked(scenario, *commands):
    session = Session(scenario)
    for command in commands:
        session.execute(command)
    return whole(working(session.timeline, explained=False))


def assert_agrees(update, left_out=()):
    """The script's loss, gradients and new parameters are those of the update, but for what is left out."""
    printed, names = ran(to_script(update))
    expected = update.values
    derivatives = [step.stage.name for step in update.stages if step.stage.of and "@" not in step.stage.name]
    assert list(names["gradients"]) == derivatives
    scale = max(1.0, *(float(np.abs(expected[name]).max()) for name in derivatives))
    np.testing.assert_allclose(names[update.program.loss].item(), expected[update.program.loss], rtol=RELATIVE)
    for name in derivatives:
        if name not in left_out:
            np.testing.assert_allclose(names["gradients"][name].numpy(), expected[name], rtol=RELATIVE, atol=FLOOR * scale, err_msg=name)
            assert f"{name} =\n{'tensor(' * bool(expected[name].ndim)}" in printed
    for name in update.program.free:
        if name not in left_out:
            moved = names["parameters"][name].detach().numpy()
            np.testing.assert_allclose(moved, update.after[name], rtol=RELATIVE, atol=FLOOR * scale, err_msg=f"new {name}")
            assert f"{name} after the update =\n" in printed
    return len(derivatives)


def test_a_script_computes_the_same_for_every_activation_loss_and_optimizer():
    numbers = range(0, len(COMBINATIONS), STRIDE)
    kinds = [set(column) for column in zip(*(COMBINATIONS[number] for number in numbers), strict=True)]
    assert kinds == [set(column) for column in zip(*COMBINATIONS, strict=True)]
    assert sum(assert_agrees(worked(scenario_of(number), f"goto update {number % 5}")) for number in numbers) > 500


@pytest.mark.parametrize("name", [entry.name for entry in shipped()])
def test_the_shipped_scenarios_agree(name):
    left_out = ("da2", "dz2", "dW2", "db2", "da1", "dz1", "dW1", "db1", "W1", "b1", "W2", "b2") if name == "tutorial_as_written" else ()
    for update in (0, 3):
        assert_agrees(worked(load_scenario(name), f"goto update {update}"), left_out)


@pytest.mark.parametrize("name", PROGRAMS)
def test_so_do_programs_of_lines(name, tmp_path):
    for update in (0, 2):
        assert_agrees(worked(program_in(tmp_path, name), f"goto update {update}"))


@pytest.mark.parametrize("line", ["loss = w ** 2 + 3 * w", "loss = (1 - w) ** 2 + 100 * (b - w ** 2) ** 2"])
def test_a_program_of_one_line_has_nothing_between(line, tmp_path):
    (tmp_path / "s.yaml").write_text(f"program: |\n  {line}\nparameters: {{values: {{w: -1.2{', b: 1' * ('b' in line)}}}}}\n")
    assert_agrees(worked(load_scenario(tmp_path / "s.yaml")))


@pytest.mark.parametrize("text", FORMS)
def test_a_form_in_which_a_function_may_be_written_is_the_same_in_pytorch(text):
    torch.set_default_dtype(torch.float64)  # as an exported script does
    formula, random = parse(text), np.random.default_rng(0)
    values = {name: random.uniform(0.2, 0.8, tuple(shape)) for name, shape in GIVEN.items() if kind_of(shape) == "f"}
    values |= {"i": random.integers(0, 3, 3), "j": random.integers(0, 3, (2, 2)), "b": np.array([True, False, True]), "m": np.array(5)}
    tree = worded(formula.tree)
    written = Words(values).write(tree)
    scope = {"torch": torch, "F": torch.nn.functional, "reduce": reduce}
    exec("\n".join(definitions([tree], written)), scope)
    leaves = {name: torch.tensor(value, requires_grad=value.dtype.kind == "f") for name, value in values.items()} | {"m": 5}
    found, ours = eval(written, scope | leaves), evaluate(formula, values)  # noqa: S307 - of our own tables
    np.testing.assert_allclose(found.detach().numpy(), ours, rtol=1e-10, strict=True)
    wanted = [name for name in formula.names if kind_of(GIVEN[name]) == "f"]
    made = derived("o", formula, GIVEN, wanted)
    values |= {"o": ours, "g": random.standard_normal(ours.shape)}
    for name, inner in made.inner:
        values[name] = evaluate(inner, values)
    found.backward(torch.tensor(values["g"]))
    for name, gradient in made.gradients.items():
        np.testing.assert_allclose(leaves[name].grad.numpy(), evaluate(gradient, values), rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_saturated_network_has_nan_in_the_same_places():
    update = worked(load_scenario("saturation"), "goto update 8")
    _, names = ran(to_script(update))
    assert np.isnan(names["loss"].item())
    found, expected = names["gradients"]["da2"].numpy(), update.values["da2"]
    assert (np.isfinite(found) == np.isfinite(expected)).all()
    _, names = ran(to_script(worked(load_scenario("saturation"), "goto update 10")))
    assert np.isnan(names["W1"].detach().numpy()).all()


def test_what_is_frozen_has_a_gradient_and_does_not_move():
    scenario = replace(load_scenario("xor"), frozen=("W1", "b2"))
    update = worked(scenario)
    assert_agrees(update)
    assert set(update.after) == {"b1", "W2"}
    script = to_script(worked(replace(scenario, frozen=("W1", "b1", "W2", "b2"))))
    assert "every parameter is frozen" in script
    assert "parameters" not in ran(script)[1]


def test_nesterov_without_a_momentum_is_a_plain_step():
    optimizer = Optimizer("nesterov", {"learning_rate": 0.1, "momentum": 0.0})
    assert_agrees(worked(replace(load_scenario("xor"), optimizer=optimizer), "goto update 2"))


def test_a_large_network_is_written_compactly_and_exactly():
    generator = np.random.default_rng(0)
    scenario = replace(
        load_scenario("xor"),
        inputs=tuple(f"p{n}" for n in range(60)),
        layers=(Layer(40, "relu"), Layer(10, "softmax")),
        x=generator.random((20, 60)),
        y=np.eye(10)[generator.integers(0, 10, 20)],
        loss=Loss("categorical_cross_entropy", samples="mean", from_logits=True),
        optimizer=Optimizer("adam"),
        training=replace(load_scenario("xor").training, batch_size=None),
        generator="pcg64",
    )
    update = worked(scenario, "goto update 2")
    assert_agrees(update)
    assert len(to_script(update)) < 14 * sum(value.size for value in update.given.values())


def test_single_precision_is_computed_in_double_and_said():
    update = worked(replace(load_scenario("xor"), precision="float32"))
    script = to_script(update)
    assert "computes in float32, this script in float64" in script
    np.testing.assert_allclose(ran(script)[1]["gradients"]["dW1"].numpy(), update.values["dW1"], rtol=1e-4, atol=1e-6)


def test_a_derivative_of_the_user_s_own_is_told_and_autograd_s_is_computed():
    update = worked(load_scenario("tutorial_as_written"))
    script = to_script(update)
    assert "# your own formula, da2 = a2 - y, is not used" in script
    _, names = ran(script)
    right = worked(load_scenario("xor"))
    np.testing.assert_allclose(names["gradients"]["dW1"].numpy(), right.values["dW1"], rtol=RELATIVE)
    assert not np.allclose(update.values["da2"], names["gradients"]["da2"].numpy())


FORWARD = [
    ("a1", "maximum(z1, 0) + 0.5 * tanh(z1)"),
    ("a1", "where(z1 > 0, z1, exp(minimum(z1, 0)) - 1) / sqrt(2)"),
    ("a1", "z1 / (1 + norm(z1, axis=1, keepdims=True)) * pi"),
    ("a1", "exp(z1 - max(z1, axis=1, keepdims=True)) / sum(exp(z1 - max(z1, axis=1, keepdims=True)), axis=1, keepdims=True)"),
    ("a1", "square(z1) * 0.1 + sin(z1) * mean(z1) + abs(z1)"),
    ("loss", "sum((a2 - y) ** 2) / m + learning_rate * norm(W1)"),
]


@pytest.mark.parametrize(("name", "formula"), FORWARD)
def test_a_forward_formula_of_the_user_s_own_is_differentiated(name, formula):
    """The right derivative of the user's formula is what differences of the loss say."""
    session = Session(replace(load_scenario("xor"), values={"b1": np.array([[0.3, -0.2, 0.5, 0.1]])}))
    session.execute(f"formula {name} = {formula}")
    update = whole(working(session.timeline, explained=False))
    script = to_script(update)
    assert f"{name} = number({to_text(session.program.stage(name).formula.tree)})  # your own formula, in the place of" in script
    _, names = ran(script)
    np.testing.assert_allclose(names["loss"].item(), update.values["loss"], rtol=RELATIVE)
    for parameter in ("W1", "b1", "W2", "b2"):
        np.testing.assert_allclose(names["gradients"][f"d{parameter}"].numpy(), differences(update, parameter), rtol=1e-5, atol=1e-8)


def differences(update, parameter, step=1e-6):
    """The gradient of the loss by central differences."""
    found = np.zeros_like(update.given[parameter])
    for cell in np.ndindex(found.shape):
        losses = []
        for sign in (1, -1):
            values = dict(update.given) | {parameter: update.given[parameter].copy()}
            values[parameter][cell] += sign * step
            for stage in update.program.stages[: update.program.index["loss"] + 1]:
                values[stage.name] = evaluate(stage.formula, values)
            losses.append(float(values["loss"]))
        found[cell] = (losses[0] - losses[1]) / (2 * step)
    return found


def test_a_network_that_a_formula_cuts_off_has_no_gradient_before_it():
    session = Session(load_scenario("xor"))
    session.execute("formula a1 = 1 * (z1 > 0)")
    _, names = ran(to_script(whole(working(session.timeline, explained=False))))
    assert names["gradients"]["dz1"] is None
    assert names["gradients"]["dW2"].abs().sum() > 0


EDITS = ("set learning_rate = 1", "goto z1", "set z1[0,0] = 3", "goto dz2", "set dz2[0,0] = 1")


def test_what_was_done_by_hand_is_told():
    update = worked(load_scenario("xor"), *EDITS)
    script = to_script(update)
    assert "# set z1[0,0] = 3.0 was done by hand here" in script
    assert "# set dz2[0,0] = 1.0 was done by hand" in script
    assert "lr=1.0" in script
    ran(script)


def test_a_title_cannot_break_the_script():
    for name in ('"""', "a\\", 'ends in "', "νόημα\n\"'"):
        ran(to_script(worked(replace(load_scenario("xor"), name=name))))
