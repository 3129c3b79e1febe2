"""A step's operations as statements: formulas under the user's names, views put into what reads them, each held against its numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula, parse
from bpdebug.core.record import Record, replace
from bpdebug.core.shapes import infer
from bpdebug.core.structure import Shape, form_of, kind_of
from bpdebug.core.tree import Binary, Name, Number, Tree, names, substitute
from bpdebug.frontends.torch_step.called import Called
from bpdebug.frontends.torch_step.reading import Operation, Step
from bpdebug.frontends.torch_step.rows import formulas, is_drawn

_NAMES = "t transpose view permute unsqueeze squeeze expand select slice split split_with_sizes unbind"
_VIEWS = {*_NAMES.split()}
_NOTHING = {"empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided"}
"""What only makes room: its numbers mean nothing."""
_EPSILON = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
LARGEST = defaultdict(lambda: inf, bfloat16=2.0**128 * (1 - 2.0**-8), float16=65504.0, float32=2.0**128 * (1 - 2.0**-24))
"""The largest number of each kind; what rounds to more is infinite."""
_TIMES = 16
"""How many times the formula's own rounding error torch's numbers may be off: other orders of summation, other functions."""
OWN = "{}.torch"
"""The name of the numbers that torch has computed where no formula gives them."""


class Statement(Record, eq=False):
    """A value that an operation has computed.

    Attributes:
        place: of the value.
        formula: over names; that of the recorded numbers where no formula gives them.
        operation: which has computed it.
        near: how far what the formula gives may be off by rounding alone.
        reason: where the formula is no formula, why.
        reads: the places of what it is computed from.
        live: those of them through which gradients flow back.
    """

    place: int
    formula: Formula
    operation: Operation
    near: float
    reason: str
    reads: tuple[int, ...]
    live: frozenset[int] = frozenset()


class Statements:
    """The statements of a step.

    Args:
        step: which.

    Attributes:
        all: in order.
        given: the places of the values that no statement computes.
        arrays: the numbers of all values, those of views worked out.
    """

    def __init__(self, step: Step) -> None:
        self.all, self._step = list[Statement](), step
        self.arrays: dict[int, Array] = {place: _wide(array) for place, array in step.arrays.items()}
        self._read: dict[str, Tree] = {}
        self._inside: dict[int, tuple[int, ...]] = {}
        self._uses = Counter(place for one in step.operations for place in _places([*one.arguments, *one.keywords.values()]))
        made = set[int]()
        for operation in step.operations:
            for row in _rows_of(operation):
                for statement in self._statements(row):
                    live = frozenset(inner for one in (*row.live, *row.outs) for inner in self._inside.get(one, (one,)))
                    self.all.append(self._joined(replace(statement, live=live)))
                    made.add(statement.place)
        used = {place for one in self.all for place in one.reads}
        self.given = [place for place in self.arrays if place not in made and place in used]

    def _joined(self, view: Statement) -> Statement:
        """A view that has a name, with what it alone looks at put in: such as a sum that is laid out as a bias is."""
        last = self.all[-1] if self.all else None
        if last is None or view.reason or last.reason or view.reads != (last.place,) or _plain(view.operation.name) not in _VIEWS:
            return view
        value = self._step.values[last.place]
        if not value.inner or self._uses[last.place] > 1:
            return view
        tree = substitute(view.formula.tree, {value.name: self.all.pop().formula.tree})
        live = last.live if last.place in view.live else frozenset[int]()
        return replace(view, formula=Formula.of(tree), near=last.near, reads=last.reads, live=live)

    def _statements(self, operation: Operation) -> Iterator[Statement]:
        """What one operation computes."""
        name, step = _plain(operation.name), self._step
        if name in _NOTHING or is_drawn(name):
            return
        at = dict(zip(operation.slots, operation.outs, strict=False))
        inputs = tuple(dict.fromkeys(_places(operation.arguments) + _places([*operation.keywords.values()])))
        done = set[int]()
        for slot, template in (self._formulas(operation, name) or {}).items():
            if slot not in at or at[slot] in done:
                continue
            place = at[slot]
            text = template
            for result, other in at.items():
                text = text.replace(f"{{o{result}}}", f"v{other}")
            statement = self._held(place, text, operation, inputs)
            done.add(place)
            if step.values[place].inner and name in _VIEWS and not statement.reason:
                self._read[f"v{place}"] = statement.formula.tree
                self._inside[place] = statement.reads
            elif place in self.arrays:
                yield statement
        for place in operation.outs:
            if place not in done and place in self.arrays:
                yield self._opaque(place, operation, inputs, "there is no formula for it")

    def _formulas(self, operation: Operation, name: str) -> Mapping[int, str] | None:
        given = [_text(one) for one in operation.arguments]
        options = {key: one if isinstance(one, str) else _text(one) for key, one in operation.keywords.items()}
        shapes = [self._step.values[one["t"]].shape if isinstance(one, dict) and "t" in one else None for one in operation.arguments]
        outs = [self._step.values[place].shape for place in operation.outs]
        lists = [[_text(part) for part in one] if isinstance(one, list) else [] for one in operation.arguments]
        try:
            return formulas(Called(name, given, options, shapes, outs, operation.arguments, lists))
        except (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError):
            return None

    def _held(self, place: int, text: str, operation: Operation, inputs: tuple[int, ...]) -> Statement:
        """The statement, its formula held against the recorded numbers."""
        try:
            tree = parse(text).tree
            read = [int(name[1:]) for name in names(tree)]
            values = {f"v{one}": self.arrays[one] for one in read}
            formula = Formula.of(tree)
            forms = {name: form_of(value) for name, value in values.items()}
            found, kind = infer(formula, forms), self._kind(place)
            if kind == "f" != kind_of(found):  # truth values and counts that are made numbers
                tree = Binary("*", Number(1.0), tree)
                formula = Formula.of(tree)
                found = infer(formula, forms)
        except (FormulaError, KeyError, ValueError) as error:
            return self._opaque(place, operation, inputs, getattr(error, "message", "its operands were not recorded"))
        value = self._step.values[place]
        if tuple(found) != value.shape or kind not in ("", kind_of(found)):
            return self._opaque(place, operation, inputs, "its formula has another shape, or kind of number")
        try:
            with np.errstate(all="ignore"):
                near = self._near(place, formula, values, found)
        except (FormulaError, TypeError, ValueError, IndexError, MemoryError) as error:
            return self._opaque(place, operation, inputs, str(error))
        reads = tuple(dict.fromkeys(inner for one in read for inner in self._inside.get(one, (one,))))
        shown = Formula.of(substitute(tree, {f"v{one}": self._read.get(f"v{one}", Name(self._step.values[one].name)) for one in read}))
        if near is None:
            return replace(self._opaque(place, operation, inputs, f"{shown.text} gives other numbers"), reads=reads)
        return Statement(place, shown, operation, near, "", reads)

    def _kind(self, place: int) -> str:
        """The kind of number that was recorded; "" where none was."""
        return self.arrays[place].dtype.kind if place in self.arrays else ""

    def _near(self, place: int, formula: Formula, values: Mapping[str, Array], found: Shape) -> float | None:
        """How far the recorded numbers may be off; None where they are farther. Numbers that were not recorded are worked out."""
        exact = np.asarray(evaluate(formula, {name: _double(value) for name, value in values.items()}))
        dtype = self._step.values[place].dtype
        if place not in self.arrays:
            self.arrays[place] = np.asarray(
                evaluate(formula, values, next((v.dtype for v in values.values() if v.dtype.kind == "f"), np.float64))
            )
            return 0.0
        due = self.arrays[place]
        if due.dtype.kind != "f" or kind_of(found) != "f":
            return 0.0 if np.array_equal(exact, due) else None
        single = np.asarray(evaluate(formula, values, due.dtype), np.float64)
        known = np.isfinite(due) & np.isfinite(exact)
        size = float(np.max(np.abs(due[known]), initial=0.0))
        own = float(np.max(np.abs(single - exact)[known & np.isfinite(single)], initial=0.0))
        near = _TIMES * max(own, _EPSILON.get(dtype, 2.0**-24) * size)
        large = np.abs(exact) - LARGEST[dtype]
        alike = (
            np.array_equal(np.isnan(exact), np.isnan(due))
            and not ((np.isinf(due) != (np.isinf(single) | (large > 0))) & ~(np.abs(large) <= near)).any()
        )
        return near if alike and float(np.max(np.abs(exact - due)[known], initial=0.0)) <= near else None

    def _opaque(self, place: int, operation: Operation, inputs: tuple[int, ...], reason: str) -> Statement:
        own = Formula.of(Name(OWN.format(self._step.values[place].name)))
        reads = tuple(dict.fromkeys(inner for one in inputs for inner in self._inside.get(one, (one,))))
        return Statement(place, own, operation, 0.0, reason, reads)


def _wide(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype == np.float16 else array.astype(np.int64) if array.dtype.kind in "iu" else array


def _double(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _plain(name: str) -> str:
    """An operation's name without its namespace, its overload and what says that it works in place."""
    short = name.split(".")[1] if "." in name else name
    return short.rstrip("_") if not short.endswith("__") else short


def _places(given: list[Any]) -> list[int]:
    found = list[int]()
    for one in given:
        found += _places(one) if isinstance(one, list) else [one["t"]] if isinstance(one, dict) and "t" in one else []
    return found


def _text(one: Any) -> str:
    if isinstance(one, dict):
        return f"v{one['t']}" if "t" in one else repr(str(one.get("s", "")))
    if isinstance(one, list):
        return f"[{', '.join(map(_text, one))}]"
    return repr(one)


def _rows_of(operation: Operation) -> Iterator[Operation]:
    """An operation over lists as the plain one on each of their members."""
    name, many = _plain(operation.name), len(operation.outs)
    fused = name.startswith("_fused_adam") and operation.arguments and isinstance(operation.arguments[0], list)
    if not many or not (fused or name.startswith("_foreach_")):
        yield operation
        return
    inner, count = name.removeprefix("_foreach_"), len(operation.arguments[0]) if fused else many
    inner = {"norm": "linalg_vector_norm"}.get(inner, inner)

    def of(one: Any, place: int) -> Any:
        return (one[place] if len(one) == count else None) if isinstance(one, list) else one

    for place in range(count):
        outs = tuple(operation.outs[place::count])
        arguments, keywords = [of(one, place) for one in operation.arguments], {k: of(one, place) for k, one in operation.keywords.items()}
        slots = tuple(range(len(outs)))
        yield replace(
            operation,
            name=f"aten.{inner}.x",
            arguments=arguments,
            keywords=keywords,
            outs=outs,
            slots=slots,
            writes=outs[: len(operation.writes)],
        )


__all__ = ["OWN", "Statement", "Statements"]
