"""Several losses in one update, each of parameters of its own, such as those of an actor and of a critic: together they are one loss, in
which each takes what the parameters of another make as given."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import Record, replace
from bpdebug.frontends.numpy_script.fits import Differentiated, differentiated
from bpdebug.frontends.numpy_script.held import with_held
from bpdebug.frontends.numpy_script.lines import RecordedScenario, reached
from bpdebug.frontends.numpy_script.multiples import scale, steps_of
from bpdebug.frontends.numpy_script.recording import Recording, Statement

_SAID = re.compile(r"loss|cost", re.IGNORECASE)


class _Part(Record, eq=False):
    """A loss and its parameters; the reads of lines, by line and name, that it takes as given."""

    loss: Differentiated
    own: frozenset[str]
    apart: tuple[tuple[str, str], ...]


def followed(recording: Recording, loss: Differentiated) -> set[str]:
    """The parameters of which a value with a name, or their step, is the gradient of a loss, no penalty beside."""
    gradients = {name: loss.gradients[name] for name in recording.start if name in loss.gradients}
    forward = {name for name, _ in loss.forward}
    values = recording.values[-1]
    last = [one for one in recording.statements if one.live and not (one.inner or one.partial)]
    own = [values[one.name] for one in last if one.name in values.keys() - forward]
    named = {name for name, gradient in gradients.items() if gradient.size > 1 and any(scale(value, gradient) for value in own)}
    return named | {*steps_of(recording, gradients, ()), *loss.steps}


def joined(recording: Recording, scenario: RecordedScenario, best: Differentiated, named: Sequence[Differentiated]) -> Differentiated:
    """The sum of a loss and of others that are called losses and that other parameters follow; itself where there are none."""
    mine = followed(recording, best)
    others = {name for name, value in recording.start.items() if value.dtype.kind == "f"} - mine
    if best.said or not mine or not others:
        return best
    parts = [_Part(best, frozenset(mine), (*_apart(recording, best, mine),))]
    for one in named:
        on = {name for name, gradient in one.gradients.items() if name in others and gradient.any()}
        beside = on.isdisjoint(best.gradients) or {*one.program.parameters}.isdisjoint(mine)
        fits = on & followed(recording, one) or (beside and _SAID.search(one.program.loss))
        if fits and not any(_is_part(part.loss, one) or _is_part(one, part.loss) for part in parts):
            parts.append(_Part(one, frozenset(on), (*_apart(recording, one, on),)))
            others -= on
    names = [one.name for one in recording.statements]
    parts.sort(key=lambda part: names.index(part.loss.program.loss.removesuffix(".sum")))
    return best if len(parts) == 1 else _sum(recording, scenario, parts) or best


def _is_part(loss: Differentiated, of: Differentiated) -> bool:
    return loss.program.loss.removesuffix(".sum") in {name for name, _ in of.forward}


def _apart(recording: Recording, loss: Differentiated, own: Collection[str]) -> Iterator[tuple[str, str]]:
    """The lines of a loss that depend on its own parameters and read what others alone make; each with what it reads."""
    forward = {name for name, _ in loss.forward}
    lines = [one for one in recording.statements if one.name in forward]
    mine, theirs = reached(lines, own), reached(lines, {*recording.start} - {*own})
    yield from ((one.name, name) for one in lines if one.name in mine for name in one.reads if name in theirs - mine)


def _is_clear(part: _Part, other: _Part, statements: Sequence[Statement]) -> bool:
    """Whether nothing that one loss takes as given leads to the parameters of another in the lines of both."""
    forward = {name for name, _ in other.loss.forward}
    mine = reached([one for one in statements if one.name in forward], other.own)
    return not any(line in forward and name in mine for line, name in part.apart)


def _sum(recording: Recording, scenario: RecordedScenario, parts: Sequence[_Part]) -> Differentiated | None:
    if not all(_is_clear(one, other, recording.statements) for one in parts for other in parts if one is not other):
        return None
    losses = [part.loss.program.loss for part in parts]
    text = " + ".join(f"sum({name.removesuffix('.sum')})" if name.endswith(".sum") else name for name in losses)
    held = tuple(names for part in parts for names in part.loss.held)
    apart = tuple(dict.fromkeys(pair for part in parts for pair in part.apart))
    names, lines = tuple(name.removesuffix(".sum") for name in losses), [part.loss.line for part in parts]
    try:
        made = differentiated(with_held(recording, held, apart), scenario, text, names, "", lines[0])
    except BpdebugError:
        return None
    return replace(made, held=held, apart=apart, beside=tuple(lines[1:]))


__all__ = ["followed", "joined"]
