"""The script's process: started, waited for, and what it has recorded read, all of it bounded and checked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import Record
from bpdebug.files import FileError, open_file
from bpdebug.frontends.numpy_script.asked import Asked

_RECORDER = Path(__file__).parents[2] / "recorder"
_MAGIC, _REFUSED = b"bpdebug recording 1\n", b"bpdebug refusal\n"
_BYTES, _TEXT = 2**30, 2**28
_KINDS = "fiub"
_BY_CTRL_C = 130


class ScriptError(BpdebugError):
    """A script that cannot be debugged, with the reason.

    Args:
        text: the reason.
        status: 2 for a mistake in its syntax.
        located: whether the text says whose it is.
    """

    def __init__(self, text: str, status: int = 1, located: bool = False) -> None:
        super().__init__(text)
        self.status, self.located = status, located


class Recorded(Record, eq=False):
    """What the child has written.

    Attributes:
        text: its JSON.
        arrays: the numbers.
        status: with which the script ended.
    """

    text: dict[str, Any]
    arrays: tuple[Array, ...]
    status: int


def python_of(asked: str) -> str:
    """The Python that is asked for, by its path or by the folder of its environment; else that of the active environment, else ours.

    Raises:
        ScriptError: where there is none.
    """
    if asked and not Path(asked).is_dir():
        if found := shutil.which(asked):
            return found
        raise ScriptError(f"--python {asked}: there is no such program", 2)
    for folder in (asked,) if asked else filter(None, map(os.environ.get, ("VIRTUAL_ENV", "CONDA_PREFIX"))):
        for name in ("bin/python", "Scripts/python.exe", "python.exe"):
            if (path := Path(folder, name)).is_file():
                return str(path)
    if asked:
        raise ScriptError(f"--python {asked}: there is no Python in that folder", 2)
    return sys.executable


def record(asked: Asked) -> Recorded:
    """Run a script until what is asked for is recorded, or it ends; what it prints goes to standard error.

    Raises:
        ScriptError: where nothing was recorded.
    """
    usual = {"MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    script, program = asked.source, python_of(asked.python)
    with tempfile.TemporaryDirectory(prefix="bpdebug-") as folder:
        path = Path(folder, "recording")
        settings = {name: getattr(asked, name) for name in ("updates", "at", "module", "stdin", "loop")}
        command = [program, str(_RECORDER), json.dumps({**settings, "out": str(path)}), script, *asked.arguments]
        out = sys.stderr.fileno() if hasattr(sys.stderr, "fileno") else -1
        out = out if out >= 0 else subprocess.DEVNULL  # the app has the screen
        with subprocess.Popen(  # noqa: S603 - the script that the user named on the command line
            command, stdin=subprocess.PIPE, stdout=out, stderr=out, env=usual | os.environ, start_new_session=True
        ) as process:  # it ends where the other end of its standard input is closed
            try:
                status = _waited(process)
            except BaseException:
                _end(process)
                raise
        try:
            return _read(path, status, script)
        except FileError as error:
            found = "nothing was recorded" if error.kind == "missing" else f"of its recording: {error.reason}"
            raise ScriptError(f"{script}: its process ({program}) ended with status {status}, and {found}") from None


def _waited(process: subprocess.Popen[bytes]) -> int:
    """The exit status of the script, which the first ctrl+c stops: what it has computed until then is read."""
    try:
        return process.wait()
    except KeyboardInterrupt as asked:
        if os.name != "posix" or getattr(asked, "status", _BY_CTRL_C) != _BY_CTRL_C:
            raise
        print("bpdebug: the script is stopped; ctrl+c again leaves", file=sys.stderr, flush=True)
        process.send_signal(signal.SIGINT)
        return process.wait()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the script and whatever it has started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _read(path: Path, status: int, script: str) -> Recorded:
    with open_file(path, "a recording", _BYTES) as file:
        magic = file.readline(64)
        if magic == _REFUSED:
            raise ScriptError(file.read(_TEXT).decode(), 2)
        wrong = magic != _MAGIC
        length = file.readline(32).strip()
        if wrong or not length.isdigit() or int(length) > _TEXT:
            raise ScriptError(f"{script}: the recording is damaged")
        text, arrays = json.loads(file.read(int(length))), list[Array]()
        for kind, shape in text["arrays"]:
            dtype = np.dtype(kind)
            content = file.read(prod(shape) * dtype.itemsize)
            if dtype.kind not in _KINDS or len(content) < prod(shape) * dtype.itemsize:
                raise ScriptError(f"{script}: the recording is damaged")
            arrays.append(np.frombuffer(content, dtype).reshape(shape))
    return Recorded(text, tuple(arrays), status)
