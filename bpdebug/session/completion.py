"""Help for whoever types: the names that may stand in a formula, what it comes to as it is written, the files that a path may mean."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from bpdebug.core.errors import FormulaError
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.shapes import Shape, Shapes, infer
from bpdebug.core.tree import Tree

_MOST = 2000
"""Entries of a folder that are looked at."""


class Candidate(Record):
    """A word that may stand in a formula or in a command.

    Attributes:
        word: a tensor's name, or a function's with its opening parenthesis; at the prompt, any word, with the blank that follows it.
        shape: the tensor's; None for what is none.
        note: a few words on it.
    """

    word: str
    shape: Shape | None = None
    note: str = ""


class Completion(Record):
    """What the word before the cursor may become.

    Attributes:
        start, end: where that word stands in the text; nothing is written yet where they are equal.
        found: the candidates that begin with it.
    """

    start: int
    end: int
    found: tuple[Candidate, ...]

    @property
    def common(self) -> str:
        """What all candidates begin with."""
        words = [candidate.word for candidate in self.found]
        first, last = min(words, default=""), max(words, default="")
        return first[: next((i for i, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))]

    def later(self, by: int) -> Completion:
        """The same in a longer text, of which the first ``by`` characters were left out."""
        return Completion(self.start + by, self.end + by, self.found)


class Draft(Record, eq=False):
    """A formula as far as it is written.

    Attributes:
        text: as it was typed.
        tree: None where it does not parse.
        shape: of its value; None where it is refused.
        message: why it is refused, word for word as the command ``formula`` says it; "" for a formula that fits.
        column: where in ``text``, counted from 1.
        derived: whether it is the formula that the engine has derived.
        running: whether it is the formula that runs already.
    """

    text: str
    tree: Tree | None = None
    shape: Shape | None = None
    message: str = ""
    column: int = 1
    derived: bool = False
    running: bool = False


def candidates(program: Program, name: str, shapes: Shapes) -> tuple[Candidate, ...]:
    """The words of a stage's formula: what this update has computed before it, the latest first, what is given, and the functions.

    Args:
        program: the stages.
        name: the stage.
        shapes: of every tensor, for the present batch.
    """
    later = program.later(name)
    return formula_words(program, {tensor: shape for tensor, shape in shapes.items() if tensor not in later})


def formula_words(program: Program, shapes: Shapes) -> tuple[Candidate, ...]:
    """These tensors, the latest first and what is given after them, then the functions and the constants."""
    functions = (Candidate(f"{function}(") for function in FUNCTIONS)
    return (*tensor_words(program, shapes), *functions, *(Candidate(constant, ()) for constant in CONSTANTS))


def tensor_words(program: Program, shapes: Shapes) -> tuple[Candidate, ...]:
    """These tensors, the latest first, then what is given."""
    computed = sorted((n for n in shapes if n not in program.persistent and n in program.index), key=program.index.__getitem__)
    return tuple(Candidate(n, shapes[n]) for n in [*reversed(computed), *(n for n in shapes if n not in computed)])


def complete(text: str, cursor: int, known: tuple[Candidate, ...]) -> Completion:
    """The candidates for the word before the cursor, first those that begin with it letter by letter, then those in other capitals.

    Args:
        text: the formula so far.
        cursor: the place in it, counted from 0.
        known: from :func:`candidates`.
    """
    before = text[:cursor]
    for begun in re.finditer(r"(?<![\w.])[A-Za-z_]", before):
        if before[-1] != "(" and (found := beginning(before[begun.start() :], known)):
            return Completion(begun.start(), cursor, found)
    fresh = not re.search(r"[\w.]$", before)
    return Completion(cursor, cursor, tuple(c for c in known if fresh and c.shape is not None and c.word not in CONSTANTS))


def beginning(word: str, candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The candidates that begin with a word, first those that do so letter by letter."""
    found = (candidate for candidate in candidates if candidate.word.lower().startswith(word.lower()))
    return (*sorted(found, key=lambda candidate: not candidate.word.startswith(word)),)


def draft(program: Program, name: str, text: str, shapes: Shapes) -> Draft:
    """What the command ``formula`` would say of a text, without doing it.

    Args:
        program, name: the stage.
        text: as it was typed.
        shapes: of every tensor, for the present batch.
    """
    tree, indent = None, len(text) - len(text.lstrip())
    try:
        tree = program.parse(text).tree
        changed = program.with_formula(name, text).stage(name)
    except FormulaError as error:
        return Draft(text, tree, None, error.message, error.column + indent)
    stage = program.stage(name)
    derived = stage.derived or stage.formula
    return Draft(text, tree, infer(changed.formula, shapes), derived=tree == derived.tree, running=tree == stage.formula.tree)


def complete_path(text: str, endings: Sequence[str] = (), new: bool = False) -> Completion:
    """The folders and files that a path may go on with; hidden ones only where a dot is typed.

    Args:
        text: the path so far; ``~`` is the home directory.
        endings: of the files that are meant (none: of all).
        new: whether the file may have to be made: its name is offered with each ending, too.
    """
    start = text.rfind("/") + 1
    name = text[start:]
    there = [entry for entry in _entries(text[:start]) if entry.startswith(name) and (name.startswith(".") or not entry.startswith("."))]
    fitting = [entry for entry in there if not endings or entry.endswith(("/", *endings))]
    stem = name.rpartition(".")[0] or name
    made = [f"{stem}{ending}" for ending in endings if new and stem and f"{stem}{ending}".startswith(name)]
    return Completion(start, len(text), tuple(Candidate(word) for word in dict.fromkeys([*fitting, *made])))


def _entries(folder: str) -> list[str]:
    """What a folder holds, folders with a slash; nothing where it cannot be read."""
    try:
        with os.scandir(Path(folder or ".").expanduser()) as found:
            return sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in islice(found, _MOST))
    except (OSError, RuntimeError, ValueError):
        return []
