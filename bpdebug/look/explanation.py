"""Where a number comes from: its formula, the numbers put in, and the cells to go on from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import field
from functools import cached_property
from itertools import islice

import numpy as np

from bpdebug.core.cells import Cell, Cells, NamedCell, Term, cell_name, check_cell
from bpdebug.core.errors import BpdebugError, SetupError
from bpdebug.core.network import Phase
from bpdebug.core.numbers import exact, short
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.render import Style, render_cell, render_name
from bpdebug.core.schedule import Stage
from bpdebug.core.tensors import Role
from bpdebug.core.tree import Call, Name, Place, Tree, Written, literal
from bpdebug.core.words import suggestion
from bpdebug.look.places import Places
from bpdebug.look.rules import rule_told
from bpdebug.look.seen import last_computed, operands_seen, there_before, values_seen
from bpdebug.look.sums import GIVEN, Figures, figures
from bpdebug.look.voice import Scene, meaning_of
from bpdebug.time.position import called
from bpdebug.time.timeline import Timeline

UNICODE = Style("unicode")
SHOWN_TERMS = 8
MOST_OPERANDS = 64
"""Of a number that is made of more cells, the operands are those of the largest terms."""
_NEAR_ONE = 1e-3
"""How near to 1 a number is written with more digits where it is to blame."""


class Explanation(Record, eq=False):
    """One cell, explained.

    Attributes:
        name, index: the cell.
        value: its value.
        stage: the stage that computed it, or None for something given.
        t: the clock right after that stage, or None.
        origin: a sentence: what the number is, or where it was given.
        term: the tree of terms, or None for something given.
        symbolic: the cell's formula over named cells.
        numbers: the same with the numbers put in.
        formula: the cell's formula itself.
        operands: the cells that it is made of, each once: where to jump to. What is not finite first comes first, then gradients,
            computed and given numbers, among them those of the largest terms.
        culprit: where the value is not finite, the innermost part that is not although all that it is made of is.
        cause: how that has come about, in a sentence, where it is one of the usual ways.
        figures: with how many digits the numbers and the result are shown.
        voice: makes :attr:`meaning` and :attr:`rule`, when they are first asked for.
    """

    name: str
    index: Cell
    value: float
    origin: str
    stage: Stage | None = None
    t: int | None = None
    term: Term | None = None
    symbolic: str = ""
    numbers: str = ""
    operands: tuple[NamedCell, ...] = ()
    culprit: str = ""
    cause: str = ""
    style: Style = UNICODE
    formula: Tree | None = None
    figures: Figures = Figures()
    voice: Callable[[], tuple[str, str]] | None = field(default=None, repr=False)

    @cached_property
    def _said(self) -> tuple[str, str]:
        meaning, rule = self.voice() if self.voice else (self.origin, "")
        return meaning, rule if rule == meaning else rule.removeprefix(f"{meaning} ")  # nothing is said twice

    @property
    def meaning(self) -> str:
        """What the number means, in a sentence with its numbers; of a gradient, what a small change does to the loss."""
        return self._said[0]

    @property
    def rule(self) -> str:
        """What the stage does; of a gradient, the forward line that it differentiates and why the formula is as it is."""
        return self._said[1]

    @property
    def cell(self) -> str:
        """``dW2[1,0]``."""
        return cell_name(self.name, self.index)

    @property
    def shown(self) -> str:
        """The cell as the style writes it, such as ``∂L/∂W2[0,1]``, or ``∂L/∂W2₁,₀`` where samples are columns."""
        return render_name(self.name, self.style, self.index)

    @property
    def updated(self) -> bool:
        """Whether it is what an update has made of a number, which changes it by little."""
        return self.stage is not None and self.stage.phase is Phase.UPDATE

    @property
    def blame(self) -> str:
        """Which part a value that is not finite comes from; "" for a finite one."""
        return f"{exact(self.value)} comes from {self.culprit}" + f"\n{self.cause}" * bool(self.cause) if self.culprit else ""

    def lines(self) -> list[str]:
        """The explanation as text: formula, numbers, result, then what it means and the rule behind it."""
        line = self.stage.line if self.stage else ""
        return [*self.arithmetic(), *dict.fromkeys(filter(None, [self.meaning, self.rule, line]))]

    def arithmetic(self) -> list[str]:
        """Formula, numbers and result, a line each; and what a value that is not finite comes from."""
        if self.term is None:
            return [f"{self.shown} = {short(self.value, GIVEN)}"]
        margin = " " * len(self.shown)
        sign = "←" if self.stage and self.name in self.stage.formula.names else "="
        put_in, result = (f"{margin} = {self.numbers}", f"{margin} {self.figures.sign} {self.figures.text(self.value)}")
        steps = [put_in] * (self.numbers != self.symbolic) + [result]
        return [f"{self.shown} {sign} {self.symbolic}", *steps, *filter(None, [self.blame])]


def explain(timeline: Timeline, name: str, index: Cell, style: Style = UNICODE) -> Explanation:
    """Explain a cell at the present moment.

    Raises:
        BpdebugError: where there is no such tensor or cell, or it is not computed yet.
    """
    values, shapes = timeline.machine.values(), timeline.machine.shapes()
    if name not in values:
        raise BpdebugError(not_there(timeline, name))
    check_cell(name, index, shapes[name])
    value, computed = float(values[name][index]), last_computed(timeline.program, timeline.position, name)
    edit = timeline.edited_cell(name, index, computed or 0)
    if edit or computed is None:
        origin = f"Set by you: {edit}." if edit else _given(timeline, name, index)
        place = Places(timeline.program, np.zeros(0)).of(name, index) if name in timeline.program.parameters else ""
        meaning = f"{render_name(name, style, index)}, {place}. {origin}" if place else origin
        return Explanation(name, index, value, origin, style=style, voice=lambda: (meaning, ""))
    stage = timeline.program_at(computed - 1).stage(name)
    read = (Formula.of(Name(name)), values) if stage.blank else (stage.formula, operands_seen(timeline, stage, computed))
    cells = Cells(*read, timeline.program.dtype, style.columns)
    term, formula = cells.explain(index), cells.symbolic(index)
    shown = figures(term.brief(SHOWN_TERMS), value, stage.phase is Phase.UPDATE)
    symbolic, numbers = render_cell(formula, style, shapes), put_in(term, style, shown.digits)
    operands = tuple(dict.fromkeys((c.name, c.index) for c in _by_interest(timeline.program, term)))[:MOST_OPERANDS]
    recorded = timeline.program.recorded.get(name)
    steps = culprit_steps(term, value, recorded.largest if recorded else math.inf)
    unknown = stage.formula.text == f"{name}.torch"  # no formula gives what PyTorch has computed
    culprit = stage.meaning.rstrip(".") if steps and unknown else " = ".join(dict.fromkeys(render_cell(step, style) for step in steps))
    cause = cause_of(timeline.program, stage, term) if culprit and not unknown else ""
    given = None if stage.blank else term, symbolic, numbers, operands * (not stage.blank)
    made = stage, computed, *given, culprit, cause, style, formula, shown

    def voice() -> tuple[str, str]:
        """What the number means, and the rule behind it; in prose, which is never parsed."""
        program = timeline.program_at(computed - 1)
        values, update = values_seen(timeline, stage, computed, there_before(program, stage)), program.calendar.ran(computed)[0]
        samples, hunted = program.batches.samples(update), timeline.disguise is not None
        scene = Scene(program, stage, index, value, term, values, samples, replace(style, form="unicode"), shown, hunted)
        return meaning_of(scene), " ".join(filter(None, [rule_told(scene), recorded.told if recorded else ""]))

    return Explanation(name, index, value, stage.meaning, *made, voice)


def put_in(term: Term, style: Style, digits: int) -> str:
    """A number's formula with the numbers put in.

    Args:
        term: what it is made of.
        style: how it is written.
        digits: significant digits.
    """
    return render_cell(with_numbers(term, digits), style)


def with_numbers(term: Term, digits: int = 4, most: int = SHOWN_TERMS) -> Tree:
    """The same as a tree, of a long sum with what the terms beyond so many add up to."""

    def number(part: Term) -> Tree:
        text = in_formula(part.value, digits)
        return Written(f"{part.name} more, together {text}" if part.operator == "rest" else text)

    return term.brief(most).tree(number, most + 1)


def _by_interest(program: Program, term: Term) -> list[Term]:
    """The cells of a number in the order in which one wants to see them: gradients, then what is computed, then what is given; of very
    many, those of its largest terms."""

    def interest(cell: Term) -> int:
        if cell.name not in program.index:
            return 2
        return 0 if program.stage(cell.name).of else 1

    first = [] if math.isfinite(term.value) else sorted(_first_cells([term.broken]), key=interest)
    large = sorted(_addends(term), key=lambda part: -abs(part.value) if math.isfinite(part.value) else -math.inf)
    return [*first, *sorted([*_first_cells(large), *_first_cells([term])], key=interest)]


def _addends(term: Term) -> list[Term]:
    """The terms that are added or subtracted to make a number, be the sum multiplied or divided or not; many as they are."""
    if term.operator in ("sum", "+", "-"):
        return [addend for part in term.parts for addend in (_addends(part) if len(term.parts) < _MANY else [part])]
    sums = [part for part in term.parts if term.operator in ("*", "/") and _is_sum(part)]
    return _addends(sums[0]) if len(sums) == 1 else [term]


def _is_sum(term: Term) -> bool:
    """Whether a number is summed over an axis, perhaps with a minus before it."""
    return term.operator == "sum" or (term.operator == "-" and len(term.parts) == 1 and _is_sum(term.parts[0]))


def _first_cells(terms: Iterable[Term]) -> list[Term]:
    return list(islice((cell for term in terms for cell in term.cells()), MOST_OPERANDS))


def _too_large(term: Term, largest: float) -> Term | None:
    """The innermost part of a number, or the number, that is beyond the largest of the kind that it was recorded in."""
    own = term if largest < abs(term.value) < math.inf else None
    return next((found for part in term.parts if (found := _too_large(part, largest))), own)


def culprit_steps(term: Term, value: float, largest: float = math.inf) -> list[Tree]:
    """What is not finite first in a number: its own formula, its numbers, the values of its parts, and what comes of them; nothing of a
    finite number, or of a −∞ that the line itself puts there. What comes of them is finite where only the kind of number that it was
    recorded in is too small for it."""
    beyond = _too_large(term, largest) if math.isfinite(term.value) and not math.isfinite(value) else None
    unlike, term = math.isnan(value) and not (beyond or math.isnan(term.value)), beyond or term.broken
    if math.isfinite(value) or unlike or term.operator == "number":
        return []
    named = term.tree(lambda t: Place(t.name, t.index), SHOWN_TERMS)
    # 1.0000012, of which there is no arccos, is no 1
    digits = 9 if any(0 < abs(abs(cell.value) - 1) < _NEAR_ONE for cell in term.cells()) else 4
    return [named, with_numbers(term, digits), with_numbers(term.flat(), digits), literal(term.value)]


def cause_of(program: Program, stage: Stage, term: Term) -> str:
    """How a number that is not finite has come about, in a sentence, where it is one of the usual ways; else "".

    A gradient that a branch which was not taken passes on is 0, and 0 times an infinite slope is no number; seven threads on PyTorch's
    tracker ask why (68425, 52248, 18287).
    """
    recorded = program.recorded.get(stage.name)
    if recorded and math.isfinite(term.value) and _too_large(term, recorded.largest):
        return f"It is computed in numbers of which the largest is {short(recorded.largest, 5)}."
    broken = term.broken
    cells = [*broken.cells()]
    if cells and all(cell.value == -math.inf for cell in cells) and "softmax" in stage.formula.text and math.isnan(broken.value):
        return "Everything this softmax is taken over is −inf: the whole row is masked. Leave one entry unmasked, or leave the row out."
    if math.isnan(broken.value) and "nll_loss" in stage.meaning and all(math.isfinite(cell.value) for cell in cells):
        return "Every target is the label that is ignored: the mean is taken over no sample. Leave such a batch out."
    for cell in cells:
        maker = program.stage(cell.name) if cell.name in program.index and cell.value == 0 else None
        if stage.of and maker and isinstance(maker.formula.tree, Call) and maker.formula.tree.function == "where":
            at = f" ({maker.line})" * bool(maker.line)
            slope = f"is 0 since where{at} does not take this branch, but 0 times an infinite slope is nan"
            return f"{cell_name(cell.name, cell.index)} {slope}: choose before the slope, as in log(where(p > 0, p, 1))."
    return ""


_MANY = 33
"""Terms of a sum that are taken as they are."""


def in_formula(value: float, digits: int) -> str:
    """A number as it is put into a formula: a negative one in parentheses."""
    text = short(value, digits).replace("-", "−")
    return f"({text})" if text.startswith("−") else text


def not_there(timeline: Timeline, name: str) -> str:
    """Why a name has no value now."""
    program, position = timeline.program, timeline.position
    if name in program.index and position.at_end:
        return f"{name} has no value at the end of training: 'goto {name}' goes back to its last one"
    if name in program.index:
        return f"{name} is not computed yet in {called(program, position.update)}: 'until {name}' runs to it"
    try:
        program.stage(name)
    except SetupError as error:
        if "there is no stage '" not in str(error):
            return str(error)
    known = timeline.machine.shapes()
    return f"there is no tensor '{name}'{suggestion(name, known) or '; there are ' + ' '.join(known)}"


_SAID = {
    Role.COUNT: "The number of samples in this batch.",
    Role.CONSTANT: "A constant of the scenario.",
    Role.GIVEN: "Given in the scenario's tensors.",
}


def _given(timeline: Timeline, name: str, index: Cell) -> str:
    """What a number is that no stage has computed."""
    machine, program = timeline.machine, timeline.program
    if draw := program.draws.get(name):
        return f"{draw}: {draw.says}."
    if name in (program.input, program.target):
        sample = machine.samples[index[0]]
        if not program.layers:
            return f"Given: {cell_name(name, (int(sample), *index[1:]))} of the data."
        columns = program.inputs if name == program.input else program.outputs
        column = f" ({columns[index[1]]})" if columns else ""
        return f"Given: {'input' if name == program.input else 'target'} {index[1]}{column} of sample {sample} of the data."
    if told := "Given in the scenario's values." if name in program.scenario.values else _SAID.get(program.tensors[name].role):
        return told
    if name in program.network.drawn:
        seed, generator = program.scenario.seed, program.scenario.generator
        return f"Initial value: {program.network.drawn[name][1].name}, seed {seed}, generator {generator}."
    return "Initial value: 0."
