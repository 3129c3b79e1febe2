"""A user's file is compared whatever it calls its arrays, or says loudly what is not."""

from __future__ import annotations

import numpy as np
import pytest
from debugger_scenarios import xor
from renamed import NONSENSE, renamed
from turns import by_turns

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.session.commands.check import compared
from bpdebug.session.session import Session

GENERATOR = np.random.default_rng(11)
LAYERS = (Layer(3, "tanh"), Layer(3, "tanh"), Layer(3, "sigmoid"))
DATA = {"x": GENERATOR.standard_normal((3, 3)), "y": GENERATOR.random((3, 3))}
SQUARE = Scenario("all of one width", tuple("abc"), LAYERS, loss=Loss("squared_error"), **DATA)
NETS = {"xor": xor(), "square": SQUARE}


def computed(scenario, seed=1):
    """What an all-knowing user of another initialisation would save of an update; W1_new is after it."""
    program = make_program(scenario)
    generator = np.random.default_rng(seed)
    machine = Machine(make_program(replace(scenario, values={n: generator.standard_normal(s) for n, s in program.parameters.items()})))
    arrays = {name: value.copy() for name, value in machine.values().items() if name not in ("m", *program.constants)}
    for stage in program.stages:
        machine.step()
        arrays[f"{stage.name}_new" if stage.name in program.persistent else stage.name] = machine.tensor(stage.name).copy()
    return program, arrays


def parts(program, name):
    """What one of our names says: kind, layer, whether a gradient, whether after the update."""
    tensor = program.tensors[name.removesuffix("_new")]
    of = tensor.of or tensor.name
    for layer in program.layers:
        for kind in ("weight", "bias", "z", "a"):
            if getattr(layer, kind) == of:
                return kind, layer.number, bool(tensor.of), name.endswith("_new")
    return {program.input: "x", program.target: "y", program.loss: "loss"}[of], 0, False, False


PLACES = {1: "hidden", 2: "out"}
LETTERS = {"weight": "W", "bias": "b", "z": "z", "a": "a"}
WORDS = {"weight": "weights", "bias": "bias", "z": "logits", "a": "activation"}
OTHERS = {"x": "x", "y": "y", "loss": "loss"}


def named(form, gradient, after="{}_new", letters=LETTERS, first=1, others=OTHERS):
    """A way to call tensors, made of forms."""

    def name(kind, number, is_gradient, is_after, depth):
        if kind in others:
            return others[kind]
        place = "out" if number == depth else "hidden" if depth == 2 else f"hidden{number}"
        base = form.format(kind=letters[kind], n=number - 1 + first, place=place)
        return gradient.format(base, kind=letters[kind], n=number - 1 + first) if is_gradient else after.format(base) if is_after else base

    return name


COURSE = {"x": "X", "y": "Y", "loss": "cost"}
CAPITALS = {"weight": "W", "bias": "b", "z": "Z", "a": "A"}
SMALL = {"weight": "w", "bias": "b", "z": "z", "a": "h"}
STYLES = {
    "Z1 dZ1 X Y cost": named("{kind}{n}", "d{}", letters=CAPITALS, others=COURSE),
    "grad_W1": named("{kind}{n}", "grad_{}"),
    "W1_grad": named("{kind}{n}", "{}_grad"),
    "W1.grad": named("{kind}{n}", "{}.grad"),
    "dLdW1": named("{kind}{n}", "dLd{}", "new_{}"),
    "dL_dW1": named("{kind}{n}", "dL_d{}", "{}_after"),
    "dJ/dW1": named("{kind}{n}", "dJ/d{}", "{}'"),
    "w1 dw1 h1": named("{kind}{n}", "d{}", letters=SMALL),
    "W_1": named("{kind}_{n}", "d{}", others={"x": "inputs", "y": "targets", "loss": "loss_value"}),
    "W0": named("{kind}{n}", "d{}", first=0),
    "W[0]": named("{kind}[{n}]", "d{}", first=0),
    "dW[0]": named("{kind}[{n}]", "d{kind}[{n}]", first=0, letters=CAPITALS, others={"x": "X", "y": "Y", "loss": "J"}),
    "params['W1']": named("params['{kind}{n}']", "grads['d{kind}{n}']"),
    "brain.W1": named("brain.{kind}{n}", "brain.d{kind}{n}"),
    "p['W1']": named("p['{kind}{n}']", "g['d{kind}{n}']"),
    "grads['W1']": named("params['{kind}{n}']", "grads['{kind}{n}']"),
    "self.W1": named("self.{kind}{n}", "self.d{kind}{n}"),
    "weights_0": named("{kind}_{n}", "{}_gradient", letters=WORDS, first=0),
    "fc1.weight": named("fc{n}.{kind}", "{}.grad", letters=WORDS),
    "layers.0.weight": named("layers.{n}.{kind}", "{}.grad", letters=WORDS, first=0),
    "fc.0.weight": named("fc.{n}.{kind}", "{}.grad", "{}.updated", letters=WORDS, first=0),
    "hidden_weights": named("{place}_{kind}", "d_{}", letters=WORDS),
    "W_hidden": named("{kind}_{place}", "d{}"),
    "hiddenWeights": named("{place}{kind}", "grad{}", letters={k: w.title() for k, w in WORDS.items()}),
    "∂W₁": lambda kind, number, gradient, after, depth: (
        "∂" * gradient + OTHERS.get(kind, f"{LETTERS.get(kind)}{'₀₁₂₃'[number]}") + "'" * after
    ),
}


def other_names(program, arrays, style):
    return {style(*parts(program, name), len(program.layers)): array for name, array in arrays.items()}


def answer(scenario, arrays):
    return compared(Session(scenario), arrays)


WRONG = ("dW1", "db2", "dz1")


@pytest.mark.usefixtures("undiagnosed")
@pytest.mark.parametrize("wrongs", [1, pytest.param(len(WRONG), marks=pytest.mark.long)])
@pytest.mark.parametrize(("net", "style"), by_turns(NETS, STYLES, every=2))
def test_right_numbers_agree_and_a_wrong_gradient_is_accused_whatever_they_are_called(net, style, wrongs):
    program, arrays = computed(NETS[net])
    named_so = other_names(program, arrays, STYLES[style])
    assert len(named_so) == len(arrays)
    result = answer(NETS[net], named_so)
    assert result.data["ok"] is True, result.text
    assert result.data["unjudged"] == [], result.text
    for wrong in (WRONG * 2)[[*STYLES].index(style) % len(WRONG) :][:wrongs]:
        result = answer(
            NETS[net],
            other_names(
                program,
                arrays | {wrong: arrays[wrong] * np.linspace(1.1, 1.7, arrays[wrong].size).reshape(arrays[wrong].shape)},
                STYLES[style],
            ),
        )
        assert result.data["culprit"] == wrong, result.text


@pytest.mark.usefixtures("undiagnosed")
@pytest.mark.parametrize(("naming", "style"), by_turns(NONSENSE, ["Z1 dZ1 X Y cost", "fc1.weight", "W0", "W1_grad"]))
def test_what_the_program_calls_its_tensors_does_not_matter(naming, style):
    program, arrays = computed(SQUARE)
    other, names = renamed(SQUARE, NONSENSE[naming])
    result = answer(other, other_names(program, arrays, STYLES[style]))
    assert result.data["ok"] is True, result.text
    assert result.data["unjudged"] == []
    result = answer(other, other_names(program, arrays | {"dW2": 1.5 + arrays["dW2"]}, STYLES[style]))
    assert result.data["culprit"] == names["dW2"], result.text


@pytest.mark.usefixtures("undiagnosed")
def test_seven_times_the_gradients_under_torchs_names_are_no_agreement():
    program, arrays = computed(xor())
    forward = {name: arrays[name] for name in ("x", "y", "W1", "b1", "W2", "b2", "z1", "a1", "z2", "a2", "loss")}
    for form in ("{}.grad", "{}_grad", "grad_{}", "g{}", "d_{}", "{}.gradient", "∇{}"):
        wrong = {form.format(name): 7 * arrays[f"d{name}"] for name in program.parameters}
        result = answer(xor(), forward | wrong)
        assert result.data["ok"] is False, form
        assert "every number agrees" not in result.text
    for names in (("p", "q", "r", "s"), ("foo1", "foo2", "foo3", "foo4")):
        wrong = {name: 7 * arrays[f"d{of}"] for name, of in zip(names, program.parameters, strict=True)}
        result = answer(xor(), forward | wrong)
        assert "every number agrees" not in result.text
        assert set(result.data["unjudged"]) >= {names[0], names[2]}


def test_what_is_no_gradient_is_only_noted():
    _, arrays = computed(xor())
    extras = {"mask": np.array([[1.0, 0, 1, 0]] * 4), "costs": np.linspace(0.9, 0.1, 30), "lr": np.array(0.1), "epoch": np.array(3)}
    result = answer(xor(), arrays | extras)
    assert result.data["ok"] is True
    assert result.data["unjudged"] == []
    assert result.text.splitlines()[-1] == "every number agrees"
    for name in extras:
        assert f"note: {name} is not compared: it is no tensor of this network" in result.text


def test_a_name_that_means_nothing_is_known_by_its_numbers():
    _, arrays = computed(xor())
    arrays["thing"] = arrays.pop("dW1")
    result = answer(xor(), arrays)
    assert "your thing has the numbers of dW1, and is compared as dW1" in result.text
    assert "dW1" in [stage["name"] for stage in result.data["stages"] if stage["status"] in ("exact", "approximate")]


def test_numbers_do_not_speak_against_a_plain_name():
    """dz2 with the numbers of da2 is the activation left out, not da2 under another name."""
    _, arrays = computed(xor())
    kept = {name: arrays[name] for name in ("x", "y", "W1", "b1", "W2", "b2", "z1", "a1", "z2", "a2", "loss")}
    for name in ("dz2", "delta2", "dZ2", "dL_dz2"):
        assert answer(xor(), kept | {name: arrays["da2"]}).data["culprit"] == "dz2"


@pytest.mark.parametrize(
    ("name", "of"), [("error2", "da2"), ("error2", "dz2"), ("l1_error", "da1"), ("h1", "a1"), ("h1", "z1"), ("out", "a2"), ("out", "z2")]
)
def test_numbers_choose_between_what_a_name_may_mean(name, of):
    _, arrays = computed(xor())
    arrays[name] = arrays.pop(of)
    result = answer(xor(), arrays)
    assert result.data["ok"] is True
    assert f"your {name} is compared as {of}" in result.text
    assert result.data["unjudged"] == []


def test_a_second_name_for_the_same_numbers_is_noted_and_for_others_not_compared():
    _, arrays = computed(xor())
    result = answer(xor(), arrays | {"y_pred": arrays["a2"], "W1_grad": arrays["dW1"]})
    assert "y_pred has the numbers of your a2 once more" in result.text
    assert result.data["unjudged"] == []
    result = answer(xor(), arrays | {"W1_grad": 3 * arrays["dW1"]})
    assert result.data["unjudged"] == ["W1_grad"]
    assert "every number agrees" not in result.text


def test_a_parameter_from_before_is_told_from_the_one_after():
    _, arrays = computed(xor())
    for name in ("W1", "b1", "W2", "b2"):
        arrays |= {f"{name}_old": arrays[name], name: arrays.pop(f"{name}_new")}
    result = answer(xor(), arrays)
    assert result.data["ok"] is True, result.text
    assert "W1_new" in [stage["name"] for stage in result.data["stages"] if stage["status"] in ("exact", "approximate")]


def test_sequential_numbers_tell_the_order_only():
    program, arrays = computed(SQUARE)

    def style(kind, n, gradient, after, _):
        return OTHERS.get(kind) or f"net.{2 * n - 2}.{WORDS[kind]}" + ".grad" * gradient + ".new" * after

    kept = {name: array for name, array in arrays.items() if parts(program, name)[0] in ("weight", "bias", "x", "y", "loss")}
    result = answer(SQUARE, other_names(program, kept, style))
    assert result.data["ok"] is True, result.text
    assert result.data["unjudged"] == []
    wrong = kept | {"dW2": kept["dW2"] + 1}
    assert answer(SQUARE, other_names(program, wrong, style)).data["culprit"] == "dW2"


def test_weights_and_activations_may_be_counted_from_different_numbers():
    """Nielsen, "Neural Networks and Deep Learning": weights[0] leads from activations[0], the inputs, to activations[1]."""
    program, arrays = computed(SQUARE)
    forms = {"weight": "weights[{}]", "bias": "biases[{}]", "z": "zs[{}]"}

    def style(kind, n, gradient, after, depth):
        if kind == "x":
            return "activations[0]"
        base = OTHERS.get(kind) or (f"activations[{n}]" if kind == "a" else forms[kind].format(n - 1))
        return ("nabla_" + base if kind != "z" else f"delta[{n - 1}]") if gradient else base + "_new" * after

    kept = {name: array for name, array in arrays.items() if name not in ("da1", "da2", "da3")}
    result = answer(SQUARE, other_names(program, kept, style))
    assert result.data["ok"] is True, result.text
    assert answer(SQUARE, other_names(program, kept | {"dz2": 2.5 * kept["dz1"]}, style)).data["culprit"] == "dz2"


def test_a_for_what_goes_in_and_h_or_z_for_what_comes_out():
    program, arrays = computed(SQUARE)
    for out in "hz":
        letters = {"a": out, "z": "a", "weight": "W", "bias": "b"}

        def style(kind, n, gradient, after, _, letters=letters):
            return OTHERS.get(kind) or "d" * gradient + f"{letters[kind]}{n}" + "_new" * after

        result = answer(SQUARE, other_names(program, arrays, style))
        assert result.data["ok"] is True, result.text
        assert answer(SQUARE, other_names(program, arrays | {"dz2": arrays["da2"]}, style)).data["culprit"] == "dz2"


def test_slots_of_the_optimizer_have_many_names_too():
    scenario = xor(optimizer=Optimizer("momentum", {"learning_rate": 0.1, "momentum": 0.9}))
    program, arrays = computed(scenario)
    for form in ("v_{}", "velocity_{}", "vd{}", "V{}", "{}_velocity"):
        named_so = {}
        for name, array in arrays.items():
            owner = name.removesuffix("_new")
            named_so[form.format(owner[1:]) + name[len(owner) :] if owner in program.slots else name] = array
        result = answer(scenario, named_so)
        assert result.data["ok"] is True, result.text
        assert result.data["unjudged"] == [], result.text


LINES = """
program: |
  z = x @ W1 + b1
  h = tanh(z * g)
  s = h @ Wq @ swapaxes(h @ Wk, -1, -2)
  out = softmax(s) @ h @ W2
  loss = mean((out - y) ** 2)
parameters:
  seed: 4
  shapes: {W1: [3, 4], Wq: [4, 4], Wk: [4, 4], W2: [4, 2]}
  values: {b1: [1, 2, 3, -1], g: [0.5, 1, 2, 1]}
data: {inputs: [[[1, 0.5, -1], [0.2, 1, 2]], [[0.3, 1, 0], [1, -1, 0.4]]], targets: [[[1, 0], [0, 1]], [[0.5, 0], [1, 1]]]}
"""
MODULES = {"W1": "fc1.weight", "b1": "fc1.bias", "g": "ln.weight", "Wq": "attn.q.weight", "Wk": "attn.k.weight", "W2": "head.weight"}


def test_modules_of_torch_are_the_parameters_of_lines_and_lie_as_torch_has_them(tmp_path):
    (tmp_path / "s.yaml").write_text(LINES)
    scenario = load_scenario(tmp_path / "s.yaml")
    program = make_program(scenario)
    arrays = {**program.initial, **program.batch(0)}
    arrays |= program.run(arrays, program.end_of(Phase.BACKWARD))
    mine = {module: arrays[own].T for own, module in MODULES.items()}
    mine |= {f"{module}.grad": arrays[f"d{own}"].T for own, module in MODULES.items()}
    result = answer(scenario, mine)
    agrees = ("exact", "approximate")
    assert {stage["name"] for stage in result.data["stages"] if stage["status"] in agrees} == {f"d{own}" for own in MODULES}
    assert "your weights are stored transposed" in result.text
    for own, module in MODULES.items():
        wrong = mine | {f"{module}.grad": mine[f"{module}.grad"] * np.linspace(1, 2, mine[module].size).reshape(mine[module].shape)}
        assert answer(scenario, wrong).data["culprit"] == f"d{own}"
    other = {name: np.random.default_rng(0).standard_normal(array.shape) for name, array in mine.items()}
    assert answer(scenario, other).text.splitlines()[-1].startswith("nothing could be judged: perhaps right with another")
