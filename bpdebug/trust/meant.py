"""Formulas of the user's own in the forward pass, the loss, the derivatives and the optimizer, beside what they are meant to be.

A forward formula that gives other numbers than its operation is one of three things. Its derivatives agree with it: then it is the user's
own, and right. They are right for the operation instead: then the formula is what is wrong, and not they. Or they are right for neither,
and are wrong. What an update formula is meant to be is known. One that differs may still be the same optimizer, as
``v = momentum * v - learning_rate * g`` with ``w = w + v`` is: so the parameter's path is compared too. What is right is looked at once
more on other numbers (:mod:`bpdebug.trust.elsewhere`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from time import process_time

import numpy as np
from numpy.linalg import norm

from bpdebug.core.description import Array
from bpdebug.core.given import Allowed
from bpdebug.core.network import Phase
from bpdebug.core.operations import ACTIVATIONS, LOSSES
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tensors import Role
from bpdebug.core.words import are, together
from bpdebug.trust.agreement import of_slots
from bpdebug.trust.case import Evidence
from bpdebug.trust.differences import Probe
from bpdebug.trust.dots import Dots
from bpdebug.trust.elsewhere import ALONE, DRAWS, SAFETY, Beside, Elsewhere, Values, course, meant, one_sided, updated
from bpdebug.trust.factors import names_of, scale
from bpdebug.trust.finding import Finding, Suspect
from bpdebug.trust.suspects import diagnose

_RIGHT = ("good", "kink", "noise", "follows")
"""Statuses of stages that are right, as far as can be told."""
_SECONDS = 10.0
"""For which it is looked whether what is right is right on other numbers, too."""
_ARRIVING = "right with what arrives here, with other parameters too; of any other gradients it would not be"
_ALONG = 1 - 1e-6
_HERE, _SMALL = "right on this batch only: ", "too small to tell here: "
_LARGER, _OTHERS = "where the gradients are much larger, it gives other numbers", "with other gradients it gives other numbers"


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
        self._probe, self._found, self._elsewhere = probe, found, Elsewhere(probe)
        self._program, self._running, self._values = probe.program, probe.running, probe.values
        self._own = [stage for stage in self._program.stages if stage.edited and not stage.of and stage.phase is not Phase.UPDATE]
        self._dots = Dots(self._program, self._running, self._values)
        self._changed, self._until = dict[str, Finding](), process_time() + _SECONDS
        forward = self._program.stages[: self._program.end_of(Phase.LOSS)]
        read = {name for stage in forward for name in stage.formula.names}
        self._unread = {name for name, finding in found.items() if finding.stage.of in {*self._program.parameters} - read}

    def judged(self) -> dict[str, Finding]:
        touched = set[str]()
        for stage in self._own:
            if derivatives := self._derivatives(stage):
                made = self._changed[stage.name] = self._forward(stage, derivatives)
                touched |= set(derivatives) if made.status == "own" else set()
            elif stage.phase is Phase.BACKWARD:
                touched |= self._inner(stage)
        for name in self._unread - {*self._changed}:
            if self._found[name].says.accuses:
                said = f"nothing reads {self._found[name].stage.of}, so that it has no effect"
                self._changed[name] = replace(self._found[name], status="own", said=said)
        now = {**self._found, **self._changed}
        for name, finding in self._found.items():
            follows = any(now[read].status in ("wrong", "follows") for read in finding.stage.formula.names if read in self._found)
            if finding.status == "follows" and name not in self._changed and not follows:
                now[name] = self._changed[name] = replace(finding, status="good", error=0.0)
            edited = name in self._running.index and self._running.stage(name).edited
            if (edited or name in touched) and name not in self._changed and finding.status in (*_RIGHT, "hidden"):
                self._once_more(finding)
        order = self._program.index
        return {name: self._changed[name] for name in sorted(self._changed, key=lambda name: order.get(name, -1))}

    def _derivatives(self, stage: Stage) -> list[str]:
        """The derivatives of a forward stage, of those that were looked at: as it is, and as it is meant."""
        dots = [Dots(program, program, self._values) for program in (self._program, _restored(self._program, [stage]))]
        return [name for name, finding in self._found.items() if any(stage.name in _through(one, finding.stage) for one in dots)]

    def _forward(self, stage: Stage, derivatives: Sequence[str]) -> Finding:
        """What is to be said of a forward formula; the verdicts on its derivatives change where it is the one that is wrong."""
        look, what, hidden = Beside(stage, self._values), _operation(stage), ""
        if not look.differ:  # then on numbers on which it does, if there are any
            values, hidden = self._elsewhere.found(lambda there, _: Beside(stage, there).differ, [stage])
            look = Beside(stage, values)
        finding = look.finding(stage)
        status = {name: self._status(name) for name in derivatives}
        wrong = [name for name in derivatives if status[name] == "wrong"]
        if not look.differ:
            for name in self._right_as_meant(stage, wrong):  # a detour around what the derivative is of
                self._agrees(name, "good", f"right for {what}, of which {stage.name} is another form")
            return replace(finding, error=0.0, said=f"another way to write {what}")
        if hidden and not wrong:
            return replace(finding, status="hidden", error=0.0, said=_HERE + hidden)
        if not wrong:
            agree = [name for name in derivatives if status[name] in _RIGHT]
            untold = f"not {what}; whether {_are(derivatives, 'its derivative')}, the numbers do not tell"
            said = f"not {what}, and {_are(agree, 'its derivative')}" if agree else untold
            return replace(finding, status="own" if agree else "unsure", said=said)
        others = [name for name in derivatives if name not in wrong and self._found[name].stage.edited]
        # a derivative of the user's own that is right for the formula, and not for what we take it to be meant to be, speaks for it
        fits = self._right_as_meant(stage, wrong) if len(self._right_as_meant(stage, others)) == len(others) else []
        suspects = self._suspects(stage, look) if fits else ()
        if not suspects and not any(self._found[name].stage.edited for name in fits):
            still = [name for name in wrong if name not in self._unread]
            good = [name for name in derivatives if name not in wrong]
            said = f"not {what}, and {_are(still, 'its derivative', 'not ') if still else _are(good, 'its derivative')}"
            return replace(finding, status="own" if any(self._found[name].says.accuses for name in wrong) else "unsure", said=said)
        for name in fits:
            self._agrees(name, "follows", f"right for {what}, which {stage.name} is meant to be")
        said = f"{_are(fits)} right for {what}: either this has to change, or what is derived from it"
        said += f"; it makes no difference in this update, since {hidden}" * bool(hidden)
        return replace(finding, status="wrong", said=said, suspects=suspects)

    def _inner(self, stage: Stage) -> set[str]:
        """The derivatives that read an inner value of the user's own; the value is accused if it is what makes them wrong."""
        reads = {name for name, finding in self._found.items() if stage.name in _read(self._program, finding.stage)}
        fits = self._right_as_meant(stage, [name for name in reads if self._found[name].status == "wrong"])
        if fits:
            look = Beside(stage, self._values)
            self._changed[stage.name] = replace(look.finding(stage), status="wrong", suspects=self._suspects(stage, look))
        for name in fits:
            self._agrees(name, "follows", f"right given {stage.name} as it is derived")
        return reads - {*fits}

    def _agrees(self, name: str, status: str, said: str) -> None:
        """A derivative that was called wrong, and is right for what its forward formula is meant to be."""
        found = self._found[name]
        self._changed[name] = replace(found, status=status, theirs=found.ours, right=found.ours, error=0.0, said=said)

    def _status(self, name: str) -> str:
        """Whether a derivative agrees with the formulas as they are; where its numbers do not tell, on others."""
        finding = self._found[name]
        if finding.status not in ("non-finite", "noise", "unsure"):
            return finding.status
        draws = map(self._elsewhere.at, range(DRAWS))
        found = (self._dots.elsewhere(values).judge(finding.stage)[0] for values in draws)
        return next((status for status in found if status in ("good", "wrong")), "unsure")

    def _suspects(self, stage: Stage, look: Beside) -> tuple[Suspect, ...]:
        """What is probably the mistake in a forward formula."""
        if not _learns(self._program) and _learns(_restored(self._program, [stage])):
            return (Suspect("severed", "a loss that nothing can be learnt from", f"with {stage}, it depends on no parameter"),)
        return diagnose(Evidence(self._program, stage, look.ours, look.right, look.values))

    def _right_as_meant(self, stage: Stage, names: Sequence[str]) -> list[str]:
        """Those of some derivatives that are right where the formula, or every one of the user's own, is what it is meant to be."""
        for restored in ([stage], self._own):
            program, running = _restored(self._program, restored), _restored(self._running, restored)
            dots = Dots(program, running, self._probe.start | running.run(self._probe.start, running.end_of(Phase.BACKWARD)))
            fits = [name for name in names if dots.judge(self._found[name].stage)[0] in _RIGHT]
            if fits or len(self._own) == 1:
                break
        return fits

    def _arrives_otherwise(self, stage: Stage) -> bool:
        """Whether what arrives goes another way with other parameters: then these numbers show what can arrive."""
        arriving = [
            name for name in meant(stage).names if name in self._program.tensors and self._program.tensors[name].role is Role.GRADIENT
        ]
        other = (self._values, *map(self._elsewhere.at, range(2)))
        seen = [np.concatenate([np.ravel(values[name]) for name in arriving]) for values in other if arriving]
        return len(seen) > 0 and all(abs(one @ other) < _ALONG * norm(one) * norm(other) for one, other in combinations(seen, 2))

    def _once_more(self, finding: Finding) -> None:
        """A derivative that is right here: whether it is so elsewhere."""
        stage, program = finding.stage, self._program
        allowed = program.allowed.get(stage.name, Allowed())

        def wrong(values: Values, given: Collection[str]) -> bool:
            if allowed.near > Allowed.near:  # for a small number that is added in the loss
                look = Beside(stage, values)
                return bool(np.abs(look.ours - look.right).max(initial=0) > allowed.near * np.abs(look.ours).max(initial=0))
            return self._dots.elsewhere(values, given).judge(stage)[0] == "wrong"

        if process_time() > self._until:
            self._changed[stage.name] = replace(finding, said="not looked at on other numbers: that would take too long")
            return
        steps = [program.stage(name) for name in _through(self._dots, stage)]
        _, reason = self._elsewhere.found(wrong, [stage, *steps])
        if not reason and finding.status == "hidden" and self._arrives_otherwise(stage):
            self._changed[stage.name] = replace(finding, status="good", said=_ARRIVING)
            return
        if reason or finding.status == "hidden":
            said = (_SMALL if finding.status == "noise" else _HERE) + (reason or "were other gradients to arrive, it would be wrong")
            self._changed[stage.name] = replace(finding, status="hidden", said=said)


def _read(program: Program, stage: Stage) -> set[str]:
    """The inner values from which a derivative is made."""
    found, new = set[str](), {*stage.formula.names}
    while new:
        found |= new
        inner = [program.stage(name) for name in new if name in program.index]
        new = {name for one in inner if one.phase is Phase.BACKWARD and not one.of for name in one.formula.names} - found
    return found


def _through(dots: Dots, stage: Stage) -> list[str]:
    """The forward stages that a derivative is of."""
    return [step.name for step in dots.reach(stage).steps]


def own_steps(probe: Probe) -> Iterator[tuple[Finding, Evidence | None]]:
    """The update stages with formulas of the user's own, judged; with what is known of the wrong ones."""
    program, running, values = probe.program, probe.running, probe.values
    edited = [stage for stage in running.stages if stage.phase is Phase.UPDATE and stage.edited]
    known = {*program.persistent, *(program.gradients[name] for name in program.free), "m"}
    kinds = {"": (values, 1.0), _LARGER: (values, 1e3), _OTHERS: (values, 0.0)}
    kinds |= {ALONE: ({**values, "m": np.array(3.0)}, 1.0)} if int(values["m"]) == 1 else {}
    runs = {kind: list[Values]() for kind in kinds}
    if any({*stage.formula.names} - known for stage in edited):  # it has its gradient from elsewhere, which random ones do not tell of
        elsewhere = Elsewhere(probe)
        runs = {kind: [elsewhere.at(number, kind == ALONE) for number in range(DRAWS)] for kind in kinds if kind in ("", ALONE)}
    looks = dict[str, list[Beside]]()
    for kind, some in runs.items() if edited else ():
        courses = [course(running, *kinds[kind], False, small, some) for small in ((False,) if some else (False, True))]
        looks[kind] = [look for one in courses for look in one if look.stage in edited]
    for here in (look for look in updated(running, values, own=True) if look.stage in edited):
        stage, shown = here.stage, program.stage(here.stage.name)
        differ = {kind: next((look for look in looks[kind] if look.stage is stage and look.differ), None) for kind in looks}
        if not here.differ and not differ[""]:
            reason = _HERE + kind if (kind := next((kind for kind, look in differ.items() if look), "")) else ""
            seen = [values, *(look.values for kind in looks for look in looks[kind] if look.stage is stage)]
            reason = reason or next((f"not judged where it is otherwise: {said}" for said in one_sided(stage, seen)), "")
            yield replace(here.finding(shown), status="hidden" if reason else "good", said=reason), None
        elif differ[""] and all(alike := [_alike(running, stage, values, size, runs[""]) for size in (1.0, 0.0)]):
            yield replace(here.finding(shown), status="convention", said=alike[0]), None
        else:
            look = differ[""] or here
            finding = here.finding(shown) if here.differ else replace(look.finding(shown), said=_concealed(program, here))
            formula = shown.formula.tree
            yield replace(finding, status="wrong"), Evidence(program, shown, look.ours, look.right, look.values, formula=formula)


def _concealed(program: Program, here: Beside) -> str:
    """Why this update does not show what is wrong."""
    zeros = [name for name in (*here.stage.formula.names, *meant(here.stage).names) if not np.any(here.values.get(name, 1.0))]
    moving = [name for name in dict.fromkeys(zeros) if program.tensors[name].role in (Role.SLOT, Role.GRADIENT)]
    return f"it makes no difference in this update{f', since {_are(moving)} 0' if moving else ''}; these are numbers of a later one"


def _alike(program: Program, stage: Stage, values: Values, size: float, runs: Sequence[Values]) -> str:
    """In which other convention the stage's parameter goes the right way, in a sentence; "" where it does not."""
    tensor, moved, last = program.tensors[stage.name], dict[str, Array](), dict[str, tuple[Beside, Beside]]()
    parameters = [tensor.of] if tensor.role is Role.SLOT else [stage.name] if stage.name in program.free else [*program.free]
    ours, right = (course(program, values, size, own, False, runs) for own in (True, False))
    for one, other in zip(ours, right, strict=True):
        name = one.stage.name
        moved[name], last[name] = moved.get(name, np.zeros(())) + one.blur + other.blur, (one, other)
        if name in parameters and not (np.abs(one.ours - other.right) <= SAFETY * moved[name]).all():
            return ""
    slots = [slot for slot, of in program.slots.items() if of in parameters and slot in last]
    kept = [_kept(program, slot, last[slot][0], last[slot][1].right) for slot in slots]
    return f"{', '.join(parameters)} moves as it is meant to" + "".join(f"; {said}" for said in kept if said)


def _kept(program: Program, slot: str, look: Beside, right: Array) -> str:
    """How a slot of the user's differs from the usual one."""
    if np.allclose(look.ours, right, 1e-9, 0.0):
        return ""
    factor = scale(look.ours, right, 1e-9)
    return of_slots([slot], names_of(program, look.values, 1e-9).of(factor)) if factor else f"{slot} is updated differently"


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
        reached |= {*stage.formula.names} if stage.name in reached else set()
    return not reached.isdisjoint(program.parameters)


def _operation(stage: Stage) -> str:
    """What a stage is meant to compute, in a word or as a formula."""
    if stage.operation in ACTIVATIONS or stage.operation.removesuffix("_from_logits") in LOSSES:
        return stage.operation.replace("_", " ").replace("cross entropy", "cross-entropy")
    return f"'{meant(stage).text}'"


def _are(names: Sequence[str], what: str = "", no: str = "") -> str:
    """``a and b are not its derivatives``."""
    return f"{together(names)} {are(names)} {no}{what}{'s' * (len(names) > 1 and bool(what))}".rstrip()
