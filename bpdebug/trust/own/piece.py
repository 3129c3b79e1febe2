"""A piece of a user's program, functions or an object: what it computes, and the gradients that it says, over named arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.record import Record, replace
from bpdebug.trust.own.arrays import as_array, copied, is_float, is_tensor, leaves, like, read, rebound, write
from bpdebug.trust.own.frozen import Frozen
from bpdebug.trust.own.plans import Plan, Signature, found_in
from bpdebug.trust.own.words import (
    OUTPUTS,
    RATES,
    SELF,
    arrives,
    called,
    gradient_key,
    gradient_name,
    is_parameter,
    is_target,
    key,
    names_for,
    parameters_of,
)


class Answer(Record, eq=False):
    """One forward and one backward pass.

    Attributes:
        outputs: what forward gives, without a cache.
        gradients: by the name of what they are the gradient of, in the shape in which they come.
        where: the same as a user finds them: ``back[1]``, ``layer.dW``; nothing for those that are read from a step.
        declined: the arguments for which None comes back.
    """

    outputs: tuple[Array, ...]
    gradients: Values
    where: Mapping[str, str]
    declined: Sequence[str]


class Piece:
    """What is judged. Each call is made on copies of its own, so that neither arguments nor an object ever change.

    Args:
        forward, backward: functions, or the names of methods; no ``backward`` where ``forward`` returns the gradients, too.
        inputs, keywords: what ``forward`` takes.
        outputs: how many of the things that ``forward`` returns are outputs; the rest is a cache. None where it has to be seen.
        holder: the object that has the methods.

    Attributes:
        name: what a message calls it.
        given: the arguments by name, in order, and the object as ``self``.
        paths: the arrays of floats in these, by name, with the way to each: ``W``, ``params['W1']``; an object's without ``self``.
        values: what is judged.
        first: what forward gave when it was called first.
        cotangents: what arrives: random numbers, one array an output.
        plans: the ways to read backward, the likeliest first.
        calls: how many times forward has run.
        notes: what had to be understood on the way, in sentences.
    """

    def __init__(
        self, forward: Any, backward: Any, inputs: Sequence[Any], keywords: Mapping[str, Any], outputs: int | None, holder: Any = None
    ) -> None:
        self.forward, self.backward, self.holder, self._count = forward, backward, holder, outputs
        named = backward or forward
        short = getattr(named, "__qualname__", "backward").replace("<locals>.", "")
        self.name = f"{type(holder).__name__}.{named}" if holder is not None else short.rpartition(".<lambda>")[2] or short
        held = {} if holder is None else {SELF: holder}
        run = self._function(forward, held)
        run = run if parameters_of(run) is not None or not held else getattr(holder, "forward", run)
        self.given = names_for(run, inputs, keywords) | held
        self.keywords = [*keywords]
        self.frozen = Frozen(forward, backward, *self.given.values())
        self.notes, self.plans = list[str](), list[Plan]()
        self.paths, self.values, self._stale = dict[str, str](), dict[str, Array](), list[str]()
        self.first, self.cotangents = tuple[Array, ...](), tuple[Array, ...]()
        self.calls = 0

    def run(self, values: Values) -> tuple[Array, ...]:
        """What forward gives for other numbers."""
        return tuple(map(as_array, self._split(self._run(values)[1])[0]))

    def back(self, values: Values, plan: Plan, things: dict[str, Any] | None = None) -> Answer:
        """What both give, on fresh copies or on ``things`` that have been used before."""
        made, result = self._run(values, things)
        outputs, caches = self._split(result)
        kept, before = tuple(map(as_array, outputs)), self._held(made)
        returned, fresh = caches[0] if len(caches) == 1 else tuple(caches), dict[str, Any]()
        if self.backward:
            douts = [like(output, u.copy()) for output, u in zip(outputs, self.cotangents, strict=True)]
            if any(kind == "input" for kind, _ in plan.arguments):
                self.frozen.restore()
                fresh = self._fresh(values)
            sources: dict[str, Any] = {"dout": douts, "cache": caches, "caches": [tuple(caches)], "output": outputs}
            sources |= {"input": fresh, "rate": [1.0], "kept": [self._kept(made)]}
            for output, dout in zip(outputs, douts, strict=True) if not any(kind == "dout" for kind, _ in plan.arguments) else ():
                with suppress(Exception):  # a plain array or number holds no gradient
                    output.g = output.grad = dout
            backward = self._function(self.backward, made)
            known = [one.name for one in parameters_of(backward) or []][len(plan.arguments) :]
            also = {name: made[name] for name in self.keywords if name in known and ("input", name) not in plan.arguments}
            returned = backward(*(sources[kind][place] for kind, place in plan.arguments), **also)
            returned = as_array(returned) * self.cotangents[0] if plan.times else returned
        found, declined = found_in(
            self.paths, self.given, returned, {**made, **{name: value for name, value in fresh.items() if name != SELF}}
        )
        gradients = {name: as_array(leaf) for name, (leaf, _) in found.items()}
        if not before.keys() & gradients.keys():  # by the step that a backward pass with a learning rate takes by itself
            rates = [1.0] * (("rate", 0) in plan.arguments) + [getattr(self.holder, name, None) for name in RATES[:2]]
            rate = next((rate for rate in rates if isinstance(rate, float)), 0.0)
            after = self._held(made)
            gradients |= {name: (old - after[name]) / rate for name, old in before.items() if rate and not bits_equal(old, after[name])}
        first = next(iter(self.paths), "")
        gradients = {plan.of or name: gradient * (1.0 if name == first else plan.scale) for name, gradient in gradients.items()}
        return Answer(kept, gradients, {name: where for name, (_, where) in found.items()}, declined)

    def adding(self, plan: Plan) -> list[str]:
        """The inputs whose gradient an object keeps and adds to what it held before, and has nothing to clear it with."""
        if self.holder is None:
            return []
        things = self._fresh(self.values)
        once, twice = (self.back(self.values, plan, things) for _ in range(2))
        kept = [name for name, where in once.where.items() if where.startswith("layer") and name in twice.gradients]
        holders = [self.holder, *(read(things, self.paths[name].rpartition(".")[0] or SELF) for name in kept if self.holder is not None)]
        if any(re.match("_?(zero|clear|reset)", method) for holder in holders for method in dir(holder)):
            return []
        one, two = once.gradients, twice.gradients
        return [n for n in kept if one[n].any() and one[n].shape == two[n].shape and np.allclose(two[n], 2 * one[n], 1e-6)]

    def prepare(self) -> Answer:
        """Both passes on what is given, from which it is learned what is an output, a cache, a gradient.

        Raises:
            TypeError: where backward cannot be called, or there is none.
        """
        made, result = self._run({})
        for name, value in self.given.items():
            for (path, old), (_, now) in zip(leaves(value, name), leaves(made[name], name), strict=False):
                if name != SELF and not bits_equal(as_array(old), as_array(now)):
                    self.note(f"forward changes {path} in place: each call here got a copy of its own; your training loop does not")
        if not self.backward and not isinstance(result, tuple | list):
            raise TypeError(f"{self.name} returns no gradient, and there is no backward function: pass one, or return loss, gradients")
        late = [sum(is_parameter(path) for path, _ in leaves(things.get(SELF), "")) for things in (self.given, made)]
        if late[0] < late[1]:  # parameters that are made when the first input is seen
            self.given[SELF] = made[SELF]
        self._learn()
        names, function = [name for name in self.given if name != SELF], self.backward and self._function(self.backward, made)
        if self._count is None and self.backward and isinstance(result, tuple | list):  # as many outputs as arrive at backward
            asked = [one.name for one in parameters_of(function) or []]
            leading = next((place for place, name in enumerate(asked) if not arrives(name) or name in names), len(asked))
            self._count = max(1, min(leading, next((place for place, item in enumerate(result) if not is_float(item)), len(result))))
        outputs, caches = self._split(result)
        kept = [as_array(output) for output in outputs]
        self.first, self.cotangents, self.plans = tuple(kept), _arriving(kept), [Plan(ones=1.0)]
        if self.backward:
            size, whole = max(output.size for output in kept), self._kept(made)
            keeps = whole is not None and bool(names) and as_array(whole).shape == np.shape(self.given[names[0]])
            known = self.name, function, self.holder is not None, names, len(kept), len(caches), size, keeps
            self.plans = [*Signature(*known).plans()]
        answer = self._first()
        for name in [name for name in answer.gradients if name not in answer.where]:
            moved = self.run({name: np.asarray(1.01 * as_array(read(self.given, self.paths[name])) + 0.01)})
            if all(map(bits_equal, answer.outputs, moved)):  # an optimizer's memory, which backward changes, too
                del self.paths[name]
        for name, path in self.paths.items():
            value, due = read(self.given, path), not path.startswith(f"{SELF}.") or is_parameter(path[5:])
            said = name in answer.gradients or name in {plan.of for plan in self.plans}
            if said or (due and not isinstance(value, float) and as_array(value).ndim):
                self.values[name] = as_array(value)
        return answer

    def note(self, sentence: str) -> None:
        """Say something once."""
        self.notes += [sentence] if sentence and sentence not in self.notes else []

    def lines(self, name: str, answer: Answer) -> list[str]:
        """Two lines of Python that compute a gradient again and print it beside the right one, with ``s`` the saved arrays."""
        shown = {one: f's["{one}"]' if is_tensor(value) else _written(one, value) for one, value in self.given.items() if one != SELF}
        inside = ", ".join(f"{one}={text}" if one in self.keywords else text for one, text in shown.items())
        words = {"caches": "cache", "cache": "cache", "output": "out", "rate": "1.0", "dout": 's["dout{}"]'}
        several = [kind for kind, _ in self.plans[0].arguments].count("cache") > 1
        words |= {"cache": "*cache"} if several else {}
        arguments = dict.fromkeys(
            shown[place] if kind == "input" else words[kind].format(place if len(self.cotangents) > 1 else "")
            for kind, place in self.plans[0].arguments
        )
        forward, backward = (
            f"layer.{one}" if isinstance(one, str) else getattr(one, "__name__", "f") for one in (self.forward, self.backward)
        )
        left = f"out, {words['cache']}" if any("cache" in one for one in arguments) else "out"
        back = f"{backward}({', '.join(arguments)})" if self.backward else "gradients"
        where = answer.where.get(name, "layer")
        first = f"{left if self.backward else 'loss, gradients'} = {forward}({inside})"
        seen = where.replace("back", back) + ' * s["dout"]' * self.plans[0].times
        again = f"{back}; " * ("back" not in where)
        return [first, f'{again}print({seen} - s["{gradient_name(name)}_right"])']

    def _function(self, which: Any, things: Mapping[str, Any]) -> Callable[..., Any]:
        made: Callable[..., Any] = getattr(things[SELF], which) if isinstance(which, str) else rebound(which, self.holder, things.get(SELF))
        return made

    def _fresh(self, values: Values) -> dict[str, Any]:
        """Arguments for one call, with gradients of 0, so that what is added to them shows alone."""
        made = {name: copied(value) for name, value in self.given.items()}
        for path in self._stale:
            write(made, path, np.zeros_like(as_array(read(made, path))))
        for name, array in values.items():
            write(made, self.paths[name], array)
        return made

    def _run(self, values: Values, things: dict[str, Any] | None = None) -> tuple[dict[str, Any], Any]:
        made = self._fresh(values) if things is None else things
        self.frozen.restore()
        self.calls += 1
        positional = [value for name, value in made.items() if name != SELF and name not in self.keywords]
        result = self._function(self.forward, made)(*positional, **{name: made[name] for name in self.keywords})
        return made, self._kept(made) if result is None else result

    def _kept(self, made: Mapping[str, Any]) -> Any:
        """What an object keeps of its output, None where it does not."""
        holder = made.get(SELF)
        return next((value for name in OUTPUTS if is_float(value := getattr(holder, name, None))), None)

    def _split(self, result: Any) -> tuple[list[Any], list[Any]]:
        """Outputs and the cache."""
        several, count = isinstance(result, tuple) or (isinstance(result, list) and not is_float(result)), self._count or 1
        if not several:
            return [result], []
        first = 0 if self.backward else next((place for place, item in enumerate(result) if is_float(item) and np.size(item) == 1), 0)
        return list(result[first : first + count]), [*result[:first], *result[first + count :]]

    def _learn(self) -> None:
        """The arrays of floats in what is given; what an object has twice counts once, and gradients of before are left out."""
        found = [(path, leaf) for name, value in self.given.items() for path, leaf in leaves(value, name) if is_float(leaf)]
        keys, known = {key(path) for path, _ in found}, set[int]()
        for path, leaf in sorted(found, key=lambda one: one[0].endswith("]")):
            of, name = gradient_key(path), called(path)
            if path.startswith(f"{SELF}.") and of in keys and of != key(path):
                self._stale.append(path)
            elif name == path or isinstance(leaf, float) or id(leaf) not in known:
                known |= {id(leaf)} if name != path else set()
                self.paths[path if name in self.paths else name] = path

    def _held(self, things: Mapping[str, Any]) -> dict[str, Array]:
        """The arrays of an object, as they are now."""
        return {name: as_array(read(things, path)) for name, path in self.paths.items() if path.startswith(f"{SELF}.")}

    def _first(self) -> Answer:
        """What the first of the plans gives by which backward can be called; those before it are dropped, and conventions added."""
        failure: Exception | None = None
        for place, plan in enumerate(self.plans):
            try:
                answer = self.back({}, plan)
            except Exception as error:  # whatever the user's code says of other arguments
                failure = failure or error
                continue
            if answer.gradients or plan == self.plans[-1]:
                self.plans = [*self.plans[place:], *self._conventions(plan, answer)]
                return answer
        raise failure or TypeError(f"{self.name} could not be called")

    def _conventions(self, plan: Plan, answer: Answer) -> Iterator[Plan]:
        """A step that is added, the 1/m of a loss in the gradients of all parameters (of one alone it is a mistake), the gradient of
        another input alone."""
        names = [name for name in answer.gradients if name != next(iter(self.paths))]
        if any(name not in answer.where for name in names):
            self.note("the gradients of parameters are read from the step that backward takes, divided by the learning rate")
            yield replace(
                plan, scale=-1.0, says=f"{self.name} adds its step: right where what arrives is the negative gradient, as y − a is"
            )
        shape = as_array(read(self.given, next(iter(self.paths.values())))).shape if len(names) > 1 and self.backward else ()
        for m in {*shape[:1], *shape[-1:]} - {1}:
            where = f"{' and '.join(map(gradient_name, names))} are 1/{m} of the derivative: the 1/m of the loss is here"
            yield replace(plan, scale=float(m), says=f"{where}, as some courses have it; right if it is nowhere else")
        shapes = {name: as_array(read(self.given, path)).shape for name, path in self.paths.items()}
        alone = next(iter(answer.gradients), "") if len(answer.gradients) == 1 and not any(map(is_target, self.given)) else ""
        for name in (name for name in shapes if alone and name != alone and shapes[name] == shapes[alone]):
            says = f"what comes back is the gradient of {name}, not of {alone}: right if that is how you use it"
            yield replace(plan, of=name, says=says)


def bits_equal(first: Array, second: Array) -> bool:
    """Whether two arrays hold the same numbers, NaN at the same places."""
    return first.shape == second.shape and bool(np.array_equal(first, second, equal_nan=first.dtype.kind == second.dtype.kind == "f"))


def _arriving(outputs: Sequence[Array]) -> tuple[Array, ...]:
    """Random numbers of the outputs' shapes, never ones, for which many a wrong gradient is right; each output weighs the same."""
    generator, found = np.random.default_rng(20), list[Array]()
    for output in outputs:
        sizes = np.abs(output[np.isfinite(output)]) if len(outputs) > 1 else np.ones(1)
        made = generator.standard_normal(output.shape) / (np.clip(sizes.mean(), 1e-4, 1e4) if sizes.any() else 1.0)
        found.append(np.asarray(made, output.dtype if output.dtype.kind == "f" else np.float64))
    return tuple(found)


def _written(name: str, value: Any) -> str:
    """An argument that is no array, as a line of Python has it."""
    return name if any(is_float(leaf) for _, leaf in leaves(value, name)) or len(repr(value)) > 60 or "<" in repr(value) else repr(value)
