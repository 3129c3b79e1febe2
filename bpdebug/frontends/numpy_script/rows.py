"""Rows and cells of a parameter: a part that is taken twice is one value, and what an update adds to some cells is a gradient of the
whole, 0 elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import cast

from bpdebug.core.description import Array
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.tree import Binary, Call, Index, Key, Name, Number, Tree, Unary, substitute
from bpdebug.frontends.numpy_script.recording import Recording, Statement

_LONGEST = 60
"""Writes into one parameter that are put together."""


def with_rows(recording: Recording) -> Recording:
    """The recording with each part of an array as one value, with the step of each parameter of which single cells are changed."""
    return _stepped(_merged(recording))


def _merged(recording: Recording) -> Recording:
    """Places that are the same number in every update are one, and so are parts of an array at the same places."""
    first, renamed = dict[object, str](), dict[str, Tree]()
    for name, value in recording.given[0].items():
        if value.ndim == 0 and value.dtype.kind in "iu":
            key = re.sub(r"\.\d+$", "", name), *(given[name].tobytes() for given in recording.given)
            if first.setdefault(key, name) != name:
                renamed[name] = Name(first[key])
    statements = list[Statement]()
    for one in recording.statements:
        formula = one.formula
        if formula and not renamed.keys().isdisjoint(formula.names):
            formula = Formula.of(substitute(formula.tree, renamed))
        part = formula.text if formula and one.inner and isinstance(formula.tree, Index) else one.name
        if (known := first.setdefault(part, one.name)) != one.name:
            renamed[one.name] = Name(known)
            continue
        opaque = tuple(cast(Name, renamed.get(name, Name(name))).name for name in one.opaque)
        statements.append(replace(one, formula=formula, opaque=opaque))
    given = tuple({name: value for name, value in one.items() if name not in renamed} for one in recording.given)
    return replace(recording, statements=tuple(statements), given=given)


def _stepped(recording: Recording) -> Recording:
    """With what is subtracted from a parameter as a value, where the script adds to some of its cells."""
    named, made = {one.name: one for one in recording.statements}, dict[str, list[Statement]]()
    values = [dict(one) for one in recording.values]
    for old, new in recording.carried.items():
        chain, name = list[tuple[Statement, Key, Tree]](), new
        while (one := named.get(name)) and one.formula and name != old and len(chain) < _LONGEST:
            match one.formula.tree:
                case Call("add_at", (Name(before), Key() as key, more)):
                    chain.append((one, key, more))
                    name = before
                case _:
                    break
        if not chain or name != old:
            continue
        base: Tree = Call("zeros_like", (Name(old),))
        written = [more.operand if isinstance(more, Unary) and more.operator == "-" else Unary("-", more) for _, _, more in chain]
        rates, parts = zip(*(_rated(less, named, recording.given[0]) for less in written), strict=True)
        rate = rates[0] if all(one == rates[0] for one in rates) else None
        for (one, key, _), less in zip(reversed(chain), reversed(parts if rate else written), strict=True):
            part = replace(
                one, name=_free(f"{old}.in", {*named, *values[0]}), formula=Formula.of(Call("add_at", (base, key, less))), inner=True
            )
            named[part.name], base = part, Name(part.name)
            made.setdefault(one.name, []).append(part)
            for update in values:
                update[part.name] = evaluate(cast(Formula, part.formula), update)
        step = Binary("*", rate, base) if rate else base
        named[new] = replace(chain[0][0], formula=Formula.of(Binary("-", Name(old), step)))
    statements = tuple(part for one in recording.statements for part in (*made.get(one.name, ()), named[one.name]))
    return replace(recording, statements=statements, values=tuple(values))


def _rated(less: Tree, named: Mapping[str, Statement], given: Mapping[str, Array]) -> tuple[Tree | None, Tree]:
    """A step as a rate, which is a single number that is given, and what it is multiplied with; None and the step where there is none."""

    def inner(tree: Tree) -> Tree:
        one = named.get(tree.name) if isinstance(tree, Name) else None
        return one.formula.tree if one and one.formula and one.inner else tree

    def rate_of(tree: Tree) -> Tree | None:
        match inner(tree):
            case Number() as rate:
                return rate
            case Name(name) as rate if name in given and given[name].ndim == 0:
                return rate
            case Unary("-", turned):
                return _turned(rate_of(turned))
        return None

    match inner(less):
        case Unary("-", turned):
            rate, step = _rated(turned, named, given)
            return _turned(rate), step if rate else less
        case Binary("*", left, step) if rate := rate_of(left):
            return rate, step
    return None, less


def _turned(rate: Tree | None) -> Tree | None:
    return rate.operand if isinstance(rate, Unary) else rate and Unary("-", rate)


def moved_parts(recording: Recording) -> tuple[str, ...]:
    """The parts of parameters of which single cells are moved, each as a formula."""
    of, found = dict[str, str](), dict[str, None]()
    for one in recording.statements:
        match one.formula and one.formula.tree:
            case Call("add_at", (Call("zeros_like", (Name(old),)), Key() as key, _)) if old in recording.start:
                of[one.name] = old
            case Call("add_at", (Name(step), Key() as key, _)) if step in of:
                old = of[one.name] = of[step]
            case _:
                continue
        found[Formula.of(Index(Name(old), key.items)).text] = None
    return tuple(found)


def _free(name: str, taken: Collection[str]) -> str:
    """The name, with the first number that is not taken."""
    return next(text for text in (name, *(f"{name}{n}" for n in range(2, len(taken) + 3))) if text not in taken)


__all__ = ["moved_parts", "with_rows"]
