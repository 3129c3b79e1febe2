"""Running the user's script as ``python train.py`` would, with his own modules rewritten."""

from __future__ import annotations

import io
import os
import sys
import traceback
import types
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bpdebug.recorder.keeping import Keeper
from bpdebug.recorder.modules import HERE, Finder, compiled
from bpdebug.recorder.run import Enough
from bpdebug.recorder.seeds import Seeds
from bpdebug.recorder.sources import Program, RefusedError
from bpdebug.recorder.trees import HOOKS
from bpdebug.recorder.watched import Printing, place_of, tell_where

_FRAMES = 3
"""Calls that are made in the place of one of the script's."""
_FRAMEWORKS = ("torch", "jax", "tensorflow")
"""What computes out of our sight."""


def run(settings: Mapping[str, Any], source: str, arguments: list[str]) -> int:
    """Run a script and write what it computes to a file; the exit status that Python would have given.

    Args:
        settings: what the debugger asks for: the file, beside which what the first updates are stands as soon as they are there, in
            one that ends with ``.first``; after how many updates the script is ended, and which other one is wanted.
        source: the script, or a module's name.
        arguments: what it takes.

    Raises:
        RefusedError: what cannot be run.
    """
    told, out = dict[str, Any](ended="running", at=settings["at"]), Path(settings["out"])
    keeper = Keeper(settings["updates"], settings["at"], lambda recording: recording.write(out.with_suffix(".first"), told))
    hooks = keeper.hooks
    hooks.asked = settings["loop"]
    sys.meta_path.insert(0, Finder(hooks, Path.cwd() if settings["module"] else Path(source).absolute().parent))
    program = Program(source, settings["module"], settings["called"])
    hooks.sites.append((program.source, 0, "", ()))
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__dict__.update({HOOKS: hooks, "__builtins__": __builtins__})
    sys.argv = [program.path if settings["module"] else source, *arguments]
    seeds, process = Seeds(), os.getpid()
    sys.setrecursionlimit(_FRAMES * sys.getrecursionlimit())
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=keeper.rest)
    warnings.showwarning = _warned
    for name in ("stdout", "stderr"):
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            setattr(sys, name, Printing(stream, hooks))
    tell_where(out.with_suffix(".at"), hooks)
    status, told["script"] = 0, program.source
    told["breakpoints"] = stops = list[str]()
    sys.breakpointhook = lambda *_, **__: _stop_at(place_of(sys._getframe(1), hooks)[0], stops)
    try:
        codes = [compiled(text, path, file, hooks) for path, file, text in program.parts()]
        for place in program.skipped:
            print(f"bpdebug: {place}: passed over, since it is for a notebook", file=sys.stderr)
        module.__dict__.update(program.names)
        for code in codes:
            exec(code, module.__dict__)
        told["ended"] = "ended"
    except RefusedError:
        raise
    except Enough:
        told["ended"] = "enough"
    except SystemExit as done:
        told["ended"], status = "ended", done.code if isinstance(done.code, int) else int(done.code is not None)
        if isinstance(done.code, str):
            print(done.code, file=sys.stderr)
    except BaseException as error:
        status, told["ended"] = 1, f"{type(error).__name__}: {error}".removesuffix(": ")
        told |= _told(error, hooks.files)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if os.getpid() != process:  # of the script's own making
        return status
    told |= {"descents": hooks.descents, "seeded": seeds.told(), "frameworks": [name for name in _FRAMEWORKS if name in sys.modules]}
    keeper.finish(told["ended"] not in ("ended", "enough")).write(out, told)
    return status


def _stop_at(place: str, known: list[str]) -> None:
    """Note that the debugger is to stop at a line, since ``breakpoint()`` is called there."""
    if place and place not in known:
        known.append(place)


def _warned(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: str | None = None) -> None:
    """Show a warning at the user's own line."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith((HERE, warnings.__file__)):
        frame = frame.f_back
    if filename.startswith(HERE):
        filename, lineno, line = frame.f_code.co_filename, frame.f_lineno, None
    print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=file or sys.stderr)


def _told(error: BaseException, files: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """The traceback as Python has it, our own frames left out, and the user's file and line that it ends with; of ctrl+c no traceback."""
    whole = traceback.TracebackException.from_exception(error)
    stack: list[Any] = [whole]
    while stack:
        one = stack.pop()
        if one is not None:
            one.stack[:] = [frame for frame in one.stack if not frame.filename.startswith((HERE, "<frozen"))]
            stack += [one.__cause__, one.__context__]
    lines = whole.format() if whole.stack else whole.format_exception_only()
    last = next((frame for frame in reversed(whole.stack) if frame.filename in files), None)
    where = (files[last.filename][0], last.lineno or 0) if last else ("", 0)
    where = (error.filename or "", error.lineno or 0) if isinstance(error, SyntaxError) else where
    return {
        "where": where,
        "traceback": "" if isinstance(error, KeyboardInterrupt) else "".join(lines),
        "syntax": isinstance(error, SyntaxError),
        "python": sys.version_info[:2],
    }
