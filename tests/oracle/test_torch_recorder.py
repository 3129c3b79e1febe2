"""Training steps of PyTorch under the recorder: not a bit is changed, and what is written is what was computed."""

from __future__ import annotations

import linecache
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import bpdebug
from bpdebug import Session, load_scenario
from bpdebug.core.network import Phase
from bpdebug.frontends.torch_step.broken import first_broken

torch = pytest.importorskip("torch", minversion="2.4")
nn, F = torch.nn, torch.nn.functional


class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.drop, self.fc2 = nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3)

    def forward(self, x):
        h = F.gelu(self.fc1(x))
        return self.fc2(self.drop(h))


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.act, self.pool, self.out = nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Linear(12, 3)

    def forward(self, x):
        image = x.reshape(-1, 1, 2, 3)
        image = F.pad(image, (0, 1, 0, 2))
        return self.out(self.pool(self.act(self.norm(self.conv(image)))).flatten(1))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.norm, self.qkv, self.out = nn.Embedding(9, 8), nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 3)

    def forward(self, x):
        ids = (x.abs() * 3).long().clamp(max=8)
        h = self.norm(self.embed(ids))
        q, k, v = self.qkv(h).split(8, dim=2)
        mask = torch.full((6, 6), float("-inf")).triu(1)
        scores = q @ k.transpose(1, 2) / 8**0.5 + mask
        return self.out((scores.softmax(-1) @ v).mean(1))


class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.out = nn.GRUCell(2, 4), nn.Linear(4, 3)

    def forward(self, x):
        h = x.new_zeros(len(x), 4)
        for part in x.reshape(-1, 3, 2).unbind(1):
            h = self.cell(part, h)
        return self.out(h)


class Written(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        h = self.fc(x).clone()
        h[:, 0] = 0.5 * h[:, 0]
        return h * torch.sigmoid(h)


class Square(torch.autograd.Function):
    factor = 2

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * Square.factor * x


class Custom(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.fc2(Square.apply(self.fc1(x)))


class Checkpointed(Perceptron):
    def forward(self, x):
        from torch.utils.checkpoint import checkpoint

        return checkpoint(super().forward, x, use_reentrant=False)


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, 0.01),
    "foreach": lambda p: torch.optim.Adam(p, 0.01, foreach=True),
    "fused": lambda p: torch.optim.AdamW(p, 0.01, fused=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01),
}
CASES = [
    (Perceptron, "adamw", 0),
    (Perceptron, "foreach", 0),
    (Perceptron, "fused", 0),
    (Images, "sgd", 5),
    (Attention, "adamw", 1),
    (Cells, "rmsprop", 0),
    (Written, "sgd", 3),
    (Custom, "sgd", 0),
    (Checkpointed, "sgd", 0),
]


def made(kind, optimizer):
    torch.manual_seed(0)
    model = kind()
    stepper = OPTIMIZERS[optimizer](model.parameters())
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(5, 6, generator=generator), torch.tensor([0, 1, 2, 1, 0])

    def step():
        stepper.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        stepper.step()

    step()
    return model, stepper, step


@pytest.mark.parametrize(("kind", "optimizer", "opaque"), CASES)
def test_a_recorded_step_is_the_same_to_the_bit_and_all_of_it_is_explained(kind, optimizer, opaque, tmp_path):
    model, _, step = made(kind, optimizer)
    step()
    plain, state = {name: one.clone() for name, one in model.state_dict().items()}, torch.get_rng_state()
    model, stepper, step = made(kind, optimizer)
    with bpdebug.record(model, stepper, tmp_path / "a.bpd"):
        step()
    assert all(torch.equal(one, plain[name]) for name, one in model.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())
    session = Session(load_scenario(tmp_path / "a.bpd"))
    program = session.program
    missing = [stage for stage in program.stages if stage.formula.text.endswith(".torch")]
    assert len(missing) <= opaque, missing
    assert {name for name, _ in model.named_parameters()} == {*program.parameters}
    assert all(stage.line for stage in program.stages if not stage.formula.text.endswith(".torch"))
    session.execute("goto end")
    for name, one in model.named_parameters():
        np.testing.assert_array_equal(session.value(name), one.detach().numpy())
    result = session.execute("check")
    assert "WRONG" not in result.text
    assert "ok" in result.text or kind is Checkpointed


def test_a_wrong_backward_pass_of_the_users_own_is_named_at_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr(Square, "factor", 3)
    model, stepper, step = made(Custom, "sgd")
    with bpdebug.record(model, stepper, tmp_path / "a.bpd"):
        step()
    report = Session(load_scenario(tmp_path / "a.bpd")).execute("check").data
    wrong = [one["name"] for one in report["stages"] if one["status"] == "wrong"]
    assert wrong == ["fc1.grad"]
    line = Path(__file__).read_text("utf-8").split("\n").index("        return g * Square.factor * x") + 1
    stage = load_scenario(tmp_path / "a.bpd").ready().stage("fc1.grad")
    assert stage.line == f"{Path(__file__).name}:{line}" or stage.line.endswith(f"test_torch_recorder.py:{line}")


def log_of_zero(h):
    p = F.softmax(h * 1000, 1)
    return -(p * torch.log(p)).sum()


def root_of_zero(h):
    return torch.sqrt(((h - h.detach()) ** 2).sum(1)).mean()


def division(h):
    spread = (h.detach() * 0).sum(1, keepdim=True)
    return ((h - h) / spread).mean()


def difference(h):
    grown = torch.exp(h.abs() * 1e4)
    return (grown - grown.detach()).mean()


def masked_row(h):
    scores = h @ h.T
    mask = torch.zeros(5, 5, dtype=torch.bool)
    mask[2] = True
    weights = scores.masked_fill(mask, float("-inf")).softmax(-1)
    return (weights @ h).pow(2).mean()


def untaken_branch(h):
    p = h * (h > 0)
    return torch.where(p > 0, torch.sqrt(p), torch.zeros_like(p)).sum()


def too_far_apart(h):
    return F.layer_norm(h.repeat(1, 6)[:, :16] * 1e20, (16,)).mean()


def overflow(h):
    half = (h * 3000).half()
    return (half * half).float().mean()


def unit_of_zeros(h):
    z = h - h.detach()
    return (z / z.norm(dim=1, keepdim=True)).mean()


def power(h):
    return (h**0.5).mean()


def spread_of_zeros(h):
    return (h / (h.detach() * 0).std(1, keepdim=True)).mean()


def masked_mean(h):
    mask = (torch.arange(5) < 2).float()[:, None]
    return ((h * mask).sum(1) / mask.sum(1)).mean()


def power_of_zero(h):
    return (F.relu(h) ** -0.5).mean()


def all_ignored(h):
    return F.cross_entropy(h, torch.full((5,), -100))


def angle(h):
    u = h / h.norm(dim=1, keepdim=True)
    cosine = (u * u).sum(1) * (1 + 1e-6)
    return torch.acos(cosine).mean()


def determinant(h):
    return torch.logdet(h[:3] @ h[:3].T * 0)


WAYS = {
    masked_mean: ("/ mask.sum(1)", "div = sum / sum_2", "0/0 = nan", "MulBackward0"),
    power_of_zero: ("** -0.5", "pow = relu**-0.5", "0^(−0.5) = inf", ""),
    all_ignored: ("F.cross_entropy(h, torch.full", "nll_loss_forward = sum(where(full != -100", "the mean is taken over no sample", ""),
    angle: ("torch.acos(cosine)", "acos = arccos(cosine)", "arccos(1.00000095) = nan", "AcosBackward0"),
    determinant: (
        "torch.logdet(h",
        "torch's aten._linalg_slogdet.default of mul",
        "comes from torch's aten._linalg_slogdet.default of mul",
        "LinalgSlogdetBackward0",
    ),
    log_of_zero: ("torch.log(p)).sum", "log = log(p)", "log(0) = −inf", "LogBackward0"),
    root_of_zero: ("torch.sqrt(((h", "sum.grad = sqrt.grad / sqrt.mul", "0.2/0 = inf", "PowBackward0"),
    division: ("((h - h) / spread", "div = sub / spread", "0/0 = nan", "AddmmBackward0"),
    difference: ("grown = torch.exp", "grown = exp(mul)", "exp(5114) = inf", "AddmmBackward0"),
    masked_row: ("weights = scores", "weights = softmax(masked_fill)", "the whole row is masked", "PowBackward0"),
    untaken_branch: ("torch.where(p > 0", "p.grad = sqrt.grad / sqrt.mul", "does not take this branch", "SqrtBackward0"),
    too_far_apart: (":16] * 1e20,", "native_layer_norm_3 = 1 / sqrt(mean((mul -", "the largest is 3.4028e38", "NativeLayerNormBackward0"),
    overflow: ("(half * half)", "mul_2 = half * half", "the largest is 65504", ""),
    unit_of_zeros: ("z.norm(dim=1, keepdim=True)).mean", "div = z / linalg_vector_norm", "0/0 = nan", "DivBackward0"),
    power: ("(h**0.5)", "pow = model.2**0.5", "(−0.2845)^0.5 = nan", "PowBackward0"),
    spread_of_zeros: ("* 0).std(1", "div = model.2 / std", "0.5114/0 = inf", "AddmmBackward0"),
}
"""Ways to a NaN: a piece of the line, the statement, what is said of its cell; and the operation that torch's anomaly mode names, which is
not always the one that it begins in, or "" where that finds nothing."""


def anomaly(way, model, x):
    """What torch's own search for NaN says."""
    try:
        with torch.autograd.set_detect_anomaly(True, check_nan=True), warnings.catch_warnings(action="ignore"):
            way(model(x)).backward()
    except RuntimeError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("way", WAYS)
def test_the_first_value_that_is_not_finite_is_found_with_its_operation_its_cell_and_its_line(way, tmp_path):
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), torch.randn(5, 4)
    with bpdebug.record(model, None, tmp_path / "a.bpd"):
        way(model(x)).backward()
    piece, statement, said, theirs = WAYS[way]
    line = 1 + next(n for n, one in enumerate(Path(__file__).read_text("utf-8").split("\n")) if piece in one)
    scenario = load_scenario(tmp_path / "a.bpd")
    found = first_broken(scenario)
    assert f"test_torch_recorder.py:{line}: {statement}" in found, found
    stopped = Session(scenario).execute("continue")
    assert said in stopped.text, stopped.text
    assert found.startswith((f"not finite: {stopped.data['culprit']}[", f"not finite: {stopped.data['culprit']} = "))
    model.zero_grad()
    assert theirs in (told := anomaly(way, model, x)), told
    assert bool(told) == bool(theirs)


def norm_of_zeros(h):
    return (h - h.detach()).norm(dim=1).mean() + h.mean()


def untaken_behind_relu(h):
    p = F.relu(h)
    return torch.where(p > 0, torch.log(p), torch.zeros_like(p)).sum()


def sigmoid_by_hand(h):
    return (1 / (1 + torch.exp(-1e4 * h.detach().abs()) + torch.exp(1e4 * h.detach().abs())) + h).mean()


@pytest.mark.parametrize("way", [norm_of_zeros, untaken_behind_relu, sigmoid_by_hand])
def test_what_goes_no_further_is_no_alarm(way, tmp_path):
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), torch.randn(5, 4)
    with bpdebug.record(model, None, tmp_path / "a.bpd"):
        way(model(x)).backward()
    assert all(torch.isfinite(one.grad).all() for one in model.parameters())
    scenario = load_scenario(tmp_path / "a.bpd")
    assert any(not np.isfinite(one.value).all() for one in scenario.ready().recorded.values())
    assert first_broken(scenario) == ""
    assert "training is complete" in Session(scenario).execute("continue").text


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.norm, self.fc2 = nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(F.relu(self.norm(self.fc1(x))))


def test_a_gradient_that_is_rounding_noise_is_said_to_be(tmp_path):
    model, stepper, step = made(Normed, "sgd")
    with bpdebug.record(model, stepper, tmp_path / "a.bpd"):
        step()
    data = Session(load_scenario(tmp_path / "a.bpd")).execute("check").data
    assert any(note.startswith("rounding noise: fc1.bias.grad: in double precision it is 0") for note in data["notes"])
    assert 0 < max(one["lost"] for one in data["stages"] if one["name"] != "fc1.bias.grad") < 1e-4


def test_what_bfloat16_loses_is_said(tmp_path):
    model, stepper, step = made(Perceptron, "sgd")
    with bpdebug.record(model, stepper, tmp_path / "a.bpd"), torch.autocast("cpu", torch.bfloat16):
        step()
    data = Session(load_scenario(tmp_path / "a.bpd")).execute("check").data
    assert 1e-3 < max(one["lost"] for one in data["stages"]) < 0.1
    assert any(note.startswith("farthest from double precision: ") for note in data["notes"])


def test_a_closure_that_the_step_calls_names_the_parameters_first_read_in_it(tmp_path):
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    stepper = torch.optim.AdamW(model.parameters(), 0.01)

    def closure():
        stepper.zero_grad(set_to_none=False)
        loss = model(torch.ones(5, 6)).pow(2).mean()
        loss.backward()
        return loss

    stepper.step(closure)
    with bpdebug.record(path=tmp_path / "a.bpd"):
        stepper.step(closure)
    program = load_scenario(tmp_path / "a.bpd").ready()
    assert {*program.parameters} == {f"model.{place}.{kind}" for place in (0, 2) for kind in ("weight", "bias")}
    assert {"model.0.weight.exp_avg", "model.2.bias.step"} <= {*program.fixed}


def test_masks_are_no_alarm(tmp_path):
    model, stepper, step = made(Attention, "sgd")
    with bpdebug.record(model, stepper, tmp_path / "a.bpd"):
        step()
    session = Session(load_scenario(tmp_path / "a.bpd"))
    assert first_broken(load_scenario(tmp_path / "a.bpd")) == ""
    assert "training is complete" in session.execute("continue").text


def test_numbers_that_are_not_kept_are_computed_again_to_the_bit():
    from bpdebug.torch_recorder.recorder import Recorder
    from bpdebug.torch_recorder.repeating import repeat

    for kind, optimizer, _ in CASES:
        kept, later = [], []
        for found, rests in ((kept, False), (later, True)):
            model, _, step = made(kind, optimizer)
            with Recorder(model, later=rests) as recorder:
                step()
            resting = recorder.values.bytes
            if rests:
                repeat(recorder)
            found += [value for value in recorder.values.all if "empty" not in value.name]
        assert [one.name for one in kept] == [one.name for one in later]
        assert all(np.array_equal(one.array, two.array) for one, two in zip(kept, later, strict=True) if one.array is not None)
        assert resting < recorder.values.bytes


def test_torch_is_left_as_it_was(tmp_path):
    before = torch.autograd.backward, torch.optim.Optimizer.__init__
    with pytest.raises(ZeroDivisionError), bpdebug.record(path=tmp_path / "a.bpd"):
        1 / 0  # noqa: B018
    assert before == (torch.autograd.backward, torch.optim.Optimizer.__init__)
    assert not (tmp_path / "a.bpd").exists()


@pytest.mark.parametrize("later", [False, True])
def test_of_a_step_that_is_too_large_what_formulas_give_is_left_out_and_computed_again(later, tmp_path, monkeypatch):
    from bpdebug.torch_recorder import recorder, repeating, writing

    whole, short = tmp_path / "whole.bpd", tmp_path / "short.bpd"
    for path, most in ((whole, 2**30), (short, 10_000)):
        for module in (recorder, repeating):
            monkeypatch.setattr(module, "MOST", most)
        monkeypatch.setattr(recorder, "_OFTEN", min(most, 2**26))
        model, _, step = made(Attention, "adamw")
        with recorder.Recorder(model, later=later) as one:
            step()
        if later:
            repeating.repeat(one)
        writing.write(one, path, {"script": "a.py", "step": 1, "optimizer": "AdamW", "ended": ""})
    assert short.stat().st_size < 0.7 * whole.stat().st_size
    programs = [load_scenario(path).ready() for path in (whole, short)]
    assert [stage.name for stage in programs[0].stages] == [stage.name for stage in programs[1].stages]
    for name, one in programs[0].recorded.items():
        if programs[0].stage(name).phase is Phase.UPDATE:  # AdamW makes a whole step of a gradient that is rounding noise
            continue
        again, size = programs[1].recorded[name].value, np.abs(one.value).max(initial=0, where=np.isfinite(one.value))
        np.testing.assert_allclose(again, one.value, rtol=1e-3, atol=1e-5 * max(1.0, size), err_msg=name)
    told = [one.told for one in programs[1].recorded.values() if "left its numbers out" in one.told]
    assert sum("Torch's are from" in one for one in told) > len(told) / 2
    assert not any("these are others" in one for one in told)


def test_of_a_large_step_what_is_not_finite_is_kept_with_what_it_is_made_of(tmp_path, monkeypatch):
    from bpdebug.torch_recorder import recorder

    monkeypatch.setattr(recorder, "MOST", 100)
    monkeypatch.setattr(recorder, "_OFTEN", 100)
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), torch.randn(5, 4)
    with recorder.Recorder(model) as one:
        spread_of_zeros(model(x)).backward()
    values = {value.name: value for value in one.values.all}
    kept = {name for name, value in values.items() if value.array is not None}
    assert {"div", "std", "model.2"} <= kept
    assert "t" not in kept
    left = [value for value in one.values.all if value.array is None and value.sizes]
    assert all(value.sizes[1] <= value.sizes[2] for value in left)


def test_an_evaluation_between_two_steps_is_forgotten(monkeypatch):
    from bpdebug.torch_recorder import recorder

    monkeypatch.setattr(recorder, "_OFTEN", 50_000)
    model, _, step = made(Perceptron, "sgd")
    with recorder.Recorder(model) as one:
        with torch.no_grad():
            for _ in range(200):
                model(torch.randn(100, 6))
        assert one.values.bytes < 200_000
        step()
    assert all(value.array is not None for value in one.values.all if value.kind == "parameter")


def test_of_one_module_alone_all_is_kept(tmp_path):
    from bpdebug.torch_recorder import recorder

    model, _, step = made(Attention, "adamw")
    with recorder.Recorder(model, only="qkv") as one:
        step()
    kept = {value.name for value in one.values.all if value.array is not None}
    assert {"qkv.addmm", "qkv.weight.grad"} <= kept
    assert "softmax" in {value.name for value in one.values.all} - kept


def test_numbers_are_those_of_their_time_whoever_writes_there_later(tmp_path):
    w = torch.arange(3.0, requires_grad=True)
    with bpdebug.record(path=tmp_path / "a.bpd"):
        h, k, n = w * 2, w * 3, w * 5
        n.detach().numpy()[:] = 7
        k.detach().view(3, 1)[1:].zero_()
        with torch.no_grad():
            h.add_(1)
        (w * 4).sum().backward()
    recorded = load_scenario(tmp_path / "a.bpd").ready().recorded
    for name, times in (("h", 2), ("k", 3), ("n", 5)):
        assert recorded[name].value.tolist() == [0, times, 2 * times]


CELL = """with bpdebug.record(net, path=path):
    loss = net(torch.ones(4, 2)).mean()
    loss.backward()
"""


def test_the_lines_of_a_notebook_are_those_of_its_cells(tmp_path, monkeypatch):
    def named(name):
        return ("Cell", "In[2]") if name == "/kernel/456.py" else None

    shell = SimpleNamespace(compile=SimpleNamespace(format_code_name=named))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(linecache.cache, "/kernel/456.py", (len(CELL), None, CELL.splitlines(keepends=True), ""))
    scope = {"bpdebug": bpdebug, "torch": torch, "net": nn.Sequential(nn.Linear(2, 2)), "path": tmp_path / "a.bpd"}
    exec(compile(CELL, "/kernel/456.py", "exec"), scope)
    program = load_scenario(tmp_path / "a.bpd").ready()
    assert {"cell2.py:2", "cell2.py:3"} >= {stage.line for stage in program.stages} >= {"cell2.py:2"}
    assert program.scenario.files["cell2.py"].startswith("with bpdebug")
    assert "net.0" in {stage.name for stage in program.stages}
