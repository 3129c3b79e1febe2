"""All that is used of torch beside its public names, in one place, and a look whether it is there and does what it did."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import count
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import torch
from torch._functorch import eager_transforms
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.modules import module as modules
from torch.optim import optimizer as optimizers
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._python_dispatch import _disable_current_modes as unrecorded
from torch.utils._python_dispatch import _pop_mode_temporarily as below
from torch.utils._pytree import tree_flatten

from bpdebug.core.errors import BpdebugError

FOLDER = str(Path(torch.__file__).parent)
VERSION = str(torch.__version__)
_PLAIN = {torch.Tensor, torch.nn.Parameter, *([torch.nn.Buffer] if hasattr(torch.nn, "Buffer") else [])}
_UNKNOWN = {getattr(torch, name) for name in ("bfloat16", *(name for name in dir(torch) if name.startswith("float8_")))}
_STRIDED, _is_wrapped = torch.strided, torch._C._functorch.is_functorch_wrapped_tensor
UNSAID_WRITES = {f"aten.{name}.default": (3, 4) for name in ("native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm")}
"""The arguments that an operation writes to though its schema does not say so: running statistics."""


_NUMPY = torch._C.TensorBase.numpy
_CALL = torch._ops.OpOverload.__call__.__code__
_NUMBERS = count()
_GARBAGE = 50_000
"""New objects after which Python looks for garbage among all there is: usually 700, which takes a third of the time where all stays."""


class Mode(TorchDispatchMode):  # type: ignore[misc]
    """What every operation goes through. What wraps it against compiling costs more than many an operation; compiled nothing is."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


def numbers(tensor: Any) -> Any:
    """A tensor's numbers, where they are; of what NumPy has not, bfloat16 and float8, as float32, which is exact."""
    return _NUMPY(tensor.float() if tensor.dtype in _UNKNOWN else tensor, force=True)


@contextmanager
def handing_out(before: Callable[[Any], None]) -> Iterator[None]:
    """Have a tensor told whose numbers somebody may write out of torch's sight, as a NumPy array."""

    def numpy(tensor: Any, **how: Any) -> Any:
        before(tensor)
        return _NUMPY(tensor, **how)

    torch.Tensor.numpy = numpy
    try:
        yield
    finally:
        del torch.Tensor.numpy


@contextmanager
def replaced(function: Any, by: Callable[..., Any]) -> Iterator[None]:
    """Have everybody who has a function, whatever he calls it, call another one, which is given it as it was, and then what it is."""
    code, name = function.__code__, f"bpdebug_{next(_NUMBERS)}"
    plain = FunctionType(code, function.__globals__, function.__name__, function.__defaults__)
    function.__globals__[name] = partial(by, plain)
    function.__code__ = compile(f"lambda *given, **told: {name}(*given, **told)", __file__, "eval").co_consts[0]
    try:
        yield
    finally:
        function.__code__ = code
        del function.__globals__[name]


def tensor_of(array: Any, like: tuple[str, Any, Any]) -> Any:
    """A tensor with such numbers.

    Args:
        array: the numbers.
        like: the kind of number, the strides and the device.
    """
    dtype, strides, device = like
    made = torch.empty_strided(array.shape, strides, dtype=getattr(torch, dtype), device=device)
    return made.copy_(torch.from_numpy(array))


def lies(tensor: Any) -> tuple[tuple[Any, ...], Any] | None:
    """Where a tensor's numbers are: an address, where they begin there, the shape, the strides and the kind; and what holds them. None
    for what has none of its own in memory: a wrapper of ``torch.func``, a subclass, what is sparse."""
    if type(tensor) not in _PLAIN or tensor.layout is not _STRIDED or _is_wrapped(tensor):
        return None
    held = tensor.untyped_storage()
    return (held._cdata, tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype), held


def is_repeatable(function: Any) -> bool:
    """Whether an operation gives the same numbers again: one of torch's own that draws nothing."""
    return bool(function.namespace == "aten") and torch.Tag.nondeterministic_seeded not in function.tags


def node() -> Any:
    """The node of the backward pass that is running, or None."""
    return torch._C._current_autograd_node()


def number(of: Any) -> int:
    """The number of a node, by which an operation of the backward pass finds that of the forward pass; torch's own count in each thread
    from 0, and the backward pass of a GPU, which may make nodes, is another one."""
    return int(of.metadata.setdefault("bpdebug", next(_NUMBERS)))


def is_own(node: Any) -> bool:
    """Whether a node is a backward pass that the user has written."""
    return isinstance(node, torch.autograd.function.BackwardCFunction)


def is_engines(frame: FrameType | None) -> bool:
    """Whether torch's own backward pass calls an operation, and no hook or function of somebody's."""
    while frame is not None and (frame.f_code is _CALL or frame.f_code.co_name == "__torch_dispatch__"):  # another mode hands it on
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name == "_engine_run_backward"


def is_functional(frame: FrameType) -> bool:
    """Whether a frame is one in which ``torch.func`` computes gradients."""
    return frame.f_code.co_filename == str(eager_transforms.__file__)


def unwrapped(tensor: Any) -> Any:
    """The tensor that ``torch.func`` has wrapped."""
    while _is_wrapped(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor


def tensors(value: Any) -> list[Any]:
    """The tensors in a value, lists and the like looked through; what is none stands there, too."""
    if type(value) in _PLAIN:
        return [value]
    if type(value) in (tuple, list):
        return [one for part in value for one in ((part,) if part is None or type(part) in _PLAIN else tensors(part))]
    return list(tree_flatten(value)[0])


def module_hooks(before: Callable[..., None], after: Callable[..., None]) -> list[Any]:
    """Have each module tell when its forward pass begins and ends."""
    return [modules.register_module_forward_pre_hook(before), modules.register_module_forward_hook(after, always_call=True)]


def step_hooks(before: Callable[..., None], after: Callable[..., None]) -> list[Any]:
    """Have each optimizer tell when its step begins and ends."""
    return [optimizers.register_optimizer_step_pre_hook(before), optimizers.register_optimizer_step_post_hook(after)]


@contextmanager
def staying() -> Iterator[None]:
    """While so much is noted that stays."""
    before = gc.get_threshold()
    gc.set_threshold(_GARBAGE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def running_eagerly() -> Iterator[None]:
    """Have compiled models run as they are written, and say so: what is fused has no operations."""
    os.environ["TORCHDYNAMO_DISABLE"] = "1"  # heeded when torch's compiler is imported, which takes seconds
    plain, stance = torch.compile, getattr(torch.compiler, "set_stance", None) if "torch._dynamo" in sys.modules else None

    def compile_(*given: Any, **more: Any) -> Any:
        print("bpdebug: torch.compile is off: what is recorded runs as it is written", file=sys.stderr)
        return plain(*given, **more)

    torch.compile = compile_
    try:
        with stance("force_eager") if stance else nullcontext():
            yield
    finally:
        torch.compile = plain


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
    "Mode",
    "StorageWeakRef",
    "below",
    "examine",
    "handing_out",
    "is_engines",
    "is_functional",
    "is_own",
    "is_repeatable",
    "lies",
    "module_hooks",
    "node",
    "number",
    "numbers",
    "replaced",
    "running_eagerly",
    "staying",
    "step_hooks",
    "tensor_of",
    "tensors",
    "unrecorded",
    "unwrapped",
]
