"""What a row of the functions is, and how it is made from what a call looks like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpdebug.core.boxes import Piece, brackets, joined, lowered, row
from bpdebug.core.record import Record

Axis = int | tuple[int, ...] | None
"""The axis or axes that a function works along; -1 is the last one, None is none, or all."""


class Function(Record):
    """A callable of the formula language.

    Attributes:
        name: as it is written in a formula.
        run: the NumPy function; elementwise ones take ``out``, reductions ``axis`` and ``keepdims``.
        parameters: the names of its arguments, but for ``axis``, ``keepdims`` and ``ddof``.
        arity: how many of them it needs; those after have the values of ``usual``.
        usual: what an argument is that is left away, by its name, as text.
        static: the arguments that are whole numbers, or lists of them, which have to be known before anything runs: a shape, a count.
        listed: whether the first argument is a list of arrays.
        axes: how it takes an axis: "" not at all, ``asks`` where it has to be given, else ``has``.
        axis: the axis where none is given.
        reduces: whether it folds an axis (dropped, or kept with length 1) or, without an axis, everything into one number.
        structural: whether each cell of what it gives is a cell of an argument, or 0: run on the numbers of the argument's cells, it
            tells which.
        result: the kind of number that comes out: ``float`` (the scenario's precision), ``bool``, ``int``, or ``same`` as NumPy makes of
            what goes in.
        truths: the arguments that are truth values or places; where numbers come out, all others are taken as numbers.
        formula: for a function that is made of others, its value as text over its parameters, with ``{axis}``, ``{keepdims}``, ``{ddof}``.
        ufunc: whether ``run`` is a NumPy ufunc and so can write into a buffer.
        branch: for a function with a corner, how far it moves, from where the first argument is less than the second, or than zero,
            and how far both move.
        cellwise: whether each cell is made of the same cells of what goes in.
        linear: of what neither works cell by cell nor folds, whether it is linear in each of its arguments.
        single: whether it takes single truth values only.
        python: what a pasted formula calls, where that is not ``run``.
        unicode: a template with ``{}`` for each argument.
        box: how a worked solution sets it, from the letter of an axis and the arguments.
        slopes: the derivative by each argument, as text over the arguments ``u`` and ``v``; none where there is no such rule.
        adjoint: what it passes back to its first argument, as text over its parameters, what arrives, ``g``, and its own ``value``, both
            with the folded axes kept; ``divisor`` is the value, but 1 where that is 0 (so that 0 comes back from there, as in PyTorch),
            unless the formula divides by the value anyhow; ``{axis}``, ``{count}`` (the number of cells that are folded) and ``{ddof}``
            are those of the call.
    """

    name: str
    run: Callable[..., Any]
    parameters: tuple[str, ...] = ("x",)
    arity: int = 1
    usual: Mapping[str, str] = {}
    static: tuple[int, ...] = ()
    listed: bool = False
    axes: str = ""
    axis: Axis = None
    reduces: bool = False
    structural: bool = False
    result: str = "float"
    truths: tuple[int, ...] = ()
    formula: str = ""
    ufunc: bool = True
    branch: Callable[[Any, Any, Any], Any] | None = None
    linear: bool = True
    single: bool = False
    cellwise: bool = False
    python: Callable[..., Any] | None = None
    unicode: str = ""
    box: Callable[..., Piece] = row
    slopes: tuple[str, ...] = ()
    adjoint: str = ""

    @property
    def signature(self) -> str:
        """What it takes, as Python defines it."""
        own = [name if place < self.arity else f"{name}={self.usual.get(name) or None}" for place, name in enumerate(self.parameters)]
        axis = {"": [], "asks": ["axis"], "has": [f"axis={self.axis}"]}[self.axes]
        return ", ".join([*own, *axis, *["keepdims=False"] * self.reduces])

    def numbers(self, values: list[Any], number: Callable[[Any], Any]) -> list[Any]:
        """The arguments; where the result is a number of the scenario's precision, those that are counts or truth values made such by
        ``number``."""
        if all(value.dtype.kind in "fc" for value in values if hasattr(value, "dtype")):
            return values
        counted = [place for place, value in enumerate(values) if place not in self.truths and not self.static_at(place)]
        if self.result == "same" and all(values[place].dtype.kind in "biu" for place in counted if hasattr(values[place], "dtype")):
            return values
        if self.result in ("bool", "int"):
            return values
        return [number(value) if place in counted and hasattr(value, "dtype") else value for place, value in enumerate(values)]

    def static_at(self, place: int) -> bool:
        """Whether an argument has to be known before anything runs."""
        return place in self.static


def called(name: str) -> Callable[..., Piece]:
    """How a worked solution sets a call by its name: ``max_j(…)``."""
    return lambda axis, *arguments: row(lowered(name, axis), brackets(joined(arguments, ", ")))


def row_of(signature: str, run: Callable[..., Any], **more: Any) -> Function:
    """A row from what a call looks like: ``#`` marks what has to be known before anything runs, ``[]`` a list of arrays."""
    name, parts = signature.rstrip(")").split("(")
    own = [part.strip() for part in parts.split(",")]
    axis = [part.partition("=")[2] for part in own if part.startswith("axis")]
    given = [part for part in own if not re.match("axis|keepdims|ddof", part)]
    words = [part.strip("#[]").partition("=") for part in given]
    told: dict[str, Any] = {
        "parameters": tuple(word for word, _, _ in words),
        "arity": sum(not sign for _, sign, _ in words),
        "usual": {word: value for word, sign, value in words if sign},
        "static": tuple(place for place, part in enumerate(given) if part.startswith("#")),
        "listed": given[:1] != [] and given[0].startswith("["),
        "axes": "" if not axis else "has" if axis[0] else "asks",
        "axis": int(axis[0]) if axis and axis[0] not in ("", "None") else None,
        "box": called(name),
        "ufunc": isinstance(run, np.ufunc),
    }
    return Function(name, run, **told | more)


def elementwise(name: str, run: Any, arity: int = 1, **more: Any) -> Function:
    """The row of a function that works cell by cell, and of an operator."""
    return row_of(f"{name}({', '.join(['x', 'y'][:arity])})", run, **{"cellwise": name != "@"} | more)


def reduction(name: str, run: Any, **more: Any) -> Function:
    """The row of a function that folds axes."""
    return row_of(f"{name}(x, axis=None, keepdims=False)", run, **{"reduces": True, "ufunc": False} | more)


def structural(signature: str, run: Any, **more: Any) -> Function:
    """The row of a function that puts cells in other places."""
    return row_of(signature, run, structural=True, ufunc=False, **{"result": "same"} | more)


def composite(signature: str, formula: str, adjoint: str = "", **more: Any) -> Function:
    """The row of a function that is made of others."""
    return row_of(signature, _unrun, formula=formula, adjoint=adjoint, ufunc=False, **more)


def _unrun(*_: Any) -> Any:
    raise NotImplementedError("what is made of other functions runs as these")
