"""The loss whose derivative he computes: the one that he writes down, or, where none fits, the one that a difference of his implies."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.tree import Binary, Name, Tree
from bpdebug.core.tree import names as names_in
from bpdebug.frontends.numpy_script.fits import Differentiated, differentiated, is_odd
from bpdebug.frontends.numpy_script.held import with_given
from bpdebug.frontends.numpy_script.implied import Candidate, implied
from bpdebug.frontends.numpy_script.joined import followed, joined
from bpdebug.frontends.numpy_script.lines import RecordedScenario, kept_before, reached, start_of, used
from bpdebug.frontends.numpy_script.multiples import penalty_of, scale
from bpdebug.frontends.numpy_script.recording import Recording, Statement
from bpdebug.frontends.numpy_script.rows import moved_parts

_SAID = re.compile(r"loss|cost|^ll\b|likelihood|err|mse|\bJ\b|\bL\b|nll|objective|b?ce\b|xent|entropy", re.IGNORECASE)
_WITHIN = re.compile(f"{_SAID.pattern}|criterion", re.IGNORECASE)
_ERRORS = re.compile(r"err(or)?", re.IGNORECASE)
_OTHER = re.compile(r"acc|rate|correct|grad|delta|^d[A-Z_]|norm|pred", re.IGNORECASE)
_MOST, _EACH = 8, 2
"""Values that are tried as the loss, and of those that one line makes in its turns."""
_HALF, _WRITTEN, _GUESSED = 0.5, 0.35, 1e-3
"""How many of the parameters must agree with a loss that is not called one; how much of that one may lack that is; how well one that only
a difference implies fits at least: there may be a mistake in the derivative of the loss itself."""


def find_loss(recording: Recording, scenario: RecordedScenario, told: str = "") -> Differentiated | None:
    """The loss whose gradients fit best, the written one where several do; None where no loss can be differentiated.

    Args:
        recording, scenario: of the script.
        told: the line of the loss, where that is told.
    """
    tried, statements = list[Differentiated](), {one.name: one for one in recording.statements}
    shares, lacking = recording.shares, -1
    for text, names, said, line in _candidates(recording, told):
        if not any(shares.get(name, -1) & lacking for name in names):
            continue
        try:
            made = differentiated(recording, scenario, text, names, said, line)
            made = _with_penalty(recording, scenario, (text, names), made)
        except BpdebugError:
            continue
        made = with_given(recording, scenario, made)
        odd = made.agreement > 0 and is_odd(recording, made)
        tried.append(replace(made, agreement=0.0, steps={}, odd=True) if odd else made)
        if tried[-1].agreement == 1 and not said and not (lacking := _lacking(recording, tried[-1])):
            break
    named = [one for one in tried if _is_named(one, statements) or one.program.loss == recording.total]
    most = max((len(one.program.parameters) for one in named), default=0)
    ranks = [_rank(one, one in named) * (min(1.0, len(one.program.parameters) / most) if most and one.said else 1.0) for one in tried]
    best = max((pair for pair in zip(ranks, tried, strict=True) if told or pair[0]), key=itemgetter(0), default=(0.0, None))[1]
    stated = next((one for one in tried if not one.said and (_SAID.search(one.program.loss) or one.program.loss == recording.total)), None)
    if best and not best.said and not _SAID.search(best.program.loss) and _is_raised(recording, best):
        return replace(best, raised=True)
    if best is None or not best.said:
        if whole := best and next((one for one in tried if _is_whole(recording, one, best)), None):
            return whole
        more = best and next((one for one in tried if _has_more(one, best)), None)
        return replace(best, written=str(more.line)) if best and more else best and joined(recording, scenario, best, named)
    several = joined(recording, scenario, max(named, key=lambda one: one.agreement), named) if named else None
    if several and several not in named and several.agreement >= best.agreement:
        return several
    finite = [one for one in tried if all(np.isfinite(gradient).all() for gradient in one.gradients.values())]
    untried = any((one.said or one is stated) and one not in finite for one in tried)
    others = tuple(one for one in tried if one.said and one.line == best.line and one is not best) if best.agreement < 1 else ()
    others += (stated,) if stated and stated.odd else ()
    return replace(
        best, written=str(stated.line) if stated else "", guessed=best.guessed or (untried and not best.agreement), others=others
    )


def _lacking(recording: Recording, loss: Differentiated) -> int:
    """The parameters that move of which a loss is none, a bit each: there may be another one."""
    slots = used(recording.statements, [recording.carried[name] for name in loss.program.parameters if name in recording.carried])
    lacking = {name for name, new in recording.carried.items() if {name, new}.isdisjoint(slots) and recording.start[name].size > 1}
    return sum(1 << place for place, name in enumerate(recording.start) if name in lacking)


def _is_raised(recording: Recording, loss: Differentiated) -> bool:
    """Whether every step raises a value that has neither least nor largest numbers, such as a margin, so that it is no loss."""
    start = {**loss.program.initial, **start_of(recording)}
    grown = loss.program.run(start | {name: start[name] + 1.0 for name in loss.program.parameters})
    of = loss.program.gradients
    straight = all(np.allclose(grown[of[name]], loss.gradients[name]) for name in loss.program.parameters if name in loss.gradients)
    return straight and bool(loss.steps) and all(step < 0 for step in loss.steps.values())


def _with_penalty(
    recording: Recording, scenario: RecordedScenario, of: tuple[str, tuple[str, ...]], made: Differentiated
) -> Differentiated:
    """An implied loss with a penalty on the cells that are moved, where there is one, as in the factorisation of a matrix; only guessed
    where the steps fit neither."""
    parts, values = moved_parts(recording) if made.said else (), recording.values[-1]
    doubted = replace(made, guessed=bool(parts) and not made.agreement)
    if not parts or not {*recording.start} <= {*made.gradients} or not (penalty := penalty_of(recording, made.gradients)):
        return doubted
    squares = " + ".join(f"sum({part} ** 2)" for part in parts)
    said = f"{made.said} and {penalty / 2:.6g} times the squares of what is moved"
    found = differentiated(recording, scenario, f"{of[0]} + {penalty / 2!r} * ({squares})", of[1], said, made.line)
    still = {name: values[name] == values[new] for name, new in recording.carried.items()}
    beside = any((found.gradients[name] != made.gradients[name])[same].any() for name, same in still.items())
    return doubted if beside else found


def _is_whole(recording: Recording, whole: Differentiated, part: Differentiated) -> bool:
    """Whether a loss is another one and a penalty, and as many parameters follow it: then the gradient of one of the others is wrong."""
    if whole.said or part.program.loss not in {name for name, _ in whole.forward} - {whole.program.loss}:
        return False
    alike = all(np.allclose(whole.gradients[name], gradient) for name, gradient in part.gradients.items() if name in whole.gradients)
    one, other = len(followed(recording, whole)), len(followed(recording, replace(part, steps={})))  # with no penalty that none writes
    return not alike and (one >= max(other, 1) or (not other and ".in" in part.program.loss))


def _has_more(whole: Differentiated, part: Differentiated) -> bool:
    """Whether what is called a loss is another one and what has gradients of its own, such as a penalty."""
    if (
        whole.said
        or not _SAID.search(whole.program.loss)
        or part.program.loss not in {name for name, _ in whole.forward} - {whole.program.loss}
    ):
        return False
    return any(scale(gradient, part.gradients[name]) is None for name, gradient in whole.gradients.items() if name in part.gradients)


def _is_within(function: str) -> bool:
    """Whether a function is called as one that computes a loss."""
    return bool(_WITHIN.search(function)) and not re.search("back|grad|prime|deriv|delta", function)


def _is_named(one: Differentiated, statements: Mapping[str, Statement]) -> bool:
    """Whether a loss is called one, or the function that computes it, or what it is the mean of."""
    name = one.program.loss.removesuffix(".sum")
    made = [statements[of] for of in (name, *(statements[name].reads if name in statements else ())) if of in statements]
    called = ".in" not in name and _SAID.search(f"{name} {one.line.function}")
    return not one.said and bool(called or any(_is_within(of.made.function) for of in made))


def _rank(one: Differentiated, named: bool) -> float:
    """How well a loss fits; one that is called a loss need not fit as well, since there may be mistakes; 0 where it is none."""
    if named:
        return one.agreement + _WRITTEN
    guessed = _GUESSED * (1 + one.agreement) * any(gradient.any() for gradient in one.gradients.values()) if one.said else 0.0
    return one.agreement if one.agreement >= _HALF and (one.finite or not one.said) else guessed * (1 if one.finite else _HALF)


def proposed(recording: Recording) -> list[str]:
    """The numbers that may be meant as the loss, though no derivative fits, each with its line."""
    found = {str(line): names[0] for text, names, said, line in _candidates(recording, "") if not (text or said)}
    return [f"{name} ({line})" for line, name in found.items()][:_EACH]


def _candidates(recording: Recording, told: str) -> Iterator[Candidate]:
    """The losses that are to be tried; only those at a line that is told."""
    values, dependent = recording.values[-1], reached(recording.statements, recording.start)
    after = reached(recording.statements, recording.carried.values())
    added = next((one.reads for one in recording.statements if one.name == recording.total), ())  # of a sum over samples none is the loss
    found = [one for one in recording.statements if one.formula and one.name in dependent - after - {*recording.start, *added}]
    moving = _moving(recording)
    scored, read = list[tuple[float, Statement]](), {name for one in recording.statements for name in one.reads}
    starts = recording.shares
    for place, one in enumerate([one for one in found if not told or one.line.is_at(told) or one.made.is_at(told)]):
        shape, name = np.shape(values[one.name]), one.name.rpartition(".")[2]
        tree = one.formula.tree if one.formula else None
        said = _ERRORS.sub("", name) if one.live else name  # of an error gradients are made, of a loss none
        called = bool(_SAID.search(said)) and not _OTHER.search(name) and not one.inner
        within = _is_within(one.made.function)
        shown = not one.inner or one.name not in read  # it has a name, or is printed
        alone = np.prod(shape) == 1 and (within or (shown and not one.live and "grad" not in name))  # what one reads is rarely a loss
        if values[one.name].dtype.kind == "f" and (told or (called and one.name not in moving) or alone):
            reach = starts[one.name].bit_count() / len(recording.start)
            match tree:
                case Binary("+", Name(total), Name(_)) if total not in dependent:  # added up over updates
                    reach /= 2
            doubts = 2 * one.live + 3 * one.partial - 1e-6 * place
            scored.append((4 * reach + 3 * called + 1.5 * within + 2 * (np.prod(shape) == 1) - doubts, one))
    data = {name for name, value in recording.given[0].items() if value.ndim}
    fed = reached(recording.statements, data)
    penalties = {one.name for _, one in scored if one.name not in fed}
    scored = [*_with_sums([pair for pair in scored if pair[1].name not in penalties] or scored, recording)]
    whole = {one.made for _, one in scored if not one.partial}  # of a sum over time steps no part is the loss
    scored = [(score, one) for score, one in scored if not one.partial or one.made not in whole]
    ranked, of = sorted(scored, key=lambda pair: -pair[0]), Counter[object]()
    apart, several = defaultdict[object, int](int), list[Statement]()
    for one in (one for _, one in ranked):
        if of[one.line] < _EACH or not starts[one.name] & apart[one.line]:  # another network's
            several.append(one)
            of.update([one.line])
            apart[one.line] |= starts[one.name]
    written = [(("" if np.shape(values[one.name]) == () else f"sum({one.name})"), (one.name,), "", one.line) for one in several[:_MOST]]
    bare = [one for one in written if not told and _is_error(one[1][0], {one.name: one for one in several}, dependent)]
    yield from (one for one in written if one not in bare)
    before = {name for one in recording.start for name in kept_before(recording, one, recording.statements)}  # what momentum is made of
    yield from () if told else implied([one for one in found if before.isdisjoint(one.reads)], dependent, recording.values)
    yield from bare


def _moving(recording: Recording) -> set[str]:
    """What parameters are moved by, cell by cell: gradients, whatever they are called."""
    made, shapes = {one.name: one for one in recording.statements}, {name: np.shape(one) for name, one in recording.values[-1].items()}
    found, ahead = set[str](), [new for new in recording.carried.values() if shapes.get(new)]
    while ahead:
        one = made.get(ahead.pop())
        reads = [name for name in (one.reads if one else ()) if one and shapes.get(name) == shapes[one.name] and name not in found]
        ahead += reads
        found |= {*reads}
    return found


def _is_error(name: str, statements: Mapping[str, Statement], dependent: set[str]) -> bool:
    """Whether a value is but how far a prediction is from its target: of one sample any function of it has gradients that are a multiple
    of its own, the squared error among them."""
    match statements[name].formula:
        case Formula(tree=Binary("-", Name(left), Name(right))):
            return (left in dependent) != (right in dependent) and not _SAID.search(_ERRORS.sub("", name))
    return False


def _with_sums(scored: Sequence[tuple[float, Statement]], recording: Recording) -> Iterator[tuple[float, Statement]]:
    """A sum of a candidate and of what depends on the parameters too, such as a penalty, comes before that candidate."""
    formulas = {one.name: one.formula.tree for one in recording.statements if one.formula}
    inner = {one.name for one in recording.statements if one.inner}
    scores, dependent = {one.name: score for score, one in scored}, reached(recording.statements, recording.start)
    for score, one in scored:
        summands = [*_summands(formulas[one.name], formulas, inner)]
        parts = [scores[name] for names in summands for name in names if len(names) == 1 and name in scores]
        whole = parts and len(summands) > 1 and not any(names.isdisjoint(dependent) for names in summands)
        yield (max(score, max(parts) + 0.1) if whole else score), one


def _summands(tree: Tree, formulas: Mapping[str, Tree], inner: set[str]) -> Iterator[set[str]]:
    """The names in each term of a sum, those of terms that have none but themselves alone."""
    match tree:
        case Binary("+" | "-", left, right):
            yield from _summands(left, formulas, inner)
            yield from _summands(right, formulas, inner)
        case Name(name) if name in inner and isinstance(made := formulas.get(name), Binary) and made.operator in "+-":
            yield from _summands(made, formulas, inner)
        case _:
            yield {*names_in(tree)}


__all__ = ["find_loss", "proposed"]
