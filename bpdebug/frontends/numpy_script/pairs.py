"""Which tensor each of his gradients belongs to: by numbers, given his own earlier ones, then by what an update subtracts, then by name."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import takewhile

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import assigned, evaluate
from bpdebug.core.record import replace
from bpdebug.frontends.numpy_script.aliases import with_aliases
from bpdebug.frontends.numpy_script.alike import Alike, is_trivial, laid_out, marks
from bpdebug.frontends.numpy_script.blame import Blame
from bpdebug.frontends.numpy_script.blurs import blurs
from bpdebug.frontends.numpy_script.ends import ends_of, subtracted_by
from bpdebug.frontends.numpy_script.fits import AND, Differentiated
from bpdebug.frontends.numpy_script.lines import GRADIENT, is_clipped, reached, start_of, stepped, used
from bpdebug.frontends.numpy_script.multiples import NEAR, penalized, scale
from bpdebug.frontends.numpy_script.names import alike_to, gradient_of, named_alike, unversioned
from bpdebug.frontends.numpy_script.patience import Patience
from bpdebug.frontends.numpy_script.recording import Recording, Statement
from bpdebug.frontends.numpy_script.scalings import Pair, is_usual

_MOST_TRIED, _LATER = 400, 100


class Pairing:
    """His gradients and their tensors.

    Attributes:
        pairs: by his gradient's name.
        given: the derived numbers that each of them was held against.
        own: what may be a gradient.
        recording: what was recorded, with aliases that are wrong as statements.
        forward: what the loss is computed from.
        parts: by his name the stage of a part of a gradient, of which he computes something else.
        subtracted: the parameter that a value is subtracted from, by the value's name.
        meant_by: the tensors whose gradients the values of wrong lines are meant to be.
    """

    def __init__(self, recording: Recording, loss: Differentiated, patience: Patience) -> None:
        self._recording, self._loss, self.pairs = recording, loss, dict[str, Pair]()
        self.given = dict[str, Array]()
        self._values, self.forward = recording.values[-1], {name for name, _ in loss.forward}
        self._injected = dict[str, Array]()
        self.parts = dict[str, str]()
        self.own = self._candidates()
        formulas = {one.name: one.formula.tree for one in recording.statements if one.inner and one.formula}
        self._trivial = {name for name, tree in formulas.items() if is_trivial(tree)}
        self._inner = {one.name for one in recording.statements if one.inner}
        sizes = {loss.gradients[name].size for name in loss.program.parameters if name in loss.gradients}
        self._single = sizes == {1}  # a net of single numbers: each is some multiple of any other, so that only names tell
        self.subtracted = subtracted_by(recording, loss, self.own, self.forward, self._single)
        self._backward = [stage for stage in loss.program.stages if stage.of]
        self._tensors = {name: tensor for tensor, name in loss.program.gradients.items() if tensor in loss.gradients}
        start = {**loss.program.initial, **start_of(recording)}
        with np.errstate(all="ignore"):
            self._known = {**start, **loss.program.run(start)}
        self._tried, self._marks, self._blurs = 0, dict[str, Array](), blurs(loss.program, start, loss.gradients)
        self._now = self._right = Alike(loss.gradients)
        ends, near = ends_of(recording, loss, self.own, self.subtracted), max([NEAR, *self._blurs.values()])
        self.blame = Blame(recording, loss, self.own, ends, near, patience)
        common = {name for name, factor in self.blame.factors.items() if abs(factor / self.blame.times - 1) < NEAR}
        self._together = {*loss.steps, *(common if len(common) > 1 else ())}  # of a saturated net steps are lost in rounding
        self.recording, renamed = with_aliases(recording, self.blame.found, self.forward)
        self._recording, self._values = self.recording, self.recording.values[-1]
        self.meant_by, self.own = {**self.blame.meant, **renamed}, self._candidates()
        whole = [one for one in self.own if not one.partial]
        for place, one in enumerate(whole):
            self._pair(one, whole[place + 1 :])
        for one in self.own:  # such as a gradient to which a penalty is added
            if one.partial:
                self._pair(one, ())

    def _candidates(self) -> list[Statement]:
        """What may be a gradient: it depends on the parameters, is no value of the forward pass and comes before the update."""
        recording = self._recording
        dependent = reached(recording.statements, recording.start)
        slots = {name for name in recording.start if name not in self._loss.moved}
        after = reached(recording.statements, slots) | {*recording.carried.values(), *stepped(recording)}
        wanted = dependent - self.forward - after
        penalties, arrays = {name: {name} for name in recording.start}, [name for name, value in recording.start.items() if value.size > 1]
        for one in recording.statements:  # made of a parameter and of single numbers alone
            parts = (penalties.get(read, {read} if read in dependent or np.ndim(self._values.get(read, 0)) else ()) for read in one.reads)
            of = {name for part in parts for name in part}
            if len(of) == 1 and of <= {*arrays} and one.name in dependent:
                penalties[one.name] = of
        laid = {one.name for one in recording.statements if one.formula and laid_out(one.formula.tree) in self.forward}
        found = dict[str, Statement]()
        wanted -= {one.name for one in recording.statements if unversioned(one.name) in recording.start} | penalties.keys() | laid
        for one in (one for one in recording.statements if one.name in wanted and one.name in self._values):
            also = not found.keys().isdisjoint(one.reads) and self._values[one.name].size > 1  # no second forward pass, no sum of errors
            clipped = one.formula and is_clipped(recording, one.formula.tree, found)  # a step of the update
            if (one.live or gradient_of(one.name) or also) and self._values[one.name].dtype.kind == "f" and not clipped:
                found[one.name] = one
        return [*found.values()]

    def _moved(self, name: str, value: Array) -> dict[str, Array]:
        """The derived gradients, and parts of them, that change where a further one has his value, by the names of their stages."""
        fixed, found = {*map(GRADIENT.format, self._injected), *AND.join(self.parts.values()).split(AND)}, {name: value}
        at = ChainMap(found, self._known)
        with np.errstate(all="ignore"):
            for stage in self._backward:
                if stage.name != name and stage.name not in fixed and not found.keys().isdisjoint(stage.formula.names):
                    found[stage.name] = assigned(stage.formula, at, self._loss.program.kind(stage.name))
        return found

    def _by_tensor(self, found: Mapping[str, Array]) -> Alike:
        """Derived gradients by their tensors."""
        return Alike({self._tensors[name]: value for name, value in found.items() if name in self._tensors})

    def _put_in(self, name: str, value: Array) -> None:
        """Go on with his value of a gradient or a part of one."""
        moved = self._moved(name, value)
        self._known, self._now = self._known | moved, Alike({**self._now, **self._by_tensor(moved)})

    def _match(self, one: Statement, gradients: Alike, closely: bool = True) -> Pair | None:
        """The tensor whose derived gradient has his numbers, times a factor."""
        theirs, best, rank = self._values[one.name], list[Pair](), tuple[bool, ...]()
        taken = {pair.tensor for pair in self.pairs.values()}
        if one.name not in self._marks:
            self._marks[one.name] = marks(theirs)
        moved = self.subtracted.get(one.name, "")
        widest = max(NEAR + max(self._blurs.values(), default=0.0), 64 * float(np.finfo(theirs.dtype.char).eps))
        near_ones = self._likely(one.name) if self._single else gradients.like(theirs, self._marks[one.name], widest)
        for tensor in (tensor for tensor in near_ones if tensor in gradients):
            right = gradients[tensor]
            if tensor in self._trivial or tensor in taken:
                continue
            near, factor = NEAR, scale(theirs, right, widest)
            if factor and self._blurs:
                near = NEAR + self._blurs[tensor]  # so little as it may be, the numbers are not the same
                factor = scale(theirs, right, near)
            factor = 1.0 if factor and abs(factor - 1) < near else factor
            within = one.name in self._inner and moved != tensor
            if factor is None or within or (one.partial and (factor != 1.0 or tensor in self._inner)):
                continue
            alike, whole = named_alike(one.name, tensor), factor == 1.0
            if tensor in self._inner and right.size > 1 and not whole:
                common = self.blame.factors and abs(abs(factor / self.blame.times) - 1) < near
                if not np.ptp(right) or not (common or is_usual(self._recording, abs(factor), near)):
                    continue  # any helper that is nearly the same in all cells is a multiple of it
            other = right.size == 1 and not whole and moved != tensor and tensor in self.subtracted.values()  # any number is a multiple
            if other or (np.count_nonzero(right) == 1 and not (alike or whole or moved == tensor)):
                continue
            named = tensor not in self._inner
            first = (named, whole) if self.blame.right and self.blame.times < 0 else (whole, named)  # a sign is wrong somewhere
            found = (alike, moved == tensor, *first, theirs.shape == right.shape)
            if found > rank:
                best, rank = [], found
            best += [Pair(tensor, factor, near)] if found == rank else []
        if not closely or len(best) < 2:
            return self._onward(one, best[0]) if best and closely else next(iter(best), None)
        return self._onward(one, max(best, key=lambda pair: (self._uses(one, pair), self._shared(one, pair.tensor))))

    def _onward(self, one: Statement, pair: Pair) -> Pair:
        """The same; of a bias and what it is added to, which have the same gradient, the one from which a wrong gradient goes on."""
        wrong = pair.factor != 1.0 and not self.blame.right and pair.tensor in self._recording.start
        due = self._now[pair.tensor] if wrong else None
        taken = {other.tensor for other in self.pairs.values()}
        equal = [] if due is None else [name for name, right in self._now.items() if name not in taken and np.array_equal(right, due)]
        return replace(pair, tensor=max(equal, key=lambda name: self._uses(one, replace(pair, tensor=name)))) if equal else pair

    def _likely(self, name: str) -> list[str]:
        """Of a net of single numbers the tensors whose gradient a value may be, by its name, or since it is what moves one."""
        moved = self.subtracted.get(name, "")
        return [*dict.fromkeys([*(alike_to(name, self._loss.gradients) or ()), *([moved] if moved in self._together else [])])]

    def _shared(self, one: Statement, tensor: str) -> int:
        """In how many calls and turns they are made together: two samples of a batch may be the same."""
        path = next((other.path for other in self._recording.statements if other.name == tensor), ())
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one.path, path, strict=False)))

    def _uses(self, one: Statement, pair: Pair) -> int:
        """How many of the lines that read a gradient go on from it as from that of the tensor, whatever its numbers.

        The gradients of logits and of logits less their maximum are the same numbers, but only where a softmax sends them back.
        """
        drawn = np.random.default_rng(0).normal(size=self._values[one.name].shape)
        laid = drawn.reshape(self._loss.gradients[pair.tensor].shape) / (pair.factor or 1.0)
        derived = self._by_tensor(self._moved(GRADIENT.format(pair.tensor), laid))
        values, fitting = {**self._values, one.name: drawn}, 0
        for other in self._recording.statements:
            if other.formula and one.name in other.formula.names and values.keys() >= {*other.formula.names}:
                theirs = evaluate(other.formula, values)
                like = derived.like(theirs, marks(theirs), NEAR)
                fitting += any(scale(theirs, derived[tensor], NEAR) is not None for tensor in like if tensor != pair.tensor)
        return fitting

    def _pair(self, one: Statement, later: Sequence[Statement]) -> None:
        part = self.meant_by.get(one.name, "")
        if part in self._loss.parts and self._values[one.name].size == self._loss.parts[part].size:
            self.parts[one.name] = part
            first, *others = part.split(AND)
            his = self._values[one.name].reshape(self._loss.parts[part].shape)
            self._put_in(first, np.asarray(his - sum(self._known[name] for name in others)))
            return
        found = self._match(one, self._now) if part not in self._now else None
        if not one.partial and not found:
            ends = not part and self._ends_right(one)
            found = self._whole(one) or (self._penalized(one) if ends or (self.blame.right and not part) else None)
            found = found or (None if ends else self._meant(one, later))
        if found and found.factor != 1.0 and any(self._completes(other, one, found) for other in later):
            return
        if found:
            self.pairs[one.name] = found
            self.given[one.name] = (self._right if found.whole else self._now)[found.tensor]
            if found.factor != 1.0 or found.near > NEAR:
                value = self._injected[found.tensor] = self._laid(one.name, found.tensor)
                self._put_in(GRADIENT.format(found.tensor), value)

    def _whole(self, one: Statement) -> Pair | None:
        """The parameter that a value is subtracted from, where it is its gradient, whatever his earlier ones are; or what it is a gradient
        of, times what earlier ones have too much, where not all that it is made of has that."""
        tensor, theirs = self.subtracted.get(one.name, ""), self._values[one.name]
        right = None if tensor in {pair.tensor for pair in self.pairs.values()} else self._loss.gradients.get(tensor)
        times = None if right is None or theirs.size == 1 else scale(theirs, right)
        if times and abs(times - 1) < NEAR:
            return Pair(tensor, 1.0, whole=True)
        usual = {pair.factor for pair in self.pairs.values() if pair.factor not in (None, 1.0) and not self._single}
        found = self._match(one, self._right) if usual and theirs.size > 1 else None
        same = found and any(abs((found.factor or 0.0) / (factor or 1.0) - 1) < NEAR for factor in usual)
        return replace(found, whole=True) if found and same else None

    def _penalized(self, one: Statement) -> Pair | None:
        """The parameter that a value is subtracted from, where it is its gradient and a multiple of itself."""
        tensor = self.subtracted.get(one.name, "")
        if tensor in {pair.tensor for pair in self.pairs.values()} or tensor not in self._now:
            return None
        return Pair(tensor, None) if penalized(self._values[one.name], self._now[tensor], self._values[tensor]) else None

    def _ends_right(self, one: Statement) -> bool:
        """Whether every parameter that a value changes moves along its true gradient, so that the value is right, whatever it is."""
        if not self._loss.steps or self.blame.found:
            return False
        moved = {name for name in self._loss.gradients.keys() & self._leads.keys() if one.name in self._leads[name]}
        return bool(moved) and moved <= {*self._loss.steps}

    @cached_property
    def _leads(self) -> dict[str, set[str]]:
        """What each tensor that lives on is made of in this update."""
        return {name: used(self._recording.statements, [new]) for name, new in self._recording.carried.items()}

    def _completes(self, later: Statement, one: Statement, pair: Pair) -> bool:
        """Whether it is whole only where a later line divides it, as in ``d = p - y``, ``d = d / m``, or any number is a multiple of it."""
        single = self._values[one.name].size == 1 and not later.inner
        found = self._match(later, self._now) if later.formula and (single or one.name in later.formula.names) else None
        return found is not None and found.factor == 1.0 and found.tensor == pair.tensor

    def _laid(self, name: str, tensor: str) -> Array:
        return self._values[name].reshape(self._loss.gradients[tensor].shape)

    def _meant(self, one: Statement, later: Sequence[Statement]) -> Pair | None:
        """The tensor whose gradient it is meant to be: that which it is subtracted from, that of its name, or that with which what comes
        later fits."""
        theirs, taken = self._values[one.name], {pair.tensor for pair in self.pairs.values()}
        if (self.blame.right or self.blame.found) and not self._single:
            tensor = self.meant_by.get(one.name)
            if not tensor or tensor not in self._now or tensor in taken:
                return None
            factor = scale(theirs, self._now[tensor])
            return self._onward(one, Pair(tensor, 1.0 if factor and abs(factor - 1) < NEAR else factor))
        free = [
            tensor for tensor, right in self._now.items()
            if tensor not in taken and right.size == theirs.size and np.squeeze(right).shape == np.squeeze(theirs).shape
        ]  # fmt: skip
        free = [tensor for tensor in free if named_alike(one.name, tensor)] if self._single else free
        for tensor in free:
            if self.subtracted.get(one.name) == tensor:
                return Pair(tensor, None)
        named = [tensor for tensor in free if named_alike(one.name, tensor)]
        if one.inner or not theirs.any():
            return None
        later = [other for other in later if self._values[other.name].size > 1][:_LATER]
        fits = {other.name for other in later if self._match(other, self._now, False)}
        best, most = None, 0.0
        for tensor in free:
            if self._tried > _MOST_TRIED:
                break
            self._tried += 1
            moved = self._by_tensor(self._moved(GRADIENT.format(tensor), self._laid(one.name, tensor)))
            gain = sum(bool(self._match(other, moved, False)) for other in later if other.name not in fits)
            score = gain + 0.5 * (tensor in named)
            if score > most and (gain or not later or tensor in named):
                best, most = tensor, score
        return Pair(best, None) if best and self._is_read(one.name, best, named) else None

    def _is_read(self, name: str, tensor: str, named: Sequence[str]) -> bool:
        """Whether what the parameters become depends on it."""
        recording = self._recording
        return tensor in named or name in used(recording.statements, recording.carried.values())


__all__ = ["Pairing"]
