"""What is run: a script, a module as ``python -m`` runs it, or the code cells of a notebook."""

from __future__ import annotations

import importlib.util
import json
import linecache
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_OF_A_NOTEBOOK = ("%", "!", "?")
_CELLS_THAT_RUN = ("%%time", "%%timeit", "%%capture", "%%prun")
"""What may stand above a cell of Python."""


class RefusedError(Exception):
    """What cannot be run, with the reason."""


class _Shell:
    """What a notebook calls IPython, which does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Program:
    """The code of a run.

    Args:
        source: the script's path, or a module's name.
        module: whether it is a module's.
        called: what the script is called, if not by its path.

    Attributes:
        path: of the file.
        parts: what is called how in tracebacks, how elsewhere, and its source; a notebook has one for each cell.
        names: what the module has before it runs.
    """

    def __init__(self, source: str, module: bool, called: str = "") -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        if module:
            sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as Python has it
            source = self._of_module(source)
        self.path = os.path.abspath(source)  # noqa: PTH100 - as Python spells it
        if not module:
            sys.path.insert(0, os.path.dirname(self.path))  # noqa: PTH120
        self.source, self.skipped = called or source, list[str]()
        self.names["__file__"] = self.path

    def _of_module(self, name: str) -> str:
        try:
            spec = importlib.util.find_spec(name)
            if spec and spec.submodule_search_locations is not None:
                spec = importlib.util.find_spec(f"{name}.__main__")
        except ModuleNotFoundError as error:
            raise RefusedError(f"-m {name}: {error}") from None
        except ValueError:
            spec = None
        if not spec or not spec.origin or not spec.origin.endswith(".py"):
            package = spec is None and name in sys.modules
            raise RefusedError(f"-m {name}: {'it is a package without a __main__' if package else 'there is no such module'}")
        self.names |= {"__spec__": spec, "__package__": spec.parent}
        return os.path.relpath(spec.origin)

    def parts(self) -> Iterator[tuple[str, str, str]]:
        """What each part is called in tracebacks, how elsewhere, and its source.

        Raises:
            SyntaxError: as Python tells it.
            RefusedError: where a notebook is none.
        """
        content = Path(self.path).read_bytes()
        if b"get_ipython" in content or self.path.endswith(".ipynb"):
            self.names |= {"get_ipython": _Shell, "display": print}
        if not self.path.endswith(".ipynb"):
            try:
                compile(content, self.path, "exec", dont_inherit=True)
                text = importlib.util.decode_source(content)
            except SyntaxError:
                try:
                    text = importlib.util.decode_source(content)
                except (SyntaxError, UnicodeDecodeError):
                    text = ""
                if not any(line.lstrip().startswith(_OF_A_NOTEBOOK) for line in text.splitlines()):
                    raise
                text = self._python(text, self.path, self.source)
            yield self.path, self.source, text
            return
        for number, text in enumerate(self._cells(content), 1):
            name = f"{self.source}:{number}"
            linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
            yield name, name, self._python(text, name, name)

    def _cells(self, content: bytes) -> Iterator[str]:
        try:
            for cell in json.loads(content)["cells"]:
                if cell["cell_type"] == "code":
                    yield "".join(cell["source"])
        except (ValueError, KeyError, TypeError):
            raise RefusedError(f"{self.source}: this is no notebook of version 4: it has no list of cells") from None

    def _python(self, text: str, name: str, called: str) -> str:
        """A source whose lines that are for a notebook alone do nothing.

        Raises:
            SyntaxError: as Python tells it.
        """
        lines = text.split("\n")
        if lines[0].startswith("%%") and not lines[0].startswith(_CELLS_THAT_RUN):
            self.skipped.append(f"{called}:1")
            return ""
        while True:
            try:
                compile("\n".join(lines), name, "exec", dont_inherit=True)
            except SyntaxError as error:
                place = (error.lineno or 0) - 1
                line = lines[place] if 0 <= place < len(lines) else ""
                code = line.lstrip()
                if not code.startswith(_OF_A_NOTEBOOK) and not re.fullmatch(r"[\w.]+\?+\s*", code):
                    raise
                indented = line[: len(line) - len(code)]
                lines[place] = indented + (code[6:] if code.startswith("%time ") else "pass" * bool(indented))
                self.skipped.append(f"{called}:{place + 1}")
            else:
                return "\n".join(lines)
