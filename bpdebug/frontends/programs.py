"""Scenarios that are programs of lines: checked sections to the engine's description, and messages brought back to their line."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dictionary
from math import prod
from typing import Any

import numpy as np

from bpdebug.core.description import Lines, Scenario, Training
from bpdebug.core.errors import LineError
from bpdebug.core.misfits import shape_text
from bpdebug.frontends.nodes import Mapping, Scalar, entry, mark_of, place
from bpdebug.frontends.report import Mark, Report

Section = Dictionary[str, Any]


MAXIMUM_PARAMETERS = 50_000_000


def refuse_lines(sections: Section, root: Mapping, report: Report) -> None:
    """Refuse data that are no samples, and parameters that are too many, before anything of them is made.

    Raises:
        ScenarioError: with the place.
    """
    given = {side: values for side, values in sections["data"].items() if values is not None}
    for side, values in given.items():
        if not values.ndim or not values.size:
            report.fail(mark_of(root, ("data", side)), f"{side} hold a place for each sample along their first axis; found no samples")
    lengths = {side: len(values) for side, values in given.items()}
    if len({*lengths.values()}) > 1:
        message = f"{lengths['inputs']} samples of inputs need as many targets; found {lengths['targets']}"
        report.fail(mark_of(root, ("data", "targets")), f"{message} (what belongs to no sample goes under tensors:)")
    shapes, values = (sections["parameters"][name] for name in ("shapes", "values"))
    for name, value in values.items():
        if name in shapes and value.shape != (wanted := tuple(shapes[name])):
            message = f"{name} is {shape_text(wanted)} under shapes:, and this value is {shape_text(value.shape)}: leave one of them out"
            report.fail(mark_of(root, ("parameters", "values", name)), message)
    for name in sections["tensors"].keys() & sections["constants"].keys():
        report.fail(mark_of(root, ("tensors", name)), f"{name} is given under constants: already: choose another name")
    sizes = [*map(prod, shapes.values()), *(value.size for value in values.values())]
    from bpdebug.core.line_reader import MAXIMUM_NUMBERS  # noqa: PLC0415 - for programs of lines alone

    count = sum(size for size in sizes if size <= MAXIMUM_NUMBERS)  # one that is larger is told by itself
    if count > MAXIMUM_PARAMETERS:
        report.fail(mark_of(root, ("parameters",)), f"the program has {count:,} parameters; expected at most {MAXIMUM_PARAMETERS:,}")


def written(sections: Section, common: dict[str, Any]) -> Scenario:
    """The scenario of a program.

    Args:
        sections: as they were checked.
        common: what is the same for every scenario.
    """
    parameters = dict(common.pop("parameters"))
    values, shapes = parameters.pop("values"), parameters.pop("shapes")
    given = [sections["data"][side] for side in ("inputs", "targets")]
    samples = next((len(side) for side in given if side is not None), 1)
    x, y = (np.zeros((samples, 0)) if side is None else side for side in given)
    whole = {name: np.array(value) for name, value in sections["constants"].items() if not isinstance(value, float)}
    lines = Lines(
        sections["program"],
        {name: tuple(shape) for name, shape in shapes.items()} | {name: value.shape for name, value in values.items()},
        {name: value for name, value in sections["constants"].items() if name not in whole},
        sections["tensors"] | whole,
        sections["loss"],
        sections["backward"],
    )
    return Scenario(
        inputs=(), layers=(), x=x, y=y, values=values, lines=lines, training=Training(**sections["training"]), **common, **parameters
    )


def mark_of_line(root: Mapping, error: LineError, text: str) -> Mark:
    """The place in the file of what is wrong with a line of a program."""
    node = entry(root, (error.section,))[1]
    if not isinstance(node, Scalar):
        return node.mark
    rows = node.text.split("\n")[: error.number - 1]
    return inside(node, sum(len(row) + 1 for row in rows) + error.column - 1, text)


_LETTER = re.compile(r"\\(?:x..|u.{4}|U.{8}|\s+|.)", re.DOTALL), re.compile("''")
_BLANKS = tuple(f"\\{letter}" for letter in "ntrvfNLP_\t\n\r ")
"""What is one letter of a text in double quotes, or in single ones; and the blanks among them."""


def inside(scalar: Scalar, position: int, text: str) -> Mark:
    """The place in the file of a character of a scalar's text, however it is quoted, folded or indented.

    Args:
        scalar: the leaf.
        position: in its text, from 0.
        text: of the file.
    """
    before = scalar.text[:position]
    blanks, wanted = len(before) - len(before.rstrip()), sum(not letter.isspace() for letter in before)
    here = position < len(scalar.text) and not scalar.text[position].isspace()
    lines = text.split("\n")
    begin = sum(len(line) + 1 for line in lines[: scalar.mark.line - 1]) + scalar.mark.column - 1
    if scalar.style in ("|", ">"):
        begin = text.find("\n", begin) + 1 or len(text)
    quoted = scalar.style in ("'", '"')
    end = last = begin + quoted
    special = _LETTER[scalar.style == "'"] if quoted else None
    while end < len(text):
        found = special.match(text, end) if special else None
        stop = found.end() if found else end + 1
        if not text[end].isspace() and not (scalar.style == '"' and text.startswith(_BLANKS, end)):
            if not wanted:
                break
            wanted -= 1
            last = stop
        end = stop
    return place(text, end if here else last + blanks)
