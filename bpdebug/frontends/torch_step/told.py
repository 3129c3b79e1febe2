"""What is to be said of a recorded step beside its numbers: what learns nothing and why, and what is seldom meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from bpdebug.frontends.torch_step.numbers import Numbers
from bpdebug.frontends.torch_step.passes import TOTAL
from bpdebug.frontends.torch_step.reading import Step
from bpdebug.frontends.torch_step.rows import plain
from bpdebug.frontends.torch_step.statements import Statement

_NAMED = 6
_LACKING = {
    "tied": "one tensor under several names: {names}",
    "frozen": "frozen (requires_grad=False): {names}",
    "unused": "without a gradient: {names}: nothing in this step reads them",
    "cut": "without a gradient: {names}: no gradient flows back to {at} at {line} (detach, no_grad)",
    "ends": "without a gradient: {names}: what comes of them goes no further than {at} at {line}, and not to the loss",
    "unmoved": "with a gradient, but not among what {optimizer} moves: {names}",
}
_SHARES = ("_softmax", "_log_softmax", "sigmoid", "log_sigmoid_forward")
_OF_SCORES = ("_softmax", "_log_softmax", "binary_cross_entropy_with_logits")
"""What makes scores shares, or their logarithms; and what is given scores."""


def told_of(statements: Sequence[Statement], step: Step, numbers: Numbers, several: bool) -> Iterator[str]:
    """The notes, which accuse nothing.

    Args:
        statements: of the step.
        step: the recording.
        numbers: of its values.
        several: whether the forward passes of several backward passes stand before all of these.
    """
    if several:
        yield f"{len(step.roots)} backward passes have run: all forward passes stand first, and {TOTAL} is the sum"
    if count := sum(one.aside for one in step.passes):
        passes = (
            "another backward pass has run within: it stands"
            if count == 1
            else f"{count} other backward passes have run within: they stand"
        )
        yield f"{passes} under forward, and {'each' if count > 1 else 'it'} is judged alone"
    lacking = defaultdict[tuple[str, str, str], list[str]](list)
    for kind, these, at, line in step.lacking:
        alone = kind == "cut" and these == (at,)  # what is read alike in one line is said once
        lacking[kind, "them" * alone or at or these[0] * (kind == "tied"), line] += these
    for (kind, at, line), names in lacking.items():
        if kind in _LACKING:
            where = names[0] if at == "them" and len(names) == 1 else at
            yield _LACKING[kind].format(names=_few(names), at=where, line=line, optimizer=step.optimizer or "the optimizer")
    yield from _seldom_meant(statements, step, numbers)


def _seldom_meant(statements: Sequence[Statement], step: Step, numbers: Numbers) -> Iterator[str]:
    made, values, old = {one.place: one for one in statements}, step.values, list[str]()
    moved = {values[one.place].name.partition("'")[0] for one in statements if one.operation.phase == "update"}
    owners = {gradient: values[place].name for place, gradient in step.gradients.items() if values[place].name in moved}
    for one in statements:
        if one.operation.phase == "backward" and one.place in one.operation.writes and not owners.keys().isdisjoint(one.reads):
            before = one.reads[0]
            if before not in made and before in numbers and numbers[before].any():
                old += [f"{owners[place]}.grad" for place in one.reads if place in owners]
    if old:
        yield f"gradients of an earlier step are in {_few(old)}: nothing has put them to 0 since (zero_grad)"
    for one in statements:
        line = f"{one.operation.line[0]}:{one.operation.line[1]}" if one.operation.line else ""
        by = made.get(one.reads[0]) if one.reads and plain(one.operation.name) in _OF_SCORES and one.operation.phase == "forward" else None
        if by and plain(by.operation.name) in _SHARES:
            yield f"{line} takes {values[by.place].name} for scores, and it is a {plain(by.operation.name).strip('_')} already"
        if one.stretched:
            yield f"{line}: {one.stretched.replace('NumPy would pair', 'torch pairs').replace(' and give ', ' and gives ')}"
    trained = {place for place in step.gradients if values[place].kind == "parameter"}
    if step.optimizer and trained and not step.ended and not any(one.operation.phase == "update" for one in statements):
        yield f"{step.optimizer} has moved nothing: it found no gradient (zero_grad after backward, step before it), or was not called"


def _few(names: Sequence[str]) -> str:
    return f"{' '.join(names[:_NAMED])}{f' and {len(names) - _NAMED} more' * (len(names) > _NAMED)}"


__all__ = ["told_of"]
