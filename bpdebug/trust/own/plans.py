"""How a user's backward function may be meant: the ways to call it, from the names of its parameters, and what the gradients are of that
it returns, or that its object keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from bpdebug.core.record import Record, replace
from bpdebug.trust.own.arrays import as_array, is_float, leaves, read, shapes_in
from bpdebug.trust.own.words import CACHES, INPUTS, OUTPUTS, RATES, SELF, arrives, gradient_key, is_parameter, is_target, key, parameters_of


class Plan(Record):
    """One way to read a backward function.

    Attributes:
        arguments: what goes where: ``dout``, ``cache``, ``output`` with a place, ``input`` with a name, ``caches`` for all as one,
            ``rate`` for a learning rate, ``kept`` for what an object keeps as its output. Without a ``dout``, that is kept by the outputs.
        times: whether it is an elementwise derivative, still to be multiplied by what arrives.
        ones: the cotangent of each output, whatever arrives: 1 of a loss, 1/n of n samples' losses; 0 for what arrives.
        scale: by what all gradients but that of the first input are still to be multiplied.
        of: what its only gradient is of, where that is not the first input.
        says: what is unusual about it, in a sentence: then it is a convention.
    """

    arguments: tuple[tuple[str, Any], ...] = ()
    times: bool = False
    ones: float = 0.0
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
        size: how many numbers the largest output is.
        keeps: whether its object keeps an output as large as the first input.
    """

    name: str
    backward: Callable[..., Any]
    held: bool
    given: Sequence[str]
    outputs: int
    caches: int
    size: int
    keeps: bool

    def plans(self) -> Iterator[Plan]:
        """The ways to call it, the likeliest first.

        Raises:
            TypeError: where a parameter is not understood.
        """
        for plan in self._ways():
            yield plan
            if self.size == 1 and not plan.ones and not plan.times:
                says = f"{self.name} gives the gradient for dout = 1, whatever arrives: right for the loss itself"
                yield replace(plan, ones=1.0, says=says)
            if any(map(is_target, self.given)) and ("dout", 0) in plan.arguments:  # a loss that gets the answers back, not a gradient
                for answers in [("kept", 0)] * self.keeps + [("input", self.given[0])]:
                    arguments = tuple(answers if one == ("dout", 0) else one for one in plan.arguments)
                    yield replace(plan, arguments=arguments, ones=1 / self.size)
                    if self.size > 1:
                        says = f"{self.name} gives the gradient of the losses' sum, not of their mean: right if nothing else divides by m"
                        yield replace(plan, arguments=arguments, ones=1.0, says=says)

    def _ways(self) -> Iterator[Plan]:
        douts = tuple(("dout", place) for place in range(self.outputs))
        known = parameters_of(self.backward)
        needed = [one.name for one in known or [] if one.default is one.empty or one.name in self.given]
        rates = [name for name in needed if self.held and name in RATES]
        if known is None and (self.caches or self.held):
            yield Plan((*douts, *(("cache", place) for place in range(self.caches))))
        elif known is not None and not needed:
            yield Plan(ones=1.0) if self.size == 1 else Plan(douts if known else ())
        elif self.held and len(needed) == len(douts) + len(rates):
            if not rates and needed[0] in self.given and not arrives(needed[0]):
                yield from self._single(needed[0])
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
            yield Plan(
                (("output", 0),), True, says=f"{self.name} takes the output of forward, not {first}: right if that is how you call it"
            )
        if name not in self.given:
            yield Plan((("dout", 0),))

    def _by_names(self, needed: list[str]) -> Iterator[Plan]:
        """What arrives, the cache, inputs and outputs in any order."""
        cached = self.caches and len(needed) - self.outputs in (1, self.caches)
        named = [] if cached else [name for name in needed if name in self.given]
        free = [name for name in needed if name not in named]
        arriving = [name for name in free if arrives(name)][: self.outputs]
        plain = [name for name in free if name.lower() not in CACHES and not (name in OUTPUTS and named) and not is_target(name)]
        if (not arriving and (not named or not self.caches)) or (cached and len(arriving) < self.outputs):
            arriving = (free if cached else plain)[: self.outputs]
        rest = [name for name in free if name not in arriving]
        sources: list[tuple[str, Any]] = [("cache", place) for place in range(self.caches)]
        sources = [("caches", 0)] if len(rest) == 1 < self.caches else sources
        sources += [("output", 0)] if any(name in OUTPUTS for name in rest) else []
        sources += [("input", name) for name in self.given if name not in named]
        if missing := [name for name in rest if is_target(name) and name not in OUTPUTS]:
            where = "put the loss into forward, so that it takes them, too"
            raise TypeError(f"{self.name} needs {', '.join(missing)}, which forward does not take: {where}")
        if len(rest) > len(sources):
            unknown = ", ".join(rest[len(sources) :])
            raise TypeError(f"{self.name} needs {', '.join(needed)}: what is {unknown}? Wrap it in a function (dout, cache)")
        places = {name: ("input", name) for name in named} | {name: ("dout", place) for place, name in enumerate(arriving)}
        places |= dict(zip(rest, sources, strict=False))
        loss = self.size == 1 and not arriving
        plan = Plan(tuple(places[name] for name in needed), not arriving and not loss, float(loss))
        yield plan
        if ("caches", 0) in plan.arguments:  # what stands between the outputs and the cache is another output
            last = ("cache", self.caches - 1)
            yield replace(plan, arguments=tuple(last if kind == "caches" else (kind, at) for kind, at in plan.arguments))
        if plan.times:
            yield replace(plan, times=False)
        if rest and not self.caches and len(needed) == 2 and arriving:
            yield replace(plan, arguments=tuple(("output", 0) if kind == "input" else (kind, at) for kind, at in plan.arguments))


def found_in(
    paths: Mapping[str, str], given: Mapping[str, Any], returned: Any, made: Mapping[str, Any]
) -> tuple[dict[str, tuple[Any, str]], list[str]]:
    """What an object keeps and what backward returns, by the names of what it is the gradient of, with where it is."""
    keys = {key(path[len(root) :]): name for name, path in paths.items() for root in (path.split("[")[0].split(".")[0], "")}
    keys.pop("", None)
    held = leaves(made.get(SELF), SELF)
    keys |= {one: next(iter(paths)) for one in INPUTS if one not in keys and next(iter(paths), SELF) in given}
    found = dict[str, tuple[Any, str]]()
    for path, leaf in held:
        ways = (gradient_key(path.removeprefix(f"{SELF}.")), gradient_key(path))
        if of := next((keys[way] for way in ways if way in keys and way not in (key(path), key(path.removeprefix(f"{SELF}.")))), ""):
            found[of] = leaf, f"layer{path[4:]}"
    for name, value in made.items():
        if name != SELF and type(value) is not np.ndarray:
            found |= {keys[of]: (leaf, path) for path, leaf in leaves(value, name) if (of := gradient_key(path)) in keys}
    numbers = isinstance(returned, list) and is_float(returned) and is_float(next(iter(made.values())))  # a list as an array
    several = isinstance(returned, tuple | list) and not numbers
    items = [*returned] if several else [returned]
    names = [] if isinstance(returned, Mapping) else _slots(paths, given, items)
    names += [""] * (len(items) - len(names))
    for place, (name, item) in enumerate(zip(names, items, strict=True)):
        for path, leaf in leaves(item, name):
            inner = path[len(name) :]
            of = path if path in paths else keys.get(gradient_key(inner)) or keys.get(key(inner), "")
            found |= {of: (leaf, "back" + f"[{place}]" * several + inner)} if of else {}
    return found, [name for name, item in zip(names, items, strict=True) if item is None and several]


def _slots(paths: Mapping[str, str], given: Mapping[str, Any], items: Sequence[Any]) -> list[str]:
    """What the gradients that backward returns are of: the arguments in their order, or in another that only shapes tell."""
    shapes = {name: shapes_in(value) if is_float(value) else None for name, value in given.items() if name != SELF}
    roots = {path.split("[")[0].split(".")[0] for path in paths.values()}
    floats = [name for name in shapes if name in roots]
    solid = [name for name in floats if shapes[name] != ()]
    free, count = [name for name in solid if not is_target(name)], len(items)
    held = [name for name, path in paths.items() if path.startswith(f"{SELF}.") and is_parameter(path[5:])]
    ways = (solid, floats, [*shapes], free, [*solid, *held])
    chosen = next((way for way in ways if len(way) == count), (free if len(free) > count else solid or floats)[:count])
    came, due = [*map(shapes_in, items)], [shapes.get(name) for name in chosen]
    if came == due:
        return chosen
    lists = {name.split("[")[0]: paths[name].split("[")[0] for name in paths if "[" in name}
    shapes |= {name: shapes_in(read(given, path)) for name, path in lists.items()}
    shapes |= {name: as_array(read(given, paths[name])).shape for name in held}
    every = list(dict.fromkeys([*free, *held, *lists]))
    known = [shapes[name] for name in every]
    agree = sum(one == other for one, other in zip(came, due, strict=False))
    if agree < count == len({*came}) and all(known.count(shape) == 1 for shape in came):  # in another order
        return [every[known.index(shape)] for shape in came]
    blocks = SequenceMatcher(None, came, known, autojunk=False).get_matching_blocks()
    if sum(block.size for block in blocks) > agree + 1:  # with something else before, among or behind them
        names = [""] * count
        for block in blocks:
            names[block.a : block.a + block.size] = every[block.b : block.b + block.size]
        return names
    return chosen
