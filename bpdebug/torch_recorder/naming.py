"""What recorded values are called: module paths, the user's variables, gradients after what they are the gradient of."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import torch

from bpdebug.torch_recorder.frames import OURS, around, holder, is_users, user_frame, variables
from bpdebug.torch_recorder.operations import OVERLAY
from bpdebug.torch_recorder.places import Value, Values
from bpdebug.torch_recorder.private import FOLDER, tensors

_PLAIN = re.compile(r"[A-Za-z_]\w*")
_PREFIX = re.compile(r"^(_orig_mod|module)\.|\.(_orig_mod|module)(?=\.|$)")
"""What compiling and data parallelism put into the names of modules."""
_TAKEN = {"m", "pi", "inf", "nan"}
"""What a tensor of a program cannot be called."""


class Namer:
    """Names the values of a recording.

    Args:
        values, operations: of the recording, which go on growing.
        model: whose names are used first; default: the first module that is called.

    Attributes:
        borders: the numbers of the values that modules give.
        owned: the parameters of the models that were called, by all their names.
        moved: the ids of those that an optimizer has.
    """

    def __init__(self, values: Values, operations: list[Any], model: Any) -> None:
        self._values, self._operations = values, operations
        self._running, self._paths = list[str](), dict[int, str]()
        self._frame: FrameType | None = None
        self._call: tuple[FrameType | None, FrameType | None, int] = (None, None, 0)
        self._line: tuple[str, int, str] | None = None
        self._waiting = dict[int, tuple[FrameType | None, set[int], dict[str, int]]]()
        self._paths_of: dict[int, str] = {}
        self._given: dict[int, Any] = {}
        self._parameters: dict[int, str] = {}
        self.owned, self.moved = dict[str, Any](), set[int]()
        self.borders, self._belonging = set[int](), list[tuple[Value, str, str, Value | None]]()
        if model is not None:
            self._take_root(model, self._variable(model))

    @property
    def module(self) -> str:
        """The path of the module that is running, or ""."""
        return self._running[-1] if self._running else ""

    def here(self) -> tuple[FrameType | None, tuple[str, int, str] | None]:
        """The user's frame, in which an operation is called, with its file, line and function.

        What the frame that ran before has assigned is named, unless it is still in the same call of something of torch's.
        """
        frame, inner = sys._getframe(2), None
        while frame is not None and not is_users(frame.f_code.co_filename):
            frame, inner = frame.f_back, frame  # type: ignore[assignment]
        call = frame, inner, frame.f_lasti if frame else 0
        if inner is None or call != self._call:
            self.look(frame)
            self._call, self._line = call, (frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) if frame else None
        return frame, self._line

    def enter(self, module: Any, _: Any) -> None:
        """A module's forward pass begins."""
        self.look(None)
        self._paths_of.setdefault(id(user_frame(2)), self.module)
        if id(module) not in self._paths and not self._running:
            root = holder(module) or module  # of which a method calls a part, and nobody itself
            self._take_root(root, self._variable(root))
        self._running.append(self._paths.get(id(module), type(module).__name__))

    def leave(self, module: Any, _: Any, output: Any) -> None:
        """A module's forward pass ends: its output is called as it is, unless the user's code has a name for it."""
        self.look(None)
        path = self._running.pop()
        found = [value for one in tensors(output) if (value := self._values.known(one) if isinstance(one, torch.Tensor) else None)]
        if not self._running:
            self.waits_for(user_frame(2), [value.number for value in found])
        self.borders.update(value.number for value in found)
        for place, value in enumerate(found if self._running else ()):
            if path and not value.name:
                value.name = path if len(found) == 1 else f"{path}[{place}]"

    def _take_root(self, model: Any, variable: str) -> None:
        """Take a model's names; with the variable's before them where there are two models, or where they begin with a digit."""
        paths = {id(module): _PREFIX.sub("", name) for name, module in model.named_modules()}
        numbered = any(name[:1].isdigit() for name in paths.values())
        before = variable or type(model).__name__ if numbered or self._paths else ""
        self._paths |= {key: ".".join(filter(None, (before, path))) for key, path in paths.items()}
        self.owned |= {self._full(before, name): one for name, one in model.named_parameters(remove_duplicate=False)}
        for name, one in [*model.named_parameters(), *model.named_buffers()]:
            full = self._full(before, name)
            self._parameters[id(one)] = full
            if value := self._values.known(one):
                value.name = value.name or full

    @staticmethod
    def _full(before: str, name: str) -> str:
        return ".".join(filter(None, (before, _PREFIX.sub("", name))))

    def _variable(self, module: Any) -> str:
        """What the user calls a module."""
        for frame in around(user_frame(2)):
            own = frame.f_locals.get("self")
            for name, one in ({**getattr(own, "__dict__", {})} | frame.f_locals).items():
                if one is module and _PLAIN.fullmatch(name) and name != "self":
                    return str(name)
        return ""

    def given(self, value: Value, tensor: Any) -> Value:
        """A value that the step is given; it is kept alive until the user's variable that holds it is known."""
        if name := self._parameters.get(id(tensor), ""):
            value.name, value.kind = name, value.kind if value.kind == "parameter" else "buffer"
        else:
            self._given[value.number] = tensor
        return value

    def waits_for(self, frame: FrameType | None, outs: list[int]) -> None:
        """The results of an operation, to which the frame may give names when it goes on."""
        if id(frame) not in self._waiting:
            self._paths_of.setdefault(id(frame), self.module)
            self._waiting[id(frame)] = frame, set(), {}
        self._waiting[id(frame)][1].update(outs)

    def look(self, frame: FrameType | None) -> None:
        """Name what the frame that ran before has given a variable to, as another one goes on."""
        old, self._frame = self._frame, frame
        for one in (old,) if old is frame else (old, frame):
            if waiting := self._waiting.get(id(one)):
                self._name_from(*waiting)
        if frame is not None and frame is not old and len(self._waiting) > 1:
            alive = {id(one) for one in around(frame)}
            self._waiting = {key: one for key, one in self._waiting.items() if key in alive}
            self._paths_of = {key: path for key, path in self._paths_of.items() if key in alive}

    def _name_from(self, frame: FrameType | None, numbers: set[int], seen: dict[str, int]) -> None:
        """Name what waits by the variables of a frame that hold something else than when they were last ``seen``."""
        for name, tensor in variables(frame.f_locals) if frame is not None and numbers else ():
            if seen.get(name) == id(tensor):
                continue
            seen[name] = id(tensor)
            value = self._values.known(tensor)
            if value is not None and value.number in numbers and not value.name:
                value.name = ".".join(filter(None, (self._paths_of.get(id(frame), ""), name)))

    def name_given(self, frame: FrameType | None) -> None:
        """Name what came from outside: the user's variables in a frame, or around it."""
        while frame is not None:
            if not frame.f_code.co_filename.startswith((FOLDER, OURS)):
                own = {f"self.{name}": one for name, one in getattr(frame.f_locals.get("self"), "__dict__", {}).items()}
                for name, tensor in variables({**(frame.f_globals if frame.f_code.co_name == "<module>" else own), **frame.f_locals}):
                    value = self._values.known(tensor)
                    if value is not None and value.number in self._given:
                        value.name = value.name or name
            frame = frame.f_back
        self._given = {number: one for number, one in self._given.items() if not self._values.all[number].name}

    def before_update(self, optimizer: Any, read: Callable[[Any], Value | None]) -> None:
        """Note which gradients and slots of an optimizer belong to which of its parameters."""
        for one in (one for group in optimizer.param_groups for one in group["params"]):
            self.moved.add(id(one))
            if id(one) not in self._parameters and (root := holder(one)):
                self._take_root(root, self._variable(root))
            value = read(one) if one.grad is not None else None
            if value is None:
                continue
            name = self._parameters.get(id(one), "")  # it may have been written since it was first seen
            self._belonging.append((value, name, "grad", read(one.grad)))
            for key, slot in optimizer.state.get(one, {}).items():
                known = read(slot) if isinstance(slot, torch.Tensor) else None
                if known and (not known.name or known.maker is None):
                    known.name, known.kind = "", "slot"
                self._belonging.append((value, name, key, known))

    def _name_belonging(self) -> None:
        """Name gradients and slots after their parameters, of which some are first known by the module that reads them."""
        for value, name, key, known in self._belonging:
            value.name = value.name or name or f"parameter_{value.number}"
            if known and not known.name:
                known.name = f"{value.name}.{key}"

    def finish(self, gradients: Sequence[tuple[int, int]], forward_of: Callable[[Any], int]) -> None:
        """Name what is left: by the module and the operation; a gradient after its tensor; what was written anew as what it was."""
        for waiting in self._waiting.values():
            self._name_from(*waiting)
        self._name_belonging()
        everything, self._given, self._waiting, self._frame, self._call = self._values.all, {}, {}, None, (None, None, 0)
        self._keep_names()
        self._name_gradients(gradients)
        counts, owners = Counter[str](), self._owners(gradients)
        for value in everything:
            made = self._operations[value.maker] if value.maker is not None else None
            if not value.name and (made is None or made.phase == "forward"):
                value.name = _numbered(f"{made.module}.{_short(made)}".lstrip(".") if made else "given", counts)
                value.inner = made is not None
        self._name_gradients(gradients)
        self._keep_names()
        for value in everything:
            if not value.name and value.maker is not None:
                made = self._operations[value.maker]
                forward = forward_of(made)
                outs = self._operations[forward].outs if forward >= 0 else []
                before = everything[outs[0]].name if outs else owners.get(value.number, "")
                value.name, value.inner = _numbered(f"{before}.{_short(made)}".lstrip("."), counts), True
        seen = Counter[str]()
        for value in everything:
            value.name = _safe(value.name)
            seen[value.name] += 1
            value.name += f"'{seen[value.name] - 1}" if seen[value.name] > 1 else ""

    def _name_gradients(self, gradients: Sequence[tuple[int, int]]) -> None:
        """A gradient is called after its tensor."""
        for of, gradient in gradients:
            value, named = self._values.all[gradient], self._values.all[of].name
            if named and not value.name:
                value.name, value.inner = f"{named}.grad", self._values.all[of].inner

    def _owners(self, gradients: Sequence[tuple[int, int]]) -> dict[int, str]:
        """The parameter that each value of an update belongs to."""
        everything = self._values.all
        owners = {value.number: value.name for value in everything if value.kind == "parameter"}
        owners |= {value.number: value.name.rpartition(".")[0] for value in everything if value.kind == "slot"}
        owners |= {gradient: owners[of] for of, gradient in gradients if of in owners}
        for made in self._operations:
            for place, out in enumerate(made.outs if made.phase == "update" else ()):
                lists = [one[place % len(one)] for one in made.arguments if isinstance(one, list) and one]
                given = [one["t"] for one in lists if isinstance(one, dict) and "t" in one] or made.inputs
                if known := next((owners[one] for one in given if one in owners), ""):
                    owners.setdefault(out, known)
        return owners

    def _keep_names(self) -> None:
        """What is written in place keeps its name, as a new version of it."""
        at = dict[Any, str]()
        for value in self._values.all:
            key = value.storage, value.geometry
            made = self._operations[value.maker] if value.maker is not None else None
            if not value.name and made and (value.number in made.writes or made.name == OVERLAY):
                value.name = at.get(key, "")
            if value.name:
                at[key] = value.name
            else:
                at.pop(key, None)


def _short(operation: Any) -> str:
    return str(operation.name.split(".")[1].strip("_").removesuffix("_backward"))


def _numbered(name: str, counts: Counter[str]) -> str:
    counts[name] += 1
    return name if counts[name] == 1 else f"{name}_{counts[name]}"


def _safe(name: str) -> str:
    """A name that a tensor of a program can have."""
    return f"{name}_" if name in _TAKEN else name if name[:1].isalpha() or name[:1] == "_" else f"v_{name}"


__all__ = ["Namer"]
