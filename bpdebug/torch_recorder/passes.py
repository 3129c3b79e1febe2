"""Which backward passes run, and what they begin with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from bpdebug.torch_recorder import private
from bpdebug.torch_recorder.frames import user_frame
from bpdebug.torch_recorder.naming import Namer
from bpdebug.torch_recorder.nodes import Nodes
from bpdebug.torch_recorder.places import Values


class Passes:
    """Watches while it is entered.

    Args:
        values, nodes, names: of the recording.

    Attributes:
        roots: the numbers of the values that they begin with; those of ``torch.autograd.grad`` where there are no others.
        running: whether one does.
    """

    def __init__(self, values: Values, nodes: Nodes, names: Namer) -> None:
        self._values, self._nodes, self._names = values, nodes, names
        self.roots, self.running, self._asked = list[int](), False, True
        self._handles, self._plain = list[Any](), (torch.autograd.backward, torch.autograd.grad)

    def __enter__(self) -> None:
        self._plain = backward, grad = torch.autograd.backward, torch.autograd.grad
        torch.autograd.backward = lambda tensors, *more, **told: self._run(backward, False, tensors, *more, **told)

        def asked(outputs: Any, *given: Any, **told: Any) -> Any:
            roots = [outputs] if isinstance(outputs, torch.Tensor) else [*outputs]
            again = told.get("create_graph", given[3] if len(given) > 3 else False)
            if again and all(private.unwrapped(one) is one for one in roots):  # a penalty on gradients, or the like
                return grad(outputs, *given, **told)
            found = self._run(grad, True, outputs, *given, **told)
            self._nodes.found(given[0] if given else told["inputs"], found)
            return found

        torch.autograd.grad = asked

    def __exit__(self, *_: object) -> None:
        torch.autograd.backward, torch.autograd.grad = self._plain
        for handle in self._handles:
            handle.remove()

    def _run(self, plain: Callable[..., Any], asked: bool, tensors: Any, *more: Any, **told: Any) -> Any:
        if not asked and self._asked:
            self._nodes.forget()
            self.roots.clear()
        if not asked or self._asked:
            self._asked = asked
            self._begin([tensors] if isinstance(tensors, torch.Tensor) else list(tensors))
        self.running = True
        try:
            return plain(tensors, *more, **told)
        finally:
            self.running = False

    def _begin(self, roots: list[Any]) -> None:
        for root in map(private.unwrapped, roots):
            if value := self._values.known(root):
                self._nodes.note(root, value)
                self._values.keep(value, root)
                self.roots.append(value.number)
                value.kind = "loss"
        self._names.name_given(user_frame(2))
        seen, todo = set[Any](), [root.grad_fn for root in roots if private.lies(root)]
        while todo:
            node = todo.pop()
            if node is not None and node not in seen:
                seen.add(node)
                self._handles.append(node.register_prehook(self._nodes.arrival(node)))
                todo += [other for other, _ in node.next_functions]


__all__ = ["Passes"]
