from __future__ import annotations

import time
from collections import Counter
from functools import cache

import numpy as np
import pytest
from textbook_faults import PLANT, is_slot, planted, split
from textbook_step import BETA1, BETA2, EPSILON, MOMENTUM, RATE, Net, train
from turns import by_turns

from bpdebug.core.description import Initializer, Layer, Loss, Optimizer, Scenario
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session
from bpdebug.time.timeline import Timeline
from bpdebug.trust.case import Evidence
from bpdebug.trust.faults import FAULTS
from bpdebug.trust.suspects import diagnose

BCE, CCE = "binary_cross_entropy", "categorical_cross_entropy"
NETS = (
    Net((2, 4, 1), 5, ("sigmoid", "sigmoid"), BCE, "sum"),
    Net((3, 5, 2), 7, ("tanh", "identity"), outputs="mean", optimizer="adam"),
    Net((4, 3, 6, 2), 8, ("relu", "tanh", "softmax"), CCE, optimizer="adam"),
    Net((2, 5, 3, 5, 1), 4, ("sigmoid", "tanh", "sigmoid", "sigmoid"), BCE),
    Net((6, 3, 2), 9, ("tanh", "sigmoid"), samples="sum", l2=0.05),
    Net((3, 4, 1), 6, ("tanh", "identity"), l2=0.1, optimizer="momentum"),
    Net((5, 2, 3), 4, ("sigmoid", "softmax"), CCE, "sum", optimizer="momentum"),
    Net((3, 7, 1), 5, ("relu", "sigmoid"), BCE, l2=0.02),
    Net((4, 6, 3), 5, ("sigmoid", "identity"), samples="sum", outputs="mean", optimizer="momentum"),
    Net((2, 3, 5, 1), 6, ("tanh", "sigmoid", "identity"), optimizer="adam"),
    Net((3, 6, 1), 5, ("sigmoid", "sigmoid"), BCE, fused=True, l2=0.03),
    Net((4, 5, 3), 7, ("tanh", "softmax"), CCE, fused=True),
    Net((6, 4, 3), 5, ("sigmoid", "softmax"), CCE, "mean", "mean", l2=0.04, optimizer="adam"),
    Net((7, 2, 4), 6, ("tanh", "softmax"), CCE, "sum", "mean", optimizer="momentum"),
    Net((5, 3, 2), 4, ("sigmoid", "softmax"), CCE, "mean"),
)
RESIDUAL = (
    Net((3, 5, 5, 2), 7, ("tanh", "sigmoid", "identity"), residual=(2,), optimizer="momentum"),
    Net((4, 3, 3, 1), 6, ("sigmoid", "tanh", "sigmoid"), BCE, residual=(2,), l2=0.03),
    Net((2, 6, 6, 3), 5, ("relu", "tanh", "softmax"), CCE, residual=(2,), optimizer="adam"),
    Net((5, 4, 4, 4, 1), 8, ("tanh", "sigmoid", "tanh", "identity"), samples="sum", residual=(2, 3)),
    Net((2, 3, 3, 2), 5, ("sigmoid", "sigmoid", "identity"), residual=(2,)),
)
"""A layer that adds its input has a square W; no other network here has one, and no batch as many rows as a layer has units."""

OPTIMIZERS = {
    "sgd": Optimizer("sgd", {"learning_rate": RATE}),
    "momentum": Optimizer("momentum", {"learning_rate": RATE, "momentum": MOMENTUM}),
    "adam": Optimizer("adam", {"learning_rate": RATE, "beta1": BETA1, "beta2": BETA2, "epsilon": EPSILON}),
}


def batch(net, seed):
    generator = np.random.default_rng([seed, net.m, *net.widths])
    x, k = generator.standard_normal((net.m, net.widths[0])), net.widths[-1]
    y = np.eye(k)[generator.integers(0, k, net.m)] if net.loss == CCE else generator.random((net.m, k))
    return x, y


@cache
def program_of(net):
    layers = [Layer(units, activation) for units, activation in zip(net.widths[1:], net.activations, strict=True)]
    layers = [replace(layer, residual=n in net.residual) for n, layer in enumerate(layers, 1)]
    loss = Loss(net.loss, net.samples, net.outputs, l2=net.l2, from_logits=net.fused)
    inputs = tuple(f"x{i}" for i in range(net.widths[0]))
    return make_program(Scenario(str(net), inputs, tuple(layers), *batch(net, 1), loss=loss, optimizer=OPTIMIZERS[net.optimizer]))


@cache
def updates(net, seed=0):
    """Two updates by the textbook: the one before and the present one."""
    generator, program = np.random.default_rng([*net.widths, *[seed] * (seed > 0)]), program_of(net)
    state = {name: generator.standard_normal(shape) * 0.7 for name, shape in program.parameters.items()}
    state |= {name: np.zeros(shape) for name, shape in program.persistent.items() if is_slot(name)} | {"t": 0}
    first = train(net, state, *batch(net, 2 * seed))
    return first, train(net, first.after | {"t": 1}, *batch(net, 2 * seed + 1), first.tensors)


def right_of(net, stage):
    return updates(net)[1].tensors[stage]


def evidence_of(net, stage, wrong, seed=0, **more):
    """What diagnosis gets to see; the right tensors are the textbook's."""
    first, second = updates(net, seed)
    program = program_of(net)
    values = {name: np.asarray(value) for name, value in program.constants.items()}
    values |= second.tensors | second.before | {"m": np.array(net.m), "t": np.array(2.0)}
    if stage in program.parameters:  # the slots have changed by then
        values |= {name: second.tensors[name] for name in second.before if is_slot(name)}
    after = {name: second.tensors[name] for name in program.parameters}
    arguments = {"values": values, "after": after, "previous": first.tensors, "right": second.tensors[stage]} | more
    return Evidence(program, program.stage(stage), wrong, **arguments)


def kinds_of(net, stage, wrong, **more):
    return [suspect.kind for suspect in diagnose(evidence_of(net, stage, wrong, **more))]


def stages(net):
    return [stage.name for stage in program_of(net).stages if stage.name in updates(net)[1].tensors]


def places(net, kind, seed=0):
    """The stages of a network in which a mistake can be made, one of each sort (dz, dW, …), early or late ones by turns."""
    found = {}
    for stage in stages(net)[:: 1 if sum(net.widths) % 2 else -1]:
        sort = split(stage)[0]
        if sort not in found and (wrong := planted(updates(net, seed)[1], kind, stage)) is not None:
            found[sort] = (stage, wrong)
    return found.values()


def test_what_the_textbook_computes_is_right():
    for net in NETS + RESIDUAL:
        for stage in stages(net):
            unknown = np.full(right_of(net, stage).shape, np.nan)
            assert kinds_of(net, stage, right_of(net, stage), right=unknown) == [], f"{stage} of {net}"


def called(net, kind, seed, tally):
    """How a mistake made by hand is called wherever it can be made, and what else it is called."""
    answers, others = Counter(dict.fromkeys(("named", "listed", "unknown", "wrong"), 0)), []
    for stage, wrong in places(net, kind, seed):
        found = kinds_of(net, stage, wrong, seed=seed)
        said = "named" if found == [kind] else "listed" if kind in found else "wrong" if found else "unknown"
        answers[said] += 1
        others += [(stage, str(net), found)] * (said == "wrong")
    tally("planted by hand, numbers alone", kind, answers)
    return answers, others


@pytest.mark.parametrize("kind", PLANT)
def test_a_mistake_made_by_hand_is_named_and_never_another(kind, tally):
    answers, shapes = Counter(), set()
    for net in NETS + RESIDUAL:
        here, others = called(net, kind, 0, tally)
        assert not others
        answers += here
        shapes |= {net.widths} if here["named"] else set()
        if len(shapes) >= 2:  # all of them in the long run
            break
    assert len(shapes) >= 2
    assert answers["named"] > answers["unknown"] + answers["listed"] or kind == "outputs_factor"


@pytest.mark.long
@pytest.mark.parametrize("kind", PLANT)
def test_no_mistake_made_by_hand_is_ever_called_another(kind, tally):
    assert [others for seed in range(4) for net in NETS + RESIDUAL for others in called(net, kind, seed, tally)[1]] == []


TWICE = {
    "another_loss+sign": lambda t, net: ("da2", -(t["a2"] - t["y"]) / net.over),
    "activation_missing+sum_for_mean": lambda t, net: ("dz2", t["da2"] * net.m),
    "exchanged+transposed": lambda t, net: ("dW2", (t["a1"].T @ t["a2"]).T),
    "pre_activation+da_for_dz": lambda t, net: ("dW2", t["z1"].T @ t["da2"]),
}


@pytest.mark.parametrize("kinds", TWICE)
def test_two_mistakes_in_one_formula_are_both_named(kinds):
    net = Net((3, 4, 2), 5, ("tanh", "sigmoid"), BCE)
    stage, wrong = TWICE[kinds](updates(net)[1].tensors, net)
    (suspect,) = diagnose(evidence_of(net, stage, wrong))
    assert set(suspect.kind.split("+")) == set(kinds.split("+"))
    assert "; besides, " in suspect.evidence


def test_a_second_mistake_that_is_a_factor_is_said_with_its_reason():
    net = Net((3, 4, 2), 5, ("tanh", "sigmoid"), BCE)
    (suspect,) = diagnose(evidence_of(net, "dz2", -updates(net)[1].tensors["da2"] * net.m))
    left_out, turned = "the derivative of sigmoid is left out", "every sign is flipped"
    assert suspect.evidence.endswith(
        f"{left_out}; besides, {turned}, and the loss is the mean over the m samples, and here it is not divided by m"
    )


ONE = Net((1, 1, 1), 3, ("sigmoid", "sigmoid"), BCE)


@pytest.mark.parametrize(("stage", "off"), by_turns(["dW1", "db2", "dW2", "loss", "W1"], [1e-4, 1e-6, 1e-8, -1e-5, 3e-7]))
def test_a_single_number_that_is_off_by_little_has_no_name(stage, off):
    assert kinds_of(ONE, stage, right_of(ONE, stage) * (1 + off)) == []


def test_of_a_single_number_with_few_digits_it_is_said_that_it_says_little():
    one = evidence_of(ONE, "dW1", np.array([[0.5]]), right=np.array([[0.25]]))
    simple = {"x": np.array([[1.0]]), "a1": np.array([[2.0]]), "dz1": np.array([[0.25]]), "m": np.array(1.0)}
    suspects = diagnose(replace(one, values={**one.values, **simple}))
    assert suspects
    assert all(suspect.evidence.endswith(" (a single number: weak evidence)") for suspect in suspects)


def test_the_users_own_formula_tells_apart_what_this_batch_cannot():
    net = Net((2, 3, 1), 1, ("tanh", "identity"))
    wrong = updates(net)[1].tensors["x"].T @ np.ones((1, 3))
    tied = diagnose(evidence_of(net, "dW1", wrong))
    exact = diagnose(evidence_of(net, "dW1", wrong, formula=program_of(net).parse("x.T @ (0 * dz1 + 1)").tree))
    assert [suspect.kind for suspect in exact] == ["gradient_missing"]
    assert "gradient_missing" in [suspect.kind for suspect in tied]
    assert kinds_of(net, "dW1", wrong, formula=program_of(net).parse("x.T @ (0 * dz1 + 1) * x.T / x.T").tree) == ["gradient_missing"]


@pytest.mark.parametrize(("factor", "named"), [(1.0, "zero_grad"), (1 + RATE, "1.13 is 1 + learning_rate"), (0.5, "0.5 times")])
def test_earlier_gradients_that_are_never_cleared_are_seen_with_their_factor(factor, named):
    net = NETS[0]
    (suspect,) = diagnose(evidence_of(net, "dW1", right_of(net, "dW1") + factor * updates(net)[0].tensors["dW1"]))
    assert suspect.kind == "accumulated"
    assert named in suspect.evidence


@pytest.mark.parametrize(("factor", "name"), [(MOMENTUM, "momentum"), (1 - MOMENTUM, "1 - momentum"), (1 + RATE, "1 + learning_rate")])
def test_a_factor_with_a_name_is_called_by_it(factor, name):
    net = NETS[8]
    (suspect,) = diagnose(evidence_of(net, "dW1", factor * right_of(net, "dW1")))
    assert suspect.evidence.endswith(f" times the right value, which is {name}")


def test_a_factor_near_one_without_a_name_is_none():
    assert kinds_of(NETS[0], "dW1", 0.9993 * right_of(NETS[0], "dW1")) == []


def test_the_cross_entropy_without_its_second_term_has_both_of_its_names():
    net = NETS[0]
    t = updates(net)[1].tensors
    assert kinds_of(net, "loss", np.asarray(-(t["y"] * np.log(t["a2"])).sum())) == ["another_loss", "term_missing"]


def test_every_row_of_the_catalogue_is_planted_by_hand():
    # of lines and of what clips: see test_program_cases.py, test_user_lines.py and core/test_draws.py
    of_lines = {"held_constant", "kernel_turned", "rows_shifted", "clip_missing", "mask_anew", "mask_turned", "one_part"}
    assert set(FAULTS) - set(PLANT) == {"forward_changed", "another_loss_sum", "decay_after"} | of_lines


def arrays_that_are_no_mistake(every):
    generator = np.random.default_rng(5)
    for number in range(0, 40, every):
        net = (NETS + RESIDUAL)[number % 20]
        stage = str(generator.choice(stages(net)))
        right, size = right_of(net, stage), 10.0 ** -generator.integers(0, 5)
        noise = generator.standard_normal(right.shape) * np.abs(right).max()
        stretched = right * (1 + size * generator.random(right.shape))
        yield net, stage, (right + size * noise, noise, stretched, np.resize(noise, (net.m, net.m)))[(number + number // 20) % 4]


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_random_numbers_are_no_mistake_that_has_a_name(every):
    for net, stage, wrong in arrays_that_are_no_mistake(every):
        assert kinds_of(net, stage, wrong) == [], f"{stage} of {net}"


@pytest.mark.parametrize(("samples", "factor", "kind"), [("mean", 2, "sum_for_mean"), ("sum", 0.5, "mean_for_sum")])
def test_where_two_mistakes_give_the_same_numbers_both_are_named(samples, factor, kind):
    net = Net((3, 4, 1), 2, ("tanh", "identity"), samples=samples)
    ties = [kind, *["n_minus_one"] * (factor == 2), "stray_factor"]
    assert kinds_of(net, "dW1", factor * right_of(net, "dW1")) == ties


def test_an_own_formula_is_told_from_one_that_only_a_corner_would_show():
    session = Session(load_scenario("xor"))
    session.execute("formula dz2 = da2")
    text = session.execute("check").text
    assert "the derivative of sigmoid is left out" in text
    assert "relu" not in text


def test_a_factor_is_said_and_what_it_is():
    net, right = NETS[0], right_of(NETS[0], "dW1")
    (suspect,) = diagnose(evidence_of(net, "dW1", right / 5))
    assert suspect.title == "the mean where the sum belongs"
    assert "every cell is 0.2 times the right value, and the batch has m = 5 samples" in suspect.evidence
    assert suspect.formula == "x.T @ dz1 / m"
    (suspect,) = diagnose(evidence_of(net, "dW1", right * 5))
    assert suspect.evidence == "every cell is 5 times the right value, which is m"
    (suspect,) = diagnose(evidence_of(net, "dW1", right / -5))
    assert suspect.evidence == "every cell is -0.2 times the right value, which is minus 1/m"


def test_the_formula_that_gives_the_numbers_is_said():
    net = NETS[0]
    (suspect,) = diagnose(evidence_of(net, "dz1", planted(updates(net)[1], "activation_at_z", "dz1")))
    assert suspect.formula == "da1 * z1 * (1 - z1)"
    assert suspect.evidence.startswith("dz1 equals da1 * z1 * (1 - z1) in every cell, to ")
    assert suspect.evidence.endswith("z1 stands where the rule wants a1")
    (suspect,) = diagnose(evidence_of(net, "da1", planted(updates(net)[1], "updated_before_used", "da1")))
    assert suspect.formula == ""
    assert "equals dz2 @ W2.T with W2 as it is after the update in every cell" in suspect.evidence


def of_session(session, name):
    """Evidence on a stage of a session's first update, right or wrong as it runs there; the right values are unknown."""
    timeline = Timeline(session.timeline.program)
    timeline.seek(len(timeline.program.stages) - 1)
    values = {tensor: value.copy() for tensor, value in timeline.machine.values().items()}
    return Evidence(timeline.program, timeline.program.stage(name), values[name], np.full(values[name].shape, np.nan), values)


def test_the_tutorials_mistake_is_called_by_both_of_its_names():
    (suspect,) = diagnose(of_session(Session(load_scenario("tutorial_as_written")), "da2"))
    assert (suspect.kind, suspect.formula) == ("another_loss", "a2 - y")
    said = "the derivative of half the squared error, or the derivative of sigmoid and binary cross-entropy fused, with respect to z2"
    assert said in suspect.evidence


def test_formulas_that_a_user_has_changed_elsewhere_do_not_confuse_it():
    session = Session(load_scenario("tutorial_as_written"))
    session.execute("formula dz1 = da1 * a1")
    session.execute("formula dW1 = x.T @ dz1 / m")
    assert [suspect.kind for suspect in diagnose(of_session(session, "dz1"))] == ["activation_part"]
    assert [suspect.kind for suspect in diagnose(of_session(session, "dW1"))] == ["mean_for_sum"]
    assert diagnose(of_session(session, "dW2")) == ()


def test_the_derivative_of_a_changed_forward_formula_is_that_of_the_old_one():
    session = Session(load_scenario("xor"))
    session.execute("formula a1 = tanh(z1)")
    evidence = of_session(session, "dz1")
    right = evidence.values["da1"] * (1 - evidence.values["a1"] ** 2)
    (suspect,) = diagnose(replace(evidence, right=right))
    assert suspect.kind == "forward_changed"
    assert suspect.evidence == "a1 = tanh(z1) is your own formula, and dz1 is still the derivative of the old one"
    assert diagnose(replace(evidence, right=right, wrong=right)) == ()
    assert [suspect.kind for suspect in diagnose(replace(evidence, right=right, wrong=-3 * right))] == ["stray_factor"]


def test_a_path_that_a_formula_of_ones_own_opens_is_missed():
    session = Session(load_scenario("xor"))
    session.execute("formula z2 = a1 @ W2 + b2 + sum(a1 @ W1.T, axis=1, keepdims=True)")
    evidence = of_session(session, "dW1")
    (suspect,) = diagnose(replace(evidence, right=evidence.wrong + np.ones((1, 4))))
    assert suspect.kind == "path_missing"
    assert suspect.evidence.endswith("is your own formula, and reads W1, too: what comes back on that path is left out")


def test_cells_that_nobody_knows_are_no_hindrance():
    right = right_of(NETS[1], "dW1").copy()
    right[::2] = np.nan
    assert kinds_of(NETS[1], "dW1", planted(updates(NETS[1])[1], "da_for_dz", "dW1"), right=right) == ["da_for_dz"]


def test_what_is_not_a_number_has_no_diagnosis():
    wrong = right_of(NETS[1], "dW1").copy()
    wrong[0, 0] = np.nan
    for array in (wrong, np.zeros((0, 4)), np.array([["a"]])):
        assert kinds_of(NETS[1], "dW1", array) == []


def test_single_precision_needs_a_wider_tolerance_and_no_more():
    net = NETS[3]
    wrong, right = planted(updates(net)[1], "da_for_dz", "dW2"), right_of(net, "dW2")
    assert kinds_of(net, "dW2", wrong.astype(np.float32), tolerance=1e-5) == ["da_for_dz"]
    assert kinds_of(net, "dW2", right.astype(np.float32), tolerance=1e-5) == []


def test_a_mistake_in_what_the_user_does_not_show_is_found_behind_it():
    net = NETS[4]
    t = updates(net)[1].tensors
    dz2 = (t["a2"] + t["y"]) * 2 * t["a2"] * (1 - t["a2"])
    assert kinds_of(net, "db2", dz2.sum(axis=0)) == []
    (suspect,) = diagnose(evidence_of(net, "db2", dz2.sum(axis=0), unseen=frozenset(("da2", "dz2"))))
    assert suspect.kind == "sign"
    assert suspect.formula == "sum(2 * (a2 + y) * a2 * (1 - a2), axis=0, keepdims=True)"
    assert suspect.evidence.endswith("(in da2)")


def test_a_large_network_is_diagnosed_within_a_second():
    generator = np.random.default_rng(0)
    x, y = generator.random((64, 784)), np.eye(10)[generator.integers(0, 10, 64)]
    layers, loss = (Layer(128, "relu"), Layer(10, "softmax")), Loss(CCE, "mean", l2=0.01)
    inputs = tuple(f"i{i}" for i in range(784))
    session = Session(Scenario("large", inputs, layers, x, y, loss=loss, initializer=Initializer("xavier_normal")))
    evidence = of_session(session, "dW1")
    noisy = evidence.wrong + generator.standard_normal(evidence.wrong.shape)
    other = x.T @ evidence.values["da1"] + 0.02 * evidence.values["W1"]
    began = time.process_time()
    assert diagnose(replace(evidence, wrong=noisy)) == ()
    assert [suspect.kind for suspect in diagnose(replace(evidence, wrong=other))] == ["da_for_dz"]
    assert time.process_time() - began < 2


def test_a_small_stage_is_diagnosed_in_a_moment():
    program = make_program(load_scenario("xor"))
    session = Session(load_scenario("xor"))
    evidence = [replace(of_session(session, stage.name), wrong=np.full((4, 4), 0.1) ** 2) for stage in program.stages if stage.of]
    diagnose(evidence[0])
    began = time.process_time()
    for one in evidence:
        diagnose(one)
    assert time.process_time() - began < 0.3 * len(evidence)


@pytest.mark.parametrize(("name", "kind"), [("dW2", "zero"), ("dz1", "zero"), ("db1", "bias_missing")])
def test_a_stage_of_zeros_is_diagnosed(name, kind):
    session = Session(load_scenario("xor"))
    session.execute(f"formula {name} = 0 * ({session.program.stage(name).formula.text})")
    stages = {stage["name"]: stage for stage in session.execute("check").data["stages"]}
    assert (stages[name]["status"], [suspect["kind"] for suspect in stages[name]["suspects"]]) == ("wrong", [kind])
