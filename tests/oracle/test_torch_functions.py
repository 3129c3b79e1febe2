"""Wrong backward passes of the user's own in a recorded step of PyTorch: located, and the mistake named."""

from __future__ import annotations

import pytest

import bpdebug
from bpdebug import Session, load_scenario

torch = pytest.importorskip("torch", minversion="2.4")
nn, F = torch.nn, torch.nn.functional


def linear(ctx, x, w, b):
    ctx.save_for_backward(x, w, w)
    return x @ w.T + b


def shares(ctx, x, w, b):
    y = (x @ w.T + b).softmax(1)
    ctx.save_for_backward(x, w, y)
    return y


def squashed(ctx, x, w, b):
    z = x @ w.T + b
    y = z.tanh()
    ctx.save_for_backward(x, w, z if ctx.wrong else y)
    return y


def back(g, x, w):
    return g @ w, g.T @ x, g.sum(0)


WRONG = {
    "right": (linear, lambda g, x, w, _: back(g, x, w), "", ""),
    "right shares": (shares, lambda g, x, w, y: back(y * (g - (y * g).sum(1, keepdim=True)), x, w), "", ""),
    "factor": (linear, lambda g, x, w, _: (g @ w, g.T @ x / len(x), g.sum(0)), "mid.weight.grad", "0.142857 times the right value"),
    "sum": (shares, lambda g, x, w, y: back(y * g, x, w), "mid.weight.grad", "is left out"),
    "axis": (
        shares,
        lambda g, x, w, y: back(y * (g - (y * g).sum(0)), x, w),
        "mid.weight.grad",
        "over axis 0, where it should be over axis 1",
    ),
    "mean": (linear, lambda g, x, w, _: (g @ w, g.T @ x, g.mean(0)), "mid.bias.grad", "the mean is taken, where the sum belongs"),
    "saved": (squashed, lambda g, x, w, y: back(g * (1 - y**2), x, w), "mid.weight.grad", "z stands where y belongs"),
    "sign": (linear, lambda g, x, w, _: (-(g @ w), g.T @ x, g.sum(0)), "h.grad'1", "a + and a − are mixed up"),
    "transposed": (linear, lambda g, x, w, _: (g @ w.T, g.T @ x, g.sum(0)), "h.grad'1", "a .T is missing, or one too many"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_the_mistake_in_a_backward_pass_beside_a_residual_path_is_named(kind, tmp_path):
    computes, gives, culprit, said = WRONG[kind]

    def forward(ctx, *given):
        ctx.wrong = True
        return computes(ctx, *given)

    own = type("Own", (torch.autograd.Function,), {"forward": staticmethod(forward)})
    own.backward = staticmethod(lambda ctx, g: gives(g, *ctx.saved_tensors))
    torch.manual_seed(0)
    model = nn.ModuleDict({"fc1": nn.Linear(6, 8), "mid": nn.Linear(8, 8), "fc2": nn.Linear(8, 3)})
    with bpdebug.record(model, None, tmp_path / "a.bpd"):
        h = F.relu(model["fc1"](torch.randn(7, 6)))
        h = h + own.apply(h, model["mid"].weight, model["mid"].bias)
        F.cross_entropy(model["fc2"](h), torch.tensor([0, 1, 2, 1, 0, 2, 1])).backward()
    result = Session(load_scenario(tmp_path / "a.bpd")).execute("check")
    assert (result.data["culprit"] or "") == culprit
    assert said in result.text, result.text
