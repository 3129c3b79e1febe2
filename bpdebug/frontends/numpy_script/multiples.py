"""Which of his numbers are multiples of the derived ones: values, and how parameters move."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.tree import Binary, Name, names
from bpdebug.frontends.numpy_script.lines import summands, used
from bpdebug.frontends.numpy_script.recording import Recording

NEAR = 1e-6
"""Relative: numbers that are as near are the same."""
_ROUNDING = 1e-11
"""Relative: gradients of saturated units that are as small as this are rounding."""
_MANY = 64
"""Cells that are looked at first."""
_COMMON, _SHARE = 1e-4, 0.5
"""Relative: factors that are as near are the same; a step of which rounding makes a larger share tells nothing. And what a penalty
takes of a parameter at most."""


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


def steps_of(recording: Recording, gradients: Mapping[str, Array], penalized: Collection[str]) -> dict[str, float]:
    """The parameters whose steps are one common number times their gradients, and that number.

    Args:
        recording: of the script.
        gradients: the derived ones.
        penalized: the parameters on which there may be a penalty beside.
    """
    found = dict[str, float]()
    moves = _moves(recording, gradients)
    for name, move in moves.items():
        if factors := _step(move, name in penalized):
            found[name] = factors[0]
    if not found and len(moves) > 1 and (factors := _step(_joined(moves), moves.keys() <= {*penalized})):
        found = dict.fromkeys(moves, factors[0])  # too few cells of each are moved to tell a penalty by
    counts = Counter(float(f"{factor:.4g}") for factor in found.values())
    common = max(counts, key=lambda factor: (counts[factor], factor > 0), default=0.0)
    if not common or (counts[common] == 1 and (len(gradients) > 1 or gradients[next(iter(found))].size == 1)):
        return {}
    return {name: factor for name, factor in found.items() if abs(factor / common - 1) < _COMMON}


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
            left = not others or others[0] is not kept or abs(factors[1]) < _SHARE
            if smaller and left and np.abs(moved - parts @ factors).max() <= limit:
                return tuple(map(float, factors))
    return ()


def agreement_of(
    recording: Recording, forward: set[str], gradients: Mapping[str, Array], parts: Mapping[str, Array]
) -> tuple[float, dict[str, float]]:
    """The share of the parameters whose gradient he computes, all times one factor; and those that move by a multiple, with that.

    Args:
        recording: of the script.
        forward: what belongs to the loss, and is no gradient of his.
        gradients: the derived ones.
        parts: theirs, by the stages' names; a loss that has a penalty has the whole of it.
    """
    live = told_apart({name: gradients[name] for name in recording.start if name in gradients})
    values = recording.values[-1]
    either = {name: (values[name], np.sign(values[name])) for name in live}
    free = [
        name
        for name in live
        if not any(scale(part, one) for of, part in parts.items() if of.startswith(f"∂{name}@") for one in either[name])
    ]
    steps = steps_of(recording, {name: gradients[name] for name in live}, free)
    return max(_agreement(recording, forward, gradients, live), len(steps) / max(1, len(live))), steps


def _agreement(recording: Recording, forward: set[str], gradients: Mapping[str, Array], live: Sequence[str]) -> float:
    """The share of the parameters for which a value of his is their gradient times the most frequent factor."""
    found, single, partly = list[float](), list[float](), summands(recording)
    own = [one for one in recording.statements if one.live and one.name not in forward and one.name not in partly]
    for name in live:
        ancestors = used(recording.statements, [recording.carried[name]]) - _spoiled(recording, name, gradients[name], forward)
        scales = [
            scale(recording.values[-1][one.name], gradients[name])
            for one in own
            if one.name in ancestors and one.name in recording.values[-1]
        ]
        factors = single if gradients[name].size == 1 else found  # a single number is some multiple of any other
        factors += {float(f"{factor:.3g}") for factor in scales if factor}
    best = max(((found + single).count(factor) for factor in found or single), default=0)
    return best / len(live) if best > 1 or found else 0.0


def _spoiled(recording: Recording, name: str, gradient: Array, forward: set[str]) -> set[str]:
    """What is no gradient of a parameter, since something of that is added which is no penalty; and what is used for that alone."""
    values, shares, found = recording.values[-1], recording.shares, set[str]()
    alone, moved, sums, users = {name}, {name}, list[str](), defaultdict[str, list[str]](list)
    for one in recording.statements:
        if one.name not in forward and alone & {*one.reads} and all(read in alone or not shares.get(read) for read in one.reads):
            alone.add(one.name)
        match one.formula and one.formula.tree:
            case Binary("+" | "-", left, right) if one.live and one.name not in alone:
                moved |= {one.name} if {left, right} & {*map(Name, moved)} else set()
                sums += [one.name] if one.name not in moved and any({*names(part)} & alone for part in (left, right)) else []
    for one in reversed(recording.statements):
        if one.name in sums and (value := values.get(one.name, gradient)).shape == gradient.shape:
            old, theirs, due = map(np.ravel, (values[name], value, gradient))
            found |= set() if _step([old, old - theirs, due], True) else {one.name}
        if users[one.name] and found.issuperset(users[one.name]):
            found.add(one.name)
        for read in one.reads:
            users[read].append(one.name)
    return found


__all__ = ["NEAR", "agreement_of", "penalized", "penalty_of", "scale", "steps_of", "told_apart"]
