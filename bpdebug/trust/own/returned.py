"""The gradients in what a user's backward function returns and in what an object keeps, each by what it is the gradient of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from bpdebug.trust.own.arrays import as_array, is_float, leaves, read, shapes_in
from bpdebug.trust.own.words import INPUTS, SELF, gradient_key, is_parameter, is_target, key


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
