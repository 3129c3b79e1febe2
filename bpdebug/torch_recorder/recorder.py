"""Record one training step of the user's own eager code: below autograd, so that all of it is one straight line of operations."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from bpdebug.core.errors import BpdebugError
from bpdebug.torch_recorder import private
from bpdebug.torch_recorder.naming import Namer, is_in_function, user_frame
from bpdebug.torch_recorder.places import Value, Values

_VIEWS = "t transpose view permute unsqueeze squeeze expand select slice split split_with_sizes unbind"
VIEWS = {f"aten.{name}" for name in _VIEWS.split()}
"""What only looks at the same numbers in another way, and is worked out again where a recording is read."""
MOST = 400_000_000
"""Bytes of a step that are kept; a longer one cannot be read again."""


class Operation:
    """One operation.

    Attributes:
        name: torch's, such as ``aten.addmm.default``.
        arguments, keywords: with ``{"t": number}`` for each value.
        inputs: the numbers of the values that went in.
        live: those of them through which gradients flow back.
        outs: the numbers of what came out, what was written first.
        slots: which of the results each of these is.
        writes: those that were written in place.
        phase: ``forward``, ``backward`` or ``update``.
        module: the path of the module that is running, or "".
        line: the user's file and line and function, or None.
        node: the number of the node of autograd: of that which it runs for, in the backward pass, else of the one that it makes.
        same: whether it gives what was there already.
        inside: whether it runs in the forward pass of a function of the user's own, which has a backward pass of its own.
    """

    __slots__ = (
        "arguments",
        "inputs",
        "inside",
        "keywords",
        "line",
        "live",
        "module",
        "name",
        "node",
        "outs",
        "phase",
        "same",
        "slots",
        "writes",
    )

    def __init__(self, name: str, phase: str, module: str, line: tuple[str, int, str] | None) -> None:
        self.name, self.phase, self.module, self.line = name, phase, module, line
        self.arguments: Any = []
        self.keywords: dict[str, Any] = {}
        self.inputs, self.live, self.outs, self.slots, self.writes = list[int](), list[int](), list[int](), list[int](), list[int]()
        self.node, self.same, self.inside = -1, False, False


class Recorder(private.TorchDispatchMode):  # type: ignore[misc]
    """Records while it is entered.

    Args:
        model: whose names are used first; default: the first module that is called.
        alone: whether it watches optimizers itself; else :meth:`begin_update` and :meth:`end_update` are called.

    Attributes:
        values, operations: what was recorded.
        names: gives the values names.
        gradients: the number of a value to that of its gradient.
        roots: the values whose backward pass has run.
        seconds: that copies of numbers have taken.
    """

    def __init__(self, model: Any = None, alone: bool = True) -> None:
        super().__init__()
        self._alone = alone
        self.values, self.operations = Values(), list[Operation]()
        self.gradients, self.roots, self.seconds = dict[int, int](), list[int](), 0.0
        self.names = Namer(self.values, self.operations, model)
        self.updating = self._backward = False
        self._told = dict[int, int]()
        self._line: tuple[str, int, str] | None = None
        self._of_node: dict[tuple[int, int], int] = {}
        self._handles: list[Any] = []
        self._plain_backward: Callable[..., Any] | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry out an operation as it is, and note it."""
        kwargs, frame, node = kwargs or {}, user_frame(2), private.node()
        self.names.look(frame)
        line = (frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) if frame else None
        self._line = line
        made = Operation(str(func), self._phase(node), self.names.module, line)
        made.inside = not torch.is_grad_enabled() and node is None and is_in_function(frame)
        given = [one for one in private.tensors((args, kwargs)) if isinstance(one, torch.Tensor)]
        for one in given if node is None else ():
            self._note_node(one)
        made.arguments, made.keywords = private.mapped(lambda one: self._noted(one, made), (list(args), dict(kwargs)))
        written = self._written(func, args, kwargs)
        made.node = private.sequence(node) if node is not None else -1
        out = func(*args, **kwargs)
        self.operations.append(made)
        for one in written:
            self.values.written(one)
        self._take(made, written, private.tensors(out))
        if made.outs:
            self.names.waits_for(frame, made.outs)
        else:  # such as a number that is taken out of a tensor
            self.operations.pop()
        return out

    def _phase(self, node: Any) -> str:
        if node is not None or self._backward:
            return "backward"
        return "update" if self.updating and not torch.is_grad_enabled() else "forward"  # a closure that the step calls has gradients on

    def _noted(self, one: Any, made: Operation) -> Any:
        """What stands for an argument."""
        if isinstance(one, torch.Tensor):
            value = self._read(one)
            if value is None:
                return {"s": type(one).__name__}
            made.inputs.append(value.number)
            if made.inside or (one.requires_grad and torch.is_grad_enabled()):
                made.live.append(value.number)
            return {"t": value.number}
        return one if one is None or isinstance(one, bool | int | float | str) else {"s": str(one)}

    def _written(self, func: Any, args: Any, kwargs: Any) -> list[Any]:
        """The tensors that an operation writes to."""
        written = list[Any]()
        for place, argument in enumerate(func._schema.arguments):
            if argument.alias_info is not None and argument.alias_info.is_write:
                written += private.tensors(args[place] if place < len(args) else kwargs.get(argument.name))
        written += [args[place] for place in private.UNSAID_WRITES.get(str(func), ()) if place < len(args)]
        return [one for one in written if isinstance(one, torch.Tensor)]

    def _read(self, tensor: Any) -> Value | None:
        """The value that a tensor stands for; what is not known yet is given, or a view that was written through another one."""
        place = self.values.place(tensor)
        known = self.values.known(tensor)
        if known or not place:
            return known
        others = self.values.others(tensor)
        if not others:
            parameter = tensor.is_leaf and tensor.requires_grad
            return self.names.given(self.values.add(tensor, place, "parameter" if parameter else "given"), tensor)
        again = Operation("bpdebug.overlay", self._phase(private.node()), self.names.module, self._line)
        again.inputs = [one.number for one in others]
        again.arguments, again.slots = [{"t": number} for number in again.inputs], [0]
        fresh = self.values.add(tensor, place, maker=len(self.operations))
        again.outs = [fresh.number]
        self.operations.append(again)
        return fresh

    def _take(self, made: Operation, written: list[Any], out: list[Any]) -> None:
        """Note what an operation gives."""
        began, index = time.perf_counter(), len(self.operations) - 1
        for one in written:
            if place := self.values.place(one):
                made.writes.append(self.values.add(one, place, maker=index).number)
        made.outs, made.slots = [*made.writes], [*range(len(made.writes))]
        mine = {id(one) for one in written}
        view = made.name.rpartition(".")[0] in VIEWS
        for slot, one in enumerate(out, len(made.outs)):
            if not isinstance(one, torch.Tensor) or id(one) in mine or not (place := self.values.place(one)):
                continue
            known = self.values.known(one)
            made.same |= known is not None
            made.outs.append((known or self.values.add(one, place, maker=index, kept=not view)).number)
            made.slots.append(slot)
        self.seconds += time.perf_counter() - began
        if self.values.bytes > MOST:
            raise BpdebugError(f"the step takes more than {MOST // 1_000_000} MB: take a smaller batch or a smaller model to look at it")

    def _note_node(self, tensor: Any) -> None:
        """Learn which node makes a tensor: asked when the tensor is next read, by when it is certain."""
        node: Any = tensor.grad_fn if tensor.requires_grad else None
        value = self.values.known(tensor) if node is not None else None
        if value is not None:
            number = private.sequence(node)
            self._of_node.setdefault((number, tensor.output_nr), value.number)
            if value.maker is not None and node.name() != "CopySlices":
                self._told.setdefault(number, value.maker)

    def forward_of(self, operation: Operation) -> int:
        """The number of the operation of the forward pass that one of the backward pass belongs to; -1 where there is none."""
        return self._told.get(operation.node, -1) if operation.phase == "backward" else -1

    def __enter__(self) -> Recorder:
        """Begin."""
        self._handles += private.module_hooks(self.names.enter, self.names.leave)
        self._handles += private.step_hooks(self.begin_update, self.end_update) if self._alone else []
        self._plain_backward = plain = torch.autograd.backward

        def backward(tensors: Any, *more: Any, **told: Any) -> Any:
            self._begin_backward([tensors] if isinstance(tensors, torch.Tensor) else list(tensors))
            self._backward = True
            try:
                return plain(tensors, *more, **told)
            finally:
                self._backward = False

        torch.autograd.backward = backward
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        """End, with all names."""
        super().__exit__(*raised)
        for handle in self._handles:
            handle.remove()
        torch.autograd.backward = self._plain_backward
        self.names.finish(self.gradients, self.forward_of)

    def _begin_backward(self, roots: list[Any]) -> None:
        for root in roots:
            self._note_node(root)
            if value := self.values.known(root):
                self.roots.append(value.number)
                value.kind = "loss"
        self.names.name_given(user_frame(2))
        seen, todo = set[Any](), [root.grad_fn for root in roots]
        while todo:
            node = todo.pop()
            if node is not None and node not in seen:
                seen.add(node)
                self._handles.append(node.register_prehook(self._arrival(node)))
                todo += [other for other, _ in node.next_functions]

    def _arrival(self, node: Any) -> Callable[[Any], None]:
        """Notes which values arrive at a node: the gradients of what it made in the forward pass, or that of a parameter."""
        number, parameter = private.sequence(node), getattr(node, "variable", None)

        def arrive(gradients: Any) -> None:
            for place, one in enumerate(gradients):
                arrived = self.values.known(one) if one is not None else None
                of = self._of_node.get((number, place), -1)
                if parameter is not None and (value := self.values.known(parameter)):
                    of = value.number
                if arrived and of >= 0:
                    self.gradients.setdefault(of, arrived.number)

        return arrive

    def begin_update(self, optimizer: Any, *_: Any) -> None:
        """An optimizer's step begins."""
        self.names.look(None)
        with private.unrecorded():
            self.names.before_update(optimizer, self._read)
        self.updating = True

    def end_update(self, *_: Any) -> None:
        """It ends."""
        self.updating = False


__all__ = ["Operation", "Recorder"]
