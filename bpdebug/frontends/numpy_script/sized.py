"""His formulas with values of size 1 put in, where small ones hide what is what: at 0.001 tanh is the identity, and its derivative 1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import evaluate
from bpdebug.core.record import replace
from bpdebug.core.tree import Binary, Call, Index, Name, Number
from bpdebug.frontends.numpy_script.alike import Alike, marks
from bpdebug.frontends.numpy_script.fits import Differentiated, due_at
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.multiples import scale
from bpdebug.frontends.numpy_script.recording import Recording

_ALIKE, _SAME = 1e-3, 1e-9
"""Relative: two gradients that are as near may be taken for each other; and those that are multiples of each other whatever the numbers."""
_SHARES = 1.0, 0.3, 0.1, 0.03, 0.01
_SMALL = 1e-4
"""What keeps a logarithm finite, at most."""
_LARGE = 4.0
"""The size of values at which a sigmoid saturates, or an exponential explodes."""


def sized(recording: Recording, loss: Differentiated) -> Recording:
    """The recording with the numbers of an update whose parameters are about 1, where its own are so small that one gradient looks as
    another, and everything is computed by formulas; else up to an update in which gradients are not 0, where they are in the last one."""
    if (before := _alive(recording, loss)) is not recording:
        return before
    if _alike(loss):
        for share in _SHARES:
            start = dict(_grown(recording, loss, share))
            values = _run(recording, start, [name for name, _ in loss.forward]) if start else {}
            if values and _is_sound(loss, recording.values[-1], values):
                return replace(recording, values=(*recording.values[:-1], values))
    return recording


def _alive(recording: Recording, loss: Differentiated) -> Recording:
    """The recording up to the last of those updates in which the most parameters have a finite gradient that is not 0, unlike in a net
    whose units are dead, or saturated, after the first step."""
    if sum(map(_is_told, loss.gradients.values())) == len(loss.gradients):
        return recording
    dues = [due_at(recording, loss.program, place) for place in range(len(recording.values))]
    told = [sum(_is_told(due[name]) for name in loss.program.parameters if name in due) for due in dues]
    return recording if told[-1] == max(told) else replace(recording, values=recording.values[: len(told) - told[::-1].index(max(told))])


def _is_told(gradient: Array) -> bool:
    return bool(gradient.any() and np.isfinite(gradient).all())


def _alike(loss: Differentiated) -> bool:
    """Whether two derived gradients are nearly multiples of each other, and are not."""
    gradients = {name: value for name, value in loss.gradients.items() if value.size > 1 and value.any() and np.isfinite(value).all()}
    known = Alike(gradients)
    for name, value in gradients.items():
        for other in known.like(value, marks(value), _ALIKE):
            if other > name and scale(value, gradients[other], _ALIKE) and not scale(value, gradients[other], _SAME):
                return True
    return False


def _grown(recording: Recording, loss: Differentiated, share: float) -> Iterator[tuple[str, Array]]:
    """The parameters that are smaller than what makes sums of size 1, with numbers that are not."""
    generator = np.random.default_rng(0)
    for name in loss.program.parameters:
        value = recording.values[-1][name]
        size = share * max(value.shape, default=1) ** -0.5
        if value.dtype.kind == "f" and np.sqrt(np.mean(np.square(value))) < size:
            yield name, value + size * generator.standard_normal(value.shape)


def unbounded(recording: Recording) -> Recording:
    """The recording with the numbers of an update whose parameters are smaller, where with its own a bound is reached that only keeps a
    logarithm finite: from there on the loss is flat, and people leave that out on the way back."""
    for share in _SHARES[1:] if _is_bounded(recording, recording.values[-1]) else ():
        start = {name: share * recording.values[-1][name] for name, value in recording.start.items() if value.dtype.kind == "f"}
        if (values := _run(recording, start)) and not _is_bounded(recording, values):
            return replace(recording, values=(*recording.values[:-1], values), bounded=True)
    return recording


@np.errstate(all="ignore")
def _is_bounded(recording: Recording, values: Mapping[str, Array]) -> bool:
    """Whether such a bound is reached in what a logarithm is taken of, or what is added there is all that there is."""
    found = set[str]()
    small = {name: float(value) for name, value in recording.given[-1].items() if np.size(value) == 1 and 0 < np.max(value) <= _SMALL}
    for one in recording.statements:
        match one.formula.tree if one.formula else None:
            case Binary("+", Name(inner), Number() | Name() as added):
                low = added.value if isinstance(added, Number) else small.get(added.name, 0.0)
                found |= {one.name} if 0 < low <= _SMALL and (values[inner] < low).any() else set()
            case Call("clip" | "maximum", (Name(inner), Number(low), *_)) | Call("maximum", (Number(low), Name(inner))):
                found |= {one.name} if 0 < low <= _SMALL and (values[inner] < low).any() else set()
            case Call("log") if not found.isdisjoint(one.reads):
                return True
            case Index(Name(name)) | Binary("*", _, Name(name)) | Call("sum", (Name(name),)) if name in found:
                found.add(one.name)  # the probability of the right class
    return False


def _run(recording: Recording, start: Mapping[str, Array], forward: Iterable[str] = ()) -> dict[str, Array]:
    """The numbers of an update with other parameters; nothing where not all that matters is computed by formulas."""
    values, moved = {**recording.values[-1], **start}, {*start}
    wanted = used(recording.statements, [*recording.carried.values(), *forward])
    with np.errstate(all="ignore"):
        for one in recording.statements:
            if moved.isdisjoint(one.reads):
                continue
            moved.add(one.name)
            if one.formula:
                values[one.name] = evaluate(one.formula, values)
            elif one.name in wanted:
                return {}
    return values


def _is_sound(loss: Differentiated, before: Mapping[str, Array], after: Mapping[str, Array]) -> bool:
    """Whether no value of the forward pass is so large that what follows from it is flat."""
    for name, _ in loss.forward:
        if name in after and np.size(after[name]) > 1:
            size, was = (float(np.sqrt(np.mean(np.square(one[name].astype(float))))) for one in (after, before))
            if not size <= max(_LARGE, 2 * was):
                return False
    return True


__all__ = ["sized", "unbounded"]
