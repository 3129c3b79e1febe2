"""From the keys that an error names to a place in the file."""

from __future__ import annotations

from bpdebug.frontends.nodes import Mapping, Node, Scalar, Sequence
from bpdebug.frontends.report import Mark

Path = tuple[str | int, ...]


def entry(root: Mapping, path: Path) -> tuple[Mark, Node]:
    """Where the key (or list entry) at the end of a path stands, and its value; its nearest ancestor where it is not there."""
    mark = root.mark
    node: Node = root
    for step in path:
        if isinstance(node, Mapping) and str(step) in node.entries:
            key, node = node.entries[str(step)]
            mark = key.mark
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            mark = node.mark
        else:
            break
    return mark, node


def mark_of(root: Mapping, path: Path, message: str = "") -> Mark:
    """The place of a path; within a list of names, the one that the message quotes."""
    mark, node = entry(root, path)
    if isinstance(node, Sequence):
        quoted = [item for item in node.items if isinstance(item, Scalar) and f"'{item.text}'" in message]
        return quoted[0].mark if quoted else mark
    return mark


def formula_mark(root: Mapping, name: str, column: int) -> Mark:
    """The place of a column in the text of a formula, as far as quotes and blocks let it be told."""
    node = entry(root, ("formulas", name))[1]
    if not isinstance(node, Scalar) or node.style in ("|", ">"):
        return node.mark
    blanks = len(node.text) - len(node.text.lstrip())
    return Mark(node.mark.line, node.mark.column + len(node.style) + blanks + column - 1)
