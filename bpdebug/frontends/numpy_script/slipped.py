"""Whether one slip explains all wrong gradients, and whether that is what is said of a script, in place of wrong derivatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Tree, names, substitute
from bpdebug.frontends.numpy_script.blame import Blame
from bpdebug.frontends.numpy_script.fits import Differentiated, scale, told_apart
from bpdebug.frontends.numpy_script.likely import UNLIKELY, size_of
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.recording import Recording, Statement
from bpdebug.frontends.numpy_script.scalings import is_plain, is_usual
from bpdebug.frontends.numpy_script.slips import Slip, Slips

_ALIKE = 1e-3
"""Factors of several gradients that are as near are the same."""


@np.errstate(all="ignore")
def slip_of(recording: Recording, loss: Differentiated, blame: Blame) -> Slip | None:
    """The slip that explains why gradients are wrong, if there is one."""
    values, unread = recording.values[-1], _unread(recording, loss, blame)
    told = told_apart({name: loss.gradients[name] for name in blame.ends})
    ends = {name: end for name, end in blame.ends.items() if name in told and loss.gradients[name].any()}
    factors = {name: scale(values[end], loss.gradients[name]) or 0.0 for name, end in ends.items()}
    wrong = [name for name, factor in factors.items() if abs(factor / blame.times - 1) > _ALIKE]
    moves = {name: values.get(recording.carried[name], values[name]) - values[name] for name in ends}
    down = all(np.sum(move * loss.gradients[name]) <= 0 for name, move in moves.items() if move.shape == loss.gradients[name].shape)
    plain = any(is_plain(factor) or is_usual(recording, factor, _ALIKE) for factor in factors.values())
    odd = not (wrong or plain)  # no convention: it is another number in each update
    right = not odd and ((not wrong and (down or blame.times > 0 or loss.raised)) or (down and {*ends} <= {*loss.steps}))
    if (right and not unread) or not blame.live or loss.guessed:
        return None
    several = [name for name in ends if name not in wrong and loss.gradients[name].size > 1]  # of one number any other is a multiple
    usual = max(0.0, blame.times) if several and not odd else 0.0
    slips_of = Slips(recording, loss, unread | ends, [*unread, *wrong], [*unread], usual, odd)
    return slips_of.found(str(blame.found[0].line) if blame.found else "")


def _unread(recording: Recording, loss: Differentiated, blame: Blame) -> dict[str, str]:
    """What is moved by a gradient, though the loss does not depend on it, and by which."""
    statements, found, known = recording.statements, dict[str, str](), {one.name: one for one in recording.statements}
    moving = used(statements, [recording.carried[name] for name in loss.program.parameters])
    for name, new in recording.carried.items():
        reads, size = used(statements, [new]), recording.start[name].size
        ends = [one.name for one in blame.own if one.name in reads and not one.partial and recording.values[-1][one.name].size == size]
        if ends and not {name, new} & moving and name not in {one for one, _ in loss.forward} | {*loss.gradients}:
            found[name] = max(ends, key=lambda end: not known[end].inner)
    return found


def slipped(
    slip: Slip, blame: Blame, stages: Sequence[Stage], formulas: Mapping[str, Tree], due: Mapping[str, Tree], order: Mapping[str, Statement]
) -> dict[str, Any]:
    """What a program has where a forward line has a slip: what is said of it, instead of derivatives or beside them.

    Args:
        slip, blame: the line, and those of the way back.
        stages: of the program.
        formulas, due: of his statements, with inner values put in; and those that would be right.
        order: his statements.
    """
    at = [one.name for one in stages if one.name in order and str(slip.line) in (one.line, one.beside)]
    name = next((one for one in at if order[one].order >= order[slip.name].order), "")
    old, new = formulas[slip.name], slip.formula.tree
    while inner := {one: formulas[one] for one in (*names(old), *names(new)) if one in formulas and order[one].inner}:
        old, new = substitute(old, inner), substitute(new, inner)
    said = f"with {Formula.of(new).text} there, not {Formula.of(old).text}, every gradient is the right one"
    if name and _is_first(slip, blame, formulas, due, order):
        here = [
            replace(one, line=str(slip.line), beside=one.beside and one.line) if one.name == name and one.line != str(slip.line) else one
            for one in stages
        ]
        return {"remarks": {name: ("a wrong forward line" if slip.forward else "a slip", said)}, "misled": True, "lines": tuple(here)}
    return {"notes": (f"or {slip.line} is wrong: {said}, too",)} if slip.forward else {}


def _is_first(slip: Slip, blame: Blame, formulas: Mapping[str, Tree], due: Mapping[str, Tree], order: Mapping[str, Statement]) -> bool:
    """Whether the line is to be named and not the derivative: no other line explains as much, or what would be left is shorter."""
    if slip.forward and slip.longer >= UNLIKELY:
        return False
    if blame.right:
        return slip.unread or blame.times > 0 or not slip.forward or slip.longer < 0  # all are turned in sign
    if len(blame.found) != 1 or not blame.mended:
        return True
    meant = [name for name in blame.found[0].meant if name in due and name not in blame.through]
    longer = size_of(due[meant[0]]) - size_of(formulas[meant[0]]) if meant else 0
    earlier = min(order[name].order for name in blame.found[0].meant if name in order)
    return slip.longer < longer and (slip.forward or order[slip.name].order < earlier)


__all__ = ["slip_of", "slipped"]
