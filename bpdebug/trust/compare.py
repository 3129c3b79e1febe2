"""A user's own numbers against ours: which stage of his update is the first wrong one, and what the mistake is.

The arrays of a file stand beside those of the program under the same names. Their batch and their parameters, as far as the file has
them, are what the update starts from; so another initialisation is no fault. A stage that is wrong only because one before it is
wrong is told from one that is wrong by itself by computing it from the user's own numbers.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.record import replace
from bpdebug.core.words import are
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust.agreement import advice, joined, of_own_lines, sentences, settled, unseen
from bpdebug.trust.case import Evidence
from bpdebug.trust.clipped import in_place
from bpdebug.trust.clues import clues, out_of_step, uncleared
from bpdebug.trust.conventions import PLAINEST, following, likeliest
from bpdebug.trust.faults import FAULTS
from bpdebug.trust.finding import Finding, Suspect
from bpdebug.trust.judge import Judge
from bpdebug.trust.late import moments
from bpdebug.trust.reading import ComparisonError, Reading, readings
from bpdebug.trust.report import COMPARISON, Report, listed
from bpdebug.trust.scene import Scene, scene_of
from bpdebug.trust.suspects import SCALE, diagnose
from bpdebug.trust.unusual import oddities

__all__ = ["ComparisonError", "compare", "comparing"]


_AT_ONCE = 2000
"""So many updates are run again for the losses that they had."""
_FIRST = "the first update cannot show momentum or a gradient that is never cleared: save the second too, and compare both"
_SAME = 1e-4
"""Numbers that are as close as this, relative to the largest, are the same to a reader."""


def compare(timeline: Timeline, arrays: Values) -> Report:
    """What :func:`comparing` comes to, in one piece."""
    return whole(comparing(timeline, arrays))


def comparing(timeline: Timeline, arrays: Values) -> Generator[str, None, Report]:
    """Compare a user's numbers with the present update.

    Args:
        timeline: where we are; it stays there.
        arrays: by our names; ``W1_new`` is a parameter after the update, ``W1`` before it.

    Raises:
        ComparisonError: where the arrays are of another network, or none of them is computed by a stage.
    """
    scene = scene_of(timeline)
    yield "reading the arrays"
    with np.errstate(all="ignore"):
        judge = likeliest_judge(scene, arrays)
    return (yield from report_of(timeline, scene, judge))


def report_of(timeline: Timeline, scene: Scene, judge: Judge, alone: bool = True) -> Generator[str, None, Report]:
    """What a judge has found, with diagnoses; ``alone`` where no other update is compared with it."""
    reading, found = judge.reading, list(oddities(judge.reading.odd, judge.reading.given, judge.program, scene.state))
    with np.errstate(all="ignore"):
        judge.findings = settled(judge)
        kept = uncleared(judge)
    foreign = _foreign(judge)
    for finding in judge.findings:
        yield f"comparing {finding.name}"
        with np.errstate(all="ignore"):
            known = kept.get(finding.stage.name) if finding.status == "off" else None
            told = replace(finding, suspects=(known,)) if known else _diagnosed(timeline, scene, judge, finding)
            if told.name == foreign and not told.suspects:
                judge = likeliest_of(scene, [replace(reading, foreign=True)])
                return (yield from report_of(timeline, scene, judge, alone))
        found.append(told)
    understood = (*scene.notes, *reading.notes, *judge.notes, *sentences(judge))
    shared, apart = _shared(judge)
    found = joined(judge, of_own_lines(judge, found))
    more = alone and scene.update == 0 and timeline.program.updates > 1 and not any(one.notable for one in found)
    first = [_FIRST] if more and _steps(judge) else []
    notes = (*understood, *_sources(judge, scene.update), *advice(judge), *shared, *first)
    return Report(COMPARISON, scene.update, tuple(found), notes, {**reading.uncompared, **apart})


def _foreign(judge: Judge) -> str:
    """What a file without parameters begins with, where all that is made with these is off: unless it shows what the mistake is, the
    scenario's are not the user's. "" otherwise."""
    parameters = {*judge.program.parameters}
    shown = [f for f in judge.findings if f.theirs is not None and f.stage.phase is not Phase.UPDATE]
    own = judge.reading.foreign or not parameters.isdisjoint(judge.reading.given)
    made = [f.says.accuses for f in shown if parameters & {*f.stage.formula.names} or f is shown[0]]
    return shown[0].name if made and all(made) and not own else ""


def _steps(judge: Judge) -> bool:
    """Whether the gradient of a parameter is compared, so that it may have others of before in it, or a step that would."""
    program, shown = judge.program, judge.reading.computed
    return any(program.gradients.get(name) in shown or (program.slots and name in shown) for name in program.free)


def _shared(judge: Judge) -> tuple[list[str], dict[str, str]]:
    """Sentences on gradients of one number for all units of a bias, and those of them that are wrong."""
    right, wrong = list[str](), dict[str, str]()
    for name, number in judge.reading.shared.items():
        own = judge.values.get(name, np.zeros(0)) * judge.convention.of(name)
        if name in judge.program.gradients.values() and own.size:
            room = 1e-6 * float(np.abs(own).sum())
            told = {
                f"{name} is one number, the sum of those of the {own.size} units: right for a bias that they share": float(own.sum()),
                f"{name} is one number, the mean of those of the {own.size} units: they do not share a bias": float(own.mean()),
            }
            said = [sentence for sentence, value in told.items() if abs(value - number) <= room]
            right += said[:1]
            if not said:
                wrong[name] = f"it is one number, and not the sum of those of the {own.size} units, {short(float(own.sum()), 8)}"
        else:
            wrong[name] = "it is one number for several units"
    return right, wrong


def likeliest_judge(scene: Scene, arrays: Values) -> Judge:
    """The way to understand the file in which the fewest stages are off; the plainest of those.

    Late moments are tried where something is off, and none goes on beyond the forward pass that has more faults in it than the best.
    """
    plain = [way for reading in readings(scene, arrays) for way in (reading, *in_place(scene.meant, reading))]
    if not any(reading.computed for reading in plain):
        left = "; ".join([*plain[0].notes, *(f"{name}: {why}" for name, why in plain[0].uncompared.items())])
        expected = "expected arrays such as z1, a1, dz1, dW1"
        raise ComparisonError(f"there is nothing to compare: {expected}" + (f" ({left})" if left else ""))
    return likeliest_of(scene, [reading for reading in plain if reading.computed])


def likeliest_of(scene: Scene, plain: list[Reading]) -> Judge:
    """The same of ways that have something to compare."""
    tried, best, order = list[Judge](), None, (len(scene.meant.stages) + 1, True, 0, PLAINEST, 0)
    for step in range(3):
        parts = [(judge, some) for judge in tried for some in ([()] if step == 1 else _mixed(judge))]
        for reading in [late for judge, some in parts for late in moments(scene, judge.reading, some)] if step else plain:
            judge = Judge(scene, reading)
            tried.append(judge)
            if judge.off > order[0]:
                continue
            judge, rank = likeliest(judge)
            tried[-1] = judge
            if (new := (judge.count, _strange(judge), judge.surprises, rank, following(judge))) < order:
                best, order = judge, new
            if order == (0, False, 0, PLAINEST, 0):
                return judge
        if not order[0] + (order[1] and not step):
            break
    return best or tried[0]


def _strange(judge: Judge) -> bool:
    """Whether the file has something else for what an optimizer starts with than what it is known to be."""
    slots = [name for name in judge.reading.given if name in judge.program.slots]
    return bool(judge.scene.previous or not judge.scene.update) and any(map(judge.differs, slots))


def _mixed(judge: Judge) -> Iterator[tuple[str, ...]]:
    """The parameters that may have been saved after the update while the others were before: those of the forward stages that are off,
    and of what the file lacks before them; some of these alone."""
    parameters, wanted = judge.program.parameters, set[str]()
    for finding in reversed(judge.findings):
        if finding.says.accuses or (finding.status == "missing" and finding.stage.name in wanted):
            wanted |= {*finding.stage.formula.names} if finding.stage.phase in (Phase.FORWARD, Phase.LOSS) else set()
    suspected = [name for name in parameters if name in wanted]
    group_of = {name: judge.program.tensors[name].group for name in suspected}
    groups = [[name for name in suspected if group_of[name] == group] for group in dict.fromkeys(group_of.values())]
    weights_and_biases = zip(*((layer.weight, layer.bias) for layer in judge.program.layers), strict=True)
    kinds = [[name for name in suspected if name in kind] for kind in weights_and_biases]
    for some in dict.fromkeys(map(tuple, (suspected, *groups, *kinds, *([name] for name in suspected)))):
        if 0 < len(some) < len(parameters):
            yield some


def _diagnosed(timeline: Timeline, scene: Scene, judge: Judge, finding: Finding) -> Finding:
    """The match with its suspects, where it is off by itself."""
    if finding.theirs is None or not finding.says.accuses or not np.isfinite(finding.right).any():
        return finding
    losses = _losses(timeline, judge, scene) if finding.stage.name == judge.program.loss else []
    seen = tuple(clues(judge, finding, losses))
    if seen:
        return replace(finding, suspects=seen)
    factor = judge.shown(finding.stage.name)
    previous, own = scene.previous, any(map(judge.differs, judge.reading.given))
    if not previous and scene.before and not own:  # it is one that led to what the user starts from
        previous = {**scene.program(len(scene.before[scene.meant.input])).run(scene.before), **scene.before}
    ours = {f.stage.name: f.ours / judge.shown(f.stage.name) for f in judge.findings if f.stage.phase is not Phase.UPDATE}
    values = {**ours, **judge.seen[finding.stage.name]}
    evidence = Evidence(
        program=judge.program,
        stage=finding.stage,
        wrong=finding.theirs / factor,
        right=finding.right / factor,
        values=values,
        after={name: judge.values[name] for name in judge.program.parameters},
        previous=previous,
        tolerance=max(10 * judge.tolerance, judge.printed.coarse),
        unseen=frozenset(name for name in unseen(judge, finding) if judge.program.stage(name).of),
    )
    suspects = diagnose(evidence)
    if not suspects and (deltas := _of_one_sample(judge)):
        suspects = diagnose(replace(evidence, values=values | deltas))
    if all(one.kind == "stray_factor" for one in suspects) and finding.suspects:  # it has been told of all at once
        suspects = finding.suspects
    earlier = judge.findings[: [one.name for one in judge.findings].index(finding.name)]
    if not any(one.stage.of and one.theirs is not None and one.says.agrees for one in earlier):
        suspects = tuple(map(_of_another_multiple, suspects))
    return replace(finding, suspects=suspects or tuple(out_of_step(judge, finding)))


def _of_another_multiple(suspect: Suspect) -> Suspect:
    """A suspect of which the second mistake may be none: that the gradients are those of another multiple of the loss."""
    kind, _, second = suspect.kind.partition("+")
    if second not in SCALE:
        return suspect
    return replace(suspect, kind=kind, title=FAULTS[kind].title, evidence=f"{suspect.evidence}, which may be your convention")


def _of_one_sample(judge: Judge) -> dict[str, Array]:
    """The user's gradients of weighted sums, where he does not show them and there is one sample: those of the biases are they."""
    gradients, computed = judge.program.gradients, judge.reading.computed
    pairs = {gradients.get(layer.z, ""): gradients.get(layer.bias, "") for layer in judge.program.layers if int(judge.values["m"]) == 1}
    return {delta: computed[bias] / judge.shown(bias) for delta, bias in pairs.items() if bias in computed and delta not in computed}


def _losses(timeline: Timeline, judge: Judge, scene: Scene) -> list[float]:
    """The losses of the updates before, where they led to what the user starts from, and can be computed at once."""
    if judge.program.loss in scene.previous:  # his own, which has those before it in it already
        return [float(scene.previous[judge.program.loss])]
    if not 0 < scene.update <= _AT_ONCE or any(map(judge.differs, judge.reading.given)):
        return []
    with timeline.at(0) as machine:
        found = []
        while machine.update < scene.update:
            machine.run_update()
            found.append(float(machine.last(judge.program.loss)))
    return found


def _sources(judge: Judge, update: int) -> Iterator[str]:
    """Sentences on what the update starts from, and on what the file lacks."""
    given = judge.reading.given
    own = [name for name in given if judge.differs(name)]
    if own:
        yield f"your {listed(own)} {are(own)} not the scenario's of update {update}; the update is computed from yours"
    lacking = [name for name in (*judge.program.sources, *judge.program.parameters) if name not in given]
    if lacking:
        yield f"not in your file, so taken from update {update} of the scenario: {listed(lacking)}"
    broken = [finding.name for finding in judge.findings if finding.says.agrees and not np.isfinite(finding.ours).all()]
    if broken:
        yield f"not finite, yours as ours, so that little can be said of them: {listed(broken)}"
