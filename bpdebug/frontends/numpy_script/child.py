"""The script's process: started, waited for, and what it has recorded read, all of it bounded and checked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import prod
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError, legible
from bpdebug.core.record import Record
from bpdebug.files import FileError, open_file
from bpdebug.frontends.numpy_script.asked import Asked

_RECORDER = Path(__file__).parents[2] / "recorder"
_MAGIC, _REFUSED = b"bpdebug recording 1\n", b"bpdebug refusal\n"
_BYTES, _TEXT = 2**30, 2**28
_KINDS = "fiub"
_BY_CTRL_C = 130
_LINE, _PRINTED = 2**16, 5000
"""Characters of a line that is printed, and lines that are kept of what is."""
_PERIOD, _LONG = 0.05, 0.5
"""Seconds between two looks at a run, and for which it goes on after its first updates before they are worth a look."""
_PATIENCE = 2.0
"""Seconds in which what is still to be read of what it has printed has to come."""


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


class Run:
    """A script that runs, for who looks at it from another thread.

    Attributes:
        printed: the lines that it has printed last.
        early: what is done, once, with its first updates as soon as they are there and it still runs.
        running: whether it runs, and is not done.
    """

    def __init__(self) -> None:
        self.early: Callable[[Recorded], None] | None = None
        self.printed = deque[str](maxlen=_PRINTED)
        self._process: subprocess.Popen[bytes] | None = None
        self._at = Path()
        self._ended = False

    @property
    def running(self) -> bool:
        """Whether the script runs, and is not done."""
        return self._process is None or self._process.poll() is None

    def say(self, line: str) -> None:
        """Note a line that the script prints."""
        self.printed.append(line)

    def begin(self, process: subprocess.Popen[bytes], at: Path) -> None:
        """It runs: the process, and the file in which it tells where it is."""
        self._process, self._at = process, at
        if self._ended:
            end(process)

    def place(self) -> tuple[str, str]:
        """The line that it is at, such as ``train.py:47``, and the function that it has called there; "" where that is not known."""
        with suppress(OSError, ValueError):
            line, called = self._at.read_text("utf-8").split("\n")
            return line, called
        return "", ""

    def wait(self, process: subprocess.Popen[bytes], first: Path, script: str) -> int:
        """The status with which it ends; its first updates are read from a file in the meantime."""
        since = 0.0
        while (status := process.poll()) is None:
            time.sleep(_PERIOD)
            since += _PERIOD * first.is_file()
            if self.early and since > _LONG:
                early, self.early = self.early, None
                with suppress(BpdebugError):
                    early(_read(first, 0, script))
        return status

    def stop(self) -> None:
        """Stop it; what it has computed until then is read."""
        if self._process and self.running and os.name == "posix":
            self._process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """End it, as soon as it begins, and whatever it has started."""
        self._ended = True
        if self._process and self.running:
            end(self._process)


class _Loud(Run):
    """A run without a screen: what the script prints goes to standard error."""

    def say(self, line: str) -> None:
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)

    def wait(self, process: subprocess.Popen[bytes], first: Path, script: str) -> int:
        """The status; the first ctrl+c stops the script: what it has computed until then is read."""
        try:
            return process.wait()
        except KeyboardInterrupt as asked:
            if os.name != "posix" or getattr(asked, "status", _BY_CTRL_C) != _BY_CTRL_C:
                raise
            print("bpdebug: the script is stopped; ctrl+c again leaves", file=sys.stderr, flush=True)
            process.send_signal(signal.SIGINT)
            return process.wait()


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


def record(asked: Asked, run: Run | None = None) -> Recorded:
    """Run a script until what is asked for is recorded, or it ends; what it prints goes to standard error, or to who looks.

    Raises:
        ScriptError: where nothing was recorded.
    """
    usual = {"PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8:backslashreplace"}
    usual |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    script, program = asked.source, python_of(asked.python)
    with tempfile.TemporaryDirectory(prefix="bpdebug-") as folder:
        path = Path(folder, "recording")
        settings = {name: getattr(asked, name) for name in ("updates", "at", "module", "stdin", "loop", "called")}
        command = [program, str(_RECORDER), json.dumps({**settings, "out": str(path)}), script, *asked.arguments]
        at, run = path.with_suffix(".at"), run or _Loud()
        if not isinstance(run, _Loud):
            at.touch()
        with subprocess.Popen(  # noqa: S603 - the script that the user named on the command line
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=usual | os.environ | {"MPLBACKEND": "Agg"},
            start_new_session=True,
        ) as process:  # it ends where the other end of its standard input is closed
            reader = Thread(target=_listen, args=(process, run), daemon=True)
            try:
                run.begin(process, at)
                reader.start()
                status = run.wait(process, path.with_suffix(".first"), script)
            except BaseException:
                end(process)
                raise
            finally:
                if process.stdin:
                    process.stdin.close()  # what it has started ends, too
                reader.join(_PATIENCE)
                at.unlink(missing_ok=True)
        try:
            return _read(path, status, script)
        except FileError as error:
            found = "nothing was recorded" if error.kind == "missing" else f"of its recording: {error.reason}"
            raise ScriptError(f"{script}: its process ({program}) ended with status {status}, and {found}") from None


def _listen(process: subprocess.Popen[bytes], run: Run) -> None:
    """Pass on what the script prints, line by line."""
    with suppress(OSError, ValueError):
        while process.stdout and (line := process.stdout.readline(_LINE)):
            run.say(legible(line.decode("utf-8", "replace")))


def end(process: subprocess.Popen[bytes]) -> None:
    """End the script and whatever it has started."""
    with suppress(ProcessLookupError):
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
