"""A step's operations as statements: formulas under the user's names, views put into what reads them, each held against its numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bpdebug.core.errors import FormulaError
from bpdebug.core.parser import Formula, parse
from bpdebug.core.record import Record, replace
from bpdebug.core.shapes import infer
from bpdebug.core.structure import Form, Unknown, kind_of
from bpdebug.core.tree import Binary, Name, Number, Tree, substitute
from bpdebug.frontends.torch_step.called import Called
from bpdebug.frontends.torch_step.numbers import Numbers, kind_of_number
from bpdebug.frontends.torch_step.reading import Operation, Step, Value
from bpdebug.frontends.torch_step.rows import formulas, is_drawn, plain

_NAMES = "t transpose view permute unsqueeze squeeze expand select slice split split_with_sizes unbind as_strided"
_VIEWS = {*_NAMES.split()}
_NOTHING = {"empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided"}
"""What only makes room: its numbers mean nothing."""
_VALUE = re.compile(r"\bv(\d+)\b")
OWN = "{}.torch"
"""The name of the numbers that torch has computed where no formula gives them."""


class Statement(Record, eq=False):
    """A value that an operation has computed.

    Attributes:
        place: of the value.
        formula: over names; that of the recorded numbers where no formula gives them.
        operation: which has computed it.
        reason: where the formula is no formula, why.
        reads: the places of what it is computed from.
        live: those of them through which gradients flow back.
        stretched: where a column has met a flat list, what has come of that.
    """

    place: int
    formula: Formula
    operation: Operation
    reason: str
    reads: tuple[int, ...]
    live: frozenset[int] = frozenset()
    stretched: str = ""


class Statements:
    """The statements of a step; no number is read to make them.

    Args:
        step: which.

    Attributes:
        all: in order.
        given: the places of the values that no statement computes.
        numbers: of all values.
    """

    def __init__(self, step: Step) -> None:
        self.all, self._step = list[Statement](), step
        self.numbers = Numbers(step)
        self._read: dict[int, Tree] = {}
        self._inside: dict[int, tuple[int, ...]] = {}
        self._parsed: dict[str, Tree] = {}
        self._inferred: dict[Any, Form | FormulaError] = {}
        self._uses = Counter(place for one in step.operations for place in _places([*one.arguments, *one.keywords.values()]))
        made = set[int]()
        for operation in step.operations:
            for row in _rows_of(operation):
                for statement in self._statements(row):
                    self.all.append(self._joined(statement))
                    made.add(statement.place)
        used = {place for one in self.all for place in one.reads}
        self.given = [place for place in step.arrays if place not in made and place in used]

    def _joined(self, view: Statement) -> Statement:
        """A view that has a name, with what it alone looks at put in: such as a sum that is laid out as a bias is."""
        last = self.all[-1] if self.all else None
        if last is None or view.reason or last.reason or view.reads != (last.place,) or plain(view.operation.name) not in _VIEWS:
            return view
        value = self._step.values[last.place]
        if not value.inner or self._uses[last.place] > 1:
            return view
        formula = Formula.of(substitute(view.formula.tree, {value.name: self.all.pop().formula.tree}))
        live = last.live if last.place in view.live else frozenset[int]()
        self.numbers.formulas[view.place] = formula, last.reads
        return replace(view, formula=formula, reads=last.reads, live=live)

    def _statements(self, operation: Operation) -> Iterator[Statement]:
        """What one operation computes."""
        name, step = plain(operation.name), self._step
        if name in _NOTHING or is_drawn(name):
            return
        at = dict(zip(operation.slots, operation.outs, strict=False))
        self._live = frozenset(inner for one in (*operation.live, *operation.outs) for inner in self._inside.get(one, (one,)))
        inputs = tuple(dict.fromkeys(_places([*operation.arguments, *operation.keywords.values()])))
        templates = {at[slot]: text for slot, text in (self._formulas(operation, name, inputs) or {}).items() if slot in at}
        for place in operation.outs:  # first: of others the formulas may read them
            if place not in templates and place in self.numbers:
                yield self._opaque(place, operation, inputs, "there is no formula for it")
        for place, template in templates.items():
            text = template
            for result, other in at.items():
                text = text.replace(f"{{o{result}}}", f"v{other}")
            statement = self._made(place, text, operation, inputs, step.values[place].inner and name in _VIEWS and place not in step.roots)
            if place in self.numbers and statement:
                yield statement

    def _formulas(self, operation: Operation, name: str, inputs: Sequence[int]) -> Mapping[int, str] | None:
        given = [_text(one) for one in operation.arguments]
        options = {key: one if isinstance(one, str) else _text(one) for key, one in operation.keywords.items()}
        shapes = [self._step.values[one["t"]].shape if isinstance(one, dict) and "t" in one else None for one in operation.arguments]
        outs = [self._step.values[place].shape for place in operation.outs]
        lists = [[_text(part) for part in one] if isinstance(one, list) else [] for one in operation.arguments]
        try:
            whole = bool(operation.outs) and kind_of_number(self._step.values[operation.outs[0]]) == "i"
            masks = {f"v{place}": len(value.shape) for place in inputs if (value := self._step.values[place]).dtype == "bool"}
            return formulas(Called(name, given, options, shapes, outs, operation.arguments, lists, whole, masks))
        except (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError):
            return None

    def _made(self, place: int, text: str, operation: Operation, inputs: tuple[int, ...], inner: bool) -> Statement | None:
        """The statement; of a view that has no name, None, since it is put into what reads it."""
        value, places = self._step.values[place], dict[str, str]()
        general = _VALUE.sub(lambda found: places.setdefault(found[1], f"v{len(places)}"), text)  # the same of all layers alike
        read = [*map(int, places)]
        said, tree = "its operands were not recorded", None
        for form in (general, ""):
            try:
                tree = self._fitting(form or self._at_length(general, read, value), read, value)
                break
            except (FormulaError, KeyError, ValueError) as error:
                said = _VALUE.sub(lambda found: self._step.values[read[int(found[1])]].name, getattr(error, "message", said))
        else:
            return self._opaque(place, operation, inputs, said)
        if tree is None:
            return self._opaque(place, operation, inputs, "its formula has another shape, or kind of number")
        whole = substitute(tree, self._names(read))
        reads = tuple(dict.fromkeys(inner for one in read for inner in self._inside.get(one, (one,))))
        if inner:
            self._read[place], self._inside[place] = whole, reads
        formula = Formula("", whole) if inner else Formula.of(whole)
        self.numbers.formulas[place] = formula, reads
        if plain(operation.name) in _VIEWS and len(reads) == 1:
            self.numbers.views[place] = formula, reads
        return None if inner else Statement(place, formula, operation, "", reads, self._live, said if "flat list" in said else "")

    def _at_length(self, general: str, read: Sequence[int], value: Value) -> str:
        """A formula in which NumPy's rule has stretched both operands, with the axes of each written out."""
        shapes, rank = [self._step.values[one].shape for one in read], len(value.shape)
        found = list[str]()
        for place, shape in enumerate(shapes):
            whole = (1,) * (rank - len(shape)) + shape
            found.append(f"reshape(v{place}, {whole})" if shape and whole != value.shape and len(whole) == rank else f"v{place}")
        return _VALUE.sub(lambda one: found[int(one[1])], general)

    def _names(self, read: Sequence[int]) -> dict[str, Tree]:
        values = self._step.values
        return {f"v{place}": self._read.get(one) or Name(values[one].name) for place, one in enumerate(read)}

    def _fitting(self, general: str, read: Sequence[int], value: Value) -> Tree | None:
        """A formula that gives what was recorded, as far as shapes and kinds tell, or None.

        Raises:
            FormulaError: where its operands do not fit.
            KeyError: where one of them was not recorded.
        """
        if general not in self._parsed:
            self._parsed[general] = parse(general).tree
        tree, kind = self._parsed[general], kind_of_number(value)
        found = self._form(tree, general, read)
        if kind == "f" != kind_of(found):  # truth values and counts that are made numbers
            tree, found = Binary("*", Number(1.0), tree), Form.of(found)
        elif kind == "b" != kind_of(found):
            tree, found = Binary("!=", tree, Number(0)), Form.of(found, "b")
        fits = len(found) == len(value.shape) and all(isinstance(n, Unknown) or n == m for n, m in zip(found, value.shape, strict=True))
        return tree if fits and kind == kind_of(found) else None

    def _form(self, tree: Tree, general: str, read: Sequence[int]) -> Form:
        values = self._step.values
        forms = tuple((values[place].shape, self.numbers.kind(place)) for place in read)
        key = general, forms
        if key not in self._inferred:
            given = {f"v{place}": Form.of(*form) for place, form in enumerate(forms)}
            try:
                self._inferred[key] = infer(Formula(general, tree), given)
            except FormulaError as error:
                self._inferred[key] = error
        found = self._inferred[key]
        if not isinstance(found, FormulaError):
            return found
        if self._read.keys().isdisjoint(read):
            raise found
        # in an axis that a view makes, both sides may be stretched
        inner = {one for place in read for one in self._inside.get(place, (place,))}
        whole = Formula(general, substitute(tree, self._names(read)))
        return infer(whole, {values[place].name: Form.of(values[place].shape, self.numbers.kind(place)) for place in inner})

    def _opaque(self, place: int, operation: Operation, inputs: tuple[int, ...], reason: str) -> Statement:
        own = Formula.of(Name(OWN.format(self._step.values[place].name)))
        reads = tuple(dict.fromkeys(inner for one in inputs for inner in self._inside.get(one, (one,))))
        return Statement(place, own, operation, reason, reads, self._live)


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
    name, many = plain(operation.name), len(operation.outs)
    fused = name.startswith("_fused_") and operation.arguments and isinstance(operation.arguments[0], list)
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
