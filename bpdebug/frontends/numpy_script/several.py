"""Several gradient steps in one update: of the same parameters, where the first is judged; or of some parameters after others, such as a
generator's after its discriminator's, each along the gradient of a loss of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpdebug.core.record import replace
from bpdebug.core.tree import Index, Name, Tree, substitute
from bpdebug.frontends.numpy_script.alike import is_product
from bpdebug.frontends.numpy_script.lines import reached, used
from bpdebug.frontends.numpy_script.recording import Recording, Statement


def first_step(recording: Recording) -> Recording:
    """The recording up to where all parameters that one line moves several times have moved once; itself where none is.

    What has not moved by then is given, and only the updates that were recorded whole are kept, as what is given is known of these alone.
    """
    firsts = {name: one.name for name in recording.start for one in _steps(recording, name)[:1]}
    if not firsts:
        return recording
    names = [one.name for one in recording.statements]
    statements = recording.statements[: max(map(names.index, firsts.values())) + 1]
    said = f"not judged: what follows the first step of an update, in which {' '.join(firsts)} move several times"
    made = _given(recording, [name for name in recording.start if name not in firsts])
    start = {name: recording.start[name] for name in firsts}
    return replace(made, statements=statements, carried=firsts, start=start, notes=(*recording.notes, said))


def with_steps(recording: Recording) -> Recording:
    """The recording with the new versions of parameters that a later forward pass in the same update reads as given."""
    made, live = {one.name: one for one in recording.statements}, [one for one in recording.statements if one.live]
    passes = {_read(one, name) for one in live for name in recording.start}
    new = {name: old for old, name in recording.carried.items() if name in made}
    passed = reached(recording.statements, [name for name in new if any(_read(one, name) in passes - {None} for one in live)])
    again = {name: old for name, old in new.items() if any(name in one.reads and one.name in passed for one in live)}
    if not again:
        return recording
    called = {name: next(f"{old}'{n}" for n in range(2, 999) if f"{old}'{n}" not in made) for name, old in again.items()}
    carried = {old: called.get(name, name) for old, name in recording.carried.items()}
    statements = tuple(replace(one, name=called.get(one.name, one.name)) for one in recording.statements)
    values = tuple({**one, **{called[name]: one[name] for name in called}} for one in recording.values)
    return replace(_given(recording, [*again]), statements=statements, carried=carried, values=values)


def _given(recording: Recording, names: Sequence[str]) -> Recording:
    """The updates that were recorded whole, where some tensors are given."""
    given = tuple({**one, **{name: known[name] for name in names}} for one, known in zip(recording.given, recording.values, strict=False))
    return replace(recording, given=given, kept=recording.kept[: len(given)])


def _read(one: Statement, name: str) -> Tree | None:
    """In which way a forward pass reads a matrix, whatever else it reads; None where a line is no such thing."""
    if one.formula is None or name not in one.formula.names or not is_product(one.formula.tree):
        return None
    others = {other: Name("…") for other in one.formula.names if other != name}
    return substitute(one.formula.tree, others | {name: Name("W")})


def _steps(recording: Recording, parameter: str) -> list[Statement]:
    """The versions of a parameter that the line of its last one makes before that, if a later forward pass reads the first of them."""
    made = {one.name: one for one in recording.statements}
    if (last := made.get(recording.carried[parameter])) is None:
        return []
    leading, shape = used(recording.statements, [last.name]), np.shape(recording.values[-1][last.name])
    after = reached(recording.statements, [parameter])
    same = [one for one in recording.statements if one.made == last.made and not one.inner and one.name in leading & after - {last.name}]
    same = [one for one in same if np.shape(recording.values[-1][one.name]) == shape]
    return same if same and any(_is_passed(recording, one, shape) for one in _readers(recording, same[0]) if one.name in leading) else []


def _readers(recording: Recording, version: Statement) -> Iterator[Statement]:
    yield from (one for one in recording.statements if version.name in one.reads and one.made != version.made)


def _is_passed(recording: Recording, one: Statement, shape: tuple[int, ...]) -> bool:
    """Whether a line makes something else of a parameter than a parameter, or some of its cells, which a next step may leave alone."""
    tree = one.formula.tree if one.formula else None
    whole = not isinstance(tree, Index) and np.shape(recording.values[-1][one.name]) != shape
    return whole or (tree is not None and is_product(tree))


__all__ = ["first_step", "with_steps"]
