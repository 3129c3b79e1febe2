"""What stands between the gradients and the optimizer's steps: clipping, and learning rates that are others in each update."""

from math import cos, floor, pi

import numpy as np
import pytest
from engine_strategies import xor
from turns import by_turns

from bpdebug import Session, load_scenario
from bpdebug.core.description import Optimizer, Training
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.optimizers import OPTIMIZERS, SCHEDULES, rule_of
from bpdebug.core.record import replace
from bpdebug.export.numpy_lines import to_script
from bpdebug.export.update import working
from bpdebug.frontends.report import ScenarioError
from bpdebug.time.tasks import whole

LINES = """
program: |
  h = tanh(x @ W1)
  loss = sum((h @ W2 - y) ** 2)
parameters: {seed: 2, shapes: {W1: [2, 3], W2: [3, 1]}}
data: {inputs: [[0, 1], [1, 0], [2, 1.5]], targets: [[3], [-4], [5]]}
training: {epochs: 9}
"""
SCHEDULED = {
    "step": ({"step_size": 3, "gamma": 0.5}, lambda n: 0.4 * 0.5 ** floor(n / 3)),
    "exponential": ({"gamma": 0.9}, lambda n: 0.4 * 0.9**n),
    "cosine": ({"T_max": 5, "eta_min": 0.1}, lambda n: 0.1 + 0.3 * (1 + cos(pi * n / 5)) / 2),
    "linear": ({"start_factor": 0.25, "end_factor": 0.5, "total_iters": 4}, lambda n: 0.4 * (0.25 + 0.25 * min(n, 4) / 4)),
    "warmup": ({"steps": 4}, lambda n: 0.4 * min((n + 1) / 4, 1)),
}
"""The constants of each schedule, and the rate after n updates, in plain Python."""
TEXTS = {
    "step": "0.4 * 0.5**floor((t - 1) / 3)",
    "exponential": "0.4 * 0.9**(t - 1)",
    "cosine": "0.1 + 0.30000000000000004 * (1 + cos(pi * (t - 1) / 5)) / 2",
    "linear": "0.4 * (0.25 + 0.25 * minimum(t - 1, 4) / 4)",
    "warmup": "0.4 * minimum(t / 4, 1)",
}


def program_of(tmp_path, optimizer):
    path = tmp_path / "clipped.yaml"
    path.write_text(f"{LINES}optimizer: {optimizer}\n")
    return make_program(load_scenario(path))


def clipped(gradients, kind, bound):
    """The gradients as they are used, number by number."""
    if kind == "value":
        return {name: np.array([min(max(g, -bound), bound) for g in grad.ravel()]).reshape(grad.shape) for name, grad in gradients.items()}
    length = sum(float(g) ** 2 for grad in gradients.values() for g in grad.ravel()) ** 0.5
    return {name: grad * (bound / length if length > bound else 1) for name, grad in gradients.items()}


@pytest.mark.parametrize(("name", "clip", "lines"), by_turns(OPTIMIZERS, [("value", 0.05), ("norm", 0.2), ("norm", 1e9)], [False, True]))
def test_each_optimizer_takes_the_clipped_gradient_for_the_gradient(tmp_path, name, clip, lines):
    asked = Optimizer(name, clip=dict([clip]))
    scenario = program_of(tmp_path, "sgd").scenario if lines else xor(training=Training(1000, 4))
    program = make_program(replace(scenario, optimizer=asked))
    machine, plain = Machine(program), make_program(replace(scenario, optimizer=Optimizer(name)))
    for update in range(3):
        start = {key: value.copy() for key, value in machine.persistent.items()}
        gradients = {of: program.run({**start, **program.batch(update)})[gradient] for of, gradient in program.gradients.items()}
        used = clipped({of: gradients[of] for of in program.free}, *clip)
        forced = {plain.gradients[of]: value for of, value in used.items()}
        there = plain.run({**start, **plain.batch(update)}, change=lambda key, value, forced=forced: forced.get(key, value))
        machine.run_update()
        for key, before in start.items():
            np.testing.assert_allclose(machine.persistent[key], there.get(key, before), rtol=1e-13, err_msg=key)


@pytest.mark.parametrize("clip", [("value", 0.05), ("norm", 0.2)])
def test_running_has_the_bits_of_stepping(clip):
    program = make_program(
        replace(xor(training=Training(1000, 3)), optimizer=Optimizer("adam", clip=dict([clip]), schedule=("step", {"step_size": 2})))
    )
    one, other = Machine(program), Machine(program)
    for _ in range(5):
        one.run_update()
        for _ in program.stages:
            other.step()
    assert one.persistent_flat.tobytes() == other.persistent_flat.tobytes()


def test_gradients_that_are_0_stay_so_and_complain_of_nothing():
    program = make_program(replace(xor(training=Training(1, 4)), optimizer=Optimizer(clip={"norm": 1.0})))
    forced = dict.fromkeys(program.gradients.values(), 0.0)
    with np.errstate(all="raise"):
        made = program.run(program.initial | program.batch(0), change=lambda name, value: value * forced.get(name, 1.0))
    assert all(np.array_equal(made[name], program.initial[name]) for name in program.free)
    assert made[program.network.naming.shrink] == 1


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_a_stage_whose_formula_gives_the_rate_of_each_update(tmp_path, name):
    constants, rate = SCHEDULED[name]
    given = ", ".join(f"{key}: {value}" for key, value in constants.items())
    program = program_of(tmp_path, f"{{name: sgd, learning_rate: {{start: 0.4, schedule: {name}, {given}}}}}")
    assert program.stage("learning_rate").formula.text == TEXTS[name]
    machine = Machine(program)
    for update in range(9):
        start = machine.persistent["W1"].copy()
        machine.run_update()
        assert machine.persistent["learning_rate"] == pytest.approx(rate(update), rel=1e-14)
        np.testing.assert_allclose(machine.persistent["W1"], start - rate(update) * machine.last("dW1"), rtol=1e-12)


def test_a_rate_that_is_set_under_a_schedule_is_said_to_be_computed_anew(tmp_path):
    session = Session(program_of(tmp_path, "{name: sgd, learning_rate: {start: 0.4, schedule: exponential, gamma: 0.5}}").scenario)
    told = session.execute("set learning_rate = 0.25").text
    assert told.splitlines()[1:] == [
        "each update computes it anew: learning_rate = 0.4 * 0.5**(t - 1); 'formula learning_rate = 0.25' sets it for good"
    ]
    session.execute("update")
    assert float(session.value("learning_rate")) == 0.4
    session.execute("formula learning_rate = 0.25")
    session.execute("update")
    assert float(session.value("learning_rate")) == 0.25
    assert "anew" not in session.execute("set W1[0,0] = 1").text + Session(load_scenario("xor")).execute("set learning_rate = 1").text


def test_schedules_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    for name, (constants, _) in SCHEDULED.items():
        rule = rule_of(Optimizer("sgd", {"learning_rate": 0.4}, schedule=(name, constants)))
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
        text = f"torch.optim.lr_scheduler.{rule.schedule.torch.format(**rule.schedule.constants)}"
        scheduler = eval(text, {"torch": torch, "optimizer": optimizer})  # noqa: S307 - of our own table
        for done in range(5):
            assert optimizer.param_groups[0]["lr"] == pytest.approx(SCHEDULED[name][1](done), rel=1e-12), name
            optimizer.step()
            scheduler.step()


def test_clipping_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    gradients = {"a": np.array([3.0, -4.0]), "b": np.array([[12.0]])}
    for bound in (1.0, 6.5, 100.0):
        for kind, clip in (("norm", torch.nn.utils.clip_grad_norm_), ("value", torch.nn.utils.clip_grad_value_)):
            tensors = [torch.zeros(value.shape, dtype=torch.float64, requires_grad=True) for value in gradients.values()]
            for tensor, value in zip(tensors, gradients.values(), strict=True):
                tensor.grad = torch.tensor(value)
            clip(tensors, bound)
            for tensor, value in zip(tensors, clipped(gradients, kind, bound).values(), strict=True):
                np.testing.assert_allclose(tensor.grad.numpy(), value, rtol=1e-6)


WRONG = [
    ("{name: sgd, clip: {norm: 0}}", "expected a number from"),
    ("{name: sgd, clip: 5}", "expected lines such as these"),
    ("{name: sgd, learning_rate: {start: 0.1, schedule: stpe}}", "did you mean 'step'?"),
    ("{name: sgd, learning_rate: {start: 0.1, schedule: step}}", "the key 'step_size' is missing"),
    ("{name: sgd, learning_rate: {schedule: exponential, gamma: 0.9}}", "the key 'start' is missing"),
    ("{name: sgd, learning_rate: {start: 0.1, schedule: step, gamma: 0.5, T_max: 3}}", "'T_max' goes with schedule cosine"),
]


@pytest.mark.parametrize(("optimizer", "message"), WRONG)
def test_what_is_wrong_is_told(tmp_path, optimizer, message):
    with pytest.raises(ScenarioError, match=message):
        program_of(tmp_path, optimizer)


def test_names_of_the_clipping_are_no_tensors_of_a_program(tmp_path):
    path = tmp_path / "taken.yaml"
    path.write_text(LINES.replace("h = tanh", "grad_norm = tanh").replace("(h @", "(grad_norm @") + "optimizer: {clip: {norm: 1}}\n")
    with pytest.raises(ScenarioError, match="what clips the gradients is called grad_norm, and so is a tensor of the program"):
        load_scenario(path)


def test_a_sentence_tells_the_step_that_is_clipped(tmp_path):
    session = Session(program_of(tmp_path, "{name: sgd, learning_rate: 0.1, clip: {norm: 0.5}}").scenario)
    session.execute("until backward")
    session.execute("until grad_norm")
    step = float(session.value("W1")[0, 0])
    said = session.execute("explain dW1[0,0]").text
    session.execute("until update 1")
    step -= float(session.value("W1")[0, 0])
    assert f"by {abs(step):.2g}" in said


def test_by_both_each_cell_comes_first(tmp_path):
    program = program_of(tmp_path, "{name: sgd, learning_rate: 0.1, clip: {norm: 0.15, value: 0.1}}")
    values = program.initial | program.batch(0)
    values |= program.run(values, len(program.stages))
    used = clipped(clipped({of: values[program.gradients[of]] for of in program.free}, "value", 0.1), "norm", 0.15)
    for name, gradient in used.items():
        np.testing.assert_allclose(values[program.network.naming.clipped.format(program.gradients[name])], gradient, rtol=1e-12)


@pytest.mark.parametrize("clip", ["{norm: 0.5}", "{value: 0.1}", "{value: 0.1, norm: 0.2}"])
def test_exports_take_it_along(tmp_path, clip):
    program = program_of(tmp_path, f"{{name: adam, learning_rate: {{start: 0.1, schedule: cosine, T_max: 7}}, clip: {clip}}}")
    session = Session(program.scenario)
    session.execute("until update 3")
    session.execute(f"export {tmp_path / 'again.yaml'}")
    again = make_program(load_scenario(tmp_path / "again.yaml"))
    assert [str(stage) for stage in again.stages] == [str(stage) for stage in program.stages]
    scope = {"print": lambda *_, **__: None}
    exec(to_script(whole(working(session.timeline, explained=False))), scope)
    session.execute("until update 4")
    for name in program.free:
        np.testing.assert_array_equal(scope[name], session.value(name))


def own_step(program, clip, in_place, added=0.0):
    """A user's own step, clipped or not, under the names of the program."""
    values = {**program.initial, **program.batch(0)}
    values |= program.run(values, program.end_of("backward"))
    gradients = {name: values[program.gradients[name]] for name in program.free}
    used = clipped(gradients, *clip) if clip else gradients
    if added:
        length = np.sqrt(sum((grad**2).sum() for grad in gradients.values()))
        used = {name: grad * min(1.0, clip[1] / (length + added)) for name, grad in gradients.items()}
    own = {"h": values["h"], "loss": values["loss"], **{name: values[name] for name in program.free}}
    own |= {program.gradients[name]: (used if in_place else gradients)[name] for name in program.free}
    return own | {f"{name}_new": values[name] - 0.1 * used[name] for name in program.free}


RIGHT = [("norm", 0.5), ("value", 0.1)]


@pytest.mark.parametrize("added", [0.0, 1e-6])
@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("clip", RIGHT)
def test_a_user_who_clips_is_right_wherever_he_puts_the_clipped_gradient(tmp_path, clip, in_place, added):
    program = program_of(tmp_path, f"{{name: sgd, learning_rate: 0.1, clip: {{{clip[0]}: {clip[1]}}}}}")
    np.savez(tmp_path / "own.npz", **own_step(program, clip, in_place, added * (clip[0] == "norm")))
    report = Session(program.scenario).execute(f"compare {tmp_path / 'own.npz'}")
    assert report.data["ok"] and not report.data["culprit"], report.text
    assert ("clipped already" in report.text) == in_place


@pytest.mark.parametrize("clip", RIGHT)
def test_a_user_who_forgets_to_clip_is_told_so(tmp_path, clip):
    program = program_of(tmp_path, f"{{name: sgd, learning_rate: 0.1, clip: {{{clip[0]}: {clip[1]}}}}}")
    np.savez(tmp_path / "own.npz", **own_step(program, None, False))
    report = Session(program.scenario).execute(f"compare {tmp_path / 'own.npz'}")
    assert report.data["culprit"] == "W1_new"
    assert "probably the gradient not clipped" in report.text


def test_the_clipped_gradient_is_written_as_the_gradient_is(tmp_path):
    session = Session(program_of(tmp_path, "{name: sgd, learning_rate: 0.1, clip: {norm: 0.5}}").scenario)
    session.execute("until update 1")
    session.execute(f"export {tmp_path / 'work.tex'}")
    assert "\\mathrm{d}W^{[1]} \\mathrm{clipped}" in (tmp_path / "work.tex").read_text("utf-8")
    session.execute("notation partial")
    session.execute("until W1")
    assert "W1[0,0] − learning_rate·(∂L/∂W1)'2[0,0]" in session.execute("explain W1[0,0]").text


@pytest.mark.parametrize(("name", "clip"), by_turns(["momentum", "adam"], RIGHT))
def test_slots_of_clipped_gradients_are_read_in_their_convention_and_a_wrong_gradient_is_found(tmp_path, name, clip):
    program = program_of(tmp_path, f"{{name: {name}, learning_rate: 0.1, clip: {{{clip[0]}: {clip[1]}}}}}")
    values = {**program.initial, **program.batch(0)}
    own = {key: values[key] for key in (*program.free, *program.data)} | program.run(values, program.end_of("backward"))
    after = program.run(values, len(program.stages))
    own |= {f"{key}_new": after[key] for key in (*program.free, *program.slots)}
    if name == "momentum":  # the velocity holds the step, with its sign
        own |= {f"{key}_new": -0.1 * after[key] for key in program.slots}
    np.savez(tmp_path / "own.npz", **own)
    report = Session(program.scenario).execute(f"compare {tmp_path / 'own.npz'}")
    assert report.data["ok"] and not report.data["culprit"], report.text
    first, *_ = program.gradients.values()
    np.savez(tmp_path / "own.npz", **own | {first: own[first] + 0.1})
    assert Session(program.scenario).execute(f"compare {tmp_path / 'own.npz'}").data["culprit"] == first
