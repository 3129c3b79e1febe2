"""The arrays of a training step saved in one line, under the names that they have in the user's code."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.files import write_file
from bpdebug.trust.own.arrays import as_array, is_tensor

_DEEP = 5


def snapshot(things: Mapping[str, Any], path: str | Path = "mine.npz", update: int | None = None) -> Path:
    """Save every array and number among some variables, to be read by ``bpdebug compare``.

    ``snapshot(locals())`` at the end of a training step saves ``W1``, ``dz2``, ``loss``; dicts, lists and objects are opened:
    ``params['W1']``, ``W[0]``, ``self.W1``. Modules, functions, text and whatever else is no number are left out.

    Args:
        things: variables by name.
        path: the ``.npz`` file.
        update: the number of the update, for several files: ``mine-0.npz``, ``mine-1.npz``.

    Returns:
        The file that was written.

    Raises:
        ValueError: where there is no array at all.
    """
    arrays: dict[str, Array] = {}
    for name, value in things.items():
        if not name.startswith("__"):
            for key, array in _arrays(value, name, 0, set()):
                arrays.setdefault(key, array)
    if not arrays:
        raise ValueError("there is no array among these variables: snapshot(locals()) belongs where the arrays are")
    target = Path(path)
    target = target if target.suffix == ".npz" else target.with_name(f"{target.name}.npz")
    target = target if update is None else target.with_name(f"{target.stem}-{update}.npz")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_file(target, npz(arrays))
    return target


def npz(arrays: Mapping[str, Array]) -> bytes:
    """The bytes of an ``.npz`` file with any names in it, also ``file``, which ``numpy.savez`` does not take."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(f"{name.replace('/', '|')}.npy", member.getvalue())
    return whole.getvalue()


def _arrays(value: Any, name: str, depth: int, inside: set[int]) -> Iterator[tuple[str, Array]]:
    """The arrays in a value, each with the words that lead to it."""
    if isinstance(value, bool | int | float | np.bool_) or is_tensor(value):
        try:
            array = as_array(value)
        except Exception:  # a tensor that gives no array
            return
        if array.dtype.kind in "biuf":
            yield name, array
        gradient = None if isinstance(value, np.ndarray | np.generic | int | float) else getattr(value, "grad", None)
        if gradient is not None and is_tensor(gradient):
            yield f"{name}.grad", as_array(gradient)
        return
    skipped = isinstance(value, str | bytes | complex | type | ModuleType | FunctionType | MethodType | type(None))
    if skipped or depth == _DEEP or id(value) in inside:
        return
    for key, part in _opened(value, name):
        yield from _arrays(part, key, depth + 1, inside | {id(value)})


def _opened(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"{name}[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, list | tuple):
        if value and all(isinstance(part, bool | int | float) for part in value):
            yield name, np.asarray(value)
            return
        yield from ((f"{name}[{place}]", part) for place, part in enumerate(value))
    elif hasattr(value, "__dict__"):
        yield from ((f"{name}.{key}", part) for key, part in vars(value).items() if not key.startswith("__"))
