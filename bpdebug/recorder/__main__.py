"""The child process: ``python .../recorder SETTINGS train.py ARGUMENTS…``; only this package of bpdebug is found by it.

What stands here is read by Pythons that are too old for the rest, too.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any


def _end_with_the_debugger(stdin: str) -> None:
    """End this process and all that it starts as soon as the debugger is gone, however it ended.

    The debugger holds the other end of standard input and never writes, so that reading it ends with the debugger. A process of its own
    does that, since a thread cannot while the script computes without letting go of the interpreter; a thread where there is no ``fork``.
    The script itself reads a file, or finds its standard input at its end.
    """
    held, nothing = os.dup(0), os.open(stdin or os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    group = os.getpid()
    if not hasattr(os, "fork"):
        from threading import Thread  # noqa: PLC0415 - where it is needed

        Thread(target=lambda: (os.read(held, 1), os._exit(1)), daemon=True).start()
    elif not os.fork():
        os.read(held, 1)
        os.killpg(group, signal.SIGKILL)
    else:
        os.close(held)
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _load(name: str, folder: Path) -> None:
    """Load a package from its folder, which is not put on ``sys.path``: what lies beside it may be of another Python."""
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec and spec.loader:
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


def _refused(settings: dict[str, Any], why: str) -> None:
    """Tell the debugger why nothing runs, and leave."""
    Path(settings["out"]).write_bytes(b"bpdebug refusal\n" + why.encode())
    sys.exit(2)


if __name__ == "__main__":
    here = Path(__file__).absolute().parent
    settings = json.loads(sys.argv[1])
    del sys.path[0]
    _end_with_the_debugger(settings["stdin"])
    if sys.version_info < (3, 10):  # noqa: UP036 - it may be any Python of the user's
        _refused(settings, f"{sys.executable} is older than Python 3.10; --python PATH chooses another Python")
    if importlib.util.find_spec("numpy") is None:
        _refused(settings, f"there is no NumPy in {sys.executable}, which is to run the script; --python PATH chooses another Python")
    _load("bpdebug", here.parent)
    _load("bpdebug.recorder", here)
    from bpdebug.recorder.running import run
    from bpdebug.recorder.sources import RefusedError

    try:
        status = run(settings, sys.argv[2], sys.argv[3:])
    except RefusedError as refused:
        _refused(settings, str(refused))
    sys.stdout.flush()
    os._exit(status)
