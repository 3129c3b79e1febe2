"""A scenario to begin with: any one, with a comment on every key, and with the keys that it could have commented out."""

from __future__ import annotations

import os
import shlex
import textwrap
from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from pathlib import Path

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.words import suggestion
from bpdebug.files import FileError, read_file, read_lines, write_file
from bpdebug.frontends.csvfile import MAXIMUM_BYTES, MAXIMUM_CLASSES, finite
from bpdebug.frontends.kinds import Key
from bpdebug.frontends.nodes import Mapping, Scalar, Sequence, flow, parse
from bpdebug.frontends.report import Report
from bpdebug.frontends.schema import ROOT
from bpdebug.frontends.shipped import shipped

STARTS = {
    "two-classes": """
name: Two classes
description: Points near the middle are told from points far away; press 9 to see where the network draws the line.
network: {inputs: [x1, x2], layers: [{units: 4, activation: tanh}, {units: 1, activation: sigmoid}]}
parameters: {initializer: xavier_normal, seed: 1}
data:
  inputs: [[0, 0], [0.5, 0], [0, 0.5], [-0.5, 0], [0, -0.5], [2, 0], [0, 2], [-2, 0], [0, -2], [1.5, 1.5], [-1.5, 1.5], [-1.5, -1.5]]
  targets: [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
loss: {function: binary_cross_entropy, samples: mean}
optimizer: {name: sgd, learning_rate: 0.5}
training: {epochs: 1000, batch_size: 12}
""",
    "regression": """
name: Regression
description: A curve through eleven points of the sine.
network: {inputs: [x], layers: [{units: 6, activation: tanh}, {units: 1, activation: identity}]}
parameters: {initializer: xavier_normal, seed: 1}
data:
  inputs: [-2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5]
  targets: [-0.6, -0.91, -1, -0.84, -0.48, 0, 0.48, 0.84, 1, 0.91, 0.6]
loss: {function: squared_error, samples: mean}
optimizer: {name: adam, learning_rate: 0.02}
training: {epochs: 1000, batch_size: 11}
""",
    "classes": """
name: Three classes
description: Three kinds of points told apart by softmax; the words among the targets become one output per class.
network: {inputs: [x1, x2], layers: [{units: 4, activation: tanh}, {units: 3, activation: softmax}]}
parameters: {initializer: xavier_normal, seed: 1}
data:
  inputs: [[0, 1], [0.3, 1.2], [-0.2, 1.1], [1, -0.5], [1.2, -0.3], [0.9, -0.7], [-1, -0.5], [-1.1, -0.8], [-0.9, -0.4]]
  targets: [top, top, top, right, right, right, left, left, left]
loss: {function: categorical_cross_entropy, samples: mean}
optimizer: {name: sgd, learning_rate: 0.5}
training: {epochs: 300, batch_size: 9}
""",
    "program": """
name: A program
description: Two lines of NumPy in place of layers; the backward pass is derived from them.
program: |
  h = tanh(x @ W1 + b1)   # the hidden units
  out = h @ W2 + b2
  loss = mean((out - y) ** 2)
parameters:
  seed: 1
  shapes: {W1: [2, 4], b1: [4], W2: [4, 1], b2: [1]}
data:
  inputs: [[0, 0], [0, 1], [1, 0], [1, 1]]
  targets: [[0], [1], [1], [0]]
optimizer: {name: sgd, learning_rate: 0.2}
training: {epochs: 1000}
""",
}
"""What a scenario can start with, by the kind of task."""
_TABLE = """
name: {name}
network: {{layers: [{{units: 8, activation: tanh}}, {{units: {units}, activation: {activation}}}]}}
parameters: {{initializer: xavier_normal, seed: 1}}
data: {{file: {file}, inputs: [{inputs}], targets: [{target}], one_hot: {one_hot}}}
loss: {{function: {loss}, samples: mean}}
optimizer: {{name: adam, learning_rate: 0.01}}
training: {{epochs: 100, batch_size: 16, shuffle: true}}
"""
_HEAD = """\
# A scenario for bpdebug; open it with:  bpdebug {file}
# Each key is explained beside it or above it. To use a key that has a # before it, remove the #.
# In the debugger `reload` reads this file again. `bpdebug schema` lets an editor complete and check it.

"""
_WIDE, _COLUMN, _LINE = 70, 36, 118


def write_start(file: Path, task: str | None = None, like: str | None = None, table: Path | None = None) -> str:
    """Write a scenario to begin with, and beside it the file that it needs.

    Args:
        file: where it is going to be.
        task: a name of :data:`STARTS`, usually the first.
        like: a shipped scenario in place of these.
        table: a CSV file for whose columns the scenario is made.

    Returns:
        What to say of it.

    Raises:
        BpdebugError: where there is no such scenario, the table is none, or a file already exists.
    """
    if sum(given is not None for given in (task, like, table)) > 1:
        raise BpdebugError("--task, --like and --data cannot be combined")
    known = {entry.name: entry.path for entry in shipped()}
    if like and like not in known:
        hint = suggestion(like, known) or "; there are " + ", ".join(known)
        raise BpdebugError(f"there is no scenario '{like}' that comes with bpdebug{hint}")
    text = known[like].read_text("utf-8") if like else _for_table(table, file) if table else STARTS[task or next(iter(STARTS))]
    root = parse(text, Report(str(file)))
    written = {file: (_HEAD.format(file=file) + "\n".join(_lines(ROOT.parts(root), root)) + "\n").encode()}
    data = root.entries["data"][1] if "data" in root.entries else None
    if like and isinstance(data, Mapping) and "file" in data.entries:
        beside = known[like].with_name(flow(data.entries["file"][1]))
        written[file.with_name(beside.name)] = read_file(beside, "a CSV file", MAXIMUM_BYTES)
    for path, content in written.items():
        if os.path.lexists(path) and (path == file or read_file(path, "a file to be written", MAXIMUM_BYTES) != content):
            raise FileError(path, "this file already exists; choose another name")
    for path, content in written.items():
        write_file(path, content)
    return f"{' and '.join(map(str, written))} written; open it with: bpdebug {shlex.quote(str(file))}"


def _for_table(path: Path, file: Path) -> str:
    """A scenario for the columns of a CSV file: the last one is the target, the others as far as they are numbers are the inputs."""
    import csv  # noqa: PLC0415 - hardly ever needed

    rows = [row for row in csv.reader(read_lines(path, "a CSV file", MAXIMUM_BYTES), skipinitialspace=True) if row]
    if len(rows) < 2 or len(rows[0]) < 2:
        raise BpdebugError(f"{path}: expected a line with the names of at least two columns, and rows of values below it")
    head, *rows = ([cell.strip() for cell in row] for row in rows)
    columns = dict(zip(head, zip(*rows, strict=False), strict=False))
    numeric = [name for name in head[:-1] if None not in map(finite, columns.get(name, [""]))]
    labels = set(columns.get(head[-1], ()))
    numbers = [finite(label) for label in labels]
    words, whole = None in numbers, all(number is not None and number == int(number) for number in numbers)
    loss, activation, units = "squared_error", "identity", 1
    if words or (whole and 2 < len(labels) <= min(10, len(rows) // 3)):
        loss, activation, units = "categorical_cross_entropy", "softmax", len(labels)
    elif set(numbers) <= {0.0, 1.0}:
        loss, activation = "binary_cross_entropy", "sigmoid"
    if not numeric or units > MAXIMUM_CLASSES:
        raise BpdebugError(
            f"{path}: expected columns of numbers, the last one with a number or a class in each row; found {', '.join(head[:5])}"
        )
    file_, target, name, *inputs = (
        "'" + text.replace("'", "''") + "'" for text in (os.path.relpath(path, file.parent), head[-1], path.stem, *numeric)
    )
    facts = {"file": file_, "target": target, "name": name, "inputs": ", ".join(inputs), "one_hot": str(units > 1).lower()}
    return _TABLE.format(units=units, activation=activation, loss=loss, **facts)


def _lines(keys: Dictionary[str, Key], given: Mapping | None, margin: str = "") -> Iterator[str]:
    """The keys of a table, each on its line with a remark; those that are not given have a # before them."""
    for name, key in keys.items():
        if name != key.name:
            continue
        node = given.entries[name][1] if given and name in given.entries else None
        parts = key.kind.parts(node)
        yield from [""] * (not margin and bool(parts or key.kind.blank))
        if node is None:
            yield from _remarked(f"{margin}# {name}: {_usual(key)}", key) if _usual(key) else ()
        elif "" in parts and isinstance(node, Sequence):
            yield from _remarked(f"{margin}{name}:", key)
            yield from (f"{margin}  - {flow(item)}" for item in node.items)
            inner = [key for name, key in parts[""].kind.parts().items() if name == key.name]
            yield from _wrapped(f"{margin}    # keys of a layer: ", "; ".join(f"{key.name}{_options(key)}" for key in inner))
        elif parts and isinstance(node, Mapping):
            yield from _remarked(f"{margin}{name}:", key)
            yield from _lines(parts, node, margin + "  ")
        elif isinstance(node, Scalar) and "\n" in node.text:
            yield from _remarked(f"{margin}{name}: |", key)
            yield from (f"{margin}  {line}".rstrip() for line in node.text.splitlines())
        elif isinstance(node, Sequence) and len(flow(node)) > _WIDE and isinstance(node.items[0], Sequence):
            yield from _remarked(f"{margin}{name}:", key)
            yield from (f"{margin}  - {flow(item)}" for item in node.items)
        else:
            yield from _remarked(f"{margin}{name}: {flow(node)}", key)


def _usual(key: Key) -> str:
    """What a key is when it is left out, as YAML."""
    value = {} if key.default is None and key.kind.parts().keys() - {""} else key.default
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return np.format_float_positional(value, trim="-")
    return "" if value in (None, "") else f"{value}" if isinstance(value, str | int) else "[]" if value == () else "{}"


def _options(key: Key) -> str:
    """The words that a key may have as its value."""
    kind = next((part.kind for part in key.kind.parts().values() if part.required), key.kind)
    words = kind.expected.removeprefix("one of ")
    return f": {words}" if words != kind.expected else ""


def _remarked(line: str, key: Key) -> Iterator[str]:
    """A line with what its key is behind it, or, where it is long, above it."""
    doc, margin = key.doc + _options(key), " " * (len(line) - len(line.lstrip()))
    if len(line) >= _COLUMN - 1:
        yield from _wrapped(f"{margin}# ", doc)
        yield line
    else:
        first, *more = textwrap.wrap(doc, _LINE - _COLUMN - 2)
        yield f"{line:<{_COLUMN}}# {first}"
        yield from (f"{'':<{_COLUMN}}# {rest}" for rest in more)


def _wrapped(before: str, text: str) -> Iterator[str]:
    margin = " " * (len(before) - len(before.lstrip()))
    yield from textwrap.wrap(text, _LINE, initial_indent=before, subsequent_indent=f"{margin}# ")
