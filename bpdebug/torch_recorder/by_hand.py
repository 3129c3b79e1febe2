"""Steps that no optimizer of torch's makes: where one ends and the next one begins."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import torch

from bpdebug.torch_recorder import private
from bpdebug.torch_recorder.naming import Namer
from bpdebug.torch_recorder.operations import Kind

_DETACH = torch.ops.aten.detach.default
"""What ``.data`` is in some versions, by which a parameter is written, and not read."""


class ByHand(private.Mode):
    """Watches while it is entered, on top of a recorder: a step begins where a parameter is read, or a module called; it has been made
    where one is again after a backward pass, and a parameter has been written since, or others are read in the same place.

    Args:
        border: is called before the first operation of each step, with the parameters of the step before, and of the first one with None;
            what gives the values of the new step names, or None where it is not recorded.

    Attributes:
        parameters: what was read and needs a gradient, by where it lies in memory.
        passed: whether a backward pass has run in this step.
    """

    def __init__(self, border: Callable[[Iterable[Any] | None], Namer | None]) -> None:
        super().__init__()
        self._process, self._border, self._kinds, self._depth = os.getpid(), border, dict[Any, Kind](), 0
        self.parameters, self.passed, self._moved, self._begun = dict[int, Any](), False, False, False
        self._places, self._ever = set[int](), set[int]()

    def __enter__(self) -> ByHand:
        """Begin."""
        self._hooks = private.module_hooks(self._enter_module, self._leave_module)
        super().__enter__()
        return self

    def __exit__(self, *_: Any) -> None:
        """End."""
        super().__exit__(*_)
        for hook in self._hooks:
            hook.remove()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry out an operation as it is, and look whether it is the first one of a step."""
        if os.getpid() == self._process:
            if private.node() is not None:
                self.passed = True
            elif self.passed and not self._moved:
                kind = self._kinds.get(func) or self._kinds.setdefault(func, Kind(func))
                self._moved = not self.parameters.keys().isdisjoint(_places(kind.written(args, kwargs)))
            if not self._depth and private.node() is None and func is not _DETACH:
                self._look(private.tensors(list(args)))
        return func(*args, **(kwargs or {}))

    def _enter_module(self, module: Any, given: Any) -> None:
        self._depth += 1
        if self._depth == 1 and os.getpid() == self._process:
            with private.below():
                names = self._look([*module.parameters()])
            if names:
                names.enter(module, given)

    def _leave_module(self, *_: Any) -> None:
        self._depth -= 1

    def _look(self, given: Iterable[Any]) -> Namer | None:
        read = _places(one for one in given if _is_parameter(one)) if torch.is_grad_enabled() else {}
        place, functional, names = *_place(sys._getframe(2)), None
        reads, again = bool(read) or (functional and not self.parameters), place in self._places
        others = again and reads and self.parameters.keys().isdisjoint(read)
        if reads and not self._begun:
            names, self._begun = self._border(None), True
        elif self.passed and (others or (self._moved and (reads or place in self._ever))):
            names = self._border(self.parameters.values())
            self.parameters, self.passed, self._moved, self._places = {}, False, False, set()
        self.parameters |= read
        for places in (self._ever, self._places) if reads else (self._ever,) if not self.passed else ():
            places.add(place)
        return names


def _place(frame: FrameType | None) -> tuple[int, bool]:
    """Where the program is, by all calls that are under way, and whether ``torch.func`` makes one of them."""
    place, functional = 0, False
    while frame is not None:
        place, functional = hash((place, frame.f_code, frame.f_lasti)), functional or private.is_functional(frame)
        frame = frame.f_back
    return place, functional


def _places(tensors: Iterable[Any]) -> dict[int, Any]:
    """Tensors by where they lie in memory."""
    return {found[0][0]: one for one in tensors if (found := private.lies(one))}


def _is_parameter(one: Any) -> bool:
    return isinstance(one, torch.Tensor) and one.requires_grad and one.is_leaf


__all__ = ["ByHand"]
