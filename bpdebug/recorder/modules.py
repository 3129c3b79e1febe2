"""The user's own modules: which they are, and how they are loaded with hooks."""

from __future__ import annotations

import os
import sys
import sysconfig
import types
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any

from bpdebug.recorder.hooks import Hooks
from bpdebug.recorder.rewriting import rewritten
from bpdebug.recorder.trees import HOOKS

HERE = str(Path(__file__).parent)
_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def root_of(folder: Path) -> Path:
    """The root of the project that a folder lies in: the nearest one above with a sign of that, else the folder above."""
    return next((one for one in (folder, *folder.parents) if any((one / mark).exists() for mark in _MARKS)), folder.parent)


class Finder(MetaPathFinder):
    """Finds the user's own modules: those below the root of the script's project, and on paths that the script adds to ``sys.path``;
    never what is installed.

    Args:
        hooks: of the run.
        folder: in which the script lies.
    """

    def __init__(self, hooks: Hooks, folder: Path) -> None:
        self._hooks = hooks
        self._installed = {os.path.realpath(path) + os.sep for path in (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix)}
        self._root, self._usual = os.path.join(os.path.realpath(root_of(folder)), ""), {*map(os.path.realpath, sys.path)}  # noqa: PTH118

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """What is to load a module of the user's own, None for another one."""
        spec = PathFinder.find_spec(name, path, target)
        if name == "matplotlib" and spec and spec.loader:
            spec.loader = _Hidden(spec.loader)
            return spec
        if spec and type(spec.loader) is SourceFileLoader and self._is_his(os.path.realpath(spec.origin or "")):
            spec.loader = _Loader(name, spec.origin or "", self._hooks)
            return spec
        return None

    def _is_his(self, path: str) -> bool:
        if path.startswith((*self._installed, HERE)) or any(part in path for part in _INSTALLED):
            return False
        added = {os.path.join(os.path.realpath(one), "") for one in sys.path if os.path.realpath(one) not in self._usual}  # noqa: PTH118
        return path.startswith((self._root, *added))


class _Hidden(Loader):
    """Loads matplotlib, which then keeps to the pictures that nobody sees, so that ``show`` returns."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        self._loader.exec_module(module)
        module.use = lambda *_, **__: None  # type: ignore[attr-defined]
        warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")


class _Loader(SourceFileLoader):
    """Loads a module with hooks; nothing of it is cached."""

    def __init__(self, name: str, path: str, hooks: Hooks) -> None:
        super().__init__(name, path)
        self._hooks = hooks

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        return compiled(self.get_source(fullname) or "", path, os.path.relpath(path), self._hooks)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__dict__[HOOKS] = self._hooks
        super().exec_module(module)


def compiled(source: str, path: str, file: str, hooks: Hooks) -> types.CodeType:
    """Source with hooks as code.

    Args:
        source, path: the code, and what tracebacks call its file.
        file: what that is called elsewhere.
        hooks: of the run.

    Raises:
        SyntaxError: as Python tells it.
    """
    compile(source, path, "exec", dont_inherit=True)
    hooks.files[path] = file, source
    return compile(rewritten(source, file, hooks.sites), path, "exec", dont_inherit=True)
