"""Which backward passes run, and what they begin with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch

from bpdebug.torch_recorder import private
from bpdebug.torch_recorder.frames import user_frame
from bpdebug.torch_recorder.naming import Namer
from bpdebug.torch_recorder.nodes import Nodes
from bpdebug.torch_recorder.operations import Operation
from bpdebug.torch_recorder.places import Values


class Passes:
    """Watches while it is entered.

    Args:
        values, operations, nodes, names: of the recording.

    Attributes:
        roots: the numbers of the values that they begin with; those of ``torch.autograd.grad`` where there are no others.
        running: whether one does.
        again: whether that one can be differentiated itself, as a penalty on gradients wants: what it computes is read like a forward pass.
        all: of each, how many operations there were before it and after it, whether it is aside, such as one that can be differentiated
            itself, what it begins with, and its gradients.
    """

    def __init__(self, values: Values, operations: Sequence[Operation], nodes: Nodes, names: Namer) -> None:
        self._values, self._operations, self._nodes, self._names = values, operations, nodes, names
        self.roots, self.running, self.again, self._asked = list[int](), False, False, True
        self.all = list[tuple[int, int, bool, list[int], dict[int, int]]]()
        self._handles, self._seen = list[Any](), set[int]()

    def __enter__(self) -> None:
        self._stays: ExitStack = ExitStack()
        self._stays.enter_context(private.replaced(torch.autograd.backward, partial(self._run, asked=False)))
        self._stays.enter_context(private.replaced(torch.autograd.grad, partial(self._run, asked=True)))

    def __exit__(self, *_: object) -> None:
        self._stays.close()
        for handle in self._handles:
            handle.remove()
        if self.all and not self.roots:  # one that could be differentiated, and nobody has done it
            first, last, _aside, begin, gradients = self.all[-1]
            self.all[-1] = first, last, False, begin, gradients
            self.roots += begin
            self._nodes.gradients.update(gradients)

    def _run(self, plain: Callable[..., Any], tensors: Any, *more: Any, asked: bool, **told: Any) -> Any:
        roots = [tensors] if isinstance(tensors, torch.Tensor) else list(tensors)
        created = bool(told.get("create_graph", more[2 + asked] if len(more) > 2 + asked else False))
        created = created and all(private.unwrapped(one) is one for one in roots)
        again = asked and created
        if again and self.running:
            return plain(tensors, *more, **told)
        if not asked and self._asked:
            self._nodes.forget()
            self.roots.clear()
            self.all = [(first, last, True, begin, gradients) for first, last, _, begin, gradients in self.all]
        begun = again or not asked or self._asked
        self._asked = self._asked and asked
        first, outer = len(self._operations), self.running
        begin = self._begin(roots) if begun else []
        if not again:
            self.roots += begin
            for number in begin:
                self._values.all[number].kind = "loss"
        self.running, self.again = True, created
        try:
            with self._nodes.turn(again, outer) as gradients:
                if begun:
                    given = more[asked] if len(more) > asked else told.get("grad_outputs" if asked else "grad_tensors")
                    self._nodes.handed(roots, given)
                found = plain(tensors, *more, **told)
                if asked:
                    self._nodes.found(more[0] if more else told["inputs"], found)
                return found
        finally:
            self.running, self.again = outer, False
            if begun and not outer:
                self.all.append((first, len(self._operations), again, begin, gradients))

    def _begin(self, roots: list[Any]) -> list[int]:
        begin = list[int]()
        for root in map(private.unwrapped, roots):
            if value := self._values.known(root):
                self._nodes.note(root, value)
                self._values.keep(value, root)
                begin.append(value.number)
        self._names.name_given(user_frame(2))
        todo, parameters = [root.grad_fn for root in roots if private.lies(root)], set[Any]()
        while todo:
            node = todo.pop()
            if node is None or node in parameters or (number := private.number(node)) in self._seen:
                continue
            if hasattr(node, "variable"):
                parameters.add(node)
            else:
                self._seen.add(number)
            self._handles.append(node.register_prehook(self._nodes.arrival(node)))
            todo += [other for other, _ in node.next_functions]
        return begin


__all__ = ["Passes"]
