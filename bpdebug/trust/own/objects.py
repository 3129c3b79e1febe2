"""Layers as objects with ``forward`` and ``backward``, parameters among their attributes and gradients wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy, deepcopy
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.trust.own.arrays import as_array, is_float, is_tensor, leaves, like
from bpdebug.trust.own.pair import (
    Answer,
    Pair,
    differentiable,
    gradients_from,
    looks_like_gradient,
    names_for,
    output_arrays,
    parameters_of,
    place_of,
    stem,
)

FORWARD = ("forward", "__call__", "loss")
BACKWARD = ("backward", "backprop", "bprop", "backward_pass")
_HELD = ("params", "parameters", "weights", "_parameters")
_GRADIENTS = ("grads", "gradients", "grad", "_gradients", "dparams", "d")
_USUAL = ("w", "b", "weight", "bias", "gamma", "beta", "kernel", "theta")
_INSIDE = ("data", "value", "array", "tensor", "values")


def method(thing: Any, names: Sequence[str]) -> str:
    """The first of these methods that it has, or ""."""
    return next((name for name in names if callable(getattr(thing, name, None))), "")


class Objects(Pair):
    """A layer.

    Args:
        layer: the user's object; each call is made on a copy of its own, so that running statistics and caches stay as they are.
        forward, backward: its methods' names; no ``backward`` where ``forward`` returns the gradients, too.
        inputs, keywords: for ``forward``.
        outputs: how many of the things that ``forward`` returns are outputs.
    """

    def __init__(
        self, layer: Any, forward: str, backward: str, inputs: Sequence[Any], keywords: Mapping[str, Any], outputs: int | None = None
    ) -> None:
        given = names_for(getattr(layer, forward), inputs, keywords)
        super().__init__(f"{type(layer).__name__}.{backward or forward}", given, len(inputs), [layer])
        self.layer, self.forward, self.backward, self._count = layer, forward, backward, outputs
        self.fused = not backward
        self._implicit = False

    def run(self, values: Mapping[str, Array]) -> tuple[Array, ...]:
        """See :class:`Pair`."""
        return output_arrays(self._outputs(self._forward(values)[1]))

    def back(self, values: Mapping[str, Array], cotangents: tuple[Array, ...]) -> Answer:
        """See :class:`Pair`."""
        layer, result, _ = self._forward(values)
        kept = output_arrays(self._outputs(result))
        returned = result[1:] if self.fused else self._pull(layer, self._outputs(result), cotangents)
        returned = returned[0] if self.fused and len(returned) == 1 else returned
        return Answer(kept, self._gradients(layer, returned))

    def prepare(self) -> Answer:
        """See :class:`Pair`."""
        layer, result, made = self._forward({})
        self.look_for_changes(made, "forward")
        if self.fused and not isinstance(result, tuple):
            raise TypeError(f"{self.name} returns no gradient, and {type(self.layer).__name__} has no backward")
        self._count = 1 if self.fused else self._count
        kept = output_arrays(self._outputs(result))
        self.cotangents = self.arriving(kept)
        parameters = parameters_of(getattr(layer, self.backward)) if self.backward else []
        optional = parameters is not None and all(parameter.default is not parameter.empty for parameter in parameters)
        if self.fused or (optional and kept[0].size == 1):  # a loss, whose backward begins with 1
            self._implicit = True
            self.cotangents = tuple(np.ones_like(cotangent) for cotangent in self.cotangents)
        if self.backward:  # what it keeps its gradients as shows only then
            self._pull(layer, self._outputs(result), self.cotangents)
        self.parameters = self._found(layer)
        answer = self.back({}, self.cotangents)
        held = {name: as_array(read(self.layer, path)) for name, path in self.parameters.items()}
        self.values = differentiable(self.given, answer.gradients) | held
        for name in self._unanswered(answer):
            self.note(f"{name} is not judged: no gradient of it was found, neither returned nor as d{name}, grads or .grad")
        return answer

    def calls(self, name: str) -> list[str]:
        """See :class:`Pair`."""
        layer, result, _ = self._forward({})
        returned = result[1:] if self.fused else self._pull(layer, self._outputs(result), self.cotangents)
        where = place_of(self._gradients(layer, returned)[name], returned)
        call = f"layer.{self.forward}({self.shown_arguments()})"
        arrives = "" if self._implicit else ", ".join(f's["dout{place if len(self.cotangents) > 1 else ""}"]' for place in self._places())
        first = f"{call}  # layer: your {type(self.layer).__name__}, with what is saved as its parameters"
        if name in self.parameters and not where:
            return [first, f'layer.{self.backward}({arrives})  # leaves what is to be s["d{name}_right"]']
        back = f"layer.{self.backward}({arrives})" if self.backward else f"{call}[1:]"
        return [first, f'print({back}{where} - s["d{name}_right"])']

    def _places(self) -> range:
        return range(len(self.cotangents))

    def _forward(self, values: Mapping[str, Array]) -> tuple[Any, Any, list[Any]]:
        made, keywords = self.arguments(values)
        layer = self._copy()
        for name, path in self.parameters.items():
            if name in values:
                write(layer, path, values[name])
        return layer, getattr(layer, self.forward)(*made, **keywords), [*made, *keywords.values()]

    def _copy(self) -> Any:
        """The layer as it is, with gradients of 0, so that what is added to them shows alone."""
        try:
            layer = deepcopy(self.layer)
        except Exception:  # it holds what cannot be copied
            layer = copy(self.layer)
            for name, value in vars(layer).items():
                if isinstance(value, np.ndarray | list | dict):
                    vars(layer)[name] = deepcopy(value)
        for _, held in _holders(layer):
            for leaf in held:
                if isinstance(leaf, np.ndarray) and leaf.flags.writeable:
                    leaf[...] = 0
        return layer

    def _outputs(self, result: Any) -> Sequence[Any]:
        several = isinstance(result, tuple) and bool(result)
        if not several:
            return [result]
        if self._count is None:
            parameters = parameters_of(getattr(self.layer, self.backward)) or []
            leading = [parameter for parameter in parameters if looks_like_gradient(parameter.name)]
            self._count = max(1, min(len(leading), sum(is_float(item) for item in result)))
        return list(result[: self._count])

    def _pull(self, layer: Any, outputs: Sequence[Any], cotangents: Sequence[Array]) -> Any:
        backward = getattr(layer, self.backward)
        if self._implicit:
            return backward()
        douts = [like(output, cotangent.copy()) for output, cotangent in zip(outputs, cotangents, strict=True)]
        return backward(*douts)

    def _gradients(self, layer: Any, returned: Any) -> dict[str, Array]:
        """Those of inputs, as they are returned, and of parameters, wherever they are."""
        items = list(returned) if isinstance(returned, list | tuple) else [returned]
        count = len(self.given)
        if isinstance(returned, Mapping) or (self.fused and len(items) == 1):
            found = gradients_from(returned, self.given if not self.parameters else {**self.given, **self._current(layer)})
        elif len(items) > count and len(items) - count == len(self.parameters):
            found = gradients_from(tuple(items[:count]), self.given)
            found |= {name: as_array(item) for name, item in zip(self.parameters, items[count:], strict=True) if is_tensor(item)}
        else:
            found = gradients_from(returned if is_tensor(returned) else tuple(items), self.given)
            for item in items:
                if isinstance(item, Mapping):
                    found |= gradients_from(item, self._current(layer))
        kept = dict(_kept(layer, self.parameters))
        return {**kept, **found}

    def _current(self, layer: Any) -> dict[str, Any]:
        return {name: read(layer, path) for name, path in self.parameters.items()}

    def _found(self, layer: Any) -> dict[str, str]:
        """The parameters by name, with the way to each: those that are listed as such, of which a gradient is kept, or that are
        called as parameters are."""
        listed = dict(_listed(self.layer))
        fields = {name: value for name, value in _fields(self.layer) if is_float(value)}
        after = {name for name, _ in _fields(layer)} | {name for name, _ in _fields(self.layer)}
        after |= {name.strip("[]'\"") for held in _GRADIENTS for name, _ in leaves(getattr(layer, held, None), "", is_tensor)}
        gradient_of = {stem(name).lower() for name in after if stem(name) != name or name in fields}
        gradient_of -= {name.lower() for name in after if name == stem(name) and name.lower() not in _USUAL}
        own = {stem(name) for name in after if stem(name) != name}
        found = {name: name for name in fields if name in own or name.lower() in _USUAL}
        found = {name: path for name, path in found.items() if not (stem(name) in fields and stem(name) != name)}
        aliases = {id(read(self.layer, path)) for path in listed.values()}
        if not self.backward and not listed and not found:
            return {}
        alone = {name: path for name, path in found.items() if id(fields[name]) not in aliases}
        return {**_renamed(listed, fields, self.layer), **alone}

    def _unanswered(self, answer: Answer) -> list[str]:
        return [name for name in self.parameters if name not in answer.gradients]


def _renamed(listed: Mapping[str, str], fields: Mapping[str, Any], layer: Any) -> dict[str, str]:
    """Listed parameters under the names that they have as attributes, too."""
    names = {id(value): name for name, value in fields.items()}
    return {names.get(id(read(layer, path)), name): path for name, path in listed.items()}


def _fields(layer: Any) -> Iterator[tuple[str, Any]]:
    yield from vars(layer).items() if hasattr(layer, "__dict__") else ()
    for name in getattr(type(layer), "__slots__", ()):
        if hasattr(layer, name):
            yield name, getattr(layer, name)


def _listed(layer: Any) -> Iterator[tuple[str, str]]:
    """The parameters that a layer lists, or keeps as objects with a ``grad``: their names, and the ways to them."""
    for held in _HELD:
        value = getattr(layer, held, None)
        if isinstance(value, Mapping | list | tuple):
            for path, leaf in leaves(value, held, lambda part: is_float(part) or bool(_number(part))):
                inner = "" if is_float(leaf) else f".{_number(leaf)}"
                yield path.replace(f"{held}['", "").replace("']", ""), path + inner
            return
    for name, value in _fields(layer):
        if hasattr(value, "grad") and not is_tensor(value) and (inner := _number(value)):
            yield name, f"{name}.{inner}"
        elif is_tensor(value) and not isinstance(value, np.ndarray) and hasattr(value, "grad"):
            yield name, name


def _number(value: Any) -> str:
    """The attribute in which an object of the user's keeps its array; "" where it has none."""
    if is_tensor(value) or isinstance(value, Mapping | list | tuple | str | int | float):
        return ""
    return next((name for name in _INSIDE if is_float(getattr(value, name, None))), "")


def _holders(layer: Any) -> Iterator[tuple[str, list[Any]]]:
    """Where gradients are kept before a pass: their arrays."""
    for name, value in _fields(layer):
        if name in _GRADIENTS or (is_tensor(value) and stem(name) != name and hasattr(layer, stem(name))):
            yield name, [leaf for _, leaf in leaves(value, name, is_tensor)]
        elif hasattr(value, "grad") and is_tensor(value.grad):
            yield name, [value.grad]
    for held in _HELD:
        value = getattr(layer, held, None)
        if isinstance(value, Mapping | list | tuple):
            parts = value.values() if isinstance(value, Mapping) else value
            yield held, [part.grad for part in parts if is_tensor(getattr(part, "grad", None))]


def _kept(layer: Any, parameters: Mapping[str, str]) -> Iterator[tuple[str, Array]]:
    """The gradients that a layer keeps after a backward pass."""
    fields = dict(_fields(layer))
    by_stem = {stem(name).lower(): value for name, value in fields.items() if stem(name) != name and is_tensor(value)}
    places = {path: place for place, path in enumerate(path for path in parameters.values() if path.endswith("]"))}
    for name, path in parameters.items():
        own = path.rpartition(".")[0]
        if own and is_tensor(getattr(read(layer, own), "grad", None)):
            yield name, as_array(read(layer, own).grad)
        elif is_tensor(getattr(read(layer, path), "grad", None)):
            yield name, as_array(read(layer, path).grad)
        elif name.lower() in by_stem:
            yield name, as_array(by_stem[name.lower()])
        else:
            for held in _GRADIENTS:
                if (kept := _in_container(getattr(layer, held, None), name, places.get(path))) is not None:
                    yield name, as_array(kept)
                    break


def _in_container(held: Any, name: str, place: int | None) -> Any:
    if isinstance(held, Mapping):
        by_name = {stem(str(key)).lower(): value for key, value in held.items()} | {str(key).lower(): value for key, value in held.items()}
        found = by_name.get(name.lower())
        return found if is_tensor(found) else None
    if isinstance(held, list | tuple) and place is not None and place < len(held):
        return held[place] if is_tensor(held[place]) else None
    return None


def read(layer: Any, path: str) -> Any:
    """What stands at ``W``, ``params['W1']``, ``params[0].data``."""
    value = layer
    for step in _steps(path):
        value = value[step[1]] if step[0] == "item" else getattr(value, step[1])
    return value


def write(layer: Any, path: str, array: Array) -> None:
    """Put other numbers there, into the array itself where it can hold them, so that whoever else has it sees them, too."""
    *way, last = _steps(path)
    holder = layer
    for step in way:
        holder = holder[step[1]] if step[0] == "item" else getattr(holder, step[1])
    old = holder[last[1]] if last[0] == "item" else getattr(holder, last[1])
    if isinstance(old, np.ndarray) and old.flags.writeable and old.dtype == array.dtype:
        old[...] = array
    elif last[0] == "item":
        holder[last[1]] = like(old, array.copy())
    else:
        setattr(holder, last[1], like(old, array.copy()))


def _steps(path: str) -> list[tuple[str, Any]]:
    steps = list[tuple[str, Any]]()
    for part in path.replace("[", ".[").split("."):
        if part.startswith("["):
            inside = part[1:-1]
            steps.append(("item", inside[1:-1] if inside[:1] in "'\"" else int(inside)))
        elif part:
            steps.append(("field", part))
    return steps
