"""The ways in which a user's backward function may be meant to be called, from the names of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bpdebug.core.record import Record, replace
from bpdebug.trust.own.words import OUTPUTS, RATES, arrives, parameters_of


class Plan(Record):
    """One way to read a backward function.

    Attributes:
        arguments: what goes where: ``dout``, ``cache``, ``output`` with a place, ``input`` with a name, ``caches`` for all as one,
            ``rate`` for a learning rate.
        times: whether it is an elementwise derivative, still to be multiplied by what arrives.
        ones: whether it is the gradient for a cotangent of 1, as that of a loss is, whatever arrives.
        scale: by what all gradients but that of the first input are still to be multiplied.
        of: what its only gradient is of, where that is not the first input.
        says: what is unusual about it, in a sentence: then it is a convention.
    """

    arguments: tuple[tuple[str, Any], ...] = ()
    times: bool = False
    ones: bool = False
    scale: float = 1.0
    of: str = ""
    says: str = ""


class Signature(Record, eq=False):
    """What is known of a backward function before it is called.

    Attributes:
        name, backward: what it is called, and itself.
        held: whether it is the method of an object, which may keep what it needs.
        given: the names of forward's arguments.
        outputs, caches: how many things of each kind forward gives.
        scalar: whether the outputs are single numbers.
    """

    name: str
    backward: Callable[..., Any]
    held: bool
    given: Sequence[str]
    outputs: int
    caches: int
    scalar: bool

    def plans(self) -> Iterator[Plan]:
        """The ways to call it, the likeliest first.

        Raises:
            TypeError: where a parameter is not understood.
        """
        for plan in self._ways():
            yield plan
            if self.scalar and not plan.ones and not plan.times:
                says = f"{self.name} gives the gradient for dout = 1, whatever arrives: right for the loss itself"
                yield replace(plan, ones=True, says=says)

    def _ways(self) -> Iterator[Plan]:
        douts = tuple(("dout", place) for place in range(self.outputs))
        known = parameters_of(self.backward)
        needed = [one.name for one in known or [] if one.default is one.empty or one.name in self.given]
        rates = [name for name in needed if self.held and name in RATES]
        if known is None and (self.caches or self.held):
            yield Plan((*douts, *(("cache", place) for place in range(self.caches))))
        elif known is not None and not needed:
            yield Plan(ones=True) if self.scalar else Plan(douts)
        elif self.held and len(needed) == len(douts) + len(rates):
            yield Plan((*douts, *(("rate", 0) for _ in rates)))
        elif len(needed) < 2 and not self.caches:
            yield from self._single(needed[0] if needed else "")
        else:
            yield from self._by_names(needed)

    def _single(self, name: str) -> Iterator[Plan]:
        """One argument: what arrives, or, of an elementwise derivative, the input or the output."""
        first = self.given[0]
        if name in self.given or not arrives(name):
            yield Plan((("input", first),), True)
            yield Plan((("output", 0),), True, says=f"{self.name} takes the output of forward, not {first}: right if you call it so")
        if name not in self.given:
            yield Plan((("dout", 0),))

    def _by_names(self, needed: list[str]) -> Iterator[Plan]:
        """What arrives, the cache, inputs and outputs in any order."""
        cached = self.caches and len(needed) - self.outputs in (1, self.caches)
        named = [] if cached else [name for name in needed if name in self.given]
        free = [name for name in needed if name not in named]
        arriving = [name for name in free if arrives(name)][: self.outputs]
        if not arriving or (cached and len(arriving) < self.outputs):
            arriving = free[: self.outputs]
        rest = [name for name in free if name not in arriving]
        sources: list[tuple[str, Any]] = [("cache", place) for place in range(self.caches)]
        sources = [("caches", 0)] if len(rest) == 1 < self.caches else sources
        sources += [("output", 0)] if any(name in OUTPUTS for name in rest) else []
        sources += [("input", name) for name in self.given if name not in named]
        if len(rest) > len(sources):
            unknown = ", ".join(rest[len(sources) :])
            raise TypeError(f"{self.name} needs {', '.join(needed)}: what is {unknown}? Wrap it in a function (dout, cache)")
        places = {name: ("input", name) for name in named} | {name: ("dout", place) for place, name in enumerate(arriving)}
        places |= dict(zip(rest, sources, strict=False))
        plan = Plan(tuple(places[name] for name in needed), not arriving)
        yield plan
        if rest and not self.caches and len(needed) == 2 and arriving:
            yield replace(plan, arguments=tuple(("output", 0) if kind == "input" else (kind, at) for kind, at in plan.arguments))
