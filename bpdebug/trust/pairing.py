"""Which array of a user's file is which tensor of the program: by name, shape and numbers together.

Names are read (:func:`bpdebug.trust.names.meanings`), and from where layers are counted is decided once for the whole file. Numbers choose
between what a name may mean, and speak for an array whose name means nothing; against what a name says plainly they never speak, for a
gradient with the numbers of another one may be the mistake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.network import LayerNames
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Skipped
from bpdebug.core.shapes import Shape
from bpdebug.core.words import are
from bpdebug.trust.names import AFTER, Counting, Meaning, countings, earlier, gradient_of, idle, known_names, meanings, spelled
from bpdebug.trust.report import counted, listed

_EQUAL = 1e-4
"""Numbers that are as close as this, relative to the largest, are the same."""
_FITS, _FLAT, _MISFITS, _NUMBERS = 0.3, 0.15, -0.35, 0.5
"""What a shape that fits, or does after reshaping, or does not, and equal numbers add to the trust in a name."""
_LEAST, _LITERAL, _UNSAID = 0.5, 1.1, 0.6
"""The score from which a pair is one; the trust in a name of ours; that in a layer that a name does not say."""
_SHOWN = 8


class Pairing(Record, eq=False):
    """A file under our names.

    Attributes:
        arrays: by our names; ``W1_new`` is ``W1`` after the update.
        names: our names to the file's.
        uncompared: gradients that stand for nothing of ours, with the reason.
        notes: which names were understood as what, and what is left.
        score: how well it fits as a whole.
    """

    arrays: Values
    names: Mapping[str, str]
    uncompared: Mapping[str, str]
    notes: tuple[str, ...]
    score: float


class Pairs:
    """The tensors of a program, to each of which an array of a file may belong.

    Args:
        program: whose tensors they are.
        arrays: the file.
        rows: the samples of its batch, as far as is known.
        values: what every array of ours is given the user's own start, by its name in a file, where that is known already.
    """

    def __init__(self, program: Program, arrays: Values, rows: int, values: Values | None = None) -> None:
        self.program, self.arrays, self.rows, self.values = program, arrays, rows, values or {}
        self.known, self.shapes = known_names(program), program.shapes(rows)
        self._spelled = {spelled(name): name for name in reversed(self.known)}
        self._earlier = {meaning.numbers for name in arrays if earlier(name) for meaning in meanings(name)}

    @cached_property
    def reasons(self) -> dict[str, str]:
        """Why a tensor that one might expect has no stage."""
        found = {line.name: line.reason for line in self.program.lines if isinstance(line, Skipped)}
        return found | {name + AFTER: reason for name, reason in found.items()}

    def paired(self, counting: Counting) -> Pairing:
        """The best pairs under a way to count."""
        scores = {name: self._scores(name, array, counting) for name, array in self.arrays.items()}
        order = sorted(((s, n, t) for n, of in scores.items() for t, s in of.items() if s >= _LEAST), key=lambda one: -one[0])
        names, placed = dict[str, str](), set[str]()
        for _, name, target in order:
            if name not in placed and target not in names:
                names[target] = name
                placed.add(name)
        for score, name, target in order:  # who stands in another's place, and could stand elsewhere as well
            other = names.get(target, "")
            if name not in placed and other:
                free = {t: s for t, s in scores[other].items() if t not in names and s >= _LEAST}
                best = max(free, key=lambda t: free[t], default="")
                if best and score + free[best] > scores[other][target]:
                    names |= {target: name, best: other}
                    placed.add(name)
        total = sum(1.0 + self._fit(self.arrays[name], target) for target, name in names.items())
        uncompared, left = self._left(names, placed)
        notes = (*self._told(names), *left)
        return Pairing({target: self.arrays[name] for target, name in names.items()}, names, uncompared, notes, total)

    def _scores(self, name: str, array: Array, counting: Counting) -> dict[str, float]:
        """How well an array fits the tensors that its name may mean."""
        trusts, understood = dict[str, float](), [] if idle(name) and name not in self.known else meanings(name)
        if name in self.known and (counting.plain or not any(meaning.numbers for meaning in understood)):
            trusts[name] = _LITERAL
        elif counting.plain and (target := self._respelled(name)):
            trusts[target] = 1.05
        for meaning in understood:
            for target, trust in self._targets(meaning, counting):
                trusts[target] = max(trusts.get(target, 0.0), trust)
        if not trusts and (target := self._of_module_in_lines(name)):
            trusts[target] = 1.0
        plain = max(trusts.values(), default=0.0) >= _LITERAL
        likely = {t: trust for t, trust in trusts.items() if trust >= 1.0 or not plain or t.endswith(AFTER)}
        scores = {t: trust + self._fit(array, t) for t, trust in likely.items() if not (t.endswith(AFTER) and earlier(name))}
        if self.values and not plain and (len(scores) != 1 or max(scores.values()) < _LEAST):
            near = scores or dict.fromkeys(self._free(array), _LEAST - _NUMBERS)
            scores = {target: score + _NUMBERS * self._equal(array, target) for target, score in near.items()}
        return scores

    def _of_module_in_lines(self, name: str) -> str:
        """The parameter of lines, or its gradient, that is meant by a module of a file with both: the only one of that shape, or of several
        the one with these numbers; else ""."""
        of = gradient_of(name)
        array = self._with_gradients.get(of or spelled(name))
        if self.program.layers or array is None:
            return ""
        fits = [own for own, due in self.program.parameters.items() if _long(due) == _long(array.shape)]
        found = fits[:1] if len(fits) == 1 else [own for own in fits if self._equal(array, own)]
        parameter = found[0] if len(found) == 1 else ""
        return self.program.gradients.get(parameter, "") if of else parameter

    @cached_property
    def _with_gradients(self) -> dict[str, Array]:
        """The arrays of the file that have a gradient there, under other names than ours, as they are spelled."""
        gradients = {gradient_of(name) for name in self.arrays if name not in self.known}
        return {spelled(name): array for name, array in self.arrays.items() if spelled(name) in gradients and name not in self.known}

    def _respelled(self, name: str) -> str:
        """The tensor whose name this is but for capitals and signs, or whose gradient it says to be."""
        if spelled(name) in self._spelled and spelled(name):
            return self._spelled[spelled(name)]
        of = self._spelled.get(gradient_of(name) or "", "")
        return self.program.gradients.get(of, "")

    def _targets(self, meaning: Meaning, counting: Counting) -> Iterator[tuple[str, float]]:
        """The tensors that a meaning may stand for, with the trust in each."""
        program, kind = self.program, meaning.kind
        single = {"input": program.input, "target": program.target, "prediction": program.prediction, "loss": program.loss}
        if kind in single:
            if target := self._form(single[kind], meaning):
                yield target, meaning.trust
            return
        if not program.layers:
            return
        if counting.swapped and kind in ("z", "a"):
            kind = "z" if kind == "a" else "a"
        if kind == "a" and not meaning.gradient and meaning.numbers and meaning.numbers[-1] == counting.a - 1 and not meaning.place:
            yield program.input, meaning.trust
        if counting.ranks and meaning.trust < 1.0 and kind in ("a", "z") and meaning.numbers and not meaning.place:
            if (tensor := self._of_module(meaning, counting)) and (target := self._form(tensor, meaning)):
                yield target, meaning.trust
            return
        for layer, trust in self._layers(meaning, kind, counting):
            tensor = self._into(layer) if meaning.place == "in" and meaning.numbers and kind == "a" else str(getattr(layer, kind))
            if tensor and (target := self._form(tensor, meaning)):
                yield target, meaning.trust * trust
            started = meaning.numbers in self._earlier and not (meaning.gradient or meaning.slot or meaning.after)
            if started and kind in ("weight", "bias") and tensor:
                yield tensor + AFTER, 0.3

    def _of_module(self, meaning: Meaning, counting: Counting) -> str:
        """What comes out of a module among others: of one with weights their sum, of one between such its activation."""
        rank = max((rank for number, rank in counting.ranks.items() if number <= meaning.numbers), default=0)
        other = {"a": "z", "z": "a"}[meaning.kind] if meaning.numbers in counting.ranks else meaning.kind * (meaning.kind == "a")
        return str(getattr(self.program.layers[rank - 1], other)) if rank and other else ""

    def _layers(self, meaning: Meaning, kind: str, counting: Counting) -> Iterator[tuple[LayerNames, float]]:
        """The layers of which a name may speak."""
        into = meaning.place == "in" and kind == "a"
        layers, first = self.program.layers, counting.parameters if kind in ("weight", "bias") or into else getattr(counting, kind)
        if meaning.place == "out":
            yield layers[-1], 1.0
        elif meaning.numbers:
            between = counting.ranks and into  # what goes into one without weights
            number = counting.ranks.get(meaning.numbers, 0 if between else meaning.numbers[-1] - first + 1)
            if 1 <= number <= len(layers):
                yield layers[number - 1], 1.0
        elif meaning.place == "in":
            yield layers[0], 1.0
        else:
            among = layers[:-1] if meaning.place else layers
            yield from ((layer, 1.0 if len(among) == 1 else _UNSAID + 0.05 * (layer is layers[-1])) for layer in among)

    def _into(self, layer: LayerNames) -> str:
        """What goes into a layer: the activation of the one before, or the inputs."""
        place = self.program.layers.index(layer)
        return self.program.layers[place - 1].a if place else self.program.input

    def _form(self, tensor: str, meaning: Meaning) -> str:
        """The gradient of a tensor, what the optimizer keeps of it, or what it is after the update; "" where there is none."""
        if meaning.slot:
            slots = [slot for slot, of in self.program.slots.items() if of == tensor]
            tensor = (slots[0] if meaning.slot == "first slot" else slots[-1]) if slots else ""
        elif meaning.gradient:
            return self.program.gradients.get(tensor, "")
        target = tensor + AFTER * (meaning.after and bool(tensor))
        return target if target in self.known else ""

    def _fit(self, array: Array, target: str) -> float:
        """Whether the shape is that of a tensor, turned or flat too."""
        tensor = self.known[target]
        due = self.shapes[tensor]
        found, wanted = _long(array.shape), _long(due)
        if found == wanted:
            return _FITS
        of_samples = self.program.layers and tensor in self.program.sampled and array.ndim <= 2
        if of_samples and due[1] in (1, *array.shape) and len(found) <= 2 - (due[1] == 1):
            return _FITS
        return _FLAT if array.size == np.prod(due) or (tensor == self.program.loss and array.ndim == 1) else _MISFITS

    def _free(self, array: Array) -> Iterator[str]:
        """The tensors that a stage computes whose shape an array has."""
        for target, tensor in self.known.items():
            if (target != tensor or tensor not in self.program.persistent) and target in self.values and self._fit(array, target) == _FITS:
                yield target

    def _equal(self, array: Array, target: str) -> bool:
        """Whether an array has the numbers of a tensor, and these tell it from others."""
        return target in self.values and telling(array) and same(array, self.values[target])

    def _told(self, names: Mapping[str, str]) -> Iterator[str]:
        """Sentences on the names that are not ours."""
        others = {target: name for target, name in names.items() if name != target}
        meant = {t: name for t, name in others.items() if meanings(name) or self._respelled(name) or self._of_module_in_lines(name)}
        if meant:
            yield f"your {listed([*meant.values()])} {are(meant)} compared as {listed([*meant])}"
        for target in [target for target in others if target not in meant]:
            yield f"your {others[target]} has the numbers of {target}, and is compared as {target}"

    def _left(self, names: Mapping[str, str], placed: set[str]) -> tuple[dict[str, str], list[str]]:
        """The gradients that are left over, with reasons, and sentences on what else is."""
        uncompared, idlers = dict[str, str](), list[str]()
        for name in [name for name in self.arrays if name not in placed]:
            array, gradients = self.arrays[name], [meaning for meaning in meanings(name)[:1] if meaning.gradient]
            twins = [target for meaning in meanings(name)[:1] for target, _ in self._targets(meaning, Counting()) if target in names]
            alike = next((target for target in twins if same(array, self.arrays[names[target]])), "")
            if alike:
                idlers.append(f"{name} has the numbers of your {names[alike]} once more")
            elif array.dtype.kind == "U" or (idle(name) and not gradients):
                idlers.append(f"{name} is not compared: it is no tensor of this network")
            elif gradients or gradient_of(name) is not None or self._beside(array, names):
                uncompared[name] = self._reason(name, gradients, twins, names)
            else:
                idlers.append(f"{name} is not compared: {self.reasons.get(name) or 'it is no tensor of this network'}")
        more = [f"and {counted(len(idlers) - _SHOWN, 'other array')} that this network does not have"] * (len(idlers) > _SHOWN)
        return uncompared, [*idlers[:_SHOWN], *more]

    def _beside(self, array: Array, names: Mapping[str, str]) -> bool:
        """Whether an array may be a parameter that is not there, though others are, or the gradient of one whose gradient is not."""
        shape, others = _long(array.shape), not names.keys().isdisjoint(self.program.parameters)
        free = [n for n in self.program.parameters if self.program.gradients.get(n) not in names or (others and n not in names)]
        fits = any(shape and shape == _long(self.program.parameters[name]) for name in free)
        own = any(same(array, self.arrays[names[name]]) for name in self.program.parameters if name in names)
        return fits and len(np.unique(array)) > 2 and not own

    def _reason(self, name: str, gradients: Sequence[Meaning], twins: Sequence[str], names: Mapping[str, str]) -> str:
        """Why a gradient is not compared."""
        if twins:
            return f"your {names[twins[0]]} is compared as {twins[0]}, and this has other numbers"
        if gradients and (gradients[0].kind == "input" or gradients[0].place == "in"):
            return "an update does not need the gradient of the inputs"
        gradient = self.program.network.naming.gradient.format(self.program.prediction)
        of = self._spelled.get(gradient_of(name) or "", "")
        told = [self.reasons[one] for one in (name, gradient if self._of_prediction(gradients) else "", of) if one in self.reasons]
        return told[0] if told else "it may be a parameter or a gradient, but its name and its shape do not say which"

    def _of_prediction(self, gradients: Sequence[Meaning]) -> bool:
        """Whether a name is that of the gradient of the network's answer."""
        last = self.program.layers[-1].number if self.program.layers else 0
        return any(one.kind == "prediction" or (one.kind == "a" and one.numbers == (last,)) for one in gradients)


def _long(shape: Shape) -> list[int]:
    """The lengths of all axes that are longer than 1, whatever their order."""
    return sorted(length for length in shape if length != 1)


def telling(array: Array) -> bool:
    """Whether numbers tell an array from others: not zeros, ones or a constant."""
    values = np.unique(array[np.isfinite(array)]) if array.dtype.kind == "f" else np.unique(array)
    return bool(len(values) > 2 or (array.size == 1 and values.size and abs(float(values[0])) not in (0.0, 0.5, 1.0, 2.0)))


def same(array: Array, value: Array) -> bool:
    """Whether two arrays have the same numbers, turned or flat too."""
    if array.size != value.size or array.dtype.kind == "U" or not array.size:
        return False
    room = _EQUAL * float(np.max(np.abs(value), initial=0.0, where=np.isfinite(value)))
    return any(np.allclose(one.reshape(-1), value.reshape(-1), 0, room, equal_nan=True) for one in (array, array.T))


def pairings(program: Program, arrays: Values, rows: int, values: Values | None = None) -> list[Pairing]:
    """The ways to pair a file with a program, the likeliest first."""
    pairs = Pairs(program, arrays, rows, values)
    found = {tuple(sorted(one.names.items())): one for one in map(pairs.paired, reversed([*countings(program, arrays)]))}
    best = max(one.score - 2 * len(one.uncompared) for one in found.values())
    likely = [one for one in reversed(found.values()) if one.score - 2 * len(one.uncompared) > best - 1.0]
    return sorted(likely, key=lambda one: -round(one.score - 2 * len(one.uncompared), 6))
