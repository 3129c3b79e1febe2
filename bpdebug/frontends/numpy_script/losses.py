"""The loss whose derivative he computes: the one that he writes down, or, where none fits, the one that a difference of his implies."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, takewhile

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.tree import Binary, Call, Index, Key, Name, Number, Unary
from bpdebug.frontends.numpy_script.lines import RecordedScenario, derived_program, reached, severed, start_of, used
from bpdebug.frontends.numpy_script.recording import Line, Recording, Statement

_SAID = re.compile(r"loss|cost|^ll\b|likelihood|err|mse|\bJ\b|\bL\b|nll|objective|^ce\b|xent|entropy", re.IGNORECASE)
_OTHER = re.compile(r"acc|rate|correct|grad|delta|^d[A-Z_]|norm|pred", re.IGNORECASE)
_IMPLIED = {
    "half the squared error": "0.5 * sum(({p} - {t}) ** 2)",
    "the cross-entropy of a sigmoid": "-sum({t} * log({p}) + (1 - {t}) * log(1 - {p}))",
    "the cross-entropy of a softmax": "-sum({t} * log({p}))",
}
_MOST, _TERMS = 8, 200
_HALF, _WRITTEN, _GUESSED = 0.5, 0.35, 1e-3
"""How many of the parameters must agree with a loss that is not called one; how much of that one may lack that is; how well one that only
a difference implies fits at least: there may be a mistake in the derivative of the loss itself."""
NEAR = 1e-6
"""Relative: numbers that are as near are the same."""
_ROUNDING = 1e-11
"""Relative: gradients of saturated units that are as small as this are rounding."""
_MANY = 64
"""Cells that are looked at first."""
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
        guessed: whether it is only implied, no parameter has its gradient, and another one that is could not be tried.
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
    guessed: bool = False


def scale(theirs: Array, right: Array, near: float = NEAR) -> float | None:
    """The number that a gradient is times the right one, or None; flat and upright ones are the same."""
    if theirs.size != right.size or np.squeeze(theirs).shape != np.squeeze(right).shape:
        return None
    near = max(near, 64 * float(np.finfo(theirs.dtype).eps)) if theirs.dtype.kind == "f" else near
    one, other = np.ravel(theirs), np.ravel(right)
    size = float(np.abs(one).max(initial=0))
    some = slice(None, None, max(1, one.size // _MANY))
    if one.size > 4 * _MANY and _fits(one[some], other[some], 4 * near * size) is None:
        return None
    return _fits(one, other, near * size) or None


def _fits(one: Array, other: Array, limit: float) -> float | None:
    """The number that some values are times others, up to a limit, or None; any number is, where all are 0."""
    one, other = one.astype(float, copy=False), other.astype(float, copy=False)
    norm = float(other @ other)
    factor = float(one @ other) / norm if norm else 0.0
    if not np.isfinite(norm) or not np.isfinite(limit) or not np.abs(one - factor * other).max(initial=0) <= limit:
        return None
    return factor


def told_apart(gradients: Mapping[str, Array]) -> list[str]:
    """The gradients that are more than what rounding leaves of the largest."""
    sizes = {name: float(np.abs(gradient).max(initial=0)) for name, gradient in gradients.items()}
    largest = max(filter(np.isfinite, sizes.values()), default=0.0)
    return [name for name, size in sizes.items() if size > _ROUNDING * largest or not np.isfinite(size)]


def find_loss(recording: Recording, scenario: RecordedScenario, told: str = "") -> Differentiated | None:
    """The loss whose gradients fit best, the written one where several do; None where no loss can be differentiated.

    Args:
        recording, scenario: of the script.
        told: the line of the loss, where that is told.
    """
    tried = list[Differentiated]()
    for text, names, said, line in _candidates(recording, told):
        try:
            tried.append(_differentiated(recording, scenario, text, names, said, line))
        except BpdebugError:
            continue
        if tried[-1].agreement == 1 and not said:
            break
    best = max((one for one in tried if told or _rank(one)), key=_rank, default=None)
    stated = next((one for one in tried if not one.said and _SAID.search(one.program.loss)), None)
    if best is None or not best.said:
        return best
    untried = any(one.said and not np.isfinite([*map(np.sum, one.gradients.values())]).all() for one in tried)
    return replace(best, written=str(stated.line) if stated else "", guessed=untried and not best.agreement)


def _rank(one: Differentiated) -> float:
    """How well a loss fits; one that is called a loss need not fit as well, since there may be mistakes; 0 where it is none."""
    called = not one.said and ".in" not in one.program.loss and bool(_SAID.search(f"{one.program.loss} {one.line.function}"))
    if called:
        return one.agreement + _WRITTEN
    guessed = _GUESSED * any(gradient.any() for gradient in one.gradients.values()) if one.said else 0.0
    return one.agreement if one.agreement >= _HALF else guessed


Candidate = tuple[str, tuple[str, ...], str, Line]
"""The formula of a loss, "" where a statement computes it; from which statements it is made; what is said of it; where it stands."""


def _candidates(recording: Recording, told: str) -> Iterator[Candidate]:
    """The losses that are to be tried; only those at a line that is told."""
    values, dependent = recording.values[-1], reached(recording.statements, recording.start)
    after = reached(recording.statements, recording.carried.values())
    found = [one for one in recording.statements if one.formula and one.name in dependent - after and one.name not in recording.start]
    scored, read = list[tuple[float, Statement]](), {name for one in recording.statements for name in one.reads}
    for place, one in enumerate([one for one in found if not told or one.line.is_at(told) or one.made.is_at(told)]):
        shape, name = np.shape(values[one.name]), one.name.rpartition(".")[2]
        called = bool(_SAID.search(name)) and not _OTHER.search(name) and not one.inner
        within = bool(_SAID.search(one.made.function)) and not re.search("back|grad|prime|deriv|delta", one.made.function)
        shown = not one.inner or one.name not in read  # it has a name, or is printed
        alone = np.prod(shape) == 1 and (within or (shown and not one.live))  # what a gradient reads is rarely a loss
        if values[one.name].dtype.kind == "f" and (called or told or alone):
            reach = len({*recording.start} & used(recording.statements, [one.name])) / len(recording.start)
            match one.formula and one.formula.tree:
                case Binary("+", Name(total), Name(_)) if total not in dependent:  # added up over updates
                    reach /= 2
            doubts = 2 * one.live + 3 * one.partial - 1e-6 * place
            scored.append((4 * reach + 3 * called + 1.5 * within + 2 * (np.prod(shape) == 1) - doubts, one))
    for _, one in sorted(scored, key=lambda pair: -pair[0])[:_MOST]:
        yield ("" if np.shape(values[one.name]) == () else f"sum({one.name})"), (one.name,), "", one.line
    yield from () if told else _implied(found, dependent)


def _implied(found: Sequence[Statement], dependent: set[str]) -> Iterator[Candidate]:
    """Losses that differences imply; those that one line makes, sample by sample, belong together."""
    lines = defaultdict[tuple[str, Line], list[tuple[str, str, str]]](list)
    for one in found:
        match one.formula and one.formula.tree:
            case Binary("-", Name(left), Name(right)) if (left in dependent) != (right in dependent):
                p, t = (left, right) if left in dependent else (right, left)
                for said, text in _IMPLIED.items():
                    lines[said, one.made].append((text.format(p=p, t=t), one.name, p))
            case Call("add_at", (Name(p), Key() as key, Unary("-", Number(1)))):
                text = f"-sum(log({Formula.of(Index(Name(p), key.items)).text}))"
                lines["the cross-entropy of a softmax", one.made].append((text, one.name, p))
    for (said, line), parts in lines.items():
        texts, names, of = zip(*parts[:_TERMS], strict=True)
        whose = f"{of[0]}, added up over {len(of)} samples" if len(of) > 1 else of[0]
        yield " + ".join(texts), names, f"{said} of {whose}", line


def _differentiated(
    recording: Recording, scenario: RecordedScenario, text: str, names: tuple[str, ...], said: str, line: Line
) -> Differentiated:
    known = {one.name for one in recording.statements}
    loss = ("loss" if "loss" not in known else "implied_loss") if said else f"{names[0]}.sum" if text else names[0]
    wanted = used(recording.statements, names) - (set(names) if said else set())
    forward = [(one.name, one.formula.text) for one in recording.statements if one.name in wanted and one.formula]
    forward += [(loss, text)] if text else []
    program = derived_program(recording, forward, loss, scenario)
    with np.errstate(all="ignore"):
        values = program.run({**program.initial, **start_of(recording)})
    lost = severed(recording.statements, names)
    left_out = {*lost, *_slots(recording)}
    gradients = {tensor: values[name] for tensor, name in program.gradients.items() if name in values and tensor not in left_out}
    live = told_apart({name: gradients[name] for name in recording.start if name in gradients})
    steps = _steps(recording, {name: gradients[name] for name in live})
    agreement = max(_agreement(recording, {*wanted}, gradients, live), len(steps) / max(1, len(live)))
    parts = {stage.name: values[stage.name] for stage in program.stages if stage.through and stage.of not in lost}
    return Differentiated(program, tuple(forward), gradients, agreement, said, line, lost, steps, parts=parts)


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


def _steps(recording: Recording, gradients: Mapping[str, Array]) -> dict[str, float]:
    """The parameters whose steps are one common number times their gradients, but for a penalty on the parameter, and that number."""
    values, found = recording.values[-1], dict[str, float]()
    for name, gradient in gradients.items():
        old, new = values[name], values.get(recording.carried[name])
        if new is not None and new.shape == old.shape == gradient.shape and (factor := _step(old, new, gradient)):
            found[name] = factor
    counts = Counter(float(f"{factor:.4g}") for factor in found.values())
    common = max(counts, key=lambda factor: (counts[factor], factor > 0), default=0.0)
    if not common or (counts[common] == 1 and (len(gradients) > 1 or gradients[next(iter(found))].size == 1)):
        return {}
    return {name: factor for name, factor in found.items() if abs(factor / common - 1) < _COMMON}


def _step(old: Array, new: Array, gradient: Array) -> float | None:
    """The number by which a gradient is multiplied where it is subtracted, beside a share of the parameter or of its signs; None where
    the step is another one."""
    moved, size = np.ravel(old - new).astype(float), float(np.max(np.abs(old), initial=0))
    error = 4 * float(np.finfo(old.dtype if old.dtype.kind == "f" else float).eps) * size
    limit = max(NEAR, 16 * error / (4 * size or 1)) * float(np.max(np.abs(moved), initial=0)) + error
    if not np.isfinite(moved).all() or not np.isfinite(gradient).all() or limit > _COMMON * np.max(np.abs(moved), initial=0):
        return None
    for others in ((), (old,), (np.sign(old),), (old, np.sign(old))):
        parts = np.array([np.ravel(part) for part in (gradient, *others)], float).T
        if parts.shape[0] > parts.shape[1] or not others:
            factors = np.linalg.lstsq(parts, moved, rcond=None)[0]
            if np.abs(moved - parts @ factors).max() <= limit:
                return float(factors[0])
    return None


def _agreement(recording: Recording, forward: set[str], gradients: Mapping[str, Array], live: Sequence[str]) -> float:
    """The share of the parameters for which a value of his is their gradient times the most frequent factor."""
    found, own = list[float](), [one for one in recording.statements if one.name not in forward and one.live]
    for name in live:
        ancestors = used(recording.statements, [recording.carried[name]])
        scales = [
            scale(recording.values[-1][one.name], gradients[name])
            for one in own
            if one.name in ancestors and one.name in recording.values[-1]
        ]
        found += [float(f"{factor:.3g}") for factor in scales if factor][:1]
    best = max((found.count(factor) for factor in found), default=0)
    return best / len(live) if live and (best > 1 or gradients[live[0]].size > 1) else 0.0


def told_losses(recording: Recording, loss: Differentiated) -> tuple[float, ...]:
    """The loss of each update from the first, as the script has computed it; nothing where it does not say, or says something else."""
    told, name = recording.losses.get(str(loss.line), {}), loss.program.loss.removesuffix(".sum")
    for number, values in zip(recording.kept, recording.values, strict=False):
        if loss.said or name not in values or not np.isclose(told.get(number, np.nan), np.sum(values[name]), rtol=NEAR, equal_nan=False):
            return ()
    return tuple(takewhile(lambda value: value is not None, map(told.get, count())))  # type: ignore[arg-type]


__all__ = ["NEAR", "Differentiated", "find_loss", "scale", "told_losses"]
