"""A loss with what is derived from it, and how well his own numbers fit that."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.tree import Binary, Name, Number, Unary
from bpdebug.frontends.numpy_script.blurs import nearly
from bpdebug.frontends.numpy_script.ending import kept_of
from bpdebug.frontends.numpy_script.lines import RecordedScenario, derived_program, reached, severed, start_of, used
from bpdebug.frontends.numpy_script.multiples import NEAR, agreement_of, scale
from bpdebug.frontends.numpy_script.recording import Line, Recording, Statement

_RAISED = re.compile(r"^ll|lik|reward|score|objective|gain", re.IGNORECASE)
AND, _PATHS, _COMMON = " + ", 6, 1e-4
"""What stands between the parts of a gradient that are taken together; by how many paths it comes then, at most. Relative: factors that are
as near are the same."""


class Differentiated(Record, eq=False):
    """A loss with all that is derived from it.

    Attributes:
        program: its forward lines, inner values among them, and the derived gradients.
        forward: the lines, as name and text.
        gradients: the numbers of the derived gradients in the first update.
        parts: those of their parts, where a tensor is used more than once, by the names of these stages.
        agreement: the share of parameters whose gradient he computes, all times one factor.
        said: what is said of it where it is not written down, else "".
        line: where it stands.
        lost: the tensors without a known derivative, since no formula gives what is computed from them, each with that statement.
        steps: the parameters that move by one number, the same for all of these, times their gradients, and by which.
        written: where a loss is written down that is not this one, or "".
        held: the values that he takes as given, so that no gradient flows through them, those of a line together.
        beside: the lines of the losses that are added to that one.
        apart: lines, and what each reads as given, since the parameters of another loss make it.
        guessed: whether it is only implied, no parameter has its gradient, and another one that is could not be tried.
        others: where it is only implied, and not by all gradients, what else the same difference may be the derivative of.
        finite: whether it is a finite number.
        odd: whether what his gradients are times these is another number in each update, which nothing but the parameters makes so.
        raised: whether it is one to be raised, as a log-likelihood is: by its name, or since it is below 0 in each update.
    """

    program: Program
    forward: tuple[tuple[str, str], ...]
    gradients: Mapping[str, Array]
    agreement: float
    said: str
    line: Line
    lost: Mapping[str, Statement]
    steps: Mapping[str, float]
    written: str = ""
    parts: Mapping[str, Array] = {}
    held: tuple[tuple[str, ...], ...] = ()
    beside: tuple[Line, ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    guessed: bool = False
    finite: bool = True
    odd: bool = False
    raised: bool = False
    others: tuple[Differentiated, ...] = ()

    @property
    def moved(self) -> set[str]:
        """The parameters, those too that would be some if a formula gave all that is computed from them."""
        return {*self.program.parameters, *self.lost}


def differentiated(
    recording: Recording, scenario: RecordedScenario, text: str, names: tuple[str, ...], said: str, line: Line
) -> Differentiated:
    """What is derived of a loss.

    Args:
        recording, scenario: of the script.
        text, names, said, line: see ``Candidate``.

    Raises:
        BpdebugError: where the language does not have it.
    """
    known = {*recording.given[0], *recording.start, *(one.name for one in recording.statements)}
    free = next(name for name in ("loss", "implied_loss", "whole_loss") if name not in known)
    loss = free if said or len(names) > 1 else f"{names[0]}.sum" if text else names[0]
    wanted = used(recording.statements, names) - (set(names) if said else set())
    forward = [(one.name, one.formula.text) for one in recording.statements if one.name in wanted and one.formula]
    forward += [(loss, text)] if text else []
    program = derived_program(recording, forward, loss, scenario)
    start = {**program.initial, **start_of(recording)}
    with np.errstate(all="ignore"):
        values = program.run(start)
    lost = severed(recording.statements, names)
    left_out = {*lost, *_slots(recording)}
    gradients = {tensor: values[name] for tensor, name in program.gradients.items() if name in values and tensor not in left_out}
    parts = _parts({stage.name: stage.of for stage in program.stages if stage.through and stage.of not in lost}, values)
    lines = {name for name, _ in forward}
    agreement, steps = agreement_of(recording, lines, gradients, parts)
    if agreement < 1 and (plain := nearly(program, start, gradients)):
        agreement, steps = max((agreement, steps), agreement_of(recording, lines, plain, parts), key=itemgetter(0))
    if not steps and len(program.parameters) == 1 and (steps := dict(_steady(recording, program, *program.parameters))):
        agreement = 1.0
    finite = bool(np.isfinite(values.get(loss, 0.0)).all())
    name = loss.removesuffix(".sum")
    below = [bool(np.all(one[name] < 0)) for one in recording.values if name in one]
    raised = bool(_RAISED.search(loss)) or (bool(below) and all(below))
    return Differentiated(program, tuple(forward), gradients, agreement, said, line, lost, steps, parts=parts, finite=finite, raised=raised)


def due_at(recording: Recording, program: Program, place: int) -> dict[str, Array]:
    """The derived gradients in one of the updates that are kept."""
    with np.errstate(all="ignore"):
        values = program.run({**program.initial, **start_of(recording, place)})
    return {tensor: values[name] for tensor, name in program.gradients.items() if name in values}


def elsewhere(recording: Recording) -> list[int]:
    """Other updates than the last, two at most; none where that is of other parameters than the script's."""
    return (
        []
        if recording.bounded
        else [*dict.fromkeys(place for place in (0, len(recording.values) // 2) if place < len(recording.values) - 1)]
    )


def is_odd(recording: Recording, loss: Differentiated) -> bool:
    """Whether his gradients are another number times those of a loss in each update, as where the derivative of the one output of a single
    sample is wrong; no rate is that, nor any other number that does not depend on the parameters."""
    forward = {*recording.carried.values(), *(name for name, _ in loss.forward)}
    last = {**recording.values[-1], **recording.given[-1]}
    own = [one.name for one in recording.statements if one.live and one.name not in forward and one.name in last]
    due = {name: one for name, one in loss.gradients.items() if name in recording.start and one.size > 1}
    times = [[(one, name, factor) for one in own if (factor := scale(last[one], right))] for name, right in due.items()]
    free = {name for name, value in last.items() if np.size(value) == 1} - reached(recording.statements, recording.start)

    def is_another(place: int, pairs: Sequence[tuple[str, str, float]]) -> bool:
        there, due_there = {**recording.values[place], **recording.given[place]}, due_at(recording, loss.program, place)
        found = [(scale(there[one], due_there[name]) or 0.0) / factor if one in there else 0.0 for one, name, factor in pairs]
        numbers = {float(np.ravel(there[one])[0] / np.ravel(last[one])[0]) for one in free if one in there and np.all(last[one])}
        made = {1.0, *numbers, *(1 / one for one in numbers if one)} - {0.0}
        return (
            0.0 not in found
            and all(abs(one / found[0] - 1) < _COMMON for one in found)
            and all(abs(found[0] / one - 1) > _COMMON for one in made)
        )

    together = (
        [[[one for one in group if abs(one[2] / factor - 1) < _COMMON] for group in times] for _, _, factor in times[0]] if times else []
    )
    shared = [[one for group in groups for one in group] for groups in together if all(groups)]
    return bool(shared) and all(any(is_another(place, pairs) for place in elsewhere(recording)) for pairs in shared)


def _parts(of: Mapping[str, str], values: Mapping[str, Array]) -> dict[str, Array]:
    """What comes back to tensors by each path, and by all but one, as the layers within a residual block compute it."""
    parts, several = {name: values[name] for name in of}, defaultdict[str, list[str]](list)
    for name, tensor in of.items():
        several[tensor].append(name)
    for names in several.values():
        for left in names if 2 < len(names) <= _PATHS else ():
            rest = [name for name in names if name != left]
            parts[AND.join(rest)] = np.asarray(sum(values[name] for name in rest))
    return parts


def _slots(recording: Recording) -> Iterator[str]:
    """What lives from update to update and is added to a parameter when it is new: a velocity, even where the forward pass reads it."""
    formulas = {one.name: one.formula.tree for one in recording.statements if one.formula}
    made = {new: old for old, new in recording.carried.items()}
    for new, old in made.items():
        stack = [*formulas[new].children()] if new in formulas and isinstance(formulas[new], Binary) else []
        while stack:
            match stack.pop():
                case Name(name) if name in made and name != new:
                    yield from (made[name],) if np.shape(recording.start[made[name]]) == np.shape(recording.start[old]) else ()
                case Unary("-", inner) | Binary("*", Number(), inner):
                    stack.append(inner)


def _steady(recording: Recording, program: Program, name: str) -> Iterator[tuple[str, float]]:
    """The one parameter, a single number, where it moves by the same number times its gradient in each update, and that number: in one
    update it moves by some number times anything."""
    rates = list[float]()
    for place, values in enumerate(recording.values):
        due = due_at(recording, program, place).get(name, np.zeros(2))
        new = values.get(recording.carried.get(name, ""), due)
        if new.size == due.size == 1 and due.any():
            rates.append(float((values[name] - new).item() / due.item()))
    if len(rates) > 1 and np.isfinite(rates).all() and rates[-1] and np.allclose(rates, rates[-1], NEAR, 0):
        yield name, rates[-1]


def found_of(recording: Recording, program: Program, loss: Differentiated) -> str:
    """What was found of an update, in a line."""
    first, last = recording.body
    lines = [f"line {one.number}" if one.file == recording.loop.file else str(one) for one in (loss.line, *loss.beside)]
    line = " + ".join(lines)
    written = f"loss = {line}" if not loss.said else f"loss = {loss.said}, implied by {line}"
    parts = [f"loop {recording.loop}", f"update = lines {first}–{last}", f"parameters {' '.join(program.parameters)}", written]
    return f"{', '.join(parts)}; {kept_of(recording.kept)}"


__all__ = ["AND", "Differentiated", "differentiated", "due_at", "elsewhere", "found_of", "is_odd"]
