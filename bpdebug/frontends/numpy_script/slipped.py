"""Whether one slip explains all wrong gradients, and whether that is what is said of a script, in place of wrong derivatives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Binary, Tree, names, substitute, walk
from bpdebug.frontends.numpy_script.blame import Blame
from bpdebug.frontends.numpy_script.ends import step_of
from bpdebug.frontends.numpy_script.fits import Differentiated
from bpdebug.frontends.numpy_script.likely import UNLIKELY
from bpdebug.frontends.numpy_script.likely import longer as longer_than
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.multiples import scale, told_apart
from bpdebug.frontends.numpy_script.names import named_alike
from bpdebug.frontends.numpy_script.recording import Recording, Statement
from bpdebug.frontends.numpy_script.scalings import is_plain, is_usual
from bpdebug.frontends.numpy_script.slips import Slip, Slips

_ALIKE, _PLAINER, _MORE = 1e-3, 8, 3
"""Factors of several gradients that are as near are the same; by how many nodes a repair is shorter than one of an earlier line, so that
it is the more likely one; how many a further factor has: it may as well belong to a later line."""


@np.errstate(all="ignore")
def slip_of(recording: Recording, loss: Differentiated, blame: Blame) -> Slip | None:
    """The slip that explains why gradients are wrong, if there is one."""
    values, unread = recording.values[-1], unread_of(recording, loss, blame)
    told = told_apart({name: loss.gradients[name] for name in blame.ends if name in recording.carried})
    ends = {name: end for name, end in blame.ends.items() if name in told and loss.gradients[name].any()}
    penalized = {name for name, factor in blame.factors.items() if not blame.found and abs(factor / blame.times - 1) < _ALIKE}
    factors = {n: blame.factors[n] if n in penalized else scale(values[end], loss.gradients[n]) or 0.0 for n, end in ends.items()}
    wrong = [name for name in _apart(factors, blame.times) if name not in penalized]
    moves = {name: step_of(recording, name, end, values) for name, end in ends.items()}
    down = all(_cosine(move, loss.gradients[name]) <= 0 for name, move in moves.items())
    plain = any(is_plain(factor) or is_usual(recording, factor, _ALIKE) for factor in factors.values())
    odd = loss.odd or not (wrong or plain)  # no convention: it is another number in each update
    right = not odd and ((not wrong and (down or blame.times > 0 or loss.raised)) or (down and {*ends} <= {*loss.steps}))
    if (right and not unread) or not blame.live or loss.guessed or blame.late:
        return None
    best, blamed = None, str(blame.found[0].line) if blame.found else ""
    blame.patience.share(1)
    for rates, times in _rated(moves, {name: values[end] for name, end in ends.items()}, factors, blame.times):
        wrong = [name for name in _apart({name: rates[name] * factor for name, factor in factors.items()}, times) if name not in penalized]
        if not (wrong or unread or odd) and times > 0 and {*map(abs, rates.values())} != {1.0}:
            return None  # what looked like factors of gradients are rates
        several = [name for name in ends if name not in wrong and loss.gradients[name].size > 1]  # of one number any other is a multiple
        usual = max(0.0, times) if several and not odd else 0.0
        slip = Slips(recording, loss, unread | ends, [*unread, *wrong], rates, usual, odd, blame.patience).found(blamed)
        best = slip if slip and (best is None or slip.longer < best.longer) else best
    return best


def _apart(factors: Mapping[str, float], times: float) -> list[str]:
    """The gradients that are not as many times the right ones as is usual."""
    return [name for name, factor in factors.items() if abs(factor / times - 1) > _ALIKE]


def _rated(
    moves: Mapping[str, Array], his: Mapping[str, Array], factors: Mapping[str, float], times: float
) -> Iterator[tuple[dict[str, float], float]]:
    """What the value that each parameter is moved by may be multiplied with, each with how many times the right one a gradient is then:
    1; -1, where steps are along these values (y - a, and += in the end); the rate, where that is not the same for all."""
    yield dict.fromkeys(his, 1.0), times
    if moves and all(_cosine(move, his[name]) > 0 for name, move in moves.items()):
        yield dict.fromkeys(his, -1.0), abs(times)
    rates = {name: scale(-move, his[name]) or 0.0 for name, move in moves.items()}
    common = Counter(float(f"{rates[name] * factor:.4g}") for name, factor in factors.items() if factor * rates[name] > 0).most_common(1)
    if all(rates.values()) and common and max(rates.values()) - min(rates.values()) > _ALIKE * max(rates.values()):
        yield rates, common[0][0]


def _cosine(one: Array, other: Array) -> float:
    """Whether two point the same way: above 0; 0 where they have not as many numbers."""
    return float(np.sum(np.ravel(one) * np.ravel(other))) if one.size == other.size else 0.0


def unread_of(recording: Recording, loss: Differentiated, blame: Blame) -> dict[str, str]:
    """What is moved by a gradient, though the loss does not depend on it, and by which."""
    statements, found, known = recording.statements, dict[str, str](), {one.name: one for one in recording.statements}
    moving = used(statements, [recording.carried[name] for name in loss.program.parameters])
    for name, new in recording.carried.items():
        reads, size = used(statements, [new]), recording.start[name].size
        ends = [one.name for one in blame.own if one.name in reads and not one.partial and recording.values[-1][one.name].size == size]
        if ends and not {name, new} & moving and name not in {one for one, _ in loss.forward} | {*loss.gradients}:
            found[name] = max(reversed(ends), key=lambda end: (named_alike(end, name), not known[end].inner))
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
    read = (one.name for one in stages if one.name in order and slip.name in used([*order.values()], [one.name]))
    name = next((one for one in chain(at, read) if order[one].order >= order[slip.name].order), "")
    old, new = formulas[slip.name], slip.formula.tree
    while inner := {one: formulas[one] for one in (*names(old), *names(new)) if one in formulas and order[one].inner}:
        old, new = substitute(old, inner), substitute(new, inner)
    new_text, old_text = Formula.of(new).text, Formula.of(old).text
    if slip.passed:
        new_text, old_text = f"{slip.passed.new} given to {slip.passed.function}", slip.passed.old
    then = "each gradient is a multiple of the right one" if slip.apart else "every gradient is the right one"
    said = f"with {new_text} there, not {old_text}, {then}"
    said = "done once, after the loop, it leaves every gradient right" if slip.kind == "once" else said
    what = "the derivative of another activation" if slip.kind == "slope" else "a wrong forward line" if slip.forward else "a slip"
    meant = slip.forward and len(blame.found) == 1 and blame.mended and _divisions(new) < _divisions(old)  # it is forgotten on the way back
    elsewhere = blame.found and str(slip.line) != str(blame.found[0].line)
    right = not slip.forward and elsewhere and any(one.name == name and one.of and not one.original for one in stages)
    if name and not (meant or right) and _is_first(slip, blame, formulas, due, order):
        here = [
            replace(one, line=str(slip.line), beside=one.beside and one.line) if one.name == name and one.line != str(slip.line) else one
            for one in stages
        ]
        return {"remarks": {name: (what, said)}, "misled": True, "lines": tuple(here)}
    return {"notes": (f"or {slip.line} is wrong: {said}, too",)} if slip.forward else {}


def _is_first(slip: Slip, blame: Blame, formulas: Mapping[str, Tree], due: Mapping[str, Tree], order: Mapping[str, Statement]) -> bool:
    """Whether the line is to be named and not the derivative: no other line explains as much, or what would be left is shorter."""
    if slip.forward and slip.longer >= UNLIKELY:
        return False
    if blame.right:
        return slip.unread or blame.times > 0 or not slip.forward or slip.longer < 0  # all are turned in sign
    if len(blame.found) != 1 or not blame.mended:
        return True
    if slip.kind or slip.passed or slip.apart:  # what its lines make is wrong, and not how they do it
        return True
    meant = [name for name in blame.found[0].meant if name in due and name not in blame.through]
    last = {*blame.found[0].meant} <= {*blame.ends.values()}  # what a parameter is moved by can always be put right
    longer = longer_than(formulas[meant[0]], due[meant[0]]) if meant else UNLIKELY * (last and not slip.forward)
    earlier = min(order[name].order for name in blame.found[0].meant if name in order)
    plainer = bool(meant) and longer - slip.longer > _PLAINER
    before = (slip.longer < _MORE or last) and order[slip.name].order < earlier
    return slip.longer < longer and (slip.forward or plainer or before)


def _divisions(tree: Tree) -> int:
    return sum(1 for node in walk(tree) if isinstance(node, Binary) and node.operator == "/")


__all__ = ["slip_of", "slipped", "unread_of"]
