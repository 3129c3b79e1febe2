"""The nodes of the backward pass: which value each belongs to, and so which value is the gradient of which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from bpdebug.torch_recorder import private
from bpdebug.torch_recorder.lying import subscript
from bpdebug.torch_recorder.operations import Operation
from bpdebug.torch_recorder.places import Parts, Place, Value, Values


class Nodes:
    """What is known of them.

    Args:
        values, operations: of the recording, which go on growing.
        read: the value that a tensor stands for.
        overlay: makes a value of a tensor and what it is made of.

    Attributes:
        gradients: the number of a value to that of its gradient.
        before: the numbers of parameters, and of what gradients are added to.
        own: of each backward pass of the user's own that has run, the numbers of what its forward pass reads, and of what it gives.
    """

    def __init__(
        self,
        values: Values,
        operations: list[Operation],
        read: Callable[[Any], Value | None],
        overlay: Callable[[Any, Place, Parts], Value],
    ) -> None:
        self._values, self._operations, self._read, self._overlay = values, operations, read, overlay
        self.gradients, self.own = dict[int, int](), list[tuple[list[int], list[int]]]()
        self.before = list[tuple[int, int]]()
        self._of_node, self._given = dict[tuple[int, int], int](), dict[tuple[int, int], int]()
        self._made, self._noted, self._handed = dict[int, int](), set[int](), dict[int, int]()

    @contextmanager
    def turn(self, again: bool, within: bool) -> Iterator[dict[int, int]]:
        """While one backward pass runs: its own gradients, which come to the others, unless it can itself be differentiated ``again``;
        of one ``within`` another, they are those of that."""
        others, self.gradients = self.gradients, self.gradients if within else {}
        try:
            yield self.gradients
        finally:
            own, self.gradients = self.gradients, others
            for of, gradient in own.items() if not again else ():
                others.setdefault(of, gradient)

    def forget(self) -> None:
        """Forget the gradients so far, which somebody has asked for on the way."""
        for known in (self.gradients, self.own, self._handed):
            known.clear()

    def maker(self, node: int) -> int:
        """The number of the operation of the forward pass that has made a node; -1 where there is none."""
        return self._made.get(node, -1)

    def leave(self, value: Value) -> None:
        """Look for no node of a value."""
        self._noted.add(value.number)

    def note(self, tensor: Any, value: Value) -> None:
        """Learn which node makes a tensor: asked when the tensor is next read, by when it is certain."""
        node = tensor.grad_fn
        if private.is_own(node):
            self._given.setdefault((private.number(node), tensor.output_nr), value.number)
        if value.number in self._noted:
            return
        self._noted.add(value.number)  # also of a leaf, which a view of a view may be again
        if node is None:
            return
        number = private.number(node)
        self._of_node.setdefault((number, tensor.output_nr), value.number)
        if value.maker is not None and node.name() != "CopySlices":
            self._made.setdefault(number, value.maker)

    def arrival(self, node: Any) -> Callable[[Any], None]:
        """Notes which values arrive at a node: the gradients of what it made in the forward pass, or that of a parameter."""
        number, parameter = private.number(node), getattr(node, "variable", None)

        def arrive(gradients: Any) -> None:
            for place, one in enumerate(gradients):
                value = self._values.known(parameter) if parameter is not None else None
                of = value.number if value else self._of_node.get((number, place), -1)
                if of >= 0:
                    self._note_before(parameter, of)
                    self._arrived(one, of)
            if private.is_own(node):
                read = [self._number(*other) for other in node.next_functions]
                given = [self._given.get((number, place), -1) for place in range(len(gradients))]
                self.own.append(([one for one in read if one >= 0], [one for one in given if one >= 0]))

        return arrive

    def _note_before(self, parameter: Any, of: int) -> None:
        """Note what a parameter's gradient is added to."""
        if parameter is not None and parameter.grad is not None:
            with private.unrecorded():
                if known := self._read(parameter.grad):
                    self.before.append((of, known.number))

    def _number(self, node: Any, place: int) -> int:
        """The number of the value that a node of the graph gives, or of the parameter that it stands for; -1 where it is not known."""
        value = self._values.known(node.variable) if hasattr(node, "variable") else None
        return value.number if value else self._of_node.get((private.number(node), place), -1) if node is not None else -1

    def handed(self, roots: list[Any], gradients: Any) -> None:
        """Note the gradients that a backward pass is given to begin with; None stands for 1."""
        for root, one in zip(roots, private.tensors(gradients), strict=False):
            with private.unrecorded():
                value, gradient = self._values.known(root), self._read(one) if one is not None else None
            if value and gradient:
                self._handed.setdefault(gradient.number, value.number)
                self.gradients.setdefault(value.number, gradient.number)

    def found(self, inputs: Any, gradients: Any) -> None:
        """Note the gradients that were asked for, of which those of parameters arrive nowhere else."""
        for one, gradient in zip(private.tensors(inputs), private.tensors(gradients), strict=False):
            if (value := self._values.known(one)) and gradient is not None:
                self._arrived(gradient, value.number)

    def _arrived(self, tensor: Any, of: int) -> None:
        """Note what has arrived as the gradient of a value; None stands for 0."""
        known = self._values.known(tensor) if tensor is not None else None
        if known and self._handed.setdefault(known.number, of) == of:  # as nearly all do
            self.gradients.setdefault(of, known.number)
            return
        with private.unrecorded():
            if tensor is None:
                self._note_none(of)
            elif value := known or (self._read(tensor) if self._values.parts(self._values.place(tensor)) else None):
                self.gradients.setdefault(of, self._own(value, of, tensor).number)

    def _own(self, arrived: Value, of: int, tensor: Any) -> Value:
        """A gradient as that of one value: what a backward pass of the user's own hands on as it is, is that of two, each to be judged."""
        first = self._handed.setdefault(arrived.number, of)
        maker, place = self._values.all[first].maker, self._values.place(tensor)
        if first == of or maker is None or not place or not self._operations[maker].inside:
            return arrived
        own = self._overlay(tensor, place, [(arrived, subscript(arrived.geometry, arrived.geometry))])
        self._operations[-1].node = next((number for (number, _), one in self._of_node.items() if one == first), -1)
        return own

    def _note_none(self, of: int) -> None:
        """That a backward pass of the user's own gives no gradient to a value that its forward pass reads: it stands for 0."""
        by, value = next((made for made in self._operations if made.inside and of in made.inputs), None), self._values.all[of]
        if by is None or of in self.gradients:
            return
        zeros = torch.zeros(value.shape, dtype=getattr(torch, value.dtype))
        made = Operation("aten.zeros.default", "backward", by.module, by.line)
        own = self._values.add(zeros, self._values.place(zeros) or (), maker=len(self._operations))
        made.outs, made.slots, self.gradients[of] = [own.number], [0], own.number
        self._operations.append(made)


__all__ = ["Nodes"]
