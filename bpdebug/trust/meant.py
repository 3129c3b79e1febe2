"""Formulas of the user's own in the forward pass, the loss and the derivatives, beside what they are meant to be.

A forward formula that gives other numbers than its operation is one of three things. Its derivatives agree with it: then it is the user's
own, and right. They are right for the operation instead: then the formula is what is wrong, and not they. Or they are right for neither,
and are wrong. What is right is looked at once more on other numbers, since a batch may hide what is wrong: a relu whose units are all
active is no relu, and of one sample the sum is the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import Evaluator, assigned
from bpdebug.core.network import Phase
from bpdebug.core.operations import ACTIVATIONS, LOSSES
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.render import to_text
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Binary, Call, Number, Tree, walk
from bpdebug.trust.case import Evidence
from bpdebug.trust.differences import Probe
from bpdebug.trust.dots import Dots
from bpdebug.trust.finding import Finding, Suspect
from bpdebug.trust.steps import apart, beside
from bpdebug.trust.suspects import diagnose

Values = Mapping[str, Array]
_DRAWS = 4
"""So many other numbers are looked at."""
_RIGHT = ("good", "kink", "noise", "follows")
"""Statuses of stages that are right, as far as can be told."""
_SAMPLES = 64


def as_meant(probe: Probe, found: Mapping[str, Finding]) -> dict[str, Finding]:
    """What is to be said of forward formulas of the user's own, and of derivatives that have to be seen with them.

    Args:
        probe: the present update.
        found: what the check says of derivative stages, by name.

    Returns:
        Findings by name, in the order of the program: new ones of forward and loss stages, and those of derivatives that change.
    """
    return _Meant(probe, found).judged()


class _Meant:
    def __init__(self, probe: Probe, found: Mapping[str, Finding]) -> None:
        self._probe, self._found, self._elsewhere = probe, found, _Elsewhere(probe)
        self._program, self._running = probe.program, probe.running
        self._values: Values = probe.values
        self._own = [stage for stage in self._program.stages if stage.edited and not stage.of and stage.phase is not Phase.UPDATE]
        self._changed = dict[str, Finding]()

    def judged(self) -> dict[str, Finding]:
        touched = set[str]()
        for stage in self._own:
            if derivatives := self._derivatives(stage):
                made = self._changed[stage.name] = self._forward(stage, derivatives)
                touched |= set(derivatives) if made.status == "own" else set()
        self._free(self._unread(name for name, finding in self._found.items() if finding.says.accuses and name not in self._changed))
        for name, finding in self._found.items():
            edited = self._running.stage(name).edited if name in self._running.index else False
            if (edited or name in touched) and name not in self._changed and finding.status in (*_RIGHT, "hidden"):
                self._once_more(finding)
        order = self._program.index
        return {name: self._changed[name] for name in sorted(self._changed, key=lambda name: order.get(name, -1))}

    def _free(self, unread: Iterable[str]) -> None:
        """Take back what was said of gradients of which nothing comes, and of stages that inherit no error any more."""
        for name in unread:
            said = f"nothing reads {self._found[name].stage.of}, so that nothing comes of it"
            self._changed[name] = replace(self._found[name], status="own", said=said)
        now = {**self._found, **self._changed}
        for name, finding in self._found.items():
            inherits = any(now[read].status in ("wrong", "follows") for read in finding.stage.formula.names if read in self._found)
            if finding.status == "follows" and name not in self._changed and not inherits:
                now[name] = self._changed[name] = replace(finding, status="good", error=0.0)

    def _unread(self, names: Iterable[str]) -> list[str]:
        """Those gradients that are of parameters that no formula reads any more: whatever they are, nothing comes of it."""
        read = {name for stage in self._program.stages[: self._program.end_of(Phase.LOSS)] for name in stage.formula.names}
        return [name for name in names if (of := self._found[name].stage.of) in self._program.parameters and of not in read]

    def _derivatives(self, stage: Stage) -> list[str]:
        """The derivatives of a forward stage, of those that were looked at: as it is, and as it is meant."""
        programs = (self._program, _restored(self._program, [stage]))
        dots = [Dots(program, program, self._values) for program in programs]
        reached = {name: {step.name for one in dots for step in one.reach(finding.stage).steps} for name, finding in self._found.items()}
        return [name for name, steps in reached.items() if stage.name in steps]

    def _forward(self, stage: Stage, derivatives: Sequence[str]) -> Finding:
        """What is to be said of a forward formula; the verdicts on its derivatives change where it is the one that is wrong."""
        meant, what, hidden, values = stage.derived or stage.formula, _operation(stage), "", self._values
        if not apart(stage.formula, meant, values):
            other, hidden = self._elsewhere.found(lambda there: apart(stage.formula, meant, there), [stage])
            values = values if other is None else other
        finding = beside(stage, assigned(stage.formula, values), assigned(meant, values))
        status = {name: self._status(name) for name in derivatives}
        wrong = [name for name in derivatives if status[name] == "wrong"]
        if values is self._values and not apart(stage.formula, meant, values):
            for name in self._right_as_meant(stage, wrong):  # a detour around what the derivative is of
                self._agrees(name, "good", f"right for {what}, of which {stage.name} is another form")
            return replace(finding, error=0.0, said=f"another way to write {what}")
        if hidden and not wrong:
            return replace(finding, status="hidden", error=0.0, said=f"right on this batch only: {hidden}")
        if not wrong:
            agree = [name for name in derivatives if status[name] in _RIGHT]
            untold = f"not {what}; whether {_listed(derivatives)} {_derivative(derivatives)}, the numbers do not tell"
            said = f"not {what}, and {_listed(agree)} {_derivative(agree)}" if agree else untold
            return replace(finding, status="own" if agree else "unsure", said=said)
        fits, suspects = self._accused(stage, finding, values, derivatives, wrong)
        if not suspects and not any(self._found[name].stage.edited for name in fits):
            still = [name for name in wrong if name not in self._unread(wrong)]
            good = [name for name in derivatives if name not in wrong]
            said = f"{_listed(still)} {_derivative(still, 'not ')}" if still else f"{_listed(good)} {_derivative(good)}"
            accused = any(self._found[name].says.accuses for name in wrong)
            return replace(finding, status="own" if accused else "unsure", said=f"not {what}, and {said}")
        for name in fits:
            self._agrees(name, "follows", f"right for {what}, which {stage.name} is meant to be")
        said = f"{_listed(fits)} {_is(fits)} right for {what}: either this has to change, or what is derived from it"
        said += f"; it makes no difference in this update, since {hidden}" * bool(hidden)
        return replace(finding, status="wrong", said=said, suspects=suspects)

    def _agrees(self, name: str, status: str, said: str) -> None:
        """A derivative that was called wrong, and is right for what its forward formula is meant to be."""
        found = self._found[name]
        self._changed[name] = replace(found, status=status, theirs=found.ours, right=found.ours, error=0.0, said=said)

    def _status(self, name: str) -> str:
        """Whether a derivative agrees with the formulas as they are; where its numbers do not tell, on others."""
        finding = self._found[name]
        if finding.status not in ("non-finite", "noise", "unsure"):
            return finding.status
        return next((status for status in self._elsewhere.statuses(finding.stage) if status in ("good", "wrong")), "unsure")

    def _accused(
        self, stage: Stage, finding: Finding, values: Values, derivatives: Sequence[str], wrong: Sequence[str]
    ) -> tuple[list[str], tuple[Suspect, ...]]:
        """The wrong derivatives that are right for what a formula is meant to be, and what is probably the mistake in it; nothing where a
        derivative of the user's own is right for the formula, and not for what we take it to be meant to be."""
        others = [name for name in derivatives if name not in wrong and self._found[name].stage.edited]
        if others and len(self._right_as_meant(stage, others)) < len(others):
            return [], ()
        fits = self._right_as_meant(stage, wrong)
        if not fits:
            return [], ()
        if not _learns(self._program) and _learns(_restored(self._program, [stage])):
            return fits, (Suspect("severed", "a loss that nothing can be learnt from", f"with {stage}, it depends on no parameter"),)
        return fits, diagnose(Evidence(self._program, stage, finding.ours, finding.right, values))

    def _right_as_meant(self, stage: Stage, names: Sequence[str]) -> list[str]:
        """Those of some derivatives that are right where the formula, or every one of the user's own, is what it is meant to be."""
        for restored in ([stage], self._own):
            program, running = _restored(self._program, restored), _restored(self._running, restored)
            dots = Dots(program, running, self._probe.start | running.run(self._probe.start, running.end_of(Phase.BACKWARD)))
            fits = [name for name in names if dots.judge(self._found[name].stage)[0] in _RIGHT]
            if fits or len(self._own) == 1:
                break
        return fits

    def _once_more(self, finding: Finding) -> None:
        """A derivative that is right here: whether it is so elsewhere."""
        stage, program = finding.stage, self._program

        def wrong(values: Values) -> bool:
            return Dots(program, self._running, values).judge(stage)[0] == "wrong"

        dots = Dots(program, self._running, self._values)
        _, reason = self._elsewhere.found(wrong, [stage, *dots.reach(stage).steps])
        if reason or finding.status == "hidden":
            said = f"right on this batch only: {reason or 'with other gradients arriving it is wrong'}"
            self._changed[stage.name] = replace(finding, status="hidden", said=said)


class _Elsewhere:
    """The same formulas on other numbers: other parameters, and of a single sample several that resemble it; x and y stay what they are,
    since a formula may rely on what they are like."""

    def __init__(self, probe: Probe) -> None:
        self._program, self._running, self._values, self._start = probe.program, probe.running, probe.values, probe.start
        self._drawn = dict[tuple[int, bool], Values]()

    def statuses(self, stage: Stage) -> Iterator[str]:
        """What there is to say of a derivative."""
        return (Dots(self._program, self._running, self._at(number, False)).judge(stage)[0] for number in range(_DRAWS))

    def found(self, wrong: Callable[[Values], bool], stages: Sequence[Stage]) -> tuple[Values | None, str]:
        """Numbers on which something is wrong that is right here, and why it is so; None where there are none.

        Args:
            wrong: whether it is wrong on some numbers.
            stages: that it depends on.
        """
        alone = int(self._values["m"]) == 1
        for several in (False, True) if alone else (False,):
            for number in range(_DRAWS):
                if wrong(values := self._at(number, several)):
                    return values, "the batch is a single sample" if several else self._seen(stages, values)
        return None, ""

    def _at(self, number: int, several: bool) -> Values:
        if (number, several) not in self._drawn:
            generator, start = np.random.default_rng([number, several]), {**self._start}
            for name, shape in self._program.parameters.items():
                start[name] = generator.standard_normal(shape) * _size(start[name], shape[0])
            if several:
                start |= self._resembling(generator)
            with np.errstate(all="ignore"):
                self._drawn[number, several] = start | self._running.run(start, self._running.end_of(Phase.BACKWARD))
        return self._drawn[number, several]

    def _resembling(self, generator: np.random.Generator) -> Values:
        """Several samples: those that there are, or, where there is but one, others around it with the same target."""
        program, data = self._program, self._program.data
        rows = min(len(data[program.input]), _SAMPLES)
        if rows > 1:
            return {name: np.asarray(values[:rows], float) for name, values in data.items()} | {"m": np.array(float(rows))}
        several = {name: np.repeat(self._start[name], 3, axis=0) for name in data}
        several[program.input] = several[program.input] * (1 + 0.5 * generator.standard_normal(several[program.input].shape))
        return several | {"m": np.array(3.0)}

    def _seen(self, stages: Sequence[Stage], other: Values) -> str:
        """What of these numbers may hide a mistake: a comparison that comes out alike in every cell, a tensor that is 0."""
        for tree in (node for stage in stages for node in _compared(stage)):
            here, there = (_side(tree, values) for values in (self._values, other))
            if here is not None and here != there:
                return self._told(tree, here)
        for stage in stages:
            read = dict.fromkeys((*stage.formula.names, *(stage.derived or stage.formula).names))
            if zero := [name for name in read if name in other and not self._values[name].any() and other[name].any()]:
                return f"{_listed(zero)} {_is(zero)} 0"
        return "with other parameters it is wrong"

    def _told(self, tree: Tree, sign: str) -> str:
        left, right = tree.children() if len(tree.children()) == 2 else (tree.children()[0], Number(0.0))
        layer = next((layer for layer in self._program.layers if to_text(left) == layer.z and right == Number(0.0)), None)
        compared = f"{to_text(left)} {sign} {to_text(right)} in every cell"
        return f"every unit of layer {layer.number} is {'active' if sign == '>' else 'inactive'} ({compared})" if layer else compared


def _size(value: Array, rows: int) -> float:
    """The size of other numbers in a parameter's place."""
    size = float(np.sqrt(np.mean(np.square(value)))) if value.size else 0.0
    return size if np.isfinite(size) and size > 0 else rows**-0.5


def _compared(stage: Stage) -> Iterator[Tree]:
    """Where a formula, the user's or the meant one, decides between two numbers."""
    for formula in (stage.formula, stage.derived or stage.formula):
        for node in walk(formula.tree):
            decides = isinstance(node, Binary) and node.operator in ("<", "<=", ">", ">=")
            if decides or (isinstance(node, Call) and node.function in ("maximum", "minimum", "abs", "sign")):
                yield node


def _side(tree: Tree, values: Values) -> str | None:
    """Which of the two numbers is larger in every cell; None where that differs."""
    known, (left, *right) = Evaluator(values), tree.children()
    distance = np.asarray(known.value(left)) - (np.asarray(known.value(right[0])) if right else 0.0)
    return ">" if (distance > 0).all() else "<" if (distance < 0).all() else None


def _restored(program: Program, stages: Iterable[Stage]) -> Program:
    """The program with the meant formulas of some stages."""
    for stage in stages:
        now = program.stage(stage.name)
        program = program.with_stage(now.original or now)
    return program


def _learns(program: Program) -> bool:
    """Whether a parameter reaches the loss."""
    reached = {program.loss}
    for stage in reversed(program.stages[: program.end_of(Phase.LOSS)]):
        if stage.name in reached:
            reached |= {*stage.formula.names}
    return not reached.isdisjoint(program.parameters)


def _operation(stage: Stage) -> str:
    """What a stage is meant to compute, in a word or as a formula."""
    if stage.operation in ACTIVATIONS or stage.operation.removesuffix("_from_logits") in LOSSES:
        return stage.operation.replace("_", " ").replace("cross entropy", "cross-entropy")
    return f"'{(stage.derived or stage.formula).text}'"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _derivative(names: Sequence[str], no: str = "") -> str:
    return f"are {no}its derivatives" if len(names) > 1 else f"is {no}its derivative"


def _is(names: Sequence[str]) -> str:
    return "are" if len(names) > 1 else "is"
