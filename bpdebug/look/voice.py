"""What one number means, in a sentence: of a gradient, what a small change does to the loss, and what the update makes of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from bpdebug.core.cells import Cell, Cells, Term
from bpdebug.core.evaluate import assigned, evaluate
from bpdebug.core.functions import COMPARISONS
from bpdebug.core.network import Phase
from bpdebug.core.numbers import spoken, written
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.render import Style, render, render_name
from bpdebug.core.schedule import Stage
from bpdebug.core.structure import Forms
from bpdebug.core.tensors import Array, Role, Tensor, Values
from bpdebug.core.texts import PHRASES
from bpdebug.core.tree import Binary, Call, Name, Number, Tree
from bpdebug.look.aside import LossAside, step_of
from bpdebug.look.inside import PART, Inner, apart, inner_of
from bpdebug.look.places import Places
from bpdebug.look.sums import Figures, Sum, sum_of
from bpdebug.time.parts import activation_of

CHANGES = (0.01, 0.001, 0.0001, 0.00001, 0.000001)
"""By how much a cell is raised; the largest at which what is said is true."""
_DIGITS = (2, 3)
_NOISE = 1e3
"""A difference of losses is nothing but rounding below so many times the loss's last bit."""
_LOOKED_AT = 64
"""Cells that a zero is followed back to, at most."""


class Scene(Record, eq=False):
    """A number that a stage has computed, and what there was when it did.

    Attributes:
        program: as it is shown.
        stage: that computed it.
        index: the cell.
        value, term: the number, and what it is made of.
        values: of all tensors, as the stage saw them.
        samples: the rows of the data that the batch holds.
        style: how names are written.
        figures: how the number is shown.
        disguised: whether another formula than the one shown may have computed it.
    """

    program: Program
    stage: Stage
    index: Cell
    value: float
    term: Term
    values: Values
    samples: Array
    style: Style
    figures: Figures
    disguised: bool = False

    @property
    def places(self) -> Places:
        """What cells belong to."""
        return Places(self.program, self.samples)

    @property
    def tensor(self) -> Tensor:
        """What the stage computes."""
        return self.program.tensors[self.stage.name]

    @property
    def heading(self) -> str:
        """The cell, and what it belongs to."""
        place = self.places.of(self.stage.name, self.index) if self.tensor.role is not Role.SLOT else ""
        if place and self.program.layers and self.stage.of and self.stage.of not in self.program.parameters:
            place = PHRASES["gradient"].format(place=place)
        return self.cell(self.stage.name) + (f", {place}" if place else "")

    @property
    def shown(self) -> str:
        """The number."""
        return written(self.value, self.figures.result)

    def cell(self, name: str, index: Cell | None = None) -> str:
        """A cell as the style writes it, by default the same one of another tensor."""
        return render_name(name, self.style, self.index if index is None else index)


def meaning_of(scene: Scene) -> str:
    """What a number means."""
    stage = scene.stage
    if not math.isfinite(scene.value) and (stage.of or scene.term.broken.operator != "number"):
        said = iter([PHRASES["broken" if stage.of else "spreads"].format(value=scene.shown)])
    elif stage.of:
        said = _gradient(scene)
    elif (inner := inner_of(scene.program, stage.name)) and inner.part and not scene.disguised:
        said = _inner(scene, inner)
    else:
        said = {Phase.UPDATE: _updated, Phase.LOSS: _loss}.get(stage.phase, _value)(scene)
    told = "; ".join(said)
    return f"{scene.heading}: {told}." if told else stage.meaning


def _gradient(scene: Scene) -> Iterator[str]:
    of, value, program = scene.stage.of, scene.value, scene.program
    if scene.disguised:
        yield _phrase("told" if value else "told 0", value * CHANGES[0], cell=scene.cell(of), change=spoken(CHANGES[0], 1))
        return
    if value:
        yield _rate(scene)
        if of == program.prediction and not scene.stage.through:
            yield PHRASES["too high" if value > 0 else "too low"]
    else:
        yield PHRASES["flat"].format(cell=scene.cell(of)) if scene.stage.blank else PHRASES["zero"].format(reason=_why_zero(scene))
    if of in program.parameters and not scene.stage.through:
        yield from _step(scene, of)


def _inner(scene: Scene, inner: Inner) -> Iterator[str]:
    """What the gradient of a part of a line says."""
    part = render(inner.part or Name(inner.node.output), scene.style, Forms(scene.values))
    yield PHRASES["part"].format(part=part, name=render_name(inner.node.output, scene.style))
    if scene.value:
        program = apart(scene.program, inner)
        value = evaluate(program.stage(PART).formula, scene.values, program.dtype)
        index = f"[{','.join(map(str, scene.index))}]" if scene.index else ""
        yield _rate(scene, f"({part}){index}", LossAside(program, {**scene.values, PART: value}, PART, scene.index))
    else:
        yield PHRASES["zero"].format(reason=_why_zero(scene))


def _rate(scene: Scene, cell: str = "", loss: LossAside | None = None) -> str:
    """What a change of the cell does to the loss: the largest change at which the number is true to its digits."""
    of, through = scene.stage.of, scene.stage.through
    way = PHRASES["way"].format(through=render_name(through, scene.style)) if through else ""
    cell, loss = cell or scene.cell(of), loss or LossAside(scene.program, scene.values, of, scene.index, through)
    if loss.affordable:
        with np.errstate(all="ignore"):
            change, found, digits = _finite_change(loss, scene.value)
        if digits:
            return way + _phrase("rate", scene.value * change, digits, cell=cell, change=spoken(change, 1))
        if change and any(stage.edited for stage in scene.program.stages):
            would = PHRASES["would rise" if scene.value > 0 else "would fall"].format(effect=spoken(abs(scene.value * change)))
            return way + _phrase("refuted", found, cell=cell, change=spoken(change, 1), would=would)
    return way + _phrase("about", scene.value * CHANGES[0], cell=cell, change=spoken(CHANGES[0], 1))


def _finite_change(loss: LossAside, rate: float) -> tuple[float, float, int]:
    """A change, what the loss does there, and with how many digits that is rate times change: the largest change at which it is. Where it
    never is, 0 digits, and the largest change at which the loss goes by a rate at all; the change is 0 where all is rounding."""
    before, seen = loss(0.0), list[tuple[float, float]]()
    for change in CHANGES:
        found, expected = loss(change) - before, rate * change
        if not math.isfinite(found) or max(abs(expected), abs(found)) < _NOISE * np.finfo(float).eps * abs(before):
            continue
        for digits in _DIGITS:
            if spoken(found, digits) == spoken(expected, digits):
                return change, found, digits
        seen.append((change, found))
    steady = (one for one, less in pairwise(seen) if spoken(one[1]) == spoken(less[1] * one[0] / less[0]))
    return (*next(steady, seen[-1] if seen else (0.0, 0.0)), 0)


def _phrase(name: str, effect: float, digits: int = 2, **more: str) -> str:
    """What the loss does."""
    moves = PHRASES["rises" if effect > 0 else "falls"]
    return PHRASES[name].format(moves=moves, effect=spoken(abs(effect), digits), **more)


def _step(scene: Scene, parameter: str) -> Iterator[str]:
    """What the update makes of the parameter."""
    if parameter not in scene.program.index:
        yield PHRASES["frozen"]
        return
    with np.errstate(all="ignore"):
        whole = np.full(scene.values[parameter].shape, scene.value)
        if scene.program.rule.clip:  # by norm, every cell counts
            if scene.disguised or scene.stage.blank:
                return
            whole = assigned(scene.stage.formula, scene.values, scene.program.dtype)
        known = {**scene.values, scene.stage.name: whole}
        step = step_of(scene.program, known, parameter, scene.index)
    if step is None or not math.isfinite(step):
        return
    told = f"{'so' if step * scene.value < 0 else 'yet'} {'lowers' if step < 0 else 'raises'}" if step else "leaves"
    yield PHRASES[told].format(step=spoken(abs(step)))


def _updated(scene: Scene) -> Iterator[str]:
    """What has become of a parameter, or of what is kept for it."""
    program, name, tensor = scene.program, scene.stage.name, scene.tensor
    if tensor.role is Role.SLOT:
        place = scene.places.of(tensor.of, scene.index)
        yield PHRASES["kept"].format(cell=scene.cell(tensor.of)) + (f", {place}" if place else "")
    if tensor.role is not Role.PARAMETER:
        return
    step = scene.value - float(scene.values[name][scene.index])
    yield PHRASES["lowered" if step < 0 else "raised" if step else "unchanged"].format(step=spoken(abs(step)))
    gradient = program.gradients.get(name, "")
    if step and gradient in scene.values and not scene.disguised:
        rate = float(scene.values[gradient][scene.index])
        if rate and math.isfinite(rate):
            told = PHRASES["takes" if rate * step < 0 else "adds"]
            yield told.format(gradient=scene.cell(gradient), effect=spoken(abs(rate * step)))


def _loss(scene: Scene) -> Iterator[str]:
    """What the loss costs, and what costs most."""
    program, found = scene.program, sum_of(scene.term)
    if program.target not in scene.stage.formula.names:
        yield from _most(scene, found)
        return
    averaged = program.network.asked.samples == "mean" if program.layers else _averages(scene.stage.formula.tree)
    kind = " one" if len(scene.samples) == 1 else " mean" if averaged else ""
    yield from [] if averaged is None else [PHRASES[f"cost{kind}"].format(count=len(scene.samples))]
    if found:
        [(_, part)] = found.largest(1)
        cell = next((cell for cell in part.cells() if cell.name not in (program.target, "m")), None)
        if cell and cell.name in program.sampled:
            part_of = scene.places.of(cell.name, cell.index) or scene.cell(cell.name, cell.index)
            yield PHRASES["costs most"].format(part=part_of, value=written(part.value, scene.figures.result))


def _averages(tree: Tree) -> bool | None:
    """Whether a loss of lines is a mean over the samples, or their sum; None where it is neither at first sight."""
    if isinstance(tree, Binary) and tree.operator in "*/" and isinstance(tree.left, Number):
        return _averages(tree.right)
    return {"mean": True, "sum": False}.get(tree.function) if isinstance(tree, Call) and tree.axis is None else None


def _value(scene: Scene) -> Iterator[str]:
    """What a stage of the forward pass has made."""
    program, stage = scene.program, scene.stage
    taken = None if stage.edited else activation_of(stage.formula.tree)
    if taken and (function := OPERATIONS[taken[0]].symbol.partition("(")[0]).isidentifier():
        before = float(np.asarray(evaluate(Formula.of(taken[1]), scene.values, program.dtype))[scene.index])
        yield PHRASES["turns"].format(function=function, after=scene.shown, before=written(before, 5))
    elif not math.isfinite(scene.value) or (scene.value == 0 and next(scene.term.cells(), None) is None):
        yield PHRASES["put there"].format(value=scene.shown)
    elif scene.value == 0:
        yield PHRASES["zero"].format(reason=_why_zero(scene))
    else:
        yield from _most(scene, sum_of(scene.term))
    if stage.name == program.prediction and program.target in scene.values:
        yield PHRASES["target"].format(target=written(float(scene.values[program.target][scene.index])))


def _most(scene: Scene, found: Sum | None) -> Iterator[str]:
    """What the largest term of a sum comes from."""
    if found is None:
        return
    [(sign, part)] = found.largest(1)
    cell = next((cell for cell in part.cells() if cell.name not in scene.program.parameters), next(part.cells(), None))
    if cell:
        value = -part.value if sign == "−" else part.value
        source = scene.places.giver(cell.name, cell.index) or scene.cell(cell.name, cell.index)
        yield PHRASES["most"].format(part=source, value=written(value, scene.figures.result))


def _why_zero(scene: Scene) -> str:
    """Why a number is 0."""
    causes = list(dict.fromkeys(_causes(scene.term)))[:_LOOKED_AT]
    if not causes or any(kind == "cancel" for kind, _, _ in causes):
        return PHRASES["cancel" if next(scene.term.cells(), None) else "unread"]
    of_a_line = "" if scene.program.layers else " in a line"
    if len(causes) == 1:
        [(kind, name, index)] = causes
        return PHRASES[kind + of_a_line * (kind == "off")].format(cell=scene.cell(name, index))
    name, *others = {name for _, name, _ in causes}
    if others:
        return PHRASES["one or other"]
    if all(kind == "off" for kind, _, _ in causes) or _all_off(scene, name, [index for _, _, index in causes]):
        return PHRASES["off everywhere" + of_a_line]
    columns = {index[1:] for _, _, index in causes}
    if scene.program.layers and name == scene.program.input and len(columns) == 1:
        return PHRASES["no input"].format(input=scene.places.source(scene.program.layers[0], causes[0][2][1]))
    arrives = scene.program.layers and name in scene.program.gradients.values()
    return PHRASES["nothing arrives" if arrives else "cells are zero"].format(name=render_name(name, scene.style))


def _all_off(scene: Scene, name: str, indices: list[Cell]) -> bool:
    """Whether cells of a gradient are 0 because of a comparison."""
    stage = next((stage for stage in scene.program.stages if stage.name == name and stage.of), None)
    if stage is None or not set(stage.formula.names) <= scene.values.keys():
        return False
    cells = Cells(stage.formula, scene.values, scene.program.dtype)
    causes = [next(iter(_causes(cells.explain(index))), ("cancel", "", ())) for index in indices]
    return all(kind == "off" for kind, _, _ in causes)


Cause = tuple[str, str, Cell]


def _causes(term: Term) -> Iterator[Cause]:
    """The cells because of which a number is 0: a cell that is 0, or one on the wrong side of a comparison; "cancel" for anything else."""
    if term.operator == "cell":
        yield "cell is zero", term.name, term.index
    elif term.operator in COMPARISONS:
        yield next((("off", cell.name, cell.index) for cell in term.cells()), ("cancel", "", ()))
    elif term.operator == "where" and len(term.parts) > 2:  # what was chosen; a plain 0 is there because of the condition
        chosen, found = term.parts[1 if term.parts[0].value else 2], term.parts[0].cells()
        yield from _causes(chosen) if chosen.operator != "number" else (("off", cell.name, cell.index) for cell in found)
    elif term.operator in ("*", "/"):
        zeros = [part for part in term.parts if part.value == 0]
        compared = [part for part in zeros if part.operator in COMPARISONS]
        yield from _causes((compared or zeros)[0]) if zeros else iter([("cancel", "", ())])
    elif term.operator in ("sum", "+", "-") and all(part.value == 0 for part in term.parts):
        for part in term.parts:
            yield from _causes(part)
    elif term.operator != "number":
        yield "cancel", "", ()
