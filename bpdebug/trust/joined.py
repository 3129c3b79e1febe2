"""What the accusations of a comparison have in common: one mistake that explains several, and what was computed before them unseen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from bpdebug.core.errors import BpdebugError
from bpdebug.core.network import Phase
from bpdebug.core.record import replace
from bpdebug.core.words import together
from bpdebug.trust.factors import scale
from bpdebug.trust.finding import Finding, Suspect
from bpdebug.trust.judge import Judge
from bpdebug.trust.report import listed
from bpdebug.trust.site import is_term
from bpdebug.trust.suspects import WITHIN


def joined(judge: Judge, found: Sequence[Finding]) -> list[Finding]:
    """The findings, of which those that one mistake explains are one accusation: a factor that they share, or one place before all of
    them that the file does not show."""
    first, joined, grown = dict[str, str](), list[Finding](), 1.0
    for finding in found:
        one = finding
        if one.status == "off" and one.theirs is not None and one.stage.phase is Phase.BACKWARD:
            factor = scale(one.theirs, one.right, judge.near)
            powers = [grown**power for power in range(2, len(judge.program.layers) + 1)]
            if factor and abs(abs(grown) - 1) > judge.near and any(abs(factor / power - 1) <= judge.near for power in powers):
                said = f"the factor of {next(f.name for f in joined if f.says.accuses)} once more with every layer"
                one = replace(one, status="follows", said=said, suspects=())
            grown = grown if grown != 1 else factor or 1.0
        if one.status == "off":
            absent = [name for name in unseen(judge, one) if judge.program.stage(name).of]
            places = [(suspect.kind, suspect.evidence.partition(WITHIN)[2].partition(")")[0]) for suspect in one.suspects]
            strays = [suspect.evidence.partition(" is ")[2] for suspect in one.suspects if suspect.kind == "stray_factor"]
            kept = ["accumulated"] * any(suspect.kind == "accumulated" for suspect in one.suspects)
            again = [f"{suspect.kind} {_anywhere(judge, one, suspect)}" for suspect in one.suspects if one.stage.phase is Phase.UPDATE]
            keys = [f"{kind} {place}" for kind, place in places if place in absent] or strays or kept or again
            keys = keys or ([] if one.suspects else absent)
            same = next((first[key] for key in keys if key in first), "")
            if same:
                before = ", before both of them" * (not kept and not again)
                said = f"the same factor as in {same}" if strays else f"the same mistake as in {same}{before}"
                one = replace(one, status="follows", said=said, suspects=())
            first |= {key: one.name for key in keys if key not in first}
        joined.append(one)
    return joined


def of_own_lines(judge: Judge, found: Sequence[Finding]) -> list[Finding]:
    """The findings, of which derivatives that are right for a line as the user has it, wrong as it is, are no accusation of their own."""
    program, changed = judge.program, list[str]()
    for finding in found if program.scenario.lines else ():
        if finding.status == "off" and finding.stage.phase is Phase.FORWARD and len(finding.suspects) == 1 and finding.suspects[0].formula:
            with suppress(BpdebugError):
                program = program.with_formula(finding.stage.name, finding.suspects[0].formula)
                changed.append(finding.name)
    if not changed:
        return [*found]
    other = Judge(replace(judge.scene, meant=program), judge.reading).backward(judge.convention)
    right = {one.name for one in other.findings if one.says.agrees and one.stage.of}
    said = f"right for your {together(changed)}"
    return [replace(one, status="follows", said=said, suspects=()) if one.status == "off" and one.name in right else one for one in found]


def _anywhere(judge: Judge, finding: Finding, suspect: Suspect) -> str:
    """A wrong step of the optimizer in words that are those of all parameters."""
    program, name = judge.program, finding.stage.name
    parameter = program.slots.get(name, name)
    own = {slot: letter for letter in program.rule.slots for slot in program.letters[letter] if program.slots[slot] == parameter}
    own |= {parameter: "w", program.gradients.get(parameter, ""): "g"}
    found = rf"(?<![\w@])({'|'.join(map(re.escape, own))})(?![\w@])"
    return re.sub(found, lambda match: own[match[0]], f"{name}: {suspect.formula or suspect.evidence}")


def advice(judge: Judge) -> Iterator[str]:
    """Sentences on where else the mistake in the first off stage may lie."""
    off = [finding for finding in judge.findings if finding.status == "off"]
    if not off:
        return
    stage, given = off[0].stage, judge.reading.given
    lacking = [name for name in stage.formula.names if name in judge.program.parameters and name not in given]
    if stage.phase is Phase.FORWARD and lacking:
        yield f"{off[0].name} was compared with the scenario's {listed(lacking)}: save yours too, if they are others"
    if absent := unseen(judge, off[0]):
        verb = "is" if len(absent) == 1 else "are"
        yield f"{listed(absent)} before {off[0].name} {verb} not in your file: the mistake may be there"


def unseen(judge: Judge, off: Finding) -> list[str]:
    """What was computed and not saved before a stage, and may be wrong: nothing right has come of it."""
    found: list[str] = []
    wanted, right = {*off.stage.formula.names}, set[str]()
    names = [finding.name for finding in judge.findings]
    for finding in reversed(judge.findings[: names.index(off.name)] if off.name in names else []):
        stage, missing = finding.stage, finding.status == "missing"
        if finding.says.agrees or (missing and stage.name in right):
            right |= {*stage.formula.names}
        elif missing and stage.name in wanted and stage.phase is not Phase.UPDATE:
            wanted |= {*stage.formula.names}
            found += [stage.name] if not is_term(judge.program, stage.name) else []
    return found[::-1]
