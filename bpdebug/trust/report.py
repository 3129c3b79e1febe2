"""What a check or a comparison comes to: the findings stage by stage, and the first one that is wrong by itself.

The first wrong stage is the culprit (Goodfellow et al., "Deep Learning" (2016), section 11.5; CS231n, "Gradient checks").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from bpdebug.core.cells import cell_name
from bpdebug.core.misfits import shape_text
from bpdebug.core.network import Phase
from bpdebug.core.numbers import digits_apart, exact, short
from bpdebug.core.record import Record, values_of
from bpdebug.time.results import Result
from bpdebug.trust.finding import ROUNDING, Finding, error_text

_INHERITED = "it is right given what arrives, and what arrives is wrong: check names the first wrong stage"


_NOT_JUDGED = "not judged: "
_SHOWN = 20


def listed(names: Sequence[str]) -> str:
    """Names in a sentence; of very many the first ones."""
    return " ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def counted(number: int, thing: str = "sample") -> str:
    """So many of a thing, in words."""
    return f"{number:,} {thing}" + "s" * (number != 1)


class Source(Record):
    """Where findings come from, and its words.

    Attributes:
        name: the answer's type.
        headings: of the two numbers, the one that is judged first.
        columns: the widths of a status and of a name in an answer; 0 where the longest decides.
        first, also: the first accusation, and the others.
        agrees, nothing: what it comes to where nothing is wrong, and where nothing could be judged, for which reasons.
        says: a finding's numbers in words.
    """

    name: str
    headings: tuple[str, str]
    columns: tuple[int, int]
    first: str
    also: str
    agrees: str
    nothing: str
    says: Callable[[Finding], str]


class Report(Record, eq=False):
    """What was found.

    Attributes:
        source: by the check or by a comparison.
        update: of which update.
        findings: in the order of the program.
        notes: what had to be understood on the way, in sentences.
        uncompared: arrays of a user's file that stand for nothing of the program, with the reason.
        said: what it comes to, where the findings do not say that.
    """

    source: Source
    update: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    uncompared: Mapping[str, str] = {}
    said: str = ""

    @cached_property
    def accused(self) -> tuple[Finding, ...]:
        """The stages that are wrong by themselves."""
        return tuple(finding for finding in self.findings if finding.says.accuses)

    @property
    def culprit(self) -> Finding | None:
        """The first of them, or None."""
        return next(iter(self.accused), None)

    @cached_property
    def shown(self) -> tuple[Finding, ...]:
        """Those of which there is something to compare with."""
        return tuple(finding for finding in self.findings if finding.theirs is not None)

    @cached_property
    def stages(self) -> dict[str, Finding]:
        """The same by stage."""
        return {finding.stage.name: finding for finding in self.shown}

    @cached_property
    def follows(self) -> bool:
        """Whether a stage inherits an error."""
        return any(finding.status == "follows" for finding in self.findings)

    @cached_property
    def ok(self) -> bool:
        """Whether something is judged, and nothing of it is wrong."""
        return not (self.accused or self.follows or self.said) and any(finding.judged for finding in self.findings)

    @cached_property
    def unjudged(self) -> tuple[str, ...]:
        """What nothing can be said of: what is not there is judged where something right has come of it, or where it is but a term."""
        losses = [finding for finding in self.findings if finding.stage.phase is Phase.LOSS][:-1]
        implied, found = set[str](), list[str]()
        for finding in reversed(self.findings):
            missing = finding.status == "missing"
            if (finding.judged and finding.says.agrees) or (missing and finding.stage.name in implied):
                implied |= {*finding.stage.formula.names}
            elif not finding.judged and not (missing and (finding.stage.through or finding in losses)):
                found.append(finding.name)
        return (*reversed(found), *self.uncompared)

    @property
    def left_out(self) -> list[str]:
        """The notes on what was not judged."""
        return [note for note in self.notes if note.startswith(_NOT_JUDGED)]

    @property
    def doubt(self) -> list[str]:
        """The last lines, on what was not judged, where there is something and nothing is wrong."""
        return [*([_NOT_JUDGED + listed(self.unjudged)] if self.unjudged else []), *self.left_out] if self.ok else []

    def conclusion(self) -> list[str]:
        """What it comes to: each stage that is wrong by itself with its suspects, or a sentence."""
        if self.accused:
            return [line for one, others in self._mistakes() for line in (*self.accusation(one), *_repeated(others))]
        if self.said or self.follows:
            return [self.said or _INHERITED]
        hollow = ", ".join(finding.name for finding in self.shown if finding.hollow)
        if self.ok:
            untold = self.source is COMPARISON and any(not finding.judged and not finding.hollow for finding in self.shown)
            some = "what could be compared agrees" if self.uncompared else "what could be judged agrees" if untold else ""
            agrees = some or self.source.agrees
            updates = [finding for finding in self.findings if finding.stage.phase is Phase.UPDATE]
            if self.source is CHECK and updates and all(finding.says.agrees for finding in updates):
                agrees += f", and your own update formula{'s are' if len(updates) > 1 else ' is'} right"
            agrees += " (in your convention)" * (self.source is COMPARISON and any(f.status == "convention" for f in self.findings))
            return [agrees + f", but nothing is finite in {hollow}" * bool(hollow)]
        none = "of no gradient can be told whether it is right" if self.left_out else "no stage is known to be a gradient"
        reasons = dict.fromkeys([self._untold(finding, hollow) for finding in self.shown] or [none])
        return [self.source.nothing.format(", ".join(filter(None, reasons)))]

    def _mistakes(self) -> list[tuple[Finding, list[Finding]]]:
        """The stages that are wrong by themselves, each with the others that the same line of a script makes wrong in the same way."""
        found = dict[tuple[str, str], tuple[Finding, list[Finding]]]()
        for finding in self.accused:
            kind = next(iter(finding.suspected()), "").partition(":")[0]
            key = (finding.stage.line, kind) if finding.stage.line else (finding.name, "")
            if key in found:
                found[key][1].append(finding)
            else:
                found[key] = finding, []
        return [*found.values()]

    def _untold(self, finding: Finding, hollow: str) -> str:
        """Why a finding is no verdict; those in which nothing is finite are named together."""
        if self.source is CHECK:
            return finding.says.untold
        return f"no number is finite, neither yours nor ours ({hollow})" if finding.hollow else finding.said or finding.says.untold

    def _in_words(self, lines: Sequence[str]) -> str:
        """An answer in which the part of a gradient that comes on one of several paths is explained where its name first stands."""
        stages = [finding.stage for finding in self.findings]
        whole = {stage.of: f"the gradient of {stage.of}" for stage in stages}
        whole |= {stage.of: stage.name for stage in stages if stage.of and not stage.through}
        told, unknown = list[str](), {stage.name: stage for stage in stages if stage.through}
        for line in lines:
            parts = [unknown.pop(name) for name in [*unknown] if re.search(rf"(?<![\w@]){re.escape(name)}(?![\w@]|'\d)", line)]
            named = len(told) >= len(self.shown)  # a row of the table says its own
            words = [f"{part.name} is " * named + f"the part of {whole[part.of]} that comes through {part.through}" for part in parts]
            told.append(line + f" ({'; '.join(words)})" * bool(words))
        return "\n".join(told)

    def accusation(self, finding: Finding) -> list[str]:
        """That a stage is wrong, and what the mistake probably is, a line each."""
        title = (self.source.first if finding is self.culprit else self.source.also).format(finding.stage)
        return [title, *finding.suspected()]

    def result(self) -> Result:
        """The answer to a command."""
        source, widest = self.source, max((len(finding.name) for finding in self.shown), default=0)
        first = max([source.columns[0], *(len(finding.says.word) for finding in self.shown)])
        second = max(source.columns[1] or widest + 1, widest)
        lines = [f"{one.stage.line}: {one.says.word} {one.stage}" for one, _ in self._mistakes() if one.stage.line]
        lines += [f"{f.says.word:<{first}} {f.name:<{second}} {source.says(f)}".rstrip() for f in self.shown]
        lines += [f"{'not compared':<{first}} {name:<{second}} {why}" for name, why in self.uncompared.items()]
        notes = (f"note: {note}" for note in self.notes if not self.ok or note not in self.left_out)
        text = self._in_words([*lines, *notes, *self.conclusion(), *self.doubt])
        data: dict[str, Any] = {"ok": self.ok, "culprit": self.culprit.name if self.culprit else None}
        data |= {"compared": self.update} if source is COMPARISON else {}
        data |= {"stages": [_data(finding) for finding in self.findings]}
        unjudged = [*self.unjudged, *(note.removeprefix(_NOT_JUDGED) for note in self.left_out)]
        data |= {"unjudged": unjudged, "conventions": [f.name for f in self.findings if f.status == "convention"]}
        return Result(source.name, text, data | {"notes": list(self.notes)})


def _repeated(others: Sequence[Finding]) -> list[str]:
    """That a line makes more wrong than one stage."""
    names = ", ".join(finding.name for finding in others)
    return [f"  likewise {names}, which the same line computes"] if others else []


def _of_derivative(finding: Finding) -> str:
    """A verdict's numbers."""
    if finding.status in ("non-finite", "convention", "own", "hidden"):
        return finding.said or finding.says.reason
    if finding.status == "follows" and finding.error < ROUNDING:
        return finding.said or "right given the gradients that arrive, and these are wrong"
    praised = finding.zero and finding.says.agrees
    parts = ["entirely zero, as it should be"] if praised else [f"relative error {error_text(finding.error)}"]
    parts += ["entirely zero"] * (finding.zero and not praised)
    if finding.notable and finding.numbers:
        ours, numeric = finding.numbers
        digits = digits_apart(ours, numeric, 8)
        parts.append(f"at {cell_name(finding.name, finding.cell)}: {short(ours, digits)}, by {finding.method} {short(numeric, digits)}")
    parts += [f"recorded {error_text(finding.lost)} off"] * (finding.lost == finding.lost)
    parts += [f"{counted(finding.kinks, 'cell')} on a corner of the loss"] * (finding.kinks > 0)
    return ", ".join(parts) + f": {finding.said}" * bool(finding.said)


def _data(finding: Finding) -> dict[str, Any]:
    """A finding for programs; where shapes differ, ``shape`` is that of the other array."""
    file, _, number = finding.stage.line.rpartition(":")
    ours, theirs = finding.numbers or (None, None)
    data = {name: getattr(finding, name) for name in ("name", "status", "checked", "kinks", "method", "said", "zero")}
    data |= {"stage": finding.stage.name, "error": None if finding.theirs is None else exact(finding.error)}
    data |= {"cell": None if finding.theirs is None or finding.misshapen else [*finding.cell]}
    data |= {"ours": exact(ours), "theirs": exact(theirs), "lost": exact(finding.lost), "cells": finding.ours.size}
    data |= {"shape": None if finding.theirs is None else [*finding.theirs.shape], "suspects": [*map(values_of, finding.suspects)]}
    return data | ({"line": finding.stage.line, "file": file, "lineno": int(number)} if file else {})


def _of_numbers(finding: Finding) -> str:
    """A user's numbers beside ours."""
    if finding.numbers is None:
        return f"is {shape_text(finding.theirs.shape)}; {shape_text(finding.ours.shape)} is due" if finding.theirs is not None else ""
    ours, theirs = finding.numbers
    told = finding.status != "exact" and not (finding.status == "unsure" and finding.said and finding.error < ROUNDING)
    parts = [f"relative error {short(finding.error, 2)}"] * told
    if not finding.says.agrees and finding.error > ROUNDING:
        digits = digits_apart(ours, theirs, 8)
        parts.append(f"at {cell_name(finding.name, finding.cell)}: yours {short(theirs, digits)}, ours {short(ours, digits)}")
    return ": ".join(filter(None, (", ".join(parts), finding.said)))


CHECK = Source(
    "check",
    ("this stage", "the check"),
    (7, 6),
    "first wrong stage: {}; what follows from it inherits the error",
    "wrong by itself too: {}",
    "no derivative is wrong",
    "nothing could be compared: {}",
    _of_derivative,
)
COMPARISON = Source(
    "compare",
    ("yours", "ours"),
    (12, 0),
    "first off stage: {}",
    "also off, given your own numbers before it: {}",
    "every number agrees",
    "nothing could be judged: {}",
    _of_numbers,
)
