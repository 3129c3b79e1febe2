"""The scenarios that come with the program."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bpdebug.core.record import Record
from bpdebug.frontends.nodes import Scalar, parse
from bpdebug.frontends.report import Report

_GUIDE = {
    "one_neuron": (
        "the chain rule in one's head",
        "press s, read Why, and so on: it is all mental arithmetic",
    ),
    "xor": (
        "the tutorial, number by number",
        "press t for the tour; or s and [ for a stage on and back",
    ),
    "two_outputs": ("deltas summed over two outputs", "type :goto da1, choose a cell with the arrow keys, and press Enter"),
    "tutorial_as_written": (
        "a wrong derivative that still trains",
        "press v: the check names the stage that is wrong, and why",
    ),
    "iris": ("softmax in shuffled mini-batches", "press e for an epoch, then type :predictions"),
    "dead_relu": ("units that die of too large a step", "type :catch dead, and press c: it stops once units are dead"),
    "saturation": ("how a loss becomes NaN", "press c: it stops at the first value that is not finite"),
    "deep_sigmoid": ("a gradient that vanishes", "press u, then 8: the gradients of the layers side by side"),
    "residual": ("a gradient that arrives two ways", "type :goto da1, and press Enter on one of its cells"),
    "exam_graph": ("f = (x + y)·z, the exam question", "work it out on paper, then press s and compare"),
    "exam_softmax": ("softmax(relu(x·W1)·W2) on paper", "type :predict, and say each gradient before you see it"),
    "batch_norm": ("samples that depend on each other", "type :goto dh, and press Enter on one of its cells"),
    "dropout": ("the gradient goes through the mask", "type :goto dh, and look where it is 0"),
    "conv": ("a kernel that all places share", "type :goto dK, and press Enter on one of its cells"),
    "rnn": ("back through time, four steps", "type :goto dWh, and press Enter on one of its cells"),
    "attention": ("softmax, a mask and products", "type :goto dp, and step on with s"),
    "ninja": ("a backward pass for you to fill in", "type :goto dlogprobs, press y, write it, and press v"),
}
"""The scenarios in teaching order: what each shows in a few words, and what to try first."""
FAULTY = ("tutorial_as_written", "saturation")
"""Those that have a fault of their own: no hunt is on them unless they are asked for."""
_PACKAGE = Path(__file__).resolve().parent.parent


class ShippedScenario(Record):
    """A scenario that comes with the program.

    Attributes:
        name: by which it is opened.
        path: its file.
        title: its ``name`` key.
        description: one sentence on what it shows.
        teaches: the same in a few words; "" where nobody has written any.
        first: what to try first, or "".
    """

    name: str
    path: Path
    title: str
    description: str
    teaches: str = ""
    first: str = ""


@cache
def shipped() -> tuple[ShippedScenario, ...]:
    """The shipped scenarios in the order in which they are best read; what has no place in it comes last."""
    files = {path.stem: path for path in sorted(folder().glob("*.yaml"))}
    return tuple(_entry(name, files[name]) for name in dict.fromkeys([*_GUIDE, *files]) if name in files)


def folder() -> Path:
    """Where they are: inside the package when it is installed, beside it in a checkout."""
    inside = _PACKAGE / "scenarios"
    return inside if inside.is_dir() else _PACKAGE.parent / "scenarios"


def _entry(name: str, path: Path) -> ShippedScenario:
    root = parse(path.read_text("utf-8"), Report(str(path)))
    nodes = (root.entries[key][1] if key in root.entries else None for key in ("name", "description"))
    title, description = (node.text if isinstance(node, Scalar) else "" for node in nodes)
    return ShippedScenario(name, path, title, description, *_GUIDE.get(name, ()))
