"""The child process: ``python .../recorder FILE UPDATES train.py ARGUMENTS…``; only this package of bpdebug is found by it."""

import importlib.util
import os
import signal
import sys
from pathlib import Path


def _end_with_the_debugger() -> None:
    """End this process and all that it starts as soon as the debugger is gone, however it ended.

    The debugger holds the other end of standard input and never writes, so that reading it ends with the debugger. A process of its own
    does that, since a thread cannot while the script computes without letting go of the interpreter; a thread where there is no ``fork``.
    The script itself finds its standard input at its end.
    """
    held, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
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


if __name__ == "__main__":
    here = Path(__file__).absolute().parent
    del sys.path[0]
    _end_with_the_debugger()
    if importlib.util.find_spec("numpy") is None:
        print(f"bpdebug: there is no NumPy in {sys.executable}, the Python of the active environment", file=sys.stderr)
        sys.exit(3)
    _load("bpdebug", here.parent)
    _load("bpdebug.recorder", here)
    from bpdebug.recorder.running import run

    status = run(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
    sys.stdout.flush()
    os._exit(status)
