"""What a recording says of a training script as people write it: which parameters learn nothing, and why; which of their lines is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bpdebug
from bpdebug import Session, load_scenario
from bpdebug.core.network import Phase

torch = pytest.importorskip("torch", minversion="2.4")
nn, F = torch.nn, torch.nn.functional


def line_of(piece):
    lines = Path(__file__).read_text("utf-8").split("\n")
    return next(n for n, one in enumerate(lines, 1) if piece in one)


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen, self.listed, self.cut, self.unused = (nn.Linear(4, 4) for _ in range(4))
        self.table, self.head = nn.Embedding(4, 4), nn.Linear(4, 4, bias=False)
        self.head.weight = self.table.weight
        self.cut.bias.requires_grad_(False)
        self.left = nn.Parameter(torch.ones(4))

    def forward(self, x):
        h = self.cut(x)
        stopped = h.detach()
        listed = self.listed(x)
        again = torch.tensor(listed.tolist())
        return self.head(self.seen(stopped + again) * self.left + self.table(torch.tensor([0, 1, 2])))


def test_why_a_parameter_has_no_gradient_is_said(tmp_path):
    torch.manual_seed(0)
    model = Parts()
    optimizer = torch.optim.SGD([one for name, one in model.named_parameters() if name != "left"], 0.1)
    with bpdebug.record(model, optimizer, tmp_path / "a.bpd"):
        model(torch.randn(3, 4)).pow(2).mean().backward()
        optimizer.step()
    _, *notes = load_scenario(tmp_path / "a.bpd").ready().notes
    place = f"{Path(__file__).name}:{line_of('stopped = h.detach()')}"
    assert sum("a gradient" in note for note in notes) == 4
    for names, said in (
        ("cut.weight", "no gradient flows back to cut at"),
        ("cut.weight", f"{place} (detach, no_grad)"),
        ("listed.weight listed.bias", "what comes of them goes no further than listed at"),
        ("unused.weight unused.bias", "nothing in this step reads them"),
        ("cut.bias", "frozen (requires_grad=False)"),
        ("table.weight head.weight", "one tensor under several names"),
        ("left", "with a gradient, but not among what SGD moves"),
    ):
        assert any(names in note and said in note for note in notes), (names, *notes)


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        r = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)
        ctx.save_for_backward(r)
        return x * r

    @staticmethod
    def backward(ctx, g):
        (r,) = ctx.saved_tensors
        return g * r  # r depends on x, too


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.attention, self.fc2 = nn.Linear(6, 8), nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 3)

    def forward(self, x, padded):
        h = self.fc1(x)
        s = Scaled.apply(h)
        h = h + self.attention(s, s, s, key_padding_mask=padded, need_weights=False)[0]
        return self.fc2(h).float().mean(1)


def test_a_wrong_backward_pass_beside_a_residual_path_is_named_in_bfloat16(tmp_path):
    torch.manual_seed(0)
    model, x, padded = Residual(), torch.randn(4, 5, 6), torch.arange(5)[None] > torch.tensor([[1], [4], [2], [4]])
    with bpdebug.record(model, None, tmp_path / "a.bpd"):
        with torch.autocast("cpu", torch.bfloat16):
            out = model(x, padded)
        F.cross_entropy(out, torch.tensor([0, 1, 2, 1])).backward()
    session = Session(load_scenario(tmp_path / "a.bpd"))
    assert [name for name, one in session.program.recorded.items() if not one.agrees] == []
    report = session.execute("check").data
    assert [one["name"] for one in report["stages"] if one["status"] == "wrong"] == ["fc1.grad"]
    assert session.program.stage("fc1.grad").line.endswith(f".py:{line_of('return g * r')}")


def clamped(ctx, x):
    ctx.save_for_backward(x)
    return x.clamp(-0.5, 0.5)


def gated(ctx, a, b):
    share = torch.sigmoid(b)
    ctx.save_for_backward(a, share)
    return a * share


def through(ctx, g):
    x = ctx.saved_tensors[0]
    return g * ((x > -0.5) & (x < 0.5))


def beside(ctx, g):
    a, share = ctx.saved_tensors
    return g * share, g * a * share * (1 - share)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("forward", "backward", "line"),
    [
        (clamped, through, ""),
        (clamped, lambda _, g: g, "return x.clamp(-0.5, 0.5)"),  # handed on as it is
        (gated, beside, ""),
        (gated, lambda ctx, g: (g * ctx.saved_tensors[1], None), "share = torch.sigmoid(b)"),  # no gradient at all
    ],
)
def test_a_backward_pass_of_the_users_own_is_named_where_it_computes_nothing(forward, backward, line, dtype, tmp_path):
    torch.manual_seed(0)
    own = type("Own", (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})
    model = nn.ModuleDict({"fc1": nn.Linear(6, 8), "fc2": nn.Linear(8, 8)})
    with bpdebug.record(model, None, tmp_path / "a.bpd"), torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        h = model["fc1"](torch.randn(12, 6))
        y = own.apply(h) if forward is clamped else own.apply(h, model["fc2"](h))
        model["fc2"](y).float().pow(2).mean().backward()
    session = Session(load_scenario(tmp_path / "a.bpd"))
    culprit = session.execute("check").data["culprit"]
    assert bool(culprit) == bool(line)
    assert not line or session.program.stage(culprit).line.endswith(f".py:{line_of(line)}")


def test_what_lies_in_the_numbers_of_another_value_is_shown_with_these(tmp_path):
    torch.manual_seed(0)
    model, x = nn.Linear(6, 8), torch.randn(4, 5, 6)
    with bpdebug.record(model, None, tmp_path / "a.bpd"), torch.autocast("cpu", torch.bfloat16):
        out = model(x)
        turned = out.transpose(1, 2)
        turned.float().pow(2).mean().backward()
    session = Session(load_scenario(tmp_path / "a.bpd"))
    for name, theirs in (("out", out), ("turned", turned)):
        session.execute(f"goto {name}")
        np.testing.assert_array_equal(session.value(name), theirs.detach().float().numpy())
        assert "left its numbers out" not in session.program.recorded[name].told


def test_the_kind_of_number_whose_rounding_excuses_a_formula_is_named(tmp_path):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 2, 40, 16, dtype=torch.bfloat16, requires_grad=True) for _ in range(3))
    with bpdebug.record(path=tmp_path / "a.bpd"):
        F.scaled_dot_product_attention(q * 3, k * 3, v, is_causal=True).float().pow(2).mean().backward()
    told = {name: one.told for name, one in load_scenario(tmp_path / "a.bpd").ready().recorded.items()}
    assert "as bfloat16 is by rounding" in told["scaled_dot_product_flash_attention_for_cpu_2"]  # a sum of such, in float32
    assert "as float32 is by rounding" in told["mean"]


class AllButOne(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.tanh()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        wrong = torch.arange(640).reshape(4, 10, 16) == 435
        return g * (1 - x.tanh() ** 2) * (1 + 0.5 * wrong)


@pytest.mark.parametrize("named", [True, False])
def test_a_single_wrong_number_among_many_is_found_by_looking_at_some(named, tmp_path):
    torch.manual_seed(0)
    model, x = nn.Linear(6, 16), torch.randn(4, 10, 6)
    with bpdebug.record(model, None, tmp_path / "a.bpd"):
        if named:
            h = model(x)
            AllButOne.apply(h).pow(2).mean().backward()
        else:  # then there is a view without a name, of which the program has no gradient
            AllButOne.apply(model(x)).pow(2).mean().backward()
    session = Session(load_scenario(tmp_path / "a.bpd"))
    wrong = [one for one in session.execute("check").data["stages"] if one["status"] == "wrong"]
    lines = {session.program.stage(one["name"]).line.rpartition(":")[2] for one in wrong}
    assert lines == {str(line_of("return g * (1 - x.tanh()"))}
    if named:
        assert [(one["name"], one["cell"]) for one in wrong] == [("h.grad", [2, 7, 3])]


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.out = nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Linear(48, 2)

    def forward(self, a, b):
        one, two = (self.out(F.relu(self.norm(self.conv(part))).flatten(1)) for part in (a, b))
        return one * two


def test_a_layer_with_running_statistics_that_is_called_twice_is_judged(tmp_path):
    torch.manual_seed(0)
    model = Twice()
    with bpdebug.record(model, None, tmp_path / "a.bpd"):
        model(torch.randn(4, 1, 6, 6), torch.randn(4, 1, 6, 6)).mean().backward()
    report = Session(load_scenario(tmp_path / "a.bpd")).execute("check").data
    assert not any("not judged" in note for note in report["notes"]), report["notes"]
    assert {"conv.grad", "conv.grad'1"} <= {one["name"] for one in report["stages"] if one["status"] != "wrong"}


def test_a_view_that_is_looked_at_again_as_it_was_before_is_not_accused(tmp_path):
    """``F.linear`` of three axes looks at the numbers of a matrix, and ``reshape`` at that matrix again."""
    model = nn.Linear(4, 3)
    with bpdebug.record(model, None, tmp_path / "a.bpd"):
        h = model(torch.randn(2, 5, 4))
        (F.cross_entropy(h.reshape(-1, 3), torch.arange(10) % 3) + h[:, 1].exp().mean()).backward()
    report = Session(load_scenario(tmp_path / "a.bpd")).execute("check").data
    assert report["culprit"] is None
    assert {one["name"] for one in report["stages"] if one["status"] == "good"} >= {"weight.grad", "bias.grad"}


def outside(x):
    return torch.from_numpy(np.sin(x.detach().numpy()))


def cut_at_zero(x):
    y = x.clone()
    y[y < 0] = 0
    return y


def settled(x):
    z = torch.zeros_like(x)
    for _ in range(300):
        z = torch.tanh(0.5 * z + x)
    return z


def back_to_settled(x, g):
    slope, back = 1 - settled(x) ** 2, g
    for _ in range(300):
        back = g + 0.5 * back * slope
    return back * slope


@pytest.mark.parametrize(
    ("computes", "gives"),
    [
        (torch.sign, lambda x, g: g),  # straight through
        (lambda x: (x > 0).float(), lambda x, g: g / (1 + x.abs())),  # a spike, with a slope in its place
        (lambda x: x.view_as(x), lambda x, g: -g),  # turned round
        (lambda x: x.clone(), lambda x, g: g.clamp(-1e-3, 1e-3)),
        (outside, lambda x, g: g * x.cos()),  # out of torch's sight
        (cut_at_zero, lambda x, g: g * (x > 0)),  # at 0, where either is right
        (settled, back_to_settled),  # deeper than formulas may be
    ],
)
def test_a_backward_pass_that_means_something_else_than_its_forward_pass_shows_is_not_accused(computes, gives, tmp_path):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return computes(x)

    torch.manual_seed(0)
    backward = staticmethod(lambda ctx, g: gives(*ctx.saved_tensors, g))
    own = type("Own", (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": backward})
    model = nn.ModuleDict({"fc1": nn.Linear(6, 8), "fc2": nn.Linear(8, 3)})
    with bpdebug.record(model, None, tmp_path / "a.bpd"):
        h = F.relu(model["fc1"](torch.randn(7, 6)))
        model["fc2"](h + own.apply(h)).pow(2).mean().backward()
    report = Session(load_scenario(tmp_path / "a.bpd")).execute("check").data
    assert report["culprit"] is None
    assert {one["name"] for one in report["stages"] if one["status"] in ("good", "kink")} >= {"fc2.weight.grad", "fc1.weight.grad"}


def in_parts(model, x):
    for part in x.split(3):
        (Square.apply(model["fc1"](part)).pow(2).mean() / 2).backward()


def of_one_output(model, x):
    h = model["fc1"](x)
    out = model["fc2"](Square.apply(h))
    out.pow(2).mean().backward(retain_graph=True)
    (out.sum() + h.exp().mean()).backward()


def turned_round(model, x):
    model["fc2"](Square.apply(model["fc1"](x))).mean().backward(torch.tensor(-0.5))


def of_a_vector(model, x):
    out = model["fc2"](Square.apply(model["fc1"](x)))
    out.backward(torch.linspace(-1, 1, out.numel()).view_as(out))


def penalised(model, x):
    out = model["fc2"](Square.apply(model["fc1"](x.requires_grad_())))
    slope = torch.autograd.grad(out.sum(), x, create_graph=True)[0]
    ((slope.norm(dim=1) - 1).pow(2).mean() + out.mean()).backward()


def of_slopes_alone(model, x):
    out = model["fc2"](Square.apply(model["fc1"](x.requires_grad_())))
    slope = torch.autograd.grad(out, x, torch.ones_like(out), create_graph=True)[0]
    (torch.autograd.grad(slope.sum(), x, create_graph=True)[0] - slope).pow(2).mean().backward()


def of_views(model, x):
    out = model["fc2"](Square.apply(model["fc1"](x.requires_grad_())))
    slope = torch.autograd.grad(out[..., 0], x, torch.ones(len(x)), create_graph=True)[0]
    torch.stack([out.pow(2).mean(), torch.autograd.grad(slope[:, 1].sum(), x, create_graph=True)[0].pow(2).mean()]).cumsum(0)[1].backward()


def of_an_inner_step(model, x):
    weight, bias = model["fc1"].parameters()
    loss = model["fc2"](Square.apply(F.linear(x, weight, bias))).pow(2).mean()
    fast = [
        one - 0.1 * slope for one, slope in zip((weight, bias), torch.autograd.grad(loss, (weight, bias), create_graph=True), strict=True)
    ]
    model["fc2"](Square.apply(F.linear(x + 1, *fast))).pow(2).mean().backward()


def sharpened(model, x):
    def loss():
        return model["fc2"](Square.apply(model["fc1"](x))).mean()

    loss().backward()
    with torch.no_grad():
        for one in model.parameters():
            one.add_(0.01 * one.grad)
    model.zero_grad()
    loss().backward()


def of_what_was_sampled(model, x):
    for _ in range(2):
        x = x.detach().requires_grad_()
        x = x - 0.1 * torch.autograd.grad(Square.apply(x).sum(), x)[0]
    model["fc2"](Square.apply(model["fc1"](x.detach()))).mean().backward()


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


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize(
    "passes",
    [
        *(in_parts, of_one_output, turned_round, of_a_vector),
        *(penalised, of_slopes_alone, of_views, of_an_inner_step, sharpened, of_what_was_sampled),
    ],
)
def test_several_backward_passes_and_such_that_begin_with_other_gradients_are_judged(passes, factor, tmp_path, monkeypatch):
    monkeypatch.setattr(Square, "factor", factor)
    torch.manual_seed(0)
    model = nn.ModuleDict({"fc1": nn.Linear(6, 8), "fc2": nn.Linear(8, 3)})
    optimizer = torch.optim.SGD(model.parameters(), 0.1, foreach=False)
    with bpdebug.record(model, optimizer, tmp_path / "a.bpd"):
        passes(model, torch.randn(6, 6))
        optimizer.step()
    session = Session(load_scenario(tmp_path / "a.bpd"))
    report = session.execute("check").data
    wrong = [one["name"] for one in report["stages"] if one["status"] == "wrong"]
    assert bool(wrong) == (factor == 3)
    assert all(session.program.stage(name).line.endswith(f".py:{line_of('return g * Square.factor * x')}") for name in wrong)
    right = {one["name"].partition("'")[0] for one in report["stages"] if one["status"] in ("good", "follows")}
    assert right >= {"fc1.weight.grad", "fc1.bias.grad"} - {name.partition("'")[0] for name in wrong}
    phases = [stage.phase for stage in session.program.stages]
    assert phases == sorted(phases, key=[*Phase].index)


def test_a_forward_pass_that_is_run_again_within_one_of_the_loss_accuses_nothing(tmp_path):
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)), torch.randn(5, 4, requires_grad=True)
    with bpdebug.record(model, None, tmp_path / "a.bpd"):
        out = torch.utils.checkpoint.checkpoint(model, x, use_reentrant=False)
        (torch.autograd.grad(out.sum(), x, create_graph=True)[0].pow(2).mean() + out.mean()).backward()
    report = Session(load_scenario(tmp_path / "a.bpd")).execute("check").data
    assert report["culprit"] is None
    assert any("run again" in note for note in report["notes"]), report["notes"]


def test_a_gradient_that_a_hook_changes_is_not_judged(tmp_path):
    torch.manual_seed(0)
    model = nn.Linear(6, 8)
    model.weight.register_hook(lambda g: g.clamp(-0.01, 0.01))
    with bpdebug.record(model, None, tmp_path / "a.bpd"):
        model(torch.randn(6, 6)).pow(2).mean().backward()
    report = Session(load_scenario(tmp_path / "a.bpd")).execute("check").data
    assert report["culprit"] is None
    assert {one["name"] for one in report["stages"]} >= {"bias.grad"}
    assert "weight.grad" not in {one["name"] for one in report["stages"]}
    assert any(note.startswith("not judged: weight.grad: a hook changes weight.grad") for note in report["notes"]), report["notes"]


def test_why_a_gradient_is_not_judged_is_said_with_the_line(tmp_path):
    torch.manual_seed(0)
    actor, critic = nn.Linear(4, 1), nn.Linear(4, 1)
    with bpdebug.record(path=tmp_path / "a.bpd"):
        x = torch.randn(6, 4)
        v = critic(x)
        gain = 2 - v.detach()
        (actor(x) * gain + v.pow(2) + torch.fft.fft(v, dim=0).real).mean().backward()
    notes = " ".join(Session(load_scenario(tmp_path / "a.bpd")).execute("check").data["notes"])
    told, line = Path(__file__).name, line_of("gain = 2 - v.detach()")
    assert "no gradient flows back through" in notes or "there is no formula for" in notes, notes
    assert f"{told}:{line}" in notes or f"{told}:{line + 1}" in notes, notes


def forgets(model, optimizer, loss):
    loss(model).backward()
    optimizer.step()
    return lambda: (loss(model).backward(), optimizer.step())


def clears_late(model, optimizer, loss):
    return lambda: (loss(model).backward(), optimizer.zero_grad(), optimizer.step())


def as_it_should(model, optimizer, loss):
    loss(model).backward()
    optimizer.step()
    return lambda: (optimizer.zero_grad(set_to_none=False), loss(model).backward(), optimizer.step())


OTHER = nn.Linear(2, 2)


def right_loss(model):
    return F.cross_entropy(model(torch.ones(3, 6)), torch.tensor([0, 1, 0]))


@pytest.mark.parametrize(
    ("steps", "loss", "said"),
    [
        (as_it_should, right_loss, ""),
        (forgets, right_loss, "gradients of an earlier step are in bias.grad weight.grad: nothing has put them to 0"),
        (as_it_should, lambda model: right_loss(lambda x: OTHER(model(x))), "not among what SGD moves"),  # has old gradients, too
        (clears_late, right_loss, "SGD has moved nothing"),
        (
            as_it_should,
            lambda model: F.cross_entropy(model(torch.ones(3, 6)).softmax(1), torch.tensor([0, 1, 0])),
            "it is a softmax already",
        ),
        (as_it_should, lambda model: (model(torch.ones(3, 6))[:, :1] - torch.ones(3)).pow(2).mean(), "is a flat list of 3, no column"),
    ],
)
def test_what_is_seldom_meant_is_said_and_accuses_nobody(steps, loss, said, tmp_path):
    torch.manual_seed(0)
    model = nn.Linear(6, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, foreach=False)
    step = steps(model, optimizer, loss)
    with bpdebug.record(model, optimizer, tmp_path / "a.bpd"):
        step()
    report = Session(load_scenario(tmp_path / "a.bpd")).execute("check").data
    assert report["culprit"] is None
    notes = [note for note in report["notes"] if not note.startswith(("recorded", "farthest"))]
    assert [said in note for note in notes] == [True] * bool(said), notes


def test_a_loss_of_nothing_is_not_finite_and_judges_nothing(tmp_path):
    w, mask = torch.ones(3, requires_grad=True), torch.zeros(4, dtype=torch.bool)
    with bpdebug.record(path=tmp_path / "a.bpd"):
        (w * torch.ones(4, 3))[mask].mean().backward()
    assert "nothing could be compared: the loss is not finite" in Session(load_scenario(tmp_path / "a.bpd")).execute("check").text


class Bent:
    def __init__(self):
        self.net, self.x = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1)), torch.randn(6, 1, requires_grad=True)

    def step(self, optimizer):
        out = self.net(self.x)
        slope = torch.autograd.grad(out, self.x, torch.ones_like(out), create_graph=True)[0]
        loss = (slope - 1).pow(2).mean()
        loss.backward()
        optimizer.step()


def test_a_loss_that_is_made_of_gradients_is_run_to_its_end_and_its_data_have_names(tmp_path):
    torch.manual_seed(0)
    bent = Bent()
    optimizer = torch.optim.SGD(bent.net.parameters(), 0.1)
    with bpdebug.record(bent.net, optimizer, tmp_path / "a.bpd"):
        bent.step(optimizer)
    session = Session(load_scenario(tmp_path / "a.bpd"))
    assert "loss of these samples" in session.execute("continue").text
    assert "self.x" in {name for stage in session.program.stages for name in stage.formula.names}
    assert session.execute("check").data["ok"]
