"""What his update statements do with his gradients: in which direction, and with whose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.given import Allowed
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Binary, Name
from bpdebug.frontends.numpy_script.alike import is_product, is_whole_sum
from bpdebug.frontends.numpy_script.averages import Remark, uncleared
from bpdebug.frontends.numpy_script.ends import step_of
from bpdebug.frontends.numpy_script.fits import Differentiated
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.moves import REPLACED, Moves
from bpdebug.frontends.numpy_script.multiples import NEAR, penalized, scale, told_apart
from bpdebug.frontends.numpy_script.names import named_alike, unversioned
from bpdebug.frontends.numpy_script.pairs import Pairing
from bpdebug.frontends.numpy_script.recording import Recording
from bpdebug.frontends.numpy_script.scalings import Pair, is_invented, is_usual
from bpdebug.frontends.numpy_script.versions import grown, late

_UPHILL = 0.1
"""The cosine between a step and the gradient above which the step leads uphill."""
_MANY = 3
"""So many parameters that move by one number times their gradients tell of another single number that it does not."""
_ALIKE = 1e-3
"""Relative: factors that are as near are the same."""


class Steps:
    """The first update, parameter by parameter.

    Attributes:
        scales: what the gradient of each parameter is times the true one; None where it is no multiple of it.
        times: the factor that most of them share.
        uphill: the parameters that are moved against what lowers the loss.
    """

    def __init__(self, recording: Recording, loss: Differentiated, pairing: Pairing) -> None:
        self._recording, self._loss, self._pairing = recording, loss, pairing
        told = {name for name in loss.program.parameters if name not in loss.gradients or loss.gradients[name].size > 1}
        told |= {name for name, right in loss.gradients.items() if right.any()}  # of a single 0 nothing tells what it is meant to be
        ends = {name: end for name, end in pairing.blame.ends.items() if name in told and name in loss.program.parameters}
        forward = {name for name, _ in loss.forward}
        self._late = [*late(recording, ends, forward, None if pairing.blame.late else pairing.pairs)]
        right = {name: end for name, end in ends.items() if scale(recording.values[-1][end], loss.gradients[name])}
        self._of = {pair.tensor: name for name, pair in pairing.pairs.items()} | right
        self._moves = Moves(recording, ends, forward)
        values, due = recording.values[-1], loss.gradients
        self._live = told_apart({name: due[name] for name in loss.program.parameters if name in due})
        self.scales = {name: scale(values[self._of[name]], due[name]) for name in self._live if name in self._of}
        self.times = pairing.blame.times
        down = sum(self._climbs(name, recording.values[-1], -loss.gradients[name]) for name in self._live) if loss.raised else 0
        climbs = loss.raised and 2 * down < max(1, len(self._live))  # some may be wrong
        self.uphill = {name for name in self._live if not climbs and self._is_uphill(name)}

    def _is_uphill(self, name: str) -> bool:
        """Whether the steps lead uphill in every update: a single one may where momentum carries it on."""
        times = self.scales.get(name)
        if name in self._loss.steps:
            return self._loss.steps[name] < 0
        if not times:
            return self._climbs(name, self._recording.values[-1], self._loss.gradients[name])
        seen = [(values, values[self._of[name]] / times) for values in self._recording.values if self._of[name] in values]
        told = [self._climbs(name, values, gradient) for values, gradient in seen if gradient.any()]
        return all(told) and bool(told)

    def _climbs(self, name: str, values: Mapping[str, Array], gradient: Array) -> bool:
        end = self._pairing.blame.ends.get(name, "")
        move = np.ravel(step_of(self._recording, name, end, values))
        if move.size != gradient.size:
            return False
        norm = float(np.linalg.norm(move) * np.linalg.norm(gradient))
        return norm > 0 and float((move * np.ravel(gradient)).sum()) > _UPHILL * norm

    def allowed(self) -> dict[str, Allowed]:
        """His gradients that are a multiple of the derived ones, where that is a convention: most parameters' end up the same; or that
        have a penalty on the parameter which the loss does not have."""
        accepted, blame, shares = dict[str, Allowed](), self._pairing.blame, dict[tuple[float, float], None]()
        right = {} if blame.found else self._loss.steps
        blamed = {name for one in blame.found for name in (*one.meant, *one.through.values())}
        ends = {name: used(self._recording.statements, [self._of[name]]) for name in self.scales}
        ends |= {name: used(self._recording.statements, [self._recording.carried[name]]) for name in right if name not in ends}
        ends |= {name: used(self._recording.statements, [blame.ends[name]]) for name in blame.factors if name not in ends}
        lone = [self._loss.gradients[name].size for name in self._live] == [1]  # with no other number it shares a factor with none
        for name, pair in sorted(self._pairing.pairs.items(), key=lambda item: self._loss.gradients[item[1].tensor].size == 1):
            below = [end for end, reads in ends.items() if name in reads]
            alike = pair.tensor in right or any(end in right or abs((self.scales.get(end) or 0) / self.times - 1) < _ALIKE for end in below)
            mended = [abs(blame.factors.get(end, self.times) / self.times - 1) < _ALIKE for end in below]
            alike = alike or (name not in blamed and bool(mended) and all(mended))
            alike = alike or (lone and is_usual(self._recording, pair.factor or 0.0, NEAR))
            downhill = (pair.factor or 0) > 0 or any(end not in self.uphill for end in below)
            untold = pair.factor is None or (not alike and self._pairing.given[name].size == 1)
            if untold and (share := self._share(name, pair.tensor, shares)):
                shares[share], (times, decay) = None, share
                said = f"plus {short(decay, 6)} times {pair.tensor}: a penalty that the loss does not have"
                accepted[name] = Allowed(
                    times, decay=decay, said=f"{short(times, 6)} times it, as a convention, {said}" if times != 1 else said
                )
            if pair.factor == 1 and self._pairing.parts:
                accepted[name] = Allowed(said="right, given what comes back to it")
            if pair.factor == 1 and pair.near > NEAR:
                accepted[name] = Allowed(near=pair.near, said="right but for the small number that is added in the loss")
            if name not in accepted and pair.factor not in (None, 1.0) and alike and downhill and not self._is_invented(name, pair):
                end = f"; all gradients are {short(self.times, 6)} times those of {self._loss.program.loss}" * (self.times != 1)
                said = f"{short(pair.factor or 0, 6)} times it, as a convention{end}"
                accepted[name] = Allowed(pair.factor or 1.0, near=pair.near, said=said)
        return accepted

    def settled(self) -> dict[str, str]:
        """The parameters of whose gradient no value is known to be one, and that move by it all the same, each with a sentence; and what
        leads to the parameters, where all of them move so."""
        steps = {} if self._pairing.blame.found else {one: rate for one, rate in self._loss.steps.items() if one not in self.uphill}
        paired, along = {pair.tensor for pair in self._pairing.pairs.values()}, "along" if self._loss.raised else "against"
        said = "not the derived number, and yet each parameter moves by one number times its gradient"
        invented = any(self._is_invented(name, pair) for name, pair in self._pairing.pairs.items() if pair.factor not in (None, 1.0))
        whole = {*self._live} <= {*steps} and not invented and not self._beside()
        led = used(self._recording.statements, [self._recording.carried[one] for one in steps if whole])
        right = [one.name for one in self._recording.statements if one.name in led]
        moved = {one: f"it moves {along} its gradient, by {short(abs(rate), 6)} times that" for one, rate in steps.items()}
        factors = {name: pair.factor for name, pair in self._pairing.pairs.items()}
        out_of_sight = [one.name for one in self._recording.statements if one.formula and one.opaque and factors.get(one.name) == 1]
        found = dict.fromkeys(right, said) | dict.fromkeys(out_of_sight, "its numbers are the derived ones, though no formula gives them")
        near = [name for name, pair in self._pairing.pairs.items() if pair.factor == 1 and pair.near > NEAR]
        found |= dict.fromkeys(near, "right but for the small number that is added in the loss")
        if self._recording.bounded:
            said = "right where the loss is not bounded, as it is for some samples, which the gradients leave out"
            found |= dict.fromkeys(
                ({n for n, one in factors.items() if one == 1} | {*self.allowed()}) - self._pairing.blame.meant.keys(), said
            )
        return found | {one: told for one, told in moved.items() if one not in paired}

    def _beside(self) -> list[str]:
        """What is moved as a parameter is, though the loss does not depend on it."""
        recording, formulas = self._recording, {one.name: one.formula for one in self._recording.statements if one.formula}
        parameters = self._loss.program.parameters
        slots = used(recording.statements, [recording.carried[name] for name in parameters])
        others = {name: new for name, new in recording.carried.items() if name not in parameters and not {name, new} & slots}
        found = list[str]()
        for name, new in others.items():
            taken = formulas[new].tree if new in formulas else None
            less = isinstance(taken, Binary) and taken.operator == "-" and taken.left == Name(name)
            if less or any(named_alike(read, name) for read in used(recording.statements, [new])):
                found.append(name)
        return found

    def _is_invented(self, name: str, pair: Pair) -> bool:
        """Whether a gradient of the loss that he has written is a multiple of the right one for no reason."""
        return not self._loss.said and is_invented(self._recording, name, pair.factor or 0)

    def _share(self, name: str, tensor: str, shares: Iterable[tuple[float, float]]) -> tuple[float, float] | None:
        """How many times the right one a gradient is, as others are, and how many times a parameter is added to it."""
        values, right = self._recording.values[-1], self._pairing.given[name]
        stated = any(scale(part, values[tensor]) for name, part in self._loss.parts.items() if name.startswith(f"∂{tensor}@"))
        found = penalized(values[name], right, values[tensor], known=shares) if tensor in self._live and not stated else None
        if found and abs(found[0] - 1) < NEAR:
            return 1.0, found[1]
        whole = self._pairing.blame.factors.get(tensor, 0.0) if self._pairing.blame.ends.get(tensor) == name else 0.0
        return found if found and min(abs(times / self.times - 1) for times in (found[0], whole)) < _ALIKE else None

    def remarks(self, stages: Iterable[Stage]) -> dict[str, Remark]:
        """What is wrong with update statements, and with numbers that stand for the gradients of several units, by the stage's name."""
        stages = [*stages]
        found, updates = dict[str, Remark](), [stage for stage in stages if stage.phase is Phase.UPDATE]
        accepted = self.allowed()
        blamed = self.times < 0 and any((pair.factor or 0) < 0 for pair in self._pairing.pairs.values()) and self.uphill >= {*self._live}
        same = {name for name in self._live if abs((self.scales.get(name) or 0) / self.times - 1) < _ALIKE}
        told = [*uncleared(self._recording, self._loss.gradients, self._live)]
        told = told or [*self._moves.remarks(set() if blamed else self.uphill & same), *self._late]
        told = told or ([*self._moves.apart()] if self._pairing.blame.right else [])
        told += [*self._moves.exchanged(), *grown(self._recording)]
        names, old = {stage.name for stage in stages}, {new: name for name, new in self._recording.carried.items()}
        found |= {self._shown(name, {*names, *old}): remark for name, remark in told}
        found = {name if name in names else old.get(name, name): remark for name, remark in found.items()}
        blame = self._pairing.blame
        for name in self._live:
            found |= dict(self._apart(name, accepted)) if not blame.found or self._of.get(name) in blame.meant else {}
            found |= {stage.name: told for stage, told in self._others(name, updates)}
            if name in names and name in self._of and name not in blame.ends:
                reads = used(self._recording.statements, [self._recording.carried[name]]) & {*names}
                again = [one for one in reads - {self._of[name]} if unversioned(one) == unversioned(self._of[name])]
                said = "the gradient is not used", f"{name} moves, but not by its gradient {self._of[name]}"
                found |= self._lost(name, names) or {min(again, default=name): said}
            if name not in self._of and name not in self._loss.steps:
                found |= dict(self._narrow(name)) or self._lost(name, names)
        return found

    def _shown(self, name: str, names: Collection[str]) -> str:
        """The value, among some, that has another one in its formula."""
        while name and name not in names:
            name = next((one.name for one in self._recording.statements if name in one.reads), "")
        return name

    def _apart(self, parameter: str, accepted: Mapping[str, object]) -> Iterator[tuple[str, Remark]]:
        """That a gradient is another multiple of the true one than the others are, where no other line is accused of that."""
        gradient, times = self._of.get(parameter, ""), self.scales.get(parameter)
        if times is None or self._loss.odd or parameter in self._loss.steps or abs(times / self.times - 1) < _ALIKE:
            return
        if self._loss.gradients[parameter].size == 1 and gradient not in self._pairing.pairs and len(self._loss.steps) < _MANY:
            return  # of a single number any other one is a multiple
        if gradient not in used(self._recording.statements, [self._recording.carried[parameter]]):
            return  # that it is not used is told
        reads = used(self._recording.statements, [gradient])
        if all(pair.factor == 1 or name in accepted for name, pair in self._pairing.pairs.items() if name in reads - {gradient}):
            yield gradient, ("a factor", f"it is {short(times / self.times, 6)} times what the gradients of the other parameters are")

    def _others(self, parameter: str, updates: Iterable[Stage]) -> Iterator[tuple[Stage, Remark]]:
        """That a parameter is moved by the gradient of another one."""
        of = {name: pair.tensor for name, pair in self._pairing.pairs.items() if pair.tensor in self._live}
        for gradient, moved in self._pairing.subtracted.items():
            if moved == parameter != of.get(gradient, parameter):
                for stage in [
                    stage for stage in updates if gradient in stage.formula.names and parameter in (stage.name, *stage.formula.names)
                ][:1]:
                    yield stage, ("the gradient of another parameter", f"{gradient} is the gradient of {of[gradient]}, not of {parameter}")

    def _lost(self, parameter: str, names: Collection[str]) -> dict[str, Remark]:
        """That a parameter becomes a multiple of its gradient, as by ``W =- rate * x.T @ dz``, or never moves, though it has a gradient."""
        new, due = self._recording.carried[parameter], self._loss.gradients[parameter]
        moved = [(values[parameter], values[new]) for values in self._recording.values if new in values]
        place = new if new in names else parameter
        if moved and all(np.array_equal(old, one) for old, one in moved):
            return {place: ("nothing to move it by", f"{parameter} stays as it is in each update, though its gradient is not 0")}
        if due.size == 1 or not moved or not scale(moved[-1][1], due):
            return {}
        return {place: (REPLACED, f"{parameter} becomes a multiple of its gradient, and nothing of the old one is left")}

    def _narrow(self, parameter: str) -> Iterator[tuple[str, Remark]]:
        """That a value with fewer numbers than the parameter has stands for its gradient."""
        recording, size = self._recording, self._loss.gradients[parameter].size
        values = recording.values[-1]
        formulas = {one.name: one for one in recording.statements if one.formula}
        own, stack, seen = {one.name for one in self._pairing.own}, [recording.carried[parameter]], set[str]()
        inner = {one.name for one in self._pairing.own if one.inner}
        said = {name: one.formula.text if one.inner and one.formula else name for name, one in formulas.items()}
        while stack:
            name = stack.pop()
            named = name in own and (not formulas[name].inner or is_whole_sum(formulas[name].formula, own - inner))
            if named and values[name].size < size and name not in self._pairing.pairs:
                if np.ptp(self._loss.gradients[parameter]) > 0:
                    evidence = f"{parameter} has {size} numbers, each with a gradient of its own; {said[name]} has {values[name].size}"
                    yield parameter if formulas[name].inner else name, ("one number for several", evidence)
            elif name in formulas and name not in seen and name not in self._pairing.pairs:
                seen.add(name)
                formula = formulas[name].formula
                through = (formulas[name].inner or name not in own) and formula and not is_product(formula.tree)
                stack += formula.names if formula and through else ()

    def _is_found(self, times: float | None, right: Array) -> bool:
        """Whether a value is a gradient: of a single number any is a multiple, but not the usual one."""
        return bool(times) and (right.size > 1 or abs((times or 0.0) / self.times - 1) < _ALIKE)

    @cached_property
    def _lacking(self) -> list[str]:
        """The parameters of which no value is the gradient, and that do not move by it either."""
        due, formulas = self._loss.gradients, [one.formula for one in self._pairing.own if one.formula]
        terms = {name for one in formulas if isinstance(one.tree, Binary) and one.tree.operator in "+-" for name in one.names}
        own = [self._recording.values[-1][one.name] for one in self._pairing.own if one.name not in terms]
        lacking = [name for name in self._live if self._of.get(name, "") in {"", *terms} and name not in self._loss.steps]
        return [name for name in lacking if not any(self._is_found(scale(value, due[name]), due[name]) for value in own)]

    def unfound(self) -> str:
        """That this is so of all of them, so that what is right tells nothing of how they move."""
        if self._loss.odd and not self._pairing.blame.found:
            times = f"{short(self.times, 6)} times those of {self._loss.program.loss} ({self._made()}) in this update"
            return f"it cannot be told what is wrong: all gradients are {times}, and another number of times in others"
        recording, said = self._recording, "it cannot be told whether this learns: the parameters are not moved by their gradients alone"
        moving, given = used(recording.statements, recording.carried.values()), recording.given[-1]
        for one in recording.statements:
            match one.formula and one.formula.tree:
                case Binary("+", Name(old), _) if one.name in moving and unversioned(one.name) == old in given and given[old].any():
                    left = f"{old} ({one.line}) has in it what earlier turns left"
                    return f"{said}; {left}: if nothing sets it back to 0, that is the mistake"
        return said if self._lacking and self._lacking == self._live else ""

    def _made(self) -> object:
        """Where the loss is computed."""
        name = self._loss.program.loss.removesuffix(".sum")
        return next((one.made for one in self._recording.statements if one.name == name), self._loss.line)

    def notes(self) -> list[str]:
        """What there is to say of the whole."""
        lacking = self._lacking
        told = [f"not judged: the gradient of {', '.join(lacking)} was not found among the script's values"] if lacking else []
        due = [(name, self._loss.gradients.get(name, np.ones(2))) for name in self._loss.program.parameters]
        still = [name for name, one in due if one.size > 1 and not one.any()]
        told += [f"not judged: {', '.join(still)}, whose gradient is 0 in each update that is kept"] if still else []
        beside = self._beside()
        told += [f"not judged: {', '.join(beside)}, on which the loss at {self._made()} does not depend"] if beside else []
        if self._loss.lost:
            first = next(iter(self._loss.lost.values()))
            without = [name for name in self._loss.program.parameters if name in self._loss.lost]
            names = " ".join(without or self._loss.lost)
            told.append(f"not judged: what leads to {names}, since {first.name} ({first.line}) is no formula: {first.reason}")
        if self._loss.said:
            lost = f"not of the loss at {self._loss.written}" if self._loss.written else "for which the update has no line"
            told.append(f"these are the derivatives of {self._loss.said} (the difference at {self._loss.line}), {lost}")
        if self._loss.written and not self._loss.said:
            told.append(f"these are the derivatives of {self._loss.program.loss} ({self._made()}), not of the loss at {self._loss.written}")
        alike = [one for one in self.scales.values() if one and abs(one / self.times - 1) < _ALIKE]
        if self.times != 1 and (len(alike) > 1 or len(self._live) == 1):  # of a single number each gradient is a multiple
            told.append(f"all gradients are {short(self.times, 6)} times those of {self._loss.program.loss} ({self._made()})")
        return [*told, *self._moves.notes(), *self._recording.notes, *[self._recording.ending] * bool(self._recording.ending)]


__all__ = ["Remark", "Steps"]
