"""Random programs of formulas against PyTorch's autograd: the very text of each line, run by PyTorch."""

from __future__ import annotations

import re

import numpy as np
import pytest
from random_formulas import Writer, gradients, run, values_of

torch = pytest.importorskip("torch")
F = torch.nn.functional

PROGRAMS = 500
RELATIVE = 1e-11
"""Of the largest gradient of a program."""


def tensor(value):
    return value if isinstance(value, torch.Tensor) else torch.as_tensor(value, dtype=torch.float64)


def folding(run, **options):
    """A reduction of PyTorch's as NumPy calls it: a number has no axes, and all are folded where none is given."""

    def fold(x, axis=None, keepdims=False):
        axes = tuple(range(x.dim())) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        return run(x, axes, keepdim=keepdims, **options) if axes else run(x[None], (0,), **options)

    return fold


def product(x, axes, keepdim=False):
    for axis in axes:
        x = torch.prod(x, axis, keepdim=True)
    return x if keepdim else x.squeeze(axes)


def taken(x, text):
    """``x[…]``, in which a step of -1 is a ``flip``."""
    items = [item.strip() for item in text.split(",")]
    axes = [axis for axis, item in enumerate(item for item in items if item != "None") if item == "::-1"]
    return eval(f"x[{text.replace('::-1', ':')}]", {"x": torch.flip(x, axes)})  # noqa: S307


SAME = "exp expm1 log log1p sqrt tanh sin cos erf square sinh cosh abs sign where relu sigmoid swapaxes moveaxis squeeze tril triu"
SAME += " softmax log_softmax stack broadcast_to einsum arange flip"
FUNCTIONS = {name: getattr(torch, name) for name in SAME.split()} | {
    **{name: getattr(F, name) for name in ("silu", "gelu", "mish", "leaky_relu", "elu")},
    **{name: folding(getattr(torch, name)) for name in ("sum", "mean", "logsumexp")},
    **{name: folding(getattr(torch, name), correction=0) for name in ("var", "std")},
    "max": folding(torch.amax),
    "min": folding(torch.amin),
    "prod": folding(product),
    "norm": folding(lambda x, axes, keepdim=False: torch.linalg.vector_norm(x, dim=axes, keepdim=keepdim)),
    "maximum": lambda a, b: torch.maximum(tensor(a), tensor(b)),
    "minimum": lambda a, b: torch.minimum(tensor(a), tensor(b)),
    "clip": torch.clamp,
    "softplus": lambda x: F.softplus(x, threshold=700),
    "reshape": lambda x, shape: torch.reshape(x, shape if isinstance(shape, tuple) else (shape,)),
    "transpose": lambda x, axes: x.permute(axes),
    "cumsum": lambda x, axis=None: torch.cumsum(x.reshape(-1) if axis is None else x, axis or 0),
    "cumprod": lambda x, axis=None: torch.cumprod(x.reshape(-1) if axis is None else x, axis or 0),
    "flip": lambda x, axis: torch.flip(x, (axis,)),
    "expand_dims": torch.unsqueeze,
    "concatenate": torch.cat,
    "repeat": torch.repeat_interleave,
    "pad": lambda x, width: F.pad(x, [n for pair in reversed(width) for n in pair]),
    "take": lambda x, places, axis: torch.index_select(x, axis, places),
    "sliding_window_view": lambda x, size, axis: x.unfold(axis, size, 1),
    "split": lambda x, parts, axis: torch.split(x, x.shape[axis] // parts, axis),
    "outer": lambda a, b: torch.outer(a.reshape(-1), b.reshape(-1)),
    "add_at": lambda x, _, values: torch.cat([x[:1] + values[None], x[1:]]),
    "transposed": lambda x: x.permute(*range(x.dim())[::-1]),
    "taken": taken,
}


def spelled(text):
    """The text with what PyTorch's tensors do not have as calls."""
    text = re.sub(r"(\w+)\.T\b", r"transposed(\1)", text).replace(".size", ".numel()")
    return re.sub(r"(\w+)\[([^\[\]]*::-1[^\[\]]*)\]", r"taken(\1, '\2')", text)


@pytest.fixture(autouse=True)
def double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("chunk", range(10))
def test_the_gradients_of_random_programs_are_those_of_pytorch(chunk):
    for seed in range(chunk, PROGRAMS, 10):
        writer = Writer(seed)
        values = values_of(writer, seed)
        given = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in values.items()}
        known = dict(given)
        for target, formula in writer.lines:
            known[target] = eval(spelled(formula.text), FUNCTIONS, known)  # noqa: S307
        assert float(known["loss"].detach()) == pytest.approx(float(run(writer, values)["loss"]), rel=1e-10, abs=1e-10), seed
        known["loss"].backward()
        found = gradients(writer, values)
        expected = {name: np.zeros(value.shape) if value.grad is None else value.grad.numpy() for name, value in given.items()}
        size = max(np.abs(value).max() for value in expected.values())
        for name, value in expected.items():
            np.testing.assert_allclose(
                np.broadcast_to(found.get(name, 0.0), value.shape), value, 0, RELATIVE * size + 1e-12, err_msg=str(seed)
            )
