"""Where a user's layer keeps its parameters and gradients: attributes, lists, dicts, objects with a ``grad``, layers inside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.trust.own.arrays import as_array, is_float, is_number, is_tensor, leaves, like
from bpdebug.trust.own.pair import stem

_HELD = ("params", "parameters", "weights", "_parameters")
_GRADIENTS = ("grads", "gradients", "grad", "_gradients", "dparams", "d")
_USUAL = ("w", "b", "weight", "bias", "weights", "biases", "gamma", "beta", "kernel", "theta")
_INSIDE = ("data", "value", "array", "tensor", "values")


def inside(layer: Any, before: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """A layer, and the layers in it, each with the way to it: ``""``, ``layers[0]``."""
    yield before, layer
    for name, value in fields(layer) if depth < 3 else ():
        for path, part in leaves(value, name, lambda part: callable(getattr(part, "backward", None)) and not is_tensor(part)):
            if part is not layer:
                yield from inside(part, f"{before}.{path}".removeprefix("."), depth + 1)


def parameters_in(layer: Any, after: Any) -> dict[str, str]:
    """The parameters by name, with the way to each: those that are listed as such, of which a gradient is kept, or that are called
    as parameters are.

    Args:
        layer: as it was given.
        after: a copy of it after a backward pass.
    """
    found: dict[str, str] = {}
    known: set[int] = set()
    for before, part in [*inside(layer)][::-1]:  # from within, so that what a network lists again is called by its layer
        start = f"{before}." if before else ""
        own = {name: path for name, path in _parameters(part, read(after, before)).items() if id(read(part, path)) not in known}
        known |= {id(read(part, path)) for path in own.values()}
        found = {f"{start}{name}": f"{start}{path}" for name, path in own.items()} | found
    return found


def _parameters(layer: Any, after: Any) -> dict[str, str]:
    listed = dict(_listed(layer))
    own = {name: value for name, value in fields(layer) if is_float(value)}
    names = {name for name, _ in fields(after)} | {name for name, _ in fields(layer)}
    names |= {name.strip("[]'\"") for held in _GRADIENTS for name, _ in leaves(getattr(after, held, None), "", is_tensor)}
    answered = {stem(name) for name in names if stem(name) != name}
    own |= {name: value for name, value in fields(layer) if isinstance(value, float) and name in answered}
    found = {name: name for name in own if name in answered or name.lower() in _USUAL}
    found = {name: path for name, path in found.items() if not (stem(name) in own and stem(name) != name)}
    aliases = {id(read(layer, path)) for path in listed.values()}
    return {**_renamed(listed, own, layer), **{name: path for name, path in found.items() if id(own[name]) not in aliases}}


def gradients_in(layer: Any, parameters: Mapping[str, str]) -> Iterator[tuple[str, Array]]:
    """The gradients that a layer, and the layers in it, keep after a backward pass, by the parameters' names."""
    for before, part in inside(layer):
        start = f"{before}." if before else ""
        deeper = [path for path, _ in inside(layer) if path != before and path.startswith(start)]
        own = {name: path for name, path in parameters.items() if path.startswith(start)}
        own = {name: path for name, path in own.items() if not any(path.startswith(f"{other}.") for other in deeper)}
        short = {name.removeprefix(start): path.removeprefix(start) for name, path in own.items()}
        yield from ((f"{start}{name}", gradient) for name, gradient in kept_in(part, short))


def numbers_in(layer: Any) -> dict[str, Array]:
    """Every array of floats among the attributes of a layer and of the layers in it, as it is now."""
    found: dict[str, Array] = {}
    for before, part in inside(layer):
        start = f"{before}." if before else ""
        own = {name: value for name, value in fields(part) if isinstance(value, np.ndarray) and value.dtype.kind == "f"}
        found |= {f"{start}{name}": as_array(value) for name, value in own.items()}
    return found


def _renamed(listed: Mapping[str, str], fields: Mapping[str, Any], layer: Any) -> dict[str, str]:
    """Listed parameters under the names that they have as attributes, too."""
    names = {id(value): name for name, value in fields.items()}
    return {names.get(id(read(layer, path)), name): path for name, path in listed.items()}


def fields(layer: Any) -> Iterator[tuple[str, Any]]:
    """Its attributes."""
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
    for name, value in fields(layer):
        if hasattr(value, "grad") and not is_tensor(value) and (inner := _number(value)):
            yield name, f"{name}.{inner}"
        elif is_tensor(value) and not isinstance(value, np.ndarray) and hasattr(value, "grad"):
            yield name, name


def _number(value: Any) -> str:
    """The attribute in which an object of the user's keeps its array; "" where it has none."""
    if is_tensor(value) or isinstance(value, Mapping | list | tuple | str | int | float):
        return ""
    return next((name for name in _INSIDE if is_float(getattr(value, name, None))), "")


def holders(layer: Any) -> Iterator[tuple[str, list[Any]]]:
    """Where gradients are kept before a pass: their arrays."""
    for name, value in fields(layer):
        if name in _GRADIENTS or (is_tensor(value) and stem(name) != name and hasattr(layer, stem(name))):
            yield name, [leaf for _, leaf in leaves(value, name, is_tensor)]
        elif hasattr(value, "grad") and is_tensor(value.grad):
            yield name, [value.grad]
    for held in _HELD:
        value = getattr(layer, held, None)
        if isinstance(value, Mapping | list | tuple):
            parts = value.values() if isinstance(value, Mapping) else value
            yield held, [part.grad for part in parts if is_tensor(getattr(part, "grad", None))]


def kept_in(layer: Any, parameters: Mapping[str, str]) -> Iterator[tuple[str, Array]]:
    """The gradients that a layer keeps after a backward pass."""
    held_by = dict(fields(layer))
    by_stem = {stem(name).lower(): value for name, value in held_by.items() if stem(name) != name and is_number(value)}
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
