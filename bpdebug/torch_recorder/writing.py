"""Recordings as files: a zip of arrays and one JSON text, without pickles, formulas or absolute paths."""

from __future__ import annotations

import json
import linecache
import os
import sys
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from bpdebug.files import MEBI
from bpdebug.torch_recorder import private
from bpdebug.torch_recorder.lying import subscript
from bpdebug.torch_recorder.operations import Operation
from bpdebug.torch_recorder.places import Value, broken
from bpdebug.torch_recorder.recorder import Recorder

FORMAT = 1
_PROGRAM = "program.json"
_SMALL, _LARGE = 2**12, 2**30
"""Bytes up to which an array is packed, since its head takes most of them; and from which on its length needs a wider field."""


@private.staying()
def write(recorder: Recorder, path: Path, told: dict[str, Any]) -> int:
    """Write what was recorded; the bytes of the file.

    Args:
        recorder: which has ended.
        path: of the file.
        told: the script's name, the step's number and the like, for the reader.
    """
    operations = [made for made in _needed(recorder, bool(told["ended"])) if not made.same or made.writes]
    place = {id(made): number for number, made in enumerate(operations)}
    order = [number for number, made in enumerate(recorder.operations) if id(made) in place]
    forward = [place.get(id(recorder.operations[found]), -1) if (found := recorder.forward_of(made)) >= 0 else -1 for made in operations]
    numbers = {number for made in operations for number in (*made.inputs, *made.outs)}
    kept = [value for value in recorder.values.all if value.number in numbers]
    at = {value.number: place for place, value in enumerate(kept)}
    files = _Files()
    text = {
        "format": FORMAT,
        "torch": private.VERSION,
        **told,
        "values": [[value.name, value.shape, value.dtype, value.kind, value.inner] for value in kept],
        "operations": [
            {
                "name": made.name,
                "arguments": _renumbered(_arguments(made, recorder.values.all), at),
                "keywords": _renumbered(made.keywords, at),
                "live": [at[number] for number in made.live],
                "outs": [at[number] for number in made.outs],
                "slots": made.slots,
                "writes": [at[number] for number in made.writes],
                "phase": made.phase,
                "module": made.module,
                "line": files.line(made.line),
                "forward": number,
            }
            for made, number in zip(operations, forward, strict=True)
        ],
        "gradients": _pairs(recorder.gradients, at),
        "broken": _broken(kept),
        "sizes": [[place, *value.sizes] for place, value in enumerate(kept) if value.array is None and value.sizes],
        "aliased": [at[number] for number in sorted(recorder.aliased) if number in at],
        "hooked": [place for place, made in enumerate(operations) if made.hooked],
        "own": [[[at[number] for number in side if number in at] for side in one] for one in recorder.own],
        "passes": [
            [*(bisect_left(order, end) for end in ends), aside, [at[number] for number in begin if number in at], _pairs(own, at)]
            for *ends, aside, begin, own in recorder.passes.all
        ],
        "roots": [at[number] for number in recorder.roots if number in at],
        "lacking": [[kind, names, name, files.line(line)] for kind, names, name, line in recorder.lacking],
        "files": files.texts,
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with ZipFile(temporary, "w") as archive:
            archive.writestr(_PROGRAM, json.dumps(text, separators=(",", ":")), ZIP_DEFLATED)
            _write_arrays(archive, kept)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path.stat().st_size


def _pairs(gradients: Mapping[int, int], at: Mapping[int, int]) -> list[list[int]]:
    return [[at[one], at[other]] for one, other in gradients.items() if one in at and other in at]


def _broken(values: Iterable[Value]) -> dict[str, list[int]]:
    """The places of values that are not finite."""
    found: dict[str, list[int]] = {"inf": [], "nan": []}
    for place, value in enumerate(values):
        if kind := value.broken if value.array is None else broken(value.array):
            found[kind].append(place)
    return found


def _write_arrays(archive: ZipFile, values: Iterable[Value]) -> None:
    for place, value in enumerate(values):
        if value.array is not None:
            entry = ZipInfo(f"v{place}.npy")
            entry.compress_type = ZIP_DEFLATED if value.array.nbytes < _SMALL else ZIP_STORED
            with archive.open(entry, "w", force_zip64=value.array.nbytes > _LARGE) as stream:
                np.lib.format.write_array(stream, np.asarray(value.array, order="C"), allow_pickle=False)


def _needed(recorder: Recorder, ended: bool) -> list[Operation]:
    """The operations from which gradients and updates are computed, and these; all where the script has ``ended``, or there are none."""
    everything = recorder.operations
    wanted = {number for made in everything if made.phase != "forward" for number in made.outs} | {*recorder.roots}
    wanted.update(number for *_, begin, _ in recorder.passes.all for number in begin)
    if ended or not any(made.phase == "update" for made in everything):
        return everything
    kept = list[Operation]()
    for made in reversed(everything):
        if made.phase != "forward" or not wanted.isdisjoint(made.outs):
            kept.append(made)
            wanted.update(made.inputs)
    return kept[::-1]


def _arguments(made: Operation, values: Sequence[Value]) -> list[Any]:
    """The arguments of an operation; of one that takes what lies in memory, the subscript that does so."""
    if made.name != "aten.as_strided.default" or len(made.inputs) != 1:
        return list(made.arguments)
    outer, inner = (values[number] for number in (made.inputs[0], made.outs[0]))
    return [made.arguments[0], subscript(outer.geometry, inner.geometry)]


def _renumbered(given: Any, at: dict[int, int]) -> Any:
    if isinstance(given, dict):
        return {key: at[one] if key == "t" else _renumbered(one, at) for key, one in given.items()}
    if isinstance(given, list):
        return [_renumbered(one, at) for one in given]
    return given if given is None or isinstance(given, bool | int | float | str) else {"s": str(given)}


def cell_of(path: str) -> str:
    """What a notebook's cell is called as a file: by the number that stands before it; "" for what is none."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    named = shell.compile.format_code_name(path) if shell else None  # such as "Cell", "In[2]"
    return f"cell{named[1][3:-1]}.py" if named else ""


class _Files:
    """Which files the lines stand in, by names that say nothing of this machine, and the text of the user's own."""

    def __init__(self) -> None:
        self.texts, self._names = dict[str, str](), dict[str, str]()

    def line(self, line: tuple[str, int, str] | None) -> list[Any] | None:
        """A line, with the file's short name."""
        return [self._name(line[0]), *line[1:]] if line else None

    def _name(self, path: str) -> str:
        if path not in self._names and (cell := cell_of(path)):
            self._names[path], self.texts[cell] = cell, "".join(linecache.getlines(path))
        if path not in self._names:
            installed = "site-packages" in path or path.startswith((sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)))  # noqa: PTH120
            roots = sorted((root for root in (os.getcwd(), *sys.path) if root and path.startswith(root + os.sep)), key=len)  # noqa: PTH109
            self._names[path] = name = os.path.relpath(path, roots[-1] if installed else roots[0]) if roots else os.path.basename(path)  # noqa: PTH119
            text = "" if installed else "".join(linecache.getlines(path))
            if text and len(text) < MEBI:
                self.texts[name] = text
        return self._names[path]


__all__ = ["FORMAT", "cell_of", "write"]
