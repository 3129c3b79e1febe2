"""The scenarios that come with the program."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bpdebug.scenario.nodes import Mapping, Scalar, parse
from bpdebug.scenario.report import Report

_TEACHING_ORDER = (
    "one_neuron",
    "xor",
    "two_outputs",
    "tutorial_as_written",
    "iris",
    "dead_relu",
    "saturation",
    "deep_sigmoid",
    "residual",
)
_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class ShippedScenario:
    """A scenario that comes with the program.

    Attributes:
        name: by which it is opened.
        path: its file.
        title: its ``name`` key.
        description: one sentence on what it shows.
    """

    name: str
    path: Path
    title: str
    description: str


@cache
def shipped() -> tuple[ShippedScenario, ...]:
    """The shipped scenarios in the order in which they are best read; what has no place in it comes last."""
    files = {path.stem: path for path in sorted(_folder().glob("*.yaml"))}
    names = [name for name in _TEACHING_ORDER if name in files]
    return tuple(_entry(name, files[name]) for name in [*names, *(name for name in files if name not in names)])


def _folder() -> Path:
    """Inside the package when it is installed, beside it in a checkout."""
    inside = _PACKAGE / "scenarios"
    return inside if inside.is_dir() else _PACKAGE.parent / "scenarios"


def _entry(name: str, path: Path) -> ShippedScenario:
    root = parse(path.read_text("utf-8"), Report(str(path)))
    return ShippedScenario(name, path, _text(root, "name"), _text(root, "description"))


def _text(root: Mapping, key: str) -> str:
    node = root.entries[key][1] if key in root.entries else None
    return node.text if isinstance(node, Scalar) else ""
