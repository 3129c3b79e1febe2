"""What is frequent in PyTorch has a formula, which gives torch's own numbers, and whose derivative is right."""

from __future__ import annotations

import random

import pytest

import bpdebug
from bpdebug import Session, load_scenario

torch = pytest.importorskip("torch", minversion="2.4")
nn, F = torch.nn, torch.nn.functional
IMAGES, ROWS = (2, 3, 8, 8), (6, 5)


def after_conv(*layers):
    return IMAGES, lambda: nn.Sequential(nn.Conv2d(3, 4, 1), *layers), lambda out: out.pow(2).mean()


def of_rows(loss):
    return ROWS, lambda: nn.Linear(5, 5), loss


def places():
    return torch.tensor([0, 1, 4, 2, 1, 3])


def put(h, where):
    h = h.clone()
    h[where] = 0.5
    return h


def in_a_loop(h):
    """What a loop over time leaves in a tensor that was made for it; with places that a mask and whole numbers name."""
    out, y = torch.zeros(6, 5), torch.zeros(6, dtype=torch.long)
    for t in range(6):
        out[t] = torch.tanh(h[t] + (out[t - 1].clone() if t else 0))
    y[1:3] = torch.tensor([3, 1])
    y[4:] = -1
    out[:, 0] = 1
    out[::2, 1:3] *= 2
    out[5, 4].fill_(0.5)
    return F.cross_entropy(out, y, ignore_index=-1) + out.T.contiguous()[2].relu_().sum()


CASES = {
    "parts that are written": of_rows(in_a_loop),
    "a strided convolution": after_conv(nn.Conv2d(4, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, stride=2)),
    "a convolution that leaves a rest": after_conv(nn.Conv2d(4, 2, 1, stride=3), nn.Flatten()),
    "groups and dilation": after_conv(nn.Conv2d(4, 4, 3, groups=4, padding=1), nn.Conv2d(4, 6, 3, groups=2, dilation=2)),
    "a transposed convolution": after_conv(
        nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1), nn.ConvTranspose2d(3, 2, 3, stride=2, output_padding=1)
    ),
    "a large window": after_conv(nn.Conv2d(4, 2, 7, stride=2, padding=3)),
    "one axis": (
        (2, 8, 6),
        lambda: nn.Sequential(nn.Conv1d(8, 4, 3, padding=1), nn.Conv1d(4, 4, 3, stride=2)),
        lambda out: out.pow(2).mean(),
    ),
    "pooling": after_conv(nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2)),
    "pooling zeros": after_conv(nn.ReLU(), nn.MaxPool2d(2)),
    "the largest of zeros": of_rows(lambda h: F.relu(h).max(1)[0].pow(2).mean()),
    "pooling and laying out": after_conv(nn.AdaptiveAvgPool2d(2), nn.Upsample(scale_factor=2)),
    "norms of groups": after_conv(nn.GroupNorm(2, 4), nn.ReLU(), nn.BatchNorm2d(4).eval()),
    "shares": of_rows(lambda h: F.binary_cross_entropy(torch.sigmoid(h), torch.full((6, 5), 0.3))),
    "weights of a loss": of_rows(lambda h: F.cross_entropy(h, places(), weight=torch.tensor([1.0, 2, 3, 4, 5]))),
    "more positive": of_rows(lambda h: F.binary_cross_entropy_with_logits(h, (h > 0).float(), pos_weight=torch.full((5,), 2.0))),
    "a class for each place": (IMAGES, lambda: nn.Conv2d(3, 4, 1), lambda h: F.cross_entropy(h, torch.randint(0, 4, (2, 8, 8)))),
    "losses": of_rows(
        lambda h: F.huber_loss(h, h.detach() + 2) + F.l1_loss(h, torch.ones(6, 5)) + F.kl_div(h, h.detach().exp(), reduction="sum")
    ),
    "a mask of attention": (
        (2, 4, 6),
        lambda: nn.Linear(6, 6),
        lambda h: F.scaled_dot_product_attention(h[:, None], h[:, None], h[:, None], attn_mask=torch.ones(4, 4).tril() * 0.5).pow(2).mean(),
    ),
    "places": of_rows(
        lambda h: h.gather(1, places()[:, None]).mean() + torch.zeros(6, 5).scatter_add(1, places()[:, None], h[:, :1]).pow(2).sum()
    ),
    "rows that are added": of_rows(lambda h: torch.zeros(5, 5).index_add(0, torch.tensor([0, 1, 4, 2, 1, 3]), h).pow(2).mean()),
    "activations": of_rows(
        lambda h: sum(f(h).mean() for f in (F.selu, F.softplus, F.hardtanh, F.hardswish, F.hardsigmoid, F.mish, F.logsigmoid))
    ),
    "gates": of_rows(lambda h: F.glu(torch.cat([h, h], 1)).mean() + F.prelu(h, torch.full((1,), 0.2)).mean()),
    "order": of_rows(
        lambda h: h.roll(1, 0).pow(2).mean() + (h.flip(0) * h).mean() + h.repeat(2, 2).pow(2).mean() + F.pad(h, (1, 2)).pow(2).mean()
    ),
    "folds": of_rows(
        lambda h: h.std() + h.var(1).mean() + h.norm(dim=1).mean() + h.norm(p=1) + (h.max(1)[0] - h.min(0, keepdim=True)[0].mean()).mean()
    ),
    "what is put somewhere": of_rows(lambda h: put(h, h > 0.3).pow(2).mean() + put(h * 2, torch.tensor([4, 0, 2])).pow(2).mean()),
    "sums of exponentials": of_rows(lambda h: torch.logsumexp(h, 1).mean() + h.sigmoid().cumprod(1).pow(2).mean()),
    "columns that are scattered": of_rows(lambda h: torch.ones(6, 5).scatter(1, torch.arange(5).flip(0).expand(6, 5), h).pow(3).mean()),
    "distances": of_rows(lambda h: (torch.cdist(h.detach(), torch.ones(4, 5)) * h[:, :4]).mean()),
    "columns that are put": of_rows(lambda h: put(h, (slice(None), torch.tensor([3, 1]))).pow(2).mean()),
    "angles": of_rows(lambda h: (torch.asin(h.tanh() / 2) + 2 * torch.acos(h.tanh() / 2) + torch.atan(h)).pow(2).mean()),
    "hyperbolic": of_rows(lambda h: (torch.atanh(h.tanh() / 2) + torch.asinh(h) + torch.acosh(h**2 + 2)).pow(2).mean()),
    "what a mask takes": of_rows(
        lambda h: h[h > 0].pow(2).mean() + h[places() > 1].exp().mean() + h.masked_select(places()[:, None] > 1).mean()
    ),
    "a column and a flat list": of_rows(lambda h: (h[:, :1] * torch.arange(3)).pow(2).mean() + h.exp().mean()),
    "products": of_rows(lambda h: h.prod(1).mean() + h.prod(0, keepdim=True).mean() + h[0].prod()),
    "pairs": of_rows(lambda h: (h[:, None] - h[None]).pow(2).sum(-1).mean()),
}
_CHOICES = ("max_pool2d_with_indices", "native_batch_norm", "log_sigmoid_forward", "max_", "min_")
"""Results beside the one that counts, which choose or hold nothing."""


@pytest.mark.parametrize("case", CASES)
def test_what_is_frequent_has_a_formula(case, tmp_path):
    torch.manual_seed(0)
    shape, model, loss = CASES[case]
    layer, x = model(), torch.randn(shape)
    with bpdebug.record(layer, None, tmp_path / "a.bpd"):
        loss(layer(x)).backward()
    session = Session(load_scenario(tmp_path / "a.bpd"))
    program = session.program
    opaque = [stage.name for stage in program.stages if stage.formula.text.endswith(".torch")]
    assert [name for name in opaque if not any(one in name for one in _CHOICES)] == []
    assert [name for name, one in program.recorded.items() if not one.agrees] == []
    report = session.execute("check").data
    assert report["culprit"] is None
    judged = {one["name"] for one in report["stages"] if one["status"] in ("good", "kink", "noise")}
    assert any(program.gradients.get(name) in judged for name in program.parameters), report


def taken(tensor, dice):
    """Some part of a tensor."""
    key = list[slice | int]()
    for n in tensor.shape:
        low = dice.randrange(n)
        key.append(dice.choice([slice(None), low, slice(low, dice.randrange(low + 1, n + 1)), slice(low, n, 2)]))
    part = tensor[tuple(key)]
    return part.transpose(0, 1) if part.dim() > 1 and dice.random() < 0.3 else part


@pytest.mark.parametrize("seed", range(24))
def test_whatever_is_written_to_parts_of_parts_no_right_gradient_is_accused(seed, tmp_path):
    dice, weight = random.Random(seed), nn.Parameter(torch.randn(4, 5, 3))  # noqa: S311
    with bpdebug.record(path=tmp_path / "a.bpd"):
        h = weight * 2
        parts = [h.transpose(0, 1) if seed % 3 == 0 else h]
        for _ in range(dice.randrange(1, 5)):
            part = taken(dice.choice(parts), dice)
            other = (weight * weight).flatten()[: part.numel()].reshape(part.shape)
            dice.choice(
                [
                    lambda part=part: part.fill_(0.5),
                    lambda part=part: part.mul_(1.5),
                    lambda part=part, other=other: part.copy_(other),
                    lambda part=part: part.masked_fill_(torch.rand(part.shape) > 0.5, 0.25),
                ]
            )()
            parts.append(part)
        sum((one.pow(2) * place).sum() for place, one in enumerate(parts, 1)).backward()
    session = Session(load_scenario(tmp_path / "a.bpd"))
    assert [name for name, one in session.program.recorded.items() if not one.agrees] == []
    report = session.execute("check").data
    assert report["culprit"] is None
    assert {one["status"] for one in report["stages"] if one["name"] == "weight.grad"} == {"good"}


def test_what_torch_adds_up_in_bfloat16_is_rounding(tmp_path):
    torch.manual_seed(0)
    layer, x = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.LayerNorm(16), torch.nn.Linear(16, 1)), torch.randn(16, 8)
    with bpdebug.record(layer, None, tmp_path / "a.bpd"), torch.autocast("cpu", dtype=torch.bfloat16):
        layer(x).float().square().mean().backward()
    session = Session(load_scenario(tmp_path / "a.bpd"))
    assert "layer.1.bias.grad" in session.program.recorded
    assert [name for name, one in session.program.recorded.items() if not one.agrees] == []
    assert not any(note.startswith("not judged") for note in session.execute("check").data["notes"])
