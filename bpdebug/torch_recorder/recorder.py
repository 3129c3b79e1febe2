"""Record one training step of the user's own eager code: below autograd, so that all of it is one straight line of operations."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import Any

import torch

from bpdebug.frontends.torch_step.rows import has_formula
from bpdebug.torch_recorder import private
from bpdebug.torch_recorder.frames import is_in_function
from bpdebug.torch_recorder.lacking import Told, lacking
from bpdebug.torch_recorder.lying import subscript
from bpdebug.torch_recorder.naming import Namer
from bpdebug.torch_recorder.nodes import Nodes
from bpdebug.torch_recorder.operations import OVERLAY, Kind, Operation
from bpdebug.torch_recorder.passes import Passes
from bpdebug.torch_recorder.places import Parts, Place, Value, Values, broken

MOST = 2**30
"""Bytes of a step that are kept: of a longer one, only what formulas do not give."""
_FIRST = 32
"""Values that are not finite of which all numbers are kept in any case."""
_OFTEN = 2**26
"""So many bytes after the last time, what is gone is forgotten."""


class Recorder(private.Mode):
    """Records while it is entered.

    Args:
        model: whose names are used first; default: the first module that is called.
        alone: whether it watches optimizers itself; else :meth:`begin_update` and :meth:`end_update` are called.
        later: whether of what can be computed again no numbers are kept, until :meth:`repeat`.
        only: the path of the module of whose inside alone all numbers are kept; "" for all.

    Attributes:
        values, operations: what was recorded.
        names: gives the values names.
        gradients, own: see :class:`Nodes`.
        passes: the backward passes.
        roots: the values of which they are.
        lacking: what is to be said of its parameters.
        others: the ids of those that other optimizers have.
        aliased: the values the gradients of which are those of others, too.
        short: whether of what formulas give numbers are left out.
    """

    def __init__(self, model: Any = None, alone: bool = True, later: bool = False, only: str = "") -> None:
        super().__init__()
        self._process = os.getpid()
        self._alone, self._later, self._only, self.short, self._next = alone, later, only, bool(only), _OFTEN
        self.values, self.operations = Values(), list[Operation]()
        self._nodes = Nodes(self.values, self.operations, self._read, self._overlay)
        self.gradients, self.own = self._nodes.gradients, self._nodes.own
        self.lacking: Told = []
        self.others = set[int]()
        self.aliased = set[int]()
        self.names = Namer(self.values, self.operations, model)
        self.passes = Passes(self.values, self.operations, self._nodes, self.names)
        self.updating, self.roots = False, self.passes.roots
        self._broken = 0
        self._there, self._looked = list[Operation](), 0
        self._kinds = dict[Any, Kind]()
        self._made, self._flows, self._is_forward = Operation("", "", "", None), False, False
        self._handles: list[Any] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry out an operation as it is, and note it; not in another process, such as one that loads data."""
        if os.getpid() != self._process:
            return func(*args, **(kwargs or {}))
        node, (frame, line) = private.node(), self.names.here()
        kind = self._kinds.get(func) or self._kinds.setdefault(func, Kind(func))
        made = Operation(kind.name, self._phase(node), self.names.module, line)
        made.function, made.looks = func if kind.repeatable else None, kind.looks
        self._made, flows = made, torch.is_grad_enabled()
        made.inside = made.phase == "forward" and not flows and is_in_function(frame)
        self._flows, self._is_forward = flows or made.inside, node is None or self.passes.again
        made.arguments = [self._noted(one) for one in args]
        if kwargs:
            made.keywords = {key: self._noted(one) for key, one in kwargs.items()}
        written = self._written(kind.written(args, kwargs)) if kind.writes or kind.unsaid else []
        if node is not None:
            made.node = private.number(node)
            plain = (flows and not self.passes.again) or private.is_own(node)  # gradients on: a forward pass that is run once more
            made.hooked = not (plain or private.is_engines(sys._getframe(1)))
        out = func(*args, **kwargs) if kwargs else func(*args)
        self.operations.append(made)
        self._take(made, written, private.tensors(out), (args, kwargs))
        if made.outs:
            self.names.waits_for(frame, made.outs)
        else:  # such as a number that is taken out of a tensor
            self.operations.pop()
        return out

    def _written(self, tensors: list[Any]) -> list[tuple[Any, int]]:
        """Tensors that are going to be written, with the numbers of the values that they stand for; -1 for none."""
        found = list[tuple[Any, int]]()
        for one in tensors:
            place = self.values.place(one)
            found.append((one, value.number if (value := self._read(one, place)) else -1))
            self.values.before_writing(place)
        return found

    def _phase(self, node: Any) -> str:
        if node is not None or self.passes.running:
            return "backward"
        return "update" if self.updating and not torch.is_grad_enabled() else "forward"  # a closure that the step calls has gradients on

    def _noted(self, one: Any) -> Any:
        """What stands for an argument."""
        if isinstance(one, torch.Tensor):
            place = self.values.place(one)
            value, flows = self.values.at(place), self._is_forward and one.requires_grad
            if flows and one._is_view() and not (value and self.values.is_as_made(value)):
                value = self._look_again(one)
            value = value or self._read(one, place)
            if value is None:
                self._made.function = None
                return {"s": type(one).__name__}
            if flows:
                self._nodes.note(one, value)
            self._made.inputs.append(value.number)
            if self._flows and (self._made.inside or one.requires_grad):
                self._made.live.append(value.number)
            return {"t": value.number}
        return [self._noted(part) for part in one] if isinstance(one, list | tuple) else one

    def _read(self, tensor: Any, place: Place | None = None) -> Value | None:
        """The value that a tensor stands for; what is not known yet is given, or a view that was written through another one."""
        place = place or self.values.place(tensor)
        known = self.values.at(place)
        if known or not place:
            return known
        parts = self.values.parts(place)
        if not parts:
            parameter = tensor.is_leaf and tensor.requires_grad
            return self.names.given(self.values.add(tensor, place, "parameter" if parameter else "given"), tensor)
        return self._overlay(tensor, place, parts)

    def _look_again(self, view: Any) -> Value | None:
        """A view that was written, or the whole of which was: for torch it is from then on a view of the whole as that is now."""
        whole = self._read(view._base)
        place = self.values.place(view)
        if not whole or not place:
            return None
        self._nodes.note(view._base, whole)
        if whole.geometry == place[1:4]:
            return whole
        fresh = self._overlay(view, place, [(whole, subscript(whole.geometry, place[1:4]))])
        self._nodes.leave(fresh)  # there may be several such views, each of which has a part of its gradient
        return fresh

    def _overlay(self, tensor: Any, place: Place, parts: Parts) -> Value:
        """A tensor as it is now, as it is made of its parts."""
        again = Operation(OVERLAY, self._phase(private.node()), self.names.module, self._made.line)
        again.inputs = [one.number for one, _ in parts]
        again.live = again.inputs if self._flows and tensor.requires_grad else []
        again.arguments, again.slots = [part for one, taken in parts for part in ({"t": one.number}, taken)], [0]
        fresh = self.values.add(tensor, place, maker=len(self.operations))
        again.outs = [fresh.number]
        self.operations.append(again)
        return fresh

    def _take(self, made: Operation, written: list[tuple[Any, int]], out: list[Any], read: Any) -> None:
        """Note what an operation gives that has ``read`` something."""
        index, given = len(self.operations) - 1, self.short and self.is_given(made)
        kept = not (made.looks or given or (self._later and made.function))
        mine = [one for one, _ in written]
        if written:
            made.writes, made.overwrites = [], []
        for one, place, old in [(one, self.values.written(one), old) for one, old in written]:
            if place:
                keeps = kept or not (made.looks or one.is_floating_point())
                made.writes.append(self.values.add(one, place, maker=index, kept=keeps, written=True).number)
                made.overwrites.append(old)
        made.outs, made.slots = [*made.writes], [*range(len(made.writes))]
        for slot, one in enumerate(out, len(made.outs)):
            if not isinstance(one, torch.Tensor) or (mine and any(one is other for other in mine)) or not (place := self.values.place(one)):
                continue
            known = self.values.at(place)
            if known:
                made.same = True
                if made.looks:
                    self._note_alias(known, made.inputs)
            else:
                keeps = kept or not (made.looks or one.is_floating_point())
                known = self.values.add(one, place, maker=index, kept=False)
                if keeps:  # what gradients flow through stays to the end, and is nobody else's to write
                    self.values.keep(known, one, bool(made.live) or made.phase != "forward")
            made.outs.append(known.number)
            made.slots.append(slot)
        for one in (*mine, *out) if given and not made.looks else ():
            self._look_at(one, read)
        if self.values.bytes > self._next:
            self._forget()

    def _note_alias(self, known: Value, looked_at: list[int]) -> None:
        """Note the views between a value and a view of them that is again that value: torch's gradients of them are of its uses, too."""
        number = looked_at[0] if looked_at else known.number
        while number != known.number and (maker := self.values.all[number].maker) is not None and self.operations[maker].looks:
            self.aliased.add(number)
            number = self.operations[maker].inputs[0]

    def _look_at(self, tensor: Any, read: Any) -> None:
        """Note the size of what is not kept; where it is not finite, keep it all the same with what it is made of, of the first ones."""
        value = self.values.known(tensor) if isinstance(tensor, torch.Tensor) and tensor.is_floating_point() else None
        if value is None or value.array is not None:
            return
        self.values.note(value, private.numbers(tensor))
        self._broken += bool(value.broken)
        for one in (tensor, *private.tensors(list(read))) if value.broken and self._broken <= _FIRST else ():
            if isinstance(one, torch.Tensor) and (kept := self.values.known(one)):
                self.values.keep(kept, one)

    def is_given(self, made: Operation) -> bool:
        """Whether a formula gives what an operation does, and nobody has asked for its numbers."""
        forward = self.forward_of(made)
        module = self.operations[forward].module if forward >= 0 else made.module
        inside = bool(self._only) and f"{module}.".startswith(f"{self._only}.")
        return bool(made.function) and not inside and has_formula(made.name)

    def leave_out(self, value: Value) -> None:
        """Keep no numbers of a value that a formula gives, unless a module gives it, or it decides, as whole numbers do."""
        if value.number not in self.names.borders and "float" in value.dtype:
            whole = value.array is None or not broken(value.array) or self._broken > _FIRST
            self._broken += not whole
            if whole and value.array is not None:
                self.values.note(value, value.array)
                self.values.drop(value)

    def _forget(self) -> None:
        """Forget what ran without gradients and is gone, such as an evaluation between two steps; where that is not enough, the numbers of
        what formulas give."""
        wanted, everything, there = set[int](), self.values.all, list[Operation]()
        for made in reversed([*self._there, *self.operations[self._looked :]]):
            outs = [everything[number] for number in made.outs]
            if made.live or made.phase != "forward" or any(one.number in wanted or self.values.is_there(one) for one in outs):
                wanted.update(made.inputs)
                there.append(made)
            else:
                for one in outs:
                    self.values.drop(one)
        self._there, self._looked = there[::-1], len(self.operations)
        if self.values.bytes > MOST and not self.short:
            self.short = True
            for made in self.operations:
                for one in (everything[number] for number in made.outs if self.is_given(made)):
                    self.leave_out(one)
        self._next = self.values.bytes + _OFTEN

    def forward_of(self, operation: Operation) -> int:
        """The number of the operation of the forward pass that one of the backward pass belongs to; -1 where there is none."""
        return self._nodes.maker(operation.node) if operation.phase == "backward" else -1

    def __enter__(self) -> Recorder:
        """Begin."""
        self._stays = ExitStack()
        self._stays.enter_context(private.staying())
        self._stays.enter_context(private.handing_out(lambda tensor: self.values.before_writing(self.values.place(tensor))))
        self._stays.enter_context(self.passes)
        self._handles += private.module_hooks(self.names.enter, self.names.leave)
        self._handles += private.step_hooks(self.begin_update, self.end_update) if self._alone else []
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        """End, with all names."""
        super().__exit__(*raised)
        self._stays.close()
        for handle in self._handles:
            handle.remove()
        self._drop_half()
        self._find_update()
        gradients = [pair for *_, own in reversed(self.passes.all) for pair in own.items()]
        self.names.finish([*self._nodes.before, *self.gradients.items(), *gradients], self.forward_of)
        learning = self.names.owned, self.names.moved, self.others
        self.lacking = lacking(*learning, self.values.all, self.operations, self.gradients, self.roots)

    def _drop_half(self) -> None:
        """Forget the last operation, where whoever asks for the end has come between what is noted of it."""
        last = self.operations[-1] if self.operations else None
        if last and not (last.outs and len(last.outs) == len(last.slots)):
            self.operations.pop()
        for value in self.values.all:
            value.maker = None if (value.maker or 0) >= len(self.operations) else value.maker

    def _find_update(self) -> None:
        """Where no optimizer makes it, the update is what is computed from gradients after the last backward pass."""
        phases, led = [made.phase for made in self.operations], set[int]()
        for made in self.operations if "update" not in phases and "backward" in phases else ():
            if made.phase == "backward" or not led.isdisjoint(made.inputs):
                led.update(made.outs)
        for made in self.operations[len(phases) - phases[::-1].index("backward") :] if led else ():
            if not led.isdisjoint(made.outs):
                made.phase = "update"

    def begin_update(self, optimizer: Any, *_: Any) -> None:
        """An optimizer's step begins."""
        self.names.look(None)
        with private.unrecorded():
            self.names.before_update(optimizer, self._read)
        self.updating = True

    def end_update(self, *_: Any) -> None:
        """It ends."""
        self.updating = False


__all__ = ["MOST", "Recorder"]
