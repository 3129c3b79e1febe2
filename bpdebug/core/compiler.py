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

from bpdebug.core.functions import Function
from bpdebug.core.parser import Formula, constant_of
from bpdebug.core.record import Record
from bpdebug.core.shapes import Shape, infer
from bpdebug.core.tensors import Array
from bpdebug.core.tree import Call, Index, Name, Operation, Transpose, Tree, names, operation

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
        reads_itself = target in names(formula.tree)
        root = formula.tree
        direct = isinstance(root, Operation) and (operation(root)[0].ufunc or not reads_itself)
        self._text = formula.text
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

    def _literal(self, number: float) -> Value:
        return Value(self._once(f"literal {number!r}", lambda: np.array(number, self.dtype), "number"), (), self.dtype)

    def _once(self, key: str, make: Callable[[], Array], hint: str) -> str:
        """The name of something that is made the first time that its key is asked for."""
        if key not in self._made:
            self._made[key] = self._bind(make(), hint)
        return self._made[key]

    def _shape(self, tree: Tree) -> Shape:
        return infer(Formula(self._text, tree), self.shapes)

    def _kind(self, tree: Tree) -> np.dtype[Any]:
        """The kind of number that a node gives."""
        if isinstance(tree, Transpose | Index):
            return self._kind(tree.operand)
        result = operation(tree)[0].result if isinstance(tree, Operation) else "float"
        return self.dtype if result == "float" else np.dtype(result)

    def _value(self, tree: Tree, out: Value | None = None) -> Value:
        if isinstance(tree, Name) and tree.name in self.tensors:
            tensor = self.tensors[tree.name]
            return Value(self._bind(tensor, tree.name), tensor.shape, tensor.dtype)
        constant = constant_of(tree)
        if constant is not None:
            return self._literal(constant)
        if isinstance(tree, Transpose):
            return self._view(tree, ".T", lambda tensor: tensor.T)
        if isinstance(tree, Index):
            key = (*tree.key(), ...)
            return self._view(tree, f"[{', '.join(map(_subscript, tree.key()))}, ...]", lambda tensor: tensor[key])
        return self._operation(cast(Operation, tree), out)

    def _operation(self, tree: Operation, out: Value | None) -> Value:
        row, operands = operation(tree)
        values = row.numbers([self._value(operand) for operand in operands], self._number)
        if row.ufunc:
            return self._apply(row.run, values, tree, out)
        if isinstance(tree, Call) and row.reduces:
            return self._reduction(tree, row, values[0], out)
        if row.name == "@":
            left, right = values
            return self._fresh(f"{left.code}.dot({right.code}, {{out}})", values, tree, out, with_out=True)
        if row.name == "where" and values[0].dtype == bool:
            return self._where(values, tree, out)
        code = f"{self._bind(row.run, row.name)}({', '.join(value.code for value in values)})"
        return self._fresh(code, values, tree, out, with_out=False)

    def _number(self, value: Value) -> Value:
        """Truth values and counts as numbers."""
        if value.dtype.kind not in "biu":
            return value
        made = self._buffer(value.shape, self.dtype)
        self._lines.append(f"{made.code}[...] = {value.code}")
        self._release(value)
        return made

    def _apply(self, run: Any, operands: list[Value], tree: Tree, out: Value | None) -> Value:
        """One elementwise line; an operand's own buffer is written where that is possible."""
        shape, dtype = self._shape(tree), self._kind(tree)
        self._release(*operands)
        out = out or self._buffer(shape, dtype)
        keyword = "out=" if isinstance(tree, Call) else ""  # maximum and minimum take their output by keyword only
        arguments = ", ".join([*(operand.code for operand in operands), keyword + out.code])
        self._lines.append(f"{self._bind(run, getattr(run, '__name__', 'run'))}({arguments})")
        return out

    def _fresh(self, code: str, operands: list[Value], tree: Tree, out: Value | None, with_out: bool) -> Value:
        """One line whose result must not share memory with its operands."""
        out = out or self._buffer(self._shape(tree), self._kind(tree))
        self._lines.append(code.format(out=out.code) if with_out else f"{out.code}[...] = {code}")
        self._release(*operands)
        return out

    def _view(self, tree: Transpose | Index, suffix: str, view: Callable[[Array], Array]) -> Value:
        """A view; of a tensor it is made once, of a buffer each time (which stays taken: compiling ends soon)."""
        operand = self._value(tree.operand)
        if not isinstance(tree.operand, Name) or tree.operand.name not in self.tensors:
            return Value(f"{operand.code}{suffix}", self._shape(tree), operand.dtype)
        made = view(self.tensors[tree.operand.name])
        return Value(self._once(f"{operand.code}{suffix}", lambda: made, tree.operand.name), made.shape, operand.dtype)

    def _where(self, operands: list[Value], tree: Tree, out: Value | None) -> Value:
        condition, chosen, other = operands
        self._lines.append(f"{{out}}[...] = {other.code}")
        line = len(self._lines) - 1
        result = self._fresh(f"copyto({{out}}, {chosen.code}, where={condition.code})", operands, tree, out, with_out=True)
        self._lines[line] = self._lines[line].format(out=result.code)
        return result

    def _reduction(self, tree: Call, function: Function, operand: Value, out: Value | None) -> Value:
        keep = tree.keepdims
        if function.name in _DIRECT and operand.dtype == self.dtype:
            run = self._bind(_DIRECT[function.name], function.name)
            return self._fresh(f"{run}({operand.code}, {tree.axis}, None, {{out}}, {keep})", [operand], tree, out, with_out=True)
        run = self._bind(function.run, function.name)
        return self._fresh(f"{run}({operand.code}, axis={tree.axis}, keepdims={keep})", [operand], tree, out, with_out=False)


def _subscript(item: int | slice) -> str:
    if isinstance(item, int):
        return str(item)
    return ":".join("" if part is None else str(part) for part in (item.start, item.stop, item.step))
