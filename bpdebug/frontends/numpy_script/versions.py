"""Weights that are used after they have changed, or that become larger."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bpdebug.core.misfits import shape_text
from bpdebug.frontends.numpy_script.averages import Remark
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.recording import Recording


def late(recording: Recording, ends: dict[str, str], forward: set[str], gradients: Collection[str] | None) -> Iterator[tuple[str, Remark]]:
    """That a gradient is computed with a weight which is changed already, while the forward pass used it as it was.

    Args:
        recording: the script.
        ends: the value that each parameter is moved by.
        forward: what the loss is computed from.
        gradients: his gradients; None where all of them are right without such a weight.
    """
    statements = {one.name: one for one in recording.statements}
    wanted, reads = used(recording.statements, ends.values()), {name: {*one.reads} for name, one in statements.items()}
    versions = {new: old for old, new in recording.carried.items()}
    lately = {name: old for name, old in versions.items() if old in ends and name not in forward}
    inner = dict[str, set[str]]()
    for one in recording.statements:
        parts = [{name, *(inner.get(name, ()) if name in statements and statements[name].inner else ())} for name in reads[one.name]]
        inner[one.name] = set().union(*parts)
        seen = [name for name in inner[one.name] & {*lately} if any(lately[name] in reads.get(step, ()) for step in forward)]
        back = gradients is None or not inner[one.name].isdisjoint(gradients)
        if one.name in wanted and one.name not in versions and seen and not one.inner and back:
            where = statements[seen[0]].line
            said = f"{one.name} uses version 2 of {lately[seen[0]]}, made at {where}; the forward pass used version 1"
            yield one.name, ("a weight that is changed already", said)


def grown(recording: Recording) -> Iterator[tuple[str, Remark]]:
    """What becomes larger by its update, by the name of that, as ``b - rate * delta`` where delta has a row for each sample."""
    for name, (old, new) in recording.grown.items():
        said = f"{name} is {shape_text(old)} before the first update and {shape_text(new)} after it: what moves it is to be summed first"
        yield recording.carried[name], ("a sum left out", said)


__all__ = ["grown", "late"]
