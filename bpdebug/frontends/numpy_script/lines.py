"""His forward pass as a program of lines, with the backward pass that is derived from it: what his own one is held against."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from itertools import pairwise

import numpy as np

from bpdebug.core.description import Array, Batches, Lines, Optimizer, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.core.optimizers import OWN
from bpdebug.core.program import Program
from bpdebug.core.standins import StandIns, Vocabulary
from bpdebug.core.tensors import Naming
from bpdebug.core.tree import Binary, Call, Index, Listing, Name, Transpose, Tree
from bpdebug.frontends.numpy_script.alike import is_mixed
from bpdebug.frontends.numpy_script.recording import Recording, Statement

GRADIENT, PART = "∂{}", "∂{}@{}"
"""What derived gradients are called before his own names are known."""


class RecordedBatches(Batches):
    """An update has the numbers that were recorded for it.

    Attributes:
        losses: the loss of each of the updates from the first, as far as the script has told it.
        kept: the numbers of the updates that are kept.
        starts: what the tensors that live on are where updates before are not.
    """

    losses: tuple[float, ...] = ()
    kept: tuple[int, ...] = ()
    starts: Mapping[int, Mapping[str, Array]] = {}

    @property
    def told(self) -> Sequence[float]:
        """The losses that the script has told."""
        return self.losses

    @cached_property
    def gaps(self) -> Mapping[int, int]:
        """Where updates are not kept."""
        return {before + 1: after for before, after in pairwise((-1, *self.kept)) if after > before + 1}

    def start(self, update: int) -> Mapping[str, Array]:
        """What the tensors that live on are behind a gap."""
        return self.starts.get(update, {})

    def rows(self, update: int) -> Array | None:
        """Its place among what was recorded."""
        return np.array(min(bisect_left(self.kept, update), len(self.kept) - 1))

    def samples(self, update: int) -> Array:
        """One: which axis counts samples is not known."""
        return np.zeros(1, int)


class RecordedScenario(Scenario, eq=False):
    """A script in the place of a scenario file.

    Attributes:
        told: the scenario where the line of its loop or of its loss is told otherwise.
        traceback: of what the script raised, as Python has it, or "".
        losses, kept, starts: see :class:`RecordedBatches`.
    """

    told: Callable[..., RecordedScenario] | None = field(default=None, compare=False, repr=False)
    traceback: str = ""
    losses: tuple[float, ...] = ()
    kept: tuple[int, ...] = ()
    starts: Mapping[int, Mapping[str, Array]] = {}

    @cached_property
    def plan(self) -> Batches:
        """The updates up to the last that is kept."""
        return RecordedBatches(len(self.x), self.training.epochs, losses=self.losses, kept=self.kept, starts=self.starts)

    @property
    def data(self) -> dict[str, Array]:
        """None: what is given stands beside, for each update."""
        return {}


def used(statements: Sequence[Statement], roots: Iterable[str]) -> set[str]:
    """The tensors from which some are computed, themselves among them."""
    wanted = {*roots}
    for statement in reversed(statements):
        if statement.name in wanted:
            wanted.update(statement.reads)
    return wanted


def severed(statements: Sequence[Statement], roots: Iterable[str]) -> dict[str, Statement]:
    """The tensors that have a share in some through what no formula gives, so that no derivative is known; each with that statement."""
    found, wanted = dict[str, Statement](), used(statements, roots)
    for statement in reversed(statements):
        if statement.name in wanted and (statement.formula is None or statement.name in found):
            found |= {name: found.get(statement.name, statement) for name in statement.reads if name not in found}
    return found


def summands(recording: Recording) -> set[str]:
    """The terms of sums in which each adds up or exchanges cells, such as what two batches have as gradients: none is a whole one."""
    mixed = {one.name for one in recording.statements if one.formula and is_mixed(one.formula.tree)}
    found = set[str]()
    for one in recording.statements:
        match one.formula and one.formula.tree:
            case Binary("+", Name(left), Name(right)) if {left, right} <= mixed:
                found |= {left, right}
    return found


def is_clipped(recording: Recording, tree: Tree, gradients: Collection[str]) -> bool:
    """Whether it is a gradient that is clipped, cell by cell or by its own norm: what is wrong with it was wrong before."""
    match tree:
        case Call("clip", (Name(name), *_)):
            return name in gradients
        case Binary("*" | "/", Name(left), Name(right)):
            for whole, single in ((left, right), (right, left)):
                sizes = [np.size(recording.values[-1].get(name, 0)) for name in (single, whole)]
                base = _scaled_from(whole, recording)
                if sizes[0] == 1 < sizes[1] and base in gradients and base in used(recording.statements, [single]):
                    return True
    return False


def _scaled_from(name: str, recording: Recording) -> str:
    """The value of which one without a name is a multiple."""
    values = recording.values[-1]
    while isinstance(tree := recording.inner.get(name), Binary) and tree.operator in ("*", "/"):
        whole = [one.name for one in tree.children() if isinstance(one, Name) and np.size(values.get(one.name, 0)) > 1]
        if len(whole) != 1:
            break
        name = whole[0]
    return name


def kept_before(recording: Recording, parameter: str, statements: Sequence[Statement]) -> list[str]:
    """What some statements read of that is given and is what a parameter was in the update before, at first or after a step."""
    values, reads, was = recording.values, {read for one in statements for read in one.reads}, (parameter, *stepped(recording))
    kept = [one for one in recording.given[0] if one in reads and len(values) > 1]
    same = [one for one in kept if any(all(np.array_equal(now[one], old[name]) for old, now in pairwise(values)) for name in was)]
    return [one for one in same if np.ptp([each[one] for each in values])]  # a label may be 0, as a bias is at first


def stepped(recording: Recording) -> Iterator[str]:
    """What the parameters become step by step, each the one before and something, or one behind the other: no gradient, though the next one
    is made of it."""
    trees = {one.name: one.formula.tree for one in recording.statements if one.formula}
    for parameter, new in recording.carried.items():
        stack, above = [new], {new: ""}
        while stack and parameter not in above:
            name = stack.pop()
            further = [one for one in _within(trees.get(name)) if one not in above]
            above |= dict.fromkeys(further, name)
            stack += further
        name = above.get(parameter, "")
        while name and name != new:
            yield name
            name = above[name]


def _within(tree: Tree | None) -> list[str]:
    """What is whole in a value, perhaps in other rows or beside something else, or plus something."""
    match tree:
        case Binary("+", Name(left), Name(right)):
            return [right, left]
        case Binary("+" | "-", Name(name), _) | Binary("+", _, Name(name)):
            return [name]
        case Transpose(Name(name)) | Index(Name(name)) | Call("reshape", (Name(name), *_)):
            return [name]
        case Call("concatenate", (Listing(items), *_)):
            return [one.name for one in items if isinstance(one, Name)]
    return []


def reached(statements: Sequence[Statement], roots: Iterable[str]) -> set[str]:
    """The tensors that depend on some."""
    found = {*roots}
    for statement in statements:
        if not found.isdisjoint(statement.reads):
            found.add(statement.name)
    return found


def settled(recording: Recording) -> tuple[dict[str, float], dict[str, Array]]:
    """The numbers that are the same in all updates, and the arrays that an update is given, of the first."""
    first, numbers, arrays = recording.given[0], dict[str, float](), dict[str, Array]()
    for name, value in first.items():
        single = value.ndim == 0 and value.dtype.kind == "f" and all(other[name] == value for other in recording.given)
        numbers |= {name: float(value)} if single else {}
        arrays |= {} if single else {name: value}
    return numbers, arrays


def derived_program(recording: Recording, forward: Sequence[tuple[str, str]], loss: str, scenario: Scenario) -> Program:
    """The program of forward lines with its derived backward pass.

    Args:
        recording: what is given.
        forward: the lines, each a name and a formula's text.
        loss: the tensor whose gradients are taken.
        scenario: what else is said of it.

    Raises:
        SetupError: where the language does not have it.
    """
    numbers, arrays = settled(recording)
    found = StandIns("\n".join(text for _, text in forward), Vocabulary({*recording.start, *arrays}))
    read = {name for sign, name in found.meant.items() if sign in found.source}
    parameters = {name: value for name, value in recording.start.items() if name in read}
    text = "\n".join(f"{name} = {formula}" for name, formula in forward)
    arrays = {name: value for name, value in arrays.items() if name in read}
    lines = Lines(text, {name: value.shape for name, value in parameters.items()}, numbers, arrays, loss)
    return make_program(
        Scenario(
            **{name: getattr(scenario, name) for name in Scenario.record_fields} | {"lines": lines, "values": parameters, "ready": None}
        )
    )


def frame(recording: Recording, title: str) -> RecordedScenario:
    """What is said of a script beside its lines."""
    arrays = [*recording.start.values()]
    single = all(value.dtype == np.float32 for value in arrays)
    rows = next((value.shape[0] for value in recording.given[0].values() if value.ndim), 2)
    empty, naming = np.zeros((max(2, rows), 0)), Naming(input="", target="", gradient=GRADIENT, partial=PART)
    return RecordedScenario(
        title,
        (),
        (),
        empty,
        empty,
        optimizer=Optimizer(OWN.name),
        source=recording.script,
        naming=naming,
        precision="float32" if single else "float64",
        files=recording.files,
        printed=recording.printed,
        ending=recording.ending,
        traceback=recording.traceback,
        training=Training(recording.kept[-1] + 1),
        kept=recording.kept,
        starts=recording.starts,
    )


def start_of(recording: Recording, place: int = -1) -> dict[str, Array]:
    """The numbers that an update starts from, of those that were recorded whole the last: at first too much is 0 to tell anything apart."""
    values = recording.values[place]
    return {**recording.given[place % len(recording.values)], **{name: values[name] for name in recording.start}, "m": np.array(2.0)}
