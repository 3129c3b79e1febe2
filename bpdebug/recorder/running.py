"""Running the user's script as ``python train.py`` would, with his own modules rewritten."""

from __future__ import annotations

import io
import os
import random
import sys
import sysconfig
import time
import traceback
import types
import warnings
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any

import numpy as np

from bpdebug.recorder.hooks import Enough, Hooks
from bpdebug.recorder.rewriting import HOOKS, rewritten
from bpdebug.recorder.stream import write
from bpdebug.recorder.updates import find_updates
from bpdebug.recorder.watched import Printing, tell_where

_HERE = str(Path(__file__).parent)
_NODES, _BYTES, _SECONDS = 300_000, 400 * 2**20, 60.0
_FIRST_LOOK = 2_000
"""Nodes after which it is looked whether enough updates are there; then after twice as many, and so on."""


class _Finder(MetaPathFinder):
    """Finds the user's own modules, wherever ``sys.path`` has them, but for what is installed."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._installed = {os.path.realpath(path) + os.sep for path in (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix)}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        origin = os.path.realpath(spec.origin) if spec and spec.origin else ""
        if spec and origin.endswith(".py") and type(spec.loader) is SourceFileLoader and not origin.startswith((*self._installed, _HERE)):
            spec.loader = _Loader(name, spec.origin or "", self._hooks)
            return spec
        return None


class _Loader(SourceFileLoader):
    """Loads a module with hooks; nothing of it is cached."""

    def __init__(self, name: str, path: str, hooks: Hooks) -> None:
        super().__init__(name, path)
        self._hooks = hooks

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        return _hooked(self.get_source(fullname) or "", os.path.relpath(path), path, self._hooks)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__dict__[HOOKS] = self._hooks
        super().exec_module(module)


def _hooked(source: str, file: str, path: str, hooks: Hooks) -> types.CodeType:
    """What runs in the place of a file of the user's."""
    hooks.files[path] = file, source
    return compile(rewritten(source, file, hooks.sites), path, "exec", dont_inherit=True)


class _Limit:
    """Ends the run when enough is recorded."""

    def __init__(self, most: int) -> None:
        self.most, self.hooks, self._begin, self._look = most, Hooks([], self), time.monotonic(), _FIRST_LOOK

    def __call__(self) -> None:
        graph, loops = self.hooks.graph, self.hooks.iterations[-1][0]
        full = len(graph.nodes) > _NODES or graph.bytes > _BYTES or time.monotonic() - self._begin > _SECONDS
        due = len(graph.nodes) > self._look or (len(loops) == 1 and loops[0][2] == self.most + 2)
        if due and not full:
            self._look = max(self._look, 2 * len(graph.nodes))
        if full or (due and len(find_updates(self.hooks)) >= self.most):
            raise Enough


def run(out: Path, most: int, script: str, arguments: list[str]) -> int:
    """Run a script and write what it computes to a file; the exit status that Python would have given."""
    limit = _Limit(most)
    hooks = limit.hooks
    hooks.sites.append((script, 0, "", ()))
    path = os.path.abspath(script)  # noqa: PTH100 - as Python spells it
    module = types.ModuleType("__main__")
    module.__dict__.update({HOOKS: hooks, "__file__": path, "__builtins__": __builtins__})
    sys.argv, sys.path[0:0], sys.modules["__main__"] = [script, *arguments], [os.path.dirname(path)], module  # noqa: PTH120
    np.random.seed(0)
    random.seed(0)
    sys.meta_path.insert(0, _Finder(hooks))
    warnings.showwarning = _warned
    for name in ("stdout", "stderr"):
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            setattr(sys, name, Printing(stream, hooks))
    tell_where(out.with_suffix(".at"), hooks)
    status, told = 0, dict[str, Any](ended="ended", script=path)
    try:
        source = Path(path).read_text("utf-8-sig")
        compile(source, path, "exec", dont_inherit=True)  # a mistake in it is told as Python tells it
        exec(_hooked(source, script, path, hooks), module.__dict__)
    except Enough:
        told["ended"] = "enough"
    except SystemExit as done:
        status = done.code if isinstance(done.code, int) else int(done.code is not None)
        if isinstance(done.code, str):
            print(done.code, file=sys.stderr)
    except BaseException as error:
        status, told["ended"] = 1, f"{type(error).__name__}: {error}".removesuffix(": ")
        told["where"] = _told(error, not isinstance(error, KeyboardInterrupt))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    write(out, hooks, most, told)
    return status


def _warned(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: str | None = None) -> None:
    """Show a warning at the user's own line."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    if filename.startswith(_HERE):
        filename, lineno, line = frame.f_code.co_filename, frame.f_lineno, None
    print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=file or sys.stderr)


def _told(error: BaseException, shown: bool) -> tuple[str, int]:
    """Print the traceback as Python does, our own frames left out, if it is to be shown; the user's file and line that it ends with."""
    whole = traceback.TracebackException.from_exception(error)
    stack: list[Any] = [whole]
    while stack:
        one = stack.pop()
        if one is not None:
            one.stack[:] = [frame for frame in one.stack if not frame.filename.startswith((_HERE, "<frozen"))]
            stack += [one.__cause__, one.__context__]
    told = whole.format() if whole.stack else whole.format_exception_only()
    print("".join(told) * shown, end="", file=sys.stderr)
    if isinstance(error, SyntaxError):
        return error.filename or "", error.lineno or 0
    return (os.path.relpath(whole.stack[-1].filename), whole.stack[-1].lineno or 0) if whole.stack else ("", 0)
