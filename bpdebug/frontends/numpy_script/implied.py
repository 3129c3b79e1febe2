"""Losses that a script does not write down, and that what it computes implies: a difference, or a quotient, is the derivative of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.parser import Formula
from bpdebug.core.tree import Binary, Call, Index, Key, Name, Number, Tree, Unary, substitute
from bpdebug.core.tree import names as names_in
from bpdebug.frontends.numpy_script.recording import Line, Recording, Statement

_IMPLIED = {
    "half the squared error": "0.5 * sum(({p} - {t}) ** 2)",
    "the binary cross-entropy": "-sum({t} * log({p}) + (1 - {t}) * log(1 - {p}))",
    "the cross-entropy": "-sum({t} * log({p}))",
}
_LOGITS = ("the binary cross-entropy", "the cross-entropy")
_TERMS, _ROUNDED = 200, 1e-6
"""Samples whose losses are written as one formula, at most; how far what is added to a cell may be from 1."""
Candidate = tuple[str, tuple[str, ...], str, Line]
"""The formula of a loss, "" where a statement computes it; from which statements it is made; what is said of it; where it stands."""


def implied(found: Sequence[Statement], dependent: set[str], values: Sequence[Mapping[str, Array]]) -> Iterator[Candidate]:
    """Losses that differences imply; those that one line makes, sample by sample, belong together."""
    lines = defaultdict[tuple[str, Line], list[tuple[str, str, str]]](list)
    turned = {one.name: one.formula.tree.operand for one in found if one.formula and isinstance(one.formula.tree, Unary)}
    trees = {one.name: one.formula.tree for one in found if one.formula}
    inner = {one.name: trees[one.name] for one in found if one.inner}
    for one in (one for one in found if one.live):  # what nothing is moved by is no derivative, but a loss that is printed
        if quotient := _quotient(whole := _unfolded(trees[one.name], inner, 3), dependent) or _both(whole, dependent):
            said, text, way = quotient
            lines[said, one.made].append((text, one.name, way))
            continue
        match _in_one(trees[one.name], trees):
            case Binary("-", Name(left), Name(right)) if (left in dependent) != (right in dependent):
                p, t = (left, right) if left in dependent else (right, left)
                for said, text in _IMPLIED.items():
                    saturated = said in _LOGITS and any(np.isin(each[p], (0, 1)).any() for each in values)
                    written = _of_logits(said, p, t, trees) if saturated else ""
                    lines[said, one.made].append((written or text.format(p=p, t=t), one.name, p))
                if z := _stepped(_unfolded(trees.get(p), trees, 2)):
                    way = Formula.of(z).text
                    lines["the perceptron's criterion", one.made].append((f"sum(({p} - {t}) * ({way}))", one.name, way))
            case Call("add_at", (Name(p), Key() as key, more)) if one_more := _is_one(more, one.name, p, values[-1]):
                if one_more > 0:  # e = -p, then e[label] += 1
                    match turned.get(p):
                        case Name(p):
                            pass
                        case _:
                            continue
                text = f"-sum(log({Formula.of(Index(Name(p), key.items)).text}))"
                lines["the cross-entropy", one.made].append((text, one.name, p))
    for (said, line), parts in lines.items():
        if len(parts) > _TERMS:
            continue  # a part of a sum has other gradients
        texts, names, of = zip(*parts, strict=True)
        whose = f"{of[0]}, added up over {len(of)} samples" if len(of) > 1 else of[0]
        yield f"sum(stack([{', '.join(texts)}]))" if len(texts) > 1 else texts[0], names, f"{said} of {whose}", line


def _is_one(more: Tree, new: str, old: str, values: Mapping[str, Array]) -> int:
    """1 or -1, where that is what is added to some cells, as in ``p[rows, labels] = -(1 - p[rows, labels])`` too; else 0."""
    match more:
        case Number(1):
            return 1
        case Unary("-", Number(1)):
            return -1
    if not {new, old} <= values.keys():
        return 0
    added = np.asarray(values[new] - values[old])
    where = np.abs(added) > _ROUNDED
    told = added[where] if np.any(np.abs(values[old][where] - 1) > _ROUNDED) else added[:0]  # else that is how 1 becomes 0
    return next((sign for sign in (1, -1) if told.size and np.allclose(told, sign, 0, _ROUNDED)), 0)


def _quotient(tree: Tree, dependent: set[str]) -> tuple[str, str, str] | None:
    """Which entropy is the one of which ``-t / p`` is the derivative, its formula, and of what it is one; something small may be added."""
    match tree:
        case Unary("-", Binary("/", Name(t), p)) | Binary("/", Unary("-", Name(t)), p):
            if t not in {*dependent, *names_in(p)} and not dependent.isdisjoint(names_in(p)):
                text = Formula.of(p).text
                return "the cross-entropy", f"-sum({t} * log({text}))", text
    return None


def _both(tree: Tree, dependent: set[str]) -> tuple[str, str, str] | None:
    """The same of the entropy of two classes, of which ``(1 - t) / (1 - p) - t / p`` is the derivative."""
    match tree:
        case Binary("/", Binary("+" | "-") | Unary() as inner, scale) | Binary("*", scale, Binary("+" | "-") | Unary() as inner):
            tree = inner if dependent.isdisjoint(names_in(scale)) else tree
    terms = dict(_terms(tree, 1))
    match terms.get(-1), terms.get(1):
        case (Binary("/", Name(t), p), Binary("/", Binary("-", Number(1), Name(u)), q)) if t == u and t not in dependent:
            one, other = Formula.of(p).text, Formula.of(q).text
            if not dependent.isdisjoint(names_in(p)) and names_in(p) == names_in(q):
                return "the binary cross-entropy", f"-sum({t} * log({one}) + (1 - {t}) * log({other}))", one
    return None


def _terms(tree: Tree, sign: int) -> Iterator[tuple[int, Tree]]:
    """The terms of a sum, with their signs."""
    match tree:
        case Binary("+" | "-" as operator, left, right):
            yield from _terms(left, sign)
            yield from _terms(right, sign if operator == "+" else -sign)
        case Unary("-", inner) | Binary("*", Unary("-", Number(1)), inner):
            yield from _terms(inner, -sign)
        case Binary("/", Unary("-", above), below):
            yield -sign, Binary("/", above, below)
        case _:
            yield sign, tree


def _stepped(tree: Tree) -> Tree | None:
    """What a prediction is a step of: ``z`` of ``where(z >= 0, 1, 0)``. Rosenblatt's rule lowers (prediction - target) * z, where no
    derivative flows through the prediction (Bishop, "Pattern Recognition and Machine Learning" (2006), section 4.1.7)."""
    match tree:
        case Call("where", (Binary(">" | ">=", z, Number(0)), *_)) | Call("sign", (z,)) | Binary(">" | ">=", z, Number(0)):
            return z
        case Binary("+", Call("zeros"), inner):
            return _stepped(inner)
    return None


def without_derivative(recording: Recording) -> list[str]:
    """What lives from update to update and depends on that by no derivative: but through comparisons, as in a perceptron's rule."""
    smooth = {*recording.start}
    for one in recording.statements:
        if one.formula and not _is_step(one.formula.tree) and one.name not in recording.carried.values():
            smooth |= {one.name} if not smooth.isdisjoint(one.reads) else set()
    made = {one.name: one for one in recording.statements}
    return [old for old, new in recording.carried.items() if new in made and smooth.isdisjoint({*made[new].reads} - {old})]


def _is_step(tree: Tree) -> bool:
    match tree:
        case Binary("<" | "<=" | ">" | ">=" | "==" | "!=") | Call("sign" | "argmax" | "argmin" | "round" | "floor" | "ceil"):
            return True
    return False


def _of_logits(said: str, p: str, t: str, trees: Mapping[str, Tree]) -> str:
    """An entropy without the logarithm of what may be 0, where the probabilities are seen to be a sigmoid or a softmax; "" elsewhere."""
    match _unfolded(trees.get(p), trees, 4):
        case Binary("/", Number(1), Binary("+", Number(1), Call("exp", (Unary("-", z),)))) | Binary(
            "/", Number(1), Binary("+", Call("exp", (Unary("-", z),)), Number(1))
        ):
            whole = Formula.of(z).text
        case Binary("/", Call("exp", (z,)), _):
            sums = trees[p]
            whole = f"{Formula.of(z).text} - log({Formula.of(sums.right).text})" if isinstance(sums, Binary) else ""
            return f"-sum({t} * ({whole}))" if "binary" not in said else ""
        case _:
            return ""
    return f"sum(softplus({whole}) - {t} * ({whole}))" if "binary" in said else ""


def _unfolded(tree: Tree | None, trees: Mapping[str, Tree], deep: int) -> Tree:
    """A formula with those that it reads put in, so many levels deep."""
    if tree is None or not deep:
        return tree or Name("")
    names = [name for name in names_in(tree) if name in trees]
    return substitute(tree, {name: _unfolded(trees[name], trees, deep - 1) for name in names}) if names else tree


def _in_one(tree: Tree, trees: Mapping[str, Tree]) -> Tree:
    """A formula, where it writes one cell of a row, ``e[0][label] += 1``, as one that writes that cell of the whole; else as it is."""
    match tree:
        case Call("add_at", (Name(whole), Key((row,)), Binary("-", Name(new), Index(Name(old))))) if old == whole:
            match trees.get(new):
                case Call("add_at", (_, Key((column,)), more)):
                    return Call("add_at", (Name(whole), Key((row, column)), more))
    return tree


__all__ = ["Candidate", "implied", "without_derivative"]
