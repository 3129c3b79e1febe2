"""Several updates of a user's, one file each: the next shows what the first cannot, momentum or a gradient that is never cleared."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from bpdebug.core.description import Values
from bpdebug.core.record import replace
from bpdebug.time.results import Result
from bpdebug.time.timeline import Timeline
from bpdebug.trust.compare import likeliest_judge, likeliest_of, report_of
from bpdebug.trust.judge import Judge
from bpdebug.trust.names import AFTER, file_name
from bpdebug.trust.reading import ComparisonError
from bpdebug.trust.report import Report
from bpdebug.trust.scene import Scene, scene_of


def comparing_updates(timeline: Timeline, files: Sequence[Values]) -> Generator[str, None, tuple[Report, ...]]:
    """Compare consecutive updates, beginning at the present one, each from its file's own parameters.

    Raises:
        ComparisonError: as :func:`bpdebug.trust.compare.comparing`, and where there are not so many updates.
    """
    judges, scene = list[Judge](), scene_of(timeline)
    if scene.update + len(files) > timeline.program.updates:
        raise ComparisonError(f"{len(files)} files are {len(files)} updates, but the training has fewer from update {scene.update} on")
    with np.errstate(all="ignore"):
        for ahead, arrays in enumerate(files):
            yield f"reading update {scene.update}"
            judge = likeliest_judge(scene, arrays)
            if judges:
                before, judges[-1] = judges[-1], _continued(judges[-1], judge)
                if any(not np.array_equal(judges[-1].start[name], value) for name, value in before.start.items()):
                    judge = likeliest_judge(_after(scene, judges[-1]), arrays)  # the one before began otherwise
            judges.append(judge)
            scene = _after(scene_of(timeline, ahead + 1), judges[-1]) if ahead + 1 < len(files) else scene
        reports = list[Report]()
        for judge in judges:
            reports.append((yield from report_of(timeline, judge.scene, judge, len(files) == 1)))
    return tuple(reports)


def _after(scene: Scene, judge: Judge) -> Scene:
    """The next update, from what a user's own has come to; what his file has is taken instead."""
    kept = {name: judge.values[name] for name in scene.state if name in judge.program.persistent and name in judge.program.index}
    before = {name: value for name, value in judge.start.items() if name in scene.state}
    digits = {name: one for name in kept for of in _shown(judge, name) if (one := judge.printed.formats.get(of))}
    previous = {**judge.right, **judge.values, **before}
    earlier = (*judge.scene.earlier, {name: judge.right[name] for name in judge.program.gradients.values()})
    return replace(scene, state={**scene.state, **kept}, before=before, previous=previous, earlier=earlier, printed=digits)


def _shown(judge: Judge, name: str) -> tuple[str, str]:
    """What tells how exactly is known what an update has made of a parameter or a slot: its gradient, or better itself."""
    program = judge.program
    return program.gradients.get(program.slots.get(name, name), ""), file_name(program, name)


def _continued(judge: Judge, after: Judge) -> Judge:
    """The judge of an update whose outcome is what the next file begins with."""
    reading, program = judge.reading, judge.program
    free = [name for name in program.free if name not in (*reading.computed, *reading.odd, *after.reading.odd)]
    known = {name: after.reading.given[name] for name in free if name in after.reading.given}
    started = not any(finding.says.accuses for finding in after.findings[:1])
    if not known or reading.late or after.reading.late or not started:
        return judge
    note = f"your {' '.join(known)} of the next file count as {' '.join(name + AFTER for name in known)}"
    return likeliest_of(judge.scene, [reading.after(known, after.reading.printed.formats, note)])


def answer(reports: Sequence[Report]) -> Result:
    """The answer to a command: each update, and the first stage that is wrong over all of them."""
    if len(reports) == 1:
        return reports[0].result()
    results = [report.result() for report in reports]
    told = next((report for report in reports if report.culprit), None)
    lines = [line for report, one in zip(reports, results, strict=True) for line in (f"update {report.update}:", one.text)]
    if told and told.culprit:
        lines.append(f"the first wrong stage of all: update {told.update}, {told.culprit.stage}")
    data: dict[str, Any] = dict((told or reports[-1]).result().data)
    data |= {"ok": all(one.data["ok"] for one in results)}
    for key in ("unjudged", "conventions", "notes"):
        data[key] = list(dict.fromkeys(name for one in results for name in one.data[key]))
    data["updates"] = [one.data for one in results]
    return Result(results[0].type, "\n".join(lines), data)
