"""A loss with what is derived from it, and how well his own numbers fit that."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.tree import Binary, Name, Number, Unary
from bpdebug.frontends.numpy_script.ending import kept_of
from bpdebug.frontends.numpy_script.lines import RecordedScenario, derived_program, severed, start_of, summands, used
from bpdebug.frontends.numpy_script.recording import Line, Recording, Statement

NEAR = 1e-6
"""Relative: numbers that are as near are the same."""
_ROUNDING = 1e-11
"""Relative: gradients of saturated units that are as small as this are rounding."""
_RAISED = re.compile(r"^ll|lik|reward|score|objective|gain", re.IGNORECASE)
_MANY = 64
"""Cells that are looked at first."""
AND, _PATHS = " + ", 6
"""What stands between the parts of a gradient that are taken together; by how many paths it comes then, at most."""
_COMMON = 1e-4
"""Relative: factors that are as near are the same; a step of which rounding makes a larger share tells nothing."""


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
    raised: bool = False
    others: tuple[Differentiated, ...] = ()

    @property
    def moved(self) -> set[str]:
        """The parameters, those too that would be some if a formula gave all that is computed from them."""
        return {*self.program.parameters, *self.lost}


def scale(theirs: Array, right: Array, near: float = NEAR) -> float | None:
    """The number that a gradient is times the right one, or None; flat and upright ones are the same."""
    if theirs.size != right.size or np.squeeze(theirs).shape != np.squeeze(right).shape:
        return None
    if theirs.size == 1:  # any number is a multiple of another one
        his, whole = float(theirs.item()), float(right.item())
        return his / whole if his and whole and math.isfinite(his / whole) else None
    near = max(near, 64 * float(np.finfo(theirs.dtype).eps)) if theirs.dtype.kind == "f" else near
    flat, due = np.ravel(theirs), np.ravel(right)
    size = float(np.abs(flat).max(initial=0))
    some = slice(None, None, max(1, flat.size // _MANY))
    if flat.size > 4 * _MANY and _fits(flat[some], due[some], 4 * near * size) is None:
        return None
    return _fits(flat, due, near * size) or None


def penalized(
    theirs: Array, right: Array, parameter: Array, near: float = NEAR, known: Iterable[tuple[float, float]] = ()
) -> tuple[float, float] | None:
    """The number that a gradient is times the right one where a share of its parameter is added, and that share, one of those that are
    known where it is a single number; None where it is not."""
    if not theirs.size == right.size == parameter.size or not np.isfinite([*map(np.linalg.norm, (theirs, right, parameter))]).all():
        return None
    columns, flat = np.stack([np.ravel(right), np.ravel(parameter)], axis=1).astype(float), np.ravel(theirs)
    tried = [*known] if flat.size <= columns.shape[1] else []
    if not tried and (flat.size <= columns.shape[1] or scale(theirs, right, near)):
        return None
    times, decay = map(float, np.linalg.pinv(columns.T @ columns) @ columns.T @ flat)
    limit = near * np.abs(flat).max()
    return next((one for one in tried or [(times, decay)] if np.abs(columns @ one - flat).max() <= limit and one[0] * one[1] > 0), None)


def _fits(one: Array, other: Array, limit: float) -> float | None:
    """The number that some values are times others, up to a limit, or None; any number is, where all are 0."""
    one, other = one.astype(float, copy=False), other.astype(float, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        norm = float(other @ other) if np.isfinite(limit) else np.nan
        factor = float(one @ other) / norm if norm and np.isfinite(norm) else 0.0
    if not np.isfinite(norm) or not np.abs(one - factor * other).max(initial=0) <= limit:
        return None
    return factor


def told_apart(gradients: Mapping[str, Array]) -> list[str]:
    """The gradients that are more than what rounding leaves of the largest."""
    sizes = {name: float(np.abs(gradient).max(initial=0)) for name, gradient in gradients.items()}
    largest = max(filter(np.isfinite, sizes.values()), default=0.0)
    return [name for name, size in sizes.items() if size > _ROUNDING * largest or not np.isfinite(size)]


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
    with np.errstate(all="ignore"):
        values = program.run({**program.initial, **start_of(recording)})
    lost = severed(recording.statements, names)
    left_out = {*lost, *_slots(recording)}
    gradients = {tensor: values[name] for tensor, name in program.gradients.items() if name in values and tensor not in left_out}
    agreement, steps = agreement_of(recording, {name for name, _ in forward}, gradients)
    if not steps and len(program.parameters) == 1 and (steps := dict(_steady(recording, program, *program.parameters))):
        agreement = 1.0
    parts = _parts({stage.name: stage.of for stage in program.stages if stage.through and stage.of not in lost}, values)
    below = [bool(np.all(one[loss] < 0)) for one in recording.values if loss in one]
    raised = bool(_RAISED.search(loss)) or (bool(below) and all(below))
    return Differentiated(program, tuple(forward), gradients, agreement, said, line, lost, steps, parts=parts, raised=raised)


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


def steps_of(recording: Recording, gradients: Mapping[str, Array], penalized: bool = True) -> dict[str, float]:
    """The parameters whose steps are one common number times their gradients, and that number.

    Args:
        recording: of the script.
        gradients: the derived ones.
        penalized: whether there may be a penalty on the parameter beside.
    """
    found = dict[str, float]()
    moves = _moves(recording, gradients)
    for name, move in moves.items():
        if factors := _step(move, penalized):
            found[name] = factors[0]
    if not found and len(moves) > 1 and (factors := _step(_joined(moves), penalized)):
        found = dict.fromkeys(moves, factors[0])  # too few cells of each are moved to tell a penalty by
    counts = Counter(float(f"{factor:.4g}") for factor in found.values())
    common = max(counts, key=lambda factor: (counts[factor], factor > 0), default=0.0)
    if not common or (counts[common] == 1 and (len(gradients) > 1 or gradients[next(iter(found))].size == 1)):
        return {}
    return {name: factor for name, factor in found.items() if abs(factor / common - 1) < _COMMON}


def _steady(recording: Recording, program: Program, name: str) -> Iterator[tuple[str, float]]:
    """The one parameter, a single number, where it moves by the same number times its gradient in each update, and that number: in one
    update it moves by some number times anything."""
    rates, gradient = list[float](), program.gradients.get(name, "")
    for place, values in enumerate(recording.values):
        with np.errstate(all="ignore"):
            due = program.run({**program.initial, **start_of(recording, place)}).get(gradient, np.zeros(2))
        new = values.get(recording.carried.get(name, ""), due)
        if new.size == due.size == 1 and due.any():
            rates.append(float((values[name] - new).item() / due.item()))
    if len(rates) > 1 and np.isfinite(rates).all() and rates[-1] and np.allclose(rates, rates[-1], NEAR, 0):
        yield name, rates[-1]


def _moves(recording: Recording, gradients: Mapping[str, Array]) -> dict[str, list[Array]]:
    """Of each parameter the old and the new numbers, and its gradient, all flat."""
    values, carried = recording.values[-1], recording.carried
    of = {name: (values[name], values[carried[name]], one) for name, one in gradients.items() if carried.get(name) in values}
    return {name: [*map(np.ravel, parts)] for name, parts in of.items() if len({part.shape for part in parts}) == 1}


def _joined(moves: Mapping[str, list[Array]]) -> list[Array]:
    return [np.concatenate(parts) for parts in zip(*moves.values(), strict=True)]


def penalty_of(recording: Recording, gradients: Mapping[str, Array]) -> float:
    """How many times the cells that are moved are added to their gradients, the same for all parameters; 0 where that is not known."""
    moves, found = _moves(recording, {name: gradients[name] for name in recording.start}), Counter[float]()
    for move in [*moves.values(), *([_joined(moves)] if moves else [])]:
        if (factors := _step(move, True)) and len(factors) == 2 and factors[0]:
            found[float(f"{factors[1] / factors[0]:.6g}")] += 1
    return max(found, key=lambda penalty: found[penalty], default=0.0)


def _step(move: Sequence[Array], penalized: bool) -> tuple[float, ...]:
    """The number by which a gradient is multiplied where it is subtracted, then that of a share of the parameter or of its signs beside it;
    nothing where the step is another one."""
    old, new, gradient = move
    moved, size = (old - new).astype(float), float(np.max(np.abs(old), initial=0))
    error = 4 * float(np.finfo(old.dtype if old.dtype.kind == "f" else float).eps) * size
    limit = max(NEAR, 16 * error / (4 * size or 1)) * float(np.max(np.abs(moved), initial=0)) + error
    if not np.isfinite(moved).all() or not np.isfinite(gradient).all() or limit > _COMMON * np.max(np.abs(moved), initial=0):
        return ()
    kept = np.where(old != new, old, 0)  # of some rows only there is a penalty on these
    for others in ((), (kept,), (np.sign(kept),), (kept, np.sign(kept)))[: None if penalized else 1]:
        parts = np.array([gradient, *others], float).T
        if np.count_nonzero(parts.any(axis=1)) > parts.shape[1] or not others:
            factors = np.linalg.lstsq(parts, moved, rcond=None)[0]
            smaller = (factors[1:] * factors[0] >= 0).all()  # a penalty does not make a parameter larger
            if smaller and np.abs(moved - parts @ factors).max() <= limit:
                return tuple(map(float, factors))
    return ()


def agreement_of(recording: Recording, forward: set[str], gradients: Mapping[str, Array]) -> tuple[float, dict[str, float]]:
    """The share of the parameters whose gradient he computes, all times one factor; and those that move by a multiple, with that.

    Args:
        recording: of the script.
        forward: what belongs to the loss, and is no gradient of his.
        gradients: the derived ones.
    """
    live = told_apart({name: gradients[name] for name in recording.start if name in gradients})
    steps = steps_of(recording, {name: gradients[name] for name in live})
    return max(_agreement(recording, forward, gradients, live), len(steps) / max(1, len(live))), steps


def _agreement(recording: Recording, forward: set[str], gradients: Mapping[str, Array], live: Sequence[str]) -> float:
    """The share of the parameters for which a value of his is their gradient times the most frequent factor."""
    found, single, partly = list[float](), list[float](), summands(recording)
    own = [one for one in recording.statements if one.live and one.name not in forward and one.name not in partly]
    for name in live:
        ancestors = used(recording.statements, [recording.carried[name]])
        scales = [
            scale(recording.values[-1][one.name], gradients[name])
            for one in own
            if one.name in ancestors and one.name in recording.values[-1]
        ]
        factors = single if gradients[name].size == 1 else found  # a single number is some multiple of any other
        factors += {float(f"{factor:.3g}") for factor in scales if factor}
    best = max(((found + single).count(factor) for factor in found or single), default=0)
    return best / len(live) if best > 1 or found else 0.0


def found_of(recording: Recording, program: Program, loss: Differentiated) -> str:
    """What was found of an update, in a line."""
    first, last = recording.body
    lines = [f"line {one.number}" if one.file == recording.loop.file else str(one) for one in (loss.line, *loss.beside)]
    line = " + ".join(lines)
    written = f"loss = {line}" if not loss.said else f"loss = {loss.said}, implied by {line}"
    parts = [f"loop {recording.loop}", f"update = lines {first}–{last}", f"parameters {' '.join(program.parameters)}", written]
    return f"{', '.join(parts)}; {kept_of(recording.kept)}"


__all__ = [
    "AND",
    "NEAR",
    "Differentiated",
    "agreement_of",
    "differentiated",
    "found_of",
    "penalized",
    "penalty_of",
    "scale",
    "steps_of",
    "told_apart",
]
