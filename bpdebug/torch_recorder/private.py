"""All that is used of torch beside its public names, in one place, and a look whether it is there and does what it did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.modules import module as modules
from torch.optim import optimizer as optimizers
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._python_dispatch import _disable_current_modes as unrecorded
from torch.utils._pytree import tree_flatten, tree_map

from bpdebug.core.errors import BpdebugError

FOLDER = str(Path(torch.__file__).parent)
VERSION = str(torch.__version__)
UNSAID_WRITES = {f"aten.{name}.default": (3, 4) for name in ("native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm")}
"""The arguments that an operation writes to though its schema does not say so: running statistics."""


def is_plain(value: object) -> bool:
    """Whether it is a tensor with numbers of its own in memory: no wrapper of ``torch.func``, no subclass, not sparse."""
    if type(value) not in (torch.Tensor, torch.nn.Parameter) and not isinstance(
        value, torch.nn.Buffer if hasattr(torch.nn, "Buffer") else ()
    ):
        return False
    return bool(value.layout == torch.strided and not torch._C._functorch.is_functorch_wrapped_tensor(value))  # type: ignore[attr-defined]


def numbers(tensor: Any) -> Any:
    """A copy of a tensor's numbers; of bfloat16, which NumPy has not, as float32, which is exact."""
    tensor = tensor.detach()
    wide = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    return wide.cpu().contiguous().resolve_conj().numpy().copy()


def storage(tensor: Any) -> tuple[int, Any]:
    """Where a tensor's numbers are, and what tells whether that place is given back."""
    held = tensor.untyped_storage()
    return held._cdata, StorageWeakRef(held)


def node() -> Any:
    """The node of the backward pass that is running, or None."""
    return torch._C._current_autograd_node()


def sequence(of: Any) -> int:
    """The number of a node, by which an operation of the backward pass finds that of the forward pass."""
    return int(of._sequence_nr())


def tensors(value: Any) -> list[Any]:
    """The tensors in a value, lists and the like looked through; None where there is none."""
    return list(tree_flatten(value)[0])


def mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """The value with each leaf changed."""
    return tree_map(change, value)


def module_hooks(before: Callable[..., None], after: Callable[..., None]) -> list[Any]:
    """Have each module tell when its forward pass begins and ends."""
    return [modules.register_module_forward_pre_hook(before), modules.register_module_forward_hook(after, always_call=True)]


def step_hooks(before: Callable[..., None], after: Callable[..., None]) -> list[Any]:
    """Have each optimizer tell when its step begins and ends."""
    return [optimizers.register_optimizer_step_pre_hook(before), optimizers.register_optimizer_step_post_hook(after)]


def run_eagerly() -> None:
    """Have compiled models run as they are written: what is fused has no operations."""
    if hasattr(torch.compiler, "set_stance"):
        torch.compiler.set_stance("force_eager")


def examine(recorded: Callable[[Callable[[], None]], tuple[list[str], set[str]]]) -> None:
    """Record a tiny step, and see that nothing of it is missing.

    Raises:
        BpdebugError: where this torch is another one than this was written for.
    """

    def step() -> None:
        weight = torch.ones(2, requires_grad=True)
        (weight * weight).sum().backward()

    try:
        kinds, names = recorded(step)
    except (AttributeError, TypeError, RuntimeError) as error:
        kinds, names = [str(error)], set()
    if not ({"aten.mul.Tensor", "aten.sum.default"} <= {*kinds} and {"mul", "mul.grad"} <= names):
        raise BpdebugError(
            f"torch {VERSION} cannot be recorded: a step of two operations gave {' '.join(kinds)}; torch 2.4 to 2.13 are known"
        )


__all__ = [
    "FOLDER",
    "UNSAID_WRITES",
    "VERSION",
    "TorchDispatchMode",
    "examine",
    "is_plain",
    "mapped",
    "module_hooks",
    "node",
    "numbers",
    "run_eagerly",
    "sequence",
    "step_hooks",
    "storage",
    "tensors",
    "unrecorded",
]
