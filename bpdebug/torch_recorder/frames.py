"""The frames of the program while it runs, and what is in them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from inspect import unwrap
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch

from bpdebug.torch_recorder.private import FOLDER

OURS = str(Path(__file__).parents[1])
_MOST_ITEMS = 8


@cache
def is_users(file: str) -> bool:
    """Whether a file is neither torch's nor ours."""
    return not file.startswith((FOLDER, OURS, "<frozen", "<__array", "<eval_with"))


def user_frame(depth: int) -> FrameType | None:
    """The innermost frame that is neither torch's nor ours."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def is_in_function(frame: FrameType | None) -> bool:
    """Whether a frame lies in the forward pass of a ``torch.autograd.Function``."""
    return any(_is_functions(one.f_code) for one in around(frame))


@cache
def _is_functions(code: CodeType) -> bool:
    """Whether code that runs is that of the forward pass of such a function, whose class there is by then."""
    todo = [torch.autograd.Function]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if getattr(unwrap(kind.forward), "__code__", None) is code:
            return True
    return False


def holder(part: Any) -> Any:
    """The outermost module that holds another one, or a parameter, and a method of which is running; None for none."""
    running = [frame.f_locals.get("self") for frame in around(user_frame(3))]
    modules = [one for one in running if isinstance(one, torch.nn.Module)]
    return next((one for one in reversed(modules) if any(part is other for other in (*one.modules(), *one.parameters()))), None)


def variables(scope: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The tensors among variables, also in short lists and dictionaries."""
    for name, held in [*scope.items()]:
        if isinstance(held, torch.Tensor):
            yield name, held
        elif isinstance(held, tuple | list | dict) and len(held) <= _MOST_ITEMS:
            items = [*held.items()] if isinstance(held, dict) else enumerate(held)
            for key, one in items:
                if isinstance(one, torch.Tensor):
                    yield (f"{name}.{key}" if isinstance(held, dict) else f"{name}[{key}]"), one


def around(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame, and those that have called it."""
    while frame is not None:
        yield frame
        frame = frame.f_back


__all__ = ["OURS", "around", "holder", "is_in_function", "is_users", "user_frame", "variables"]
