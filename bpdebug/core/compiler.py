"""Formulas to straight-line Python over preallocated buffers: how stages run.

One line a NumPy call, one function a stage and one for a whole update, all of the same lines, so that stepping and running
have the same bits. The text is made from checked trees, never from what a user typed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from bpdebug.core.parser import Formula, constant_of
from bpdebug.core.record import Record
from bpdebug.core.render import to_text
from bpdebug.core.shapes import Shape, infer
from bpdebug.core.tensors import Array
from bpdebug.core.tree import Call, Name, Operation, Tree, View, names, operation

Routine = Callable[[], Any]

_DIRECT: dict[str, Any] = {"sum": np.add.reduce, "max": np.maximum.reduce, "min": np.minimum.reduce}
"""Reductions that write into a buffer themselves."""


class Value(Record):
    """Something a line of code can name: its expression, shape and kind, and whether it is a buffer to give back."""

    code: str
    shape: Shape
    dtype: np.dtype[Any]
    temporary: bool = False


class Compiler:
    """Compiles assignments over one set of named buffers.

    Args:
        tensors: every tensor's buffer; targets are written in place.
        dtype: the precision of literals and intermediate values.
    """

    def __init__(self, tensors: Mapping[str, Array], dtype: npt.DTypeLike) -> None:
        self.tensors, self.dtype = tensors, np.dtype(dtype)
        self.shapes = {name: tensor.shape for name, tensor in tensors.items()}
        self._scope: dict[str, Any] = {"copyto": np.copyto}
        self._bound: dict[int, str] = {}
        self._made: dict[str, str] = {}
        self._free: defaultdict[tuple[Shape, np.dtype[Any]], list[str]] = defaultdict(list)
        self._lines: list[str] = []

    def lines(self, target: str, formula: Formula) -> list[str]:
        """The code of ``target = formula``."""
        self._lines = []
        out = Value(self._bind(self.tensors[target], target), self.shapes[target], self.dtype)
        infer(formula, self.shapes)
        root, self._text = formula.tree, formula.text
        direct = isinstance(root, Operation) and (operation(root)[0].ufunc or target not in names(root))
        value = self._value(root, out if direct and self._kind(root) == self.dtype else None)
        if value.code != out.code:
            self._lines.append(f"{out.code}[...] = {value.code}")
        self._release(value)
        return self._lines

    def routine(self, lines: Iterable[str]) -> Routine:
        """A function that runs the lines."""
        body = "\n    ".join([*lines, "return None"])
        exec(compile(f"def run():\n    {body}", "<program>", "exec"), self._scope)
        made: Routine = self._scope.pop("run")
        return made

    def _bind(self, thing: Any, hint: str) -> str:
        """A name for an object in the compiled code's scope."""
        if id(thing) not in self._bound:
            name = f"{''.join(c if c.isalnum() else '_' for c in hint)}_{len(self._scope)}"
            self._bound[id(thing)] = name
            self._scope[name] = thing
        return self._bound[id(thing)]

    def _buffer(self, shape: Shape, dtype: np.dtype[Any]) -> Value:
        free = self._free[shape, dtype]
        return Value(free.pop() if free else self._bind(np.empty(shape, dtype), "temp"), shape, dtype, temporary=True)

    def _release(self, *values: Value) -> None:
        for value in values:
            if value.temporary:
                self._free[value.shape, value.dtype].append(value.code)

    def _once(self, key: str, thing: Array, hint: str) -> str:
        """The name of the first of the things that are asked for by the same key; a buffer that is viewed stays taken."""
        if key not in self._made:
            self._made[key] = self._bind(thing, hint)
        return self._made[key]

    def _shape(self, tree: Tree) -> Shape:
        return infer(Formula(self._text, tree), self.shapes)

    def _kind(self, tree: Tree) -> np.dtype[Any]:
        """The kind of number that a node gives."""
        if isinstance(tree, View):
            return self._kind(tree.operand)
        result = operation(tree)[0].result if isinstance(tree, Operation) else "float"
        return self.dtype if result == "float" else np.dtype(result)

    def _value(self, tree: Tree, out: Value | None = None) -> Value:
        if isinstance(tree, Name) and tree.name in self.tensors:
            tensor = self.tensors[tree.name]
            return Value(self._bind(tensor, tree.name), tensor.shape, tensor.dtype)
        constant = constant_of(tree)
        if constant is not None:
            return Value(self._once(f"literal {constant!r}", np.array(constant, self.dtype), "number"), (), self.dtype)
        if isinstance(tree, View):
            operand = self._value(tree.operand)
            view = tree.of(self._scope[operand.code])
            return Value(self._once(f"{operand.code} {to_text(tree)}", view, "view"), view.shape, view.dtype)
        return self._operation(cast(Operation, tree), out)

    def _operation(self, tree: Operation, out: Value | None) -> Value:
        row, operands = operation(tree)
        values = row.numbers([self._value(operand) for operand in operands], self._number)
        codes = [value.code for value in values]
        direct = row.name in _DIRECT and values[0].dtype == self.dtype
        run, arguments = self._bind(_DIRECT[row.name] if direct else row.run, row.name), ", ".join(codes)
        if row.ufunc:  # maximum and minimum take their output by keyword only
            line = f"{run}({arguments}, {'out=' * isinstance(tree, Call)}{{out}})"
        elif isinstance(tree, Call) and direct:
            line = f"{run}({arguments}, {tree.axis}, None, {{out}}, {tree.keepdims})"
        elif isinstance(tree, Call) and row.reduces:
            line = f"{{out}}[...] = {run}({arguments}, axis={tree.axis}, keepdims={tree.keepdims})"
        elif row.name == "@":
            line = f"{codes[0]}.dot({codes[1]}, {{out}})"
        elif row.name == "where" and values[0].dtype == bool:
            line = f"{{out}}[...] = {codes[2]}; copyto({{out}}, {codes[1]}, where={codes[0]})"
        else:
            line = f"{{out}}[...] = {run}({arguments})"
        if row.ufunc:  # an operand's own buffer is written where that is possible; all others must not share memory with theirs
            self._release(*values)
        out = out or self._buffer(self._shape(tree), self._kind(tree))
        self._lines.append(line.format(out=out.code))
        self._release(*() if row.ufunc else values)
        return out

    def _number(self, value: Value) -> Value:
        """Truth values and counts as numbers."""
        if value.dtype.kind not in "biu":
            return value
        made = self._buffer(value.shape, self.dtype)
        self._lines.append(f"{made.code}[...] = {value.code}")
        self._release(value)
        return made
