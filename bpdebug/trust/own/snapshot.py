"""The arrays of a training step saved in one line, under the names that they have in the user's code."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.files import write_file
from bpdebug.trust.own.arrays import as_array, leaves


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
        for key, leaf in leaves(value, name) if not name.startswith("__") else ():
            with suppress(Exception):  # a tensor that gives no array
                array = as_array(leaf)
                arrays |= {key: array} if array.dtype.kind in "biuf" else {}
    if not arrays:
        raise ValueError("there is no array among these variables: snapshot(locals()) belongs where the arrays are")
    target = Path(path)
    target = target if target.suffix == ".npz" else target.with_name(f"{target.name}.npz")
    target = target if update is None else target.with_name(f"{target.stem}-{update}.npz")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_file(target, npz(arrays))
    return target


def npz(arrays: Values) -> bytes:
    """The bytes of an ``.npz`` file with any names in it, also ``file``, which ``numpy.savez`` does not take."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(f"{name.replace('/', '|')}.npy", member.getvalue())
    return whole.getvalue()
