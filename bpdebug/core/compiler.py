"""Formulas to straight-line Python over preallocated buffers: how stages run.

One line a NumPy call, one function a stage and one for a whole update, all of the same lines, so that stepping and running
have the same bits. The text is made from checked trees, never from what a user typed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from bpdebug.core.evaluate import POWER, Evaluator, options, single_power
from bpdebug.core.expansion import constant_of, expanded
from bpdebug.core.function import Function
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.shapes import Inference, Shape, Shapes
from bpdebug.core.sources import is_layout, operands_of, with_operands
from bpdebug.core.structure import Form, Unknown, form_of, kind_of
from bpdebug.core.tensors import Array, Values
from bpdebug.core.tree import Call, Index, Item, Key, Length, Listing, Name, Operation, Transpose, Tree, names, operation, walk
from bpdebug.core.writing import to_text

Routine = Callable[[], Any]

_NO_FLAGS = np.empty((2, 2))[:, :1].flags
_DIRECT: dict[str, Any] = {"sum": np.add.reduce, "max": np.maximum.reduce, "min": np.minimum.reduce}
"""Reductions that write into a buffer themselves."""


_COMPILED = "<program>"


def failed_line(error: BaseException) -> int:
    """The line of a compiled function in which an exception arose, counted from 0."""
    trace, line = error.__traceback__, 0
    while trace:
        line = trace.tb_lineno - 2 if trace.tb_frame.f_code.co_filename == _COMPILED else line
        trace = trace.tb_next
    return line


class Value(Record):
    """Something a line of code can name.

    Attributes:
        code: its expression.
        shape, dtype: of the array.
        temporary: whether it is a buffer to give back.
        natural: whether it is laid out as NumPy came to do it, not row by row: what is made of it is too, since sums depend on it
            to the last bit.
    """

    code: str
    shape: Shape
    dtype: np.dtype[Any]
    temporary: bool = False
    natural: bool = False


def is_open(shape: Shape) -> bool:
    """Whether a length is known only to the run."""
    return any(isinstance(n, Unknown) for n in shape)


def fitted(buffer: Array, value: Array) -> Array:
    """A buffer of a length that only the run knows, made as large as a value."""
    if buffer.shape != np.shape(value):
        buffer.resize(np.shape(value), refcheck=False)
    return buffer


class Compiler:
    """Compiles assignments over one set of named buffers.

    Args:
        tensors: every tensor's buffer; targets are written in place.
        dtype: the precision of literals and intermediate values.
        forms: what the buffers do not show: that a length is known only to the run, that a number stays what it is and may be a length.
    """

    def __init__(self, tensors: Values, dtype: npt.DTypeLike, forms: Shapes = MappingProxyType({})) -> None:
        self.tensors, self.dtype = tensors, np.dtype(dtype)
        self.shapes: dict[str, Shape] = {name: form_of(tensor) for name, tensor in tensors.items()}
        for name, form in forms.items():
            self.shapes[name] = Form.of(form, kind_of(self.shapes[name]), getattr(form, "number", None))
        self._scope: dict[str, Any] = {"copyto": np.copyto}
        self._bound: dict[int, str] = {}
        self._made: dict[str, str] = {}
        self._literals: dict[str, Array] = {}
        self._free: defaultdict[tuple[Shape, np.dtype[Any]], list[str]] = defaultdict(list)
        self._lines: list[str] = []
        self._count = 0

    def lines(self, target: str, formula: Formula) -> list[str]:
        """The code of ``target = formula``."""
        out = self._named(target)
        self._start(formula)
        root = formula.tree
        direct = isinstance(root, Operation) and (operation(root)[0].ufunc or target not in names(root))
        value = self._value(root, out if direct and self._dtype(root) == out.dtype and not is_open(out.shape) else None)
        if is_open(out.shape):
            self._lines.append(f"{self._bind(fitted, 'fitted')}({out.code}, {value.code})[...] = {value.code}")
        elif value.code != out.code:
            self._lines.append(f"{out.code}[...] = {value.code}")
        self._release(value)
        return self._lines

    def _start(self, formula: Formula) -> None:
        """Begin with a formula."""
        self._lines, self._shapes = [], Inference(formula.text, self.shapes)
        self._shapes.shape(formula.tree)

    def _named(self, name: str) -> Value:
        tensor = self.tensors[name]
        shape, natural = self.shapes[name], is_open(self.shapes[name]) or not tensor.flags.c_contiguous
        return Value(self._bind(tensor, name), shape, tensor.dtype, natural=natural)

    def routine(self, lines: Iterable[str]) -> Routine:
        """A function that runs the lines, the first of which is its line 0; see :func:`failed_line`."""
        body = "\n    ".join([*lines, "return None"])
        exec(compile(f"def run():\n    {body}", _COMPILED, "exec"), self._scope)
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
        return self._shapes.shape(tree)

    def _dtype(self, tree: Tree) -> np.dtype[Any]:
        """The kind of number that a node gives."""
        return {"f": self.dtype, "i": np.dtype(np.int64), "b": np.dtype(bool)}[self._shapes.shape(tree).kind]

    def _value(self, tree: Tree, out: Value | None = None) -> Value:
        if isinstance(tree, Name) and tree.name in self.tensors:
            return self._named(tree.name)
        constant = constant_of(tree)
        if constant is None and isinstance(tree, Length):
            constant = self._shapes.shape(tree).number
            if isinstance(constant, Unknown):
                asked = "size" if tree.axis is None else f"shape[{tree.axis}]"
                return self._plain(tree, f"{self._bind(np.array, 'array')}({self._value(tree.operand).code}.{asked})")
        if constant is not None:
            return self._literal(np.array(constant, None if isinstance(constant, int) else self.dtype))
        if isinstance(tree, Call) and FUNCTIONS[tree.function].formula:
            return self._value(expanded(tree), out)
        if is_layout(tree):
            return self._laid_out(tree)
        return self._operation(cast(Operation, tree), out)

    def _literal(self, number: Array) -> Value:
        """A number that stands in the formula."""
        code = self._once(f"literal {number.item()!r} {number.dtype}", number, "number")
        self._literals[code] = number
        return Value(code, (), number.dtype)

    def _laid_out(self, tree: Tree) -> Value:
        """What lays its operands out anew: a view that is made once where that is possible."""
        operands = [self._value(operand) for operand in operands_of(tree)]
        first, turned = operands[0], with_operands(tree, [Name("#")])
        buffer = None if len(operands) > 1 or is_open(first.shape) else self._scope.get(first.code)
        if buffer is not None and not any(isinstance(node, Name) for child in tree.children()[1:] for node in walk(child)):
            made = Evaluator({"#": buffer}).value(turned)
            if np.may_share_memory(made, buffer):
                code = self._once(f"{operands[0].code} {to_text(turned)}", made, "view")
                return Value(code, made.shape, made.dtype, natural=not made.flags.c_contiguous)
        return self._plain(tree, self._written(tree, [operand.code for operand in operands]))

    def _operation(self, tree: Operation, out: Value | None) -> Value:
        row, operands = operation(tree)
        single = not self._shape(tree) and single_power(tree, self.tensors)
        if single:
            row, operands = POWER, tree.children()
        if isinstance(tree, Call) and not row.reduces and not row.cellwise:
            return self._plain(tree, self._written(tree, None))
        values = row.numbers([self._value(operand) for operand in operands], self._number)
        codes, whole = [value.code for value in values], self._dtype(tree)
        open_ = is_open(self._shape(tree))
        if (open_ or any(value.natural for value in values)) and not single and (open_ or row.name != "@" or len(self._shape(tree)) != 2):
            return self._plain(tree, self._call(tree, row, codes))
        direct = row.name in _DIRECT and values[0].dtype == whole
        run, arguments = self._bind(_DIRECT[row.name] if direct else row.run, row.name), ", ".join(codes)
        if single:
            line = f"{{out}}[...] = {codes[0]}[()] ** {codes[1]}[()]"
        elif row.ufunc:  # maximum and minimum take their output by keyword only
            line = f"{run}({arguments}, {'out=' * isinstance(tree, Call)}{{out}})"
        elif isinstance(tree, Call) and direct:
            line = f"{run}({arguments}, {tree.axis}, None, {{out}}, {tree.keepdims})"
        elif row.name == "@" and whole == self.dtype and all(map(self._straight, values)):
            line = f"{codes[0]}.dot({codes[1]}, {{out}})"
        elif row.name == "where" and values[0].dtype == bool:
            line = f"{{out}}[...] = {codes[2]}; copyto({{out}}, {codes[1]}, where={codes[0]})"
        else:
            line = f"{{out}}[...] = {self._call(tree, row, codes)}"
        if row.ufunc:  # an operand's own buffer is written where that is possible; all others must not share memory with theirs
            self._release(*values)
        out = out or self._buffer(self._shape(tree), whole)
        self._lines.append(line.format(out=out.code))
        self._release(*() if row.ufunc else values)
        return out

    def _straight(self, value: Value) -> bool:
        """Whether it is a matrix, or the transpose of one, without gaps: ``dot`` gives then the bits of ``matmul``, sooner.

        But for one of a single number, which it takes for a scale, so that 0 times NaN would be 0.
        """
        return (
            len(value.shape) == 2
            and value.shape != (1, 1)
            and (not value.natural or getattr(self._scope.get(value.code), "flags", _NO_FLAGS).f_contiguous)
        )

    def _call(self, tree: Tree, row: Function, codes: Sequence[str]) -> str:
        """A call of a row's function, as :class:`bpdebug.core.evaluate.Evaluator` makes it."""
        given = options(tree) if isinstance(tree, Call) else {}
        return f"{self._bind(row.run, row.name)}({', '.join([*codes, *(f'{name}={value}' for name, value in given.items())])})"

    def _plain(self, tree: Tree, code: str) -> Value:
        """A value of its own, laid out as NumPy does it."""
        self._count += 1
        self._lines.append(f"own_{self._count} = {code}")
        return Value(f"own_{self._count}", self._shape(tree), self._dtype(tree), natural=True)

    def _written(self, tree: Tree, operands: Sequence[str] | None) -> str:
        """The code of a node that has arguments of other kinds than arrays; ``operands`` is that of what it lays out anew, if it does."""
        if isinstance(tree, Transpose):
            return f"{cast(Sequence[str], operands)[0]}.T"
        if isinstance(tree, Index):
            return f"{cast(Sequence[str], operands)[0]}[{self._subscript(tree.items)}]"
        call = cast(Call, tree)
        row, codes = FUNCTIONS[call.function], list[str]()
        for place, argument in enumerate(call.arguments):
            if row.static_at(place):
                codes.append(self._known(argument))
            elif isinstance(argument, Key):
                codes.append(f"{self._bind(np.s_, 'places')}[{self._subscript(argument.items)}]")
            elif place == 0 and operands:
                codes.append(f"[{', '.join(operands)}]" if isinstance(argument, Listing) else operands[0])
            else:
                codes.append(self._item(argument) if isinstance(argument, Listing) else self._value(argument).code)
        return self._call(call, row, codes)

    def _subscript(self, items: Sequence[Item]) -> str:
        """A subscript in code."""
        return ", ".join(map(self._item, items)) + "," * (len(items) == 1)

    def _known(self, tree: Tree) -> str:
        """The code of what has to be known before anything runs, but for lengths that only the run knows."""
        known = self._shapes.static(tree)
        if isinstance(known, str) or not is_open(known if isinstance(known, tuple) else (known,)):
            return repr(known)
        if isinstance(tree, Listing):
            return f"({''.join(f'{self._known(one)}, ' for one in tree.items)})"
        if isinstance(tree, Length) and tree.axis is ...:
            return f"{self._value(tree.operand).code}.shape"
        return f"{self._bind(int, 'int')}({self._value(tree).code})"

    def _item(self, item: Item) -> str:
        if isinstance(item, tuple):
            return ":".join("" if end is None else self._known(end) if isinstance(end, Tree) else str(end) for end in item)
        if not isinstance(item, Tree):
            return "..." if item is ... else str(item)
        if isinstance(item, Listing):
            return f"[{', '.join(map(self._item, item.items))}]"
        value = self._value(item)
        return value.code if value.dtype.kind in "biu" else f"{value.code}.astype(int)"

    def _number(self, value: Value) -> Value:
        """Truth values and counts as numbers."""
        if value.dtype.kind not in "biu":
            return value
        if value.code in self._literals:
            return self._literal(self._literals[value.code].astype(self.dtype))
        if value.natural:
            self._count += 1
            self._lines.append(f"own_{self._count} = {value.code}.astype({self._bind(self.dtype, 'dtype')})")
            return replace(value, code=f"own_{self._count}", dtype=self.dtype)
        made = self._buffer(value.shape, self.dtype)
        self._lines.append(f"{made.code}[...] = {value.code}")
        self._release(value)
        return made
