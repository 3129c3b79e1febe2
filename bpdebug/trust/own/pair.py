"""A piece of a user's program as two functions over named arrays: what it computes, and the gradients that it says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.trust.own.arrays import as_array, is_float, is_number, is_tensor, leaves, rebuilt
from bpdebug.trust.own.frozen import Frozen

_BEFORE = r"(?:dl_?d|d_?loss_?d|grad(?:ient)?s?_?(?:of_|wrt_)?|delta_?|d_?|g_)"
_TARGET = r"(y|t|d|targets?|labels?|true.*|y_?(true|train|batch|real|actual|target)|actual|expected.*|ground_?truth|truth|gt|desired.*)$"
_AFTER = r"_?(?:\.?grad(?:ient)?)"


class Answer(Record, eq=False):
    """One forward and one backward pass.

    Attributes:
        outputs: what forward gives, without a cache.
        gradients: by the name of what they are the gradient of, in the shape in which they come.
    """

    outputs: tuple[Array, ...]
    gradients: Mapping[str, Array]


class Pair:
    """What is judged.

    Args:
        name: what a message calls it.
        given: the arguments of forward by name, in order; none of them is ever changed.
        positional: how many of these are passed by position.
        roots: where generators of random numbers may be held, besides in the arguments.

    Attributes:
        values: what can be differentiated, by name, as it is given.
        notes: what had to be understood on the way, in sentences.
        fused: whether gradients come without a cotangent, as those of a loss do.
        cotangents: what arrives: random numbers, one array an output.
        parameters: what is held by an object, and not an argument.
    """

    fused = False

    def __init__(self, name: str, given: Mapping[str, Any], positional: int, roots: Sequence[Any]) -> None:
        self.name, self.given, self.positional = name, dict(given), positional
        self.notes: list[str] = []
        self.values: dict[str, Array] = {}
        self.cotangents: tuple[Array, ...] = ()
        self.parameters: dict[str, str] = {}
        self._frozen = Frozen(*roots, *given.values())
        self._generator = np.random.default_rng(20)

    def run(self, values: Mapping[str, Array]) -> tuple[Array, ...]:
        """What forward gives for other numbers."""
        raise NotImplementedError

    def back(self, values: Mapping[str, Array], cotangents: tuple[Array, ...]) -> Answer:
        """What both give."""
        raise NotImplementedError

    def prepare(self) -> Answer:
        """Both passes on what is given, from which it is learned what is an output, a cache, a gradient."""
        raise NotImplementedError

    def plans(self) -> Iterator[str]:
        """The ways to read the user's backward function, the likeliest first, each in force until the next is asked for; with a
        sentence where it is a convention."""
        yield ""

    def calls(self, name: str) -> list[str]:
        """Two lines of Python that compute a gradient again and print it beside the right one, with ``s`` the saved arrays."""
        raise NotImplementedError

    def shown_arguments(self) -> str:
        """The arguments of forward, as these lines write them."""
        places = [*self.given]
        shown = [_written(name, value) for name, value in self.given.items()]
        shown[self.positional :] = [
            f"{name}={text}" for name, text in zip(places[self.positional :], shown[self.positional :], strict=True)
        ]
        return ", ".join(shown)

    def arguments(self, values: Mapping[str, Array]) -> tuple[list[Any], dict[str, Any]]:
        """Fresh arguments for one call, all generators where they were."""
        self._frozen.restore()
        made = [rebuilt(value, name, values) for name, value in self.given.items()]
        keywords = list(self.given)[self.positional :]
        return made[: self.positional], dict(zip(keywords, made[self.positional :], strict=True))

    def look_for_changes(self, made: Sequence[Any], what: str) -> None:
        """Note arguments that a call has changed in place."""
        for (name, value), after in zip(self.given.items(), made, strict=False):
            for (leaf, before), (_, now) in zip(leaves(value, name, is_tensor), leaves(after, name, is_tensor), strict=False):
                old, new = as_array(before), as_array(now)
                if old.shape != new.shape or not np.array_equal(old, new, equal_nan=old.dtype.kind == new.dtype.kind == "f"):
                    self.note(f"{what} changes {leaf} in place: each call here got a copy of its own; your training loop does not")

    def thaw(self) -> None:
        """Leave all generators of random numbers as they were."""
        self._frozen.restore()

    def note(self, sentence: str) -> None:
        """Say something once."""
        if sentence and sentence not in self.notes:
            self.notes.append(sentence)

    def arriving(self, outputs: Sequence[Array]) -> tuple[Array, ...]:
        """Random cotangents in the outputs' shapes and types; never ones, for which many a wrong gradient is right."""
        several = len(outputs) > 1
        return tuple(self._cotangent(output, several) for output in outputs)

    def _cotangent(self, output: Array, several: bool) -> Array:
        made = self._generator.standard_normal(output.shape)
        finite = np.abs(output[np.isfinite(output)]) if several else np.ones(1)
        scale = float(np.clip(finite.mean(), 1e-4, 1e4)) if finite.size and finite.any() else 1.0
        return np.asarray(made / scale, output.dtype if output.dtype.kind == "f" else np.float64)


def _written(name: str, value: Any) -> str:
    if is_tensor(value):
        return f's["{name}"]'
    return name if any(leaves(value, name, is_tensor)) or len(repr(value)) > 60 or "<" in repr(value) else repr(value)


def place_of(gradient: Array, returned: Any, usual: int = 0) -> str:
    """How to get a gradient out of what backward returns: ``[1]``, ``['W']``, or ""; where several are equal, the usual one."""
    parts = returned.items() if isinstance(returned, Mapping) else enumerate(returned) if isinstance(returned, list | tuple) else ()
    found = [key for key, part in parts if is_number(part) and np.array_equal(as_array(part), gradient, equal_nan=True)]
    key = usual if usual in found else next(iter(found), None)
    return "" if key is None else f"[{key!r}]"


def output_arrays(items: Sequence[Any]) -> tuple[Array, ...]:
    """Outputs as arrays with nothing shared."""
    return tuple(as_array(item) for item in items)


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """The parameters that can be passed by position; None where Python does not know them."""
    try:
        every = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in every):
        return None
    return [parameter for parameter in every if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)]


def names_for(function: Callable[..., Any], inputs: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by the names of the parameters that they are for."""
    parameters = parameters_of(function) or []
    names = [parameter.name for parameter in parameters if parameter.name not in keywords][: len(inputs)]
    names += [f"input{place}" if len(inputs) > 1 else "x" for place in range(len(names), len(inputs))]
    return dict(zip(names, inputs, strict=True)) | dict(keywords)


def stem(name: str) -> str:
    """What a gradient is of, by its name: ``W1`` for ``dW1``, ``grad_W1``, ``W1.grad``."""
    short = re.sub(rf"{_AFTER}$", "", name, flags=re.IGNORECASE)
    return re.sub(rf"^{_BEFORE}(?=.)", "", name, flags=re.IGNORECASE) if short == name else short


def gradient_name(name: str) -> str:
    """What a gradient is called: ``dW``, or ``d(params['W1'])``."""
    return f"d{name}" if name.isidentifier() else f"d({name})"


def is_target(name: str) -> bool:
    """Whether an argument of a loss is called as targets are, of which nobody takes the gradient."""
    return re.match(_TARGET, name, re.IGNORECASE) is not None


def looks_like_gradient(name: str) -> bool:
    """Whether a parameter of a backward function is what arrives at it."""
    known = name.lower() in ("g", "u", "v", "ct", "eta", "err", "error", "upstream", "delta", "cotangent")
    words = ("data", "dim", "dims", "dtype", "device", "dilation", "d", "dropout_param", "debug")
    begins = re.match(r"d|δ|∂|grad|g_|delta|upstream|cotangent|error|output_grad|out_grad", name, re.IGNORECASE)
    return known or (begins is not None and name.lower() not in words)


def gradients_from(returned: Any, given: Mapping[str, Any]) -> dict[str, Array]:
    """What a backward function returns, by the names of what it is the gradient of.

    Args:
        returned: one array, several in the order of the inputs (``None`` for those without), or a dict by name.
        given: the arguments of forward by name.
    """
    if returned is None:
        return {}
    if isinstance(returned, Mapping):
        return _by_name(returned, given)
    several = isinstance(returned, list | tuple)
    items, slots = (list(returned), _slots(len(returned), given)) if several else ([returned], _slots(1, given))
    found: dict[str, Array] = {}
    for name, item in zip(_in_order(items, slots, given), items, strict=False):
        if isinstance(item, Mapping) or isinstance(given.get(name), Mapping):
            found |= _by_name(item, {name: given[name]})
        else:
            found |= {leaf: as_array(part) for leaf, part in leaves(item, name, is_number)}
    return found


def _slots(count: int, given: Mapping[str, Any]) -> list[str]:
    """The arguments that so many gradients are of."""
    solid = [name for name, value in given.items() if any(as_array(leaf).ndim for _, leaf in leaves(value, name))]
    floats = [name for name, value in given.items() if isinstance(value, float) or any(leaves(value, name))]
    free = [name for name in solid if not is_target(name)]
    for slots in (solid, floats, list(given), free):
        if len(slots) == count:
            return slots
    return (free if len(free) > count else solid or floats)[:count]


def _in_order(items: list[Any], slots: list[str], given: Mapping[str, Any]) -> list[str]:
    """The same arguments in the order of the gradients, where shapes leave only one that is not the usual."""
    shapes = [as_array(item).shape if is_number(item) else None for item in items]
    wanted = {name: as_array(given[name]).shape for name in slots if is_number(given[name])}
    if len(wanted) < len(slots) or len(set(wanted.values())) < len(slots) != len(items):
        return slots
    by_shape = {shape: name for name, shape in wanted.items()}
    order = ["" if shape is None else by_shape.get(shape, "") for shape in shapes]
    return order if sorted(order) == sorted(slots) else slots


def _by_name(returned: Any, given: Mapping[str, Any]) -> dict[str, Array]:
    known = {leaf: as_array(value) for name, one in given.items() for leaf, value in leaves(one, name)}
    short = {leaf: re.sub(r".*\['?|'?\]$", "", leaf) for leaf in known}
    found: dict[str, Array] = {}
    for key, item in leaves(returned, "", is_number):
        name = re.sub(r"^\['?|'?\]$", "", key)
        for leaf, plain in short.items():
            if plain in (name, stem(name)) or (plain.lower() == stem(name).lower() and leaf not in found):
                found[leaf] = as_array(item)
    return found


def differentiable(given: Mapping[str, Any], gradients: Mapping[str, Array]) -> dict[str, Array]:
    """The arguments that are judged: arrays of floats, and plain floats where a gradient of them comes back."""
    found = {leaf: as_array(value) for name, one in given.items() for leaf, value in leaves(one, name)}
    found |= {name: np.array(value) for name, value in given.items() if isinstance(value, float) and name in gradients}
    return {name: value for name, value in found.items() if value.size and (value.ndim or name in gradients)}


def floats_in(given: Mapping[str, Any]) -> bool:
    """Whether anything is given that can be differentiated."""
    return any(isinstance(value, float) or any(leaves(value, name, is_float)) for name, value in given.items())
