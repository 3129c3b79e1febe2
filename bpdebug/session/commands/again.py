"""Reading the scenario's file again: from the start, or back to where we are."""

from __future__ import annotations

import re

from bpdebug.core.cells import check_cell
from bpdebug.core.description import Scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.core.layers import make_program
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.shapes import infer
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command, find_command
from bpdebug.time.edits import Edit
from bpdebug.time.moves import Move
from bpdebug.time.position import parse_location
from bpdebug.time.results import Result


@command("run", "session")
def run(session: Session) -> Move:
    """Read the scenario's file again and start over; stops and displays stay, edits and bookmarks go."""
    program = _read(session)
    lost = [*map(str, session.timeline.edits), *(f"bookmark {name}" for name in session.bookmarks)]
    session.bookmarks = {}
    lost += _begin(session, program)
    return Move(0, "run", jump=True, tell=lambda result: _told(result, lost, program))


@command("reload [--at N]", "session", keys="R", label="reload")
def reload(session: Session, at: str = "") -> Move:
    """Read the file again and come back here with what still fits; --at N keeps update N of a script, too, and goes there."""
    update = update_asked(at)
    program, old, here, cell = _read(session, update), session.program, session.position.t, session.selected
    edits, lost = _fitting(session.timeline.edits, old, program)
    session.cursor.chosen |= cell is not None
    lost += _begin(session, program)
    session.timeline.take_edits(edits)
    session.after_edit()
    session.bookmarks = {name: _moment(old, program, t) for name, t in session.bookmarks.items()}
    target = parse_location(str(update), program).clock(program, 0) if update else _moment(old, program, here)
    return Move(target, "reload", jump=True, tell=lambda result: _told(result, lost, program), cell=cell)


@command("loop [LINE]", "session")
def loop(session: Session, line: str = "") -> Result | Move:
    """Run your script again with the turns of the loop at this line (train.py:30) as the updates; alone, say what was found."""
    return _told_otherwise(session, "loop", line)


@command("loss [LINE]", "session")
def loss(session: Session, line: str = "") -> Result | Move:
    """Take what this line of your script computes (train.py:40) as its loss; alone, say what was found."""
    return _told_otherwise(session, "loss", line)


def _told_otherwise(session: Session, what: str, line: str) -> Result | Move:
    scenario = session.timeline.program_at(-1).scenario
    told = getattr(scenario, "told", None)
    if not line:
        found = scenario.description if told else "a scenario says itself what its updates and its loss are"
        return Result("info", found, {"found": found})
    if told is None:
        raise CommandError(f"{what} is told of a script of your own: bpdebug train.py")
    ahead, session.read_ahead = session.read_ahead, None
    lost = _begin(session, make_program(ahead or told(**{what: line})))
    return Move(0, what, jump=True, tell=lambda result: _told(result, lost, session.program, True))


def update_asked(text: str) -> int:
    """The update that ``--at N`` names; 0 for none."""
    asked = re.fullmatch(r"(?:--at(?: |=)(\d{1,12}))?", text)
    if not asked:
        raise CommandError(f"expected 'reload' or 'reload --at N' with the number of an update; found '{text}'")
    return int(asked[1] or 0)


def _read(session: Session, update: int = 0) -> Program:
    """The program that the file holds now, of a script with that update, too; nothing has changed where it cannot be read."""
    if session.hunts and not session.hunts[-1].over:
        raise CommandError("this would end the hunt that is on; 'reveal' ends it")
    scenario = session.timeline.program_at(-1).scenario
    if scenario.read_again is None:
        raise CommandError("this scenario does not come from a file")
    if update and (session.program.recorded or not scenario.files):
        why = "a recording has one step" if session.program.recorded else "of a scenario any update is there"
        raise CommandError(f"--at is for a script of your own: {why}")
    ahead, session.read_ahead = session.read_ahead, None
    return make_program(ahead or (scenario.read_again(at=update) if update else scenario.read_again()))


def _told(result: Result, lost: list[str], program: Program, told: bool = False) -> Result:
    scenario = program.scenario
    read = f"the {'recording' if program.recorded else 'scenario'} has been read again"
    if scenario.files and not program.recorded:
        read = f"{'the script has run: ' * (not told)}{scenario.description}"
    lines = [read, *[f"dropped: {'; '.join(lost)}"] * bool(lost), result.text]
    return result.also("\n".join(lines), dropped=lost)


def _begin(session: Session, program: Program) -> list[str]:
    """Stand at the start of the program, under the stops, with what they have become, and displays that fit it; the others, in words."""
    stops, lost, old = [*session.stops.all.values()], list[str](), session.program.scenario
    session.hunts, session.cursor.selected = (), None
    session.begin(program)
    session.stops.all.clear()
    for stop in stops:
        text = f"{stop.command} {_followed(stop.text, old, program.scenario)}"
        try:
            chosen, arguments = find_command(text)
            chosen.run(session, arguments)
        except BpdebugError:
            lost.append(text)
            continue
        _, made = session.stops.all.popitem()
        made.number, made.enabled, made.hits, made.ignore, made.commands = stop.number, stop.enabled, stop.hits, stop.ignore, stop.commands
        session.stops.add(made)
    for number, text in [*session.displays.items()]:
        try:
            infer(session.program.parse(text), session.shapes)
        except BpdebugError:
            del session.displays[number]
            lost.append(f"display {text}")
    return lost


_LINE = re.compile(r"(?P<file>[^\s:]*\.(?:py|ipynb(?::\d+)?))?(?P<between>:|\bline )(?P<line>\d+)")


def _followed(text: str, old: Scenario, new: Scenario) -> str:
    """A location where a line of a script is named: with the number that this line has in the script as it is now."""

    def moved(found: re.Match[str]) -> str:
        file = found["file"] or old.source
        if file not in old.files or file not in new.files:
            return found[0]
        return f"{found['file'] or ''}{found['between']}{_line_now(int(found['line']), old.files[file], new.files[file])}"

    return _LINE.sub(moved, text, count=1) if old.files else text


def _line_now(number: int, old: str, new: str) -> int:
    """The number that a line has now; of one that is gone, of what stands in its place."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - for scripts alone

    same = SequenceMatcher(None, old.split("\n"), new.split("\n"), autojunk=False)
    for _, first, last, start, end in same.get_opcodes():
        if first < number <= last:
            return min(start + number - first, max(end, 1))
    return number


def _moment(old: Program, new: Program, t: int) -> int:
    """The clock after the same stage of the same update; where there is no such stage, the start of the update."""
    update, done = old.calendar.place(t)
    name = old.stages[done - 1].name if done else ""
    after = new.index[name] + 1 if name in new.index else 0
    return min(new.calendar.clock(update, after), new.calendar.end)


def _fitting(edits: list[Edit], old: Program, program: Program) -> tuple[list[Edit], list[str]]:
    """The edits that can be made in another program, at its moments; the others, in words."""
    kept, lost = [], []
    moved = [replace(edit, t=_moment(old, program, edit.t)) for edit in edits]
    for edit in sorted(moved, key=lambda made: made.t):  # a stage that is gone has moved its edits before others
        update, done = program.calendar.place(edit.t)
        there = {*program.persistent, *program.data, *(stage.name for stage in program.stages[:done])}
        try:
            if edit.value is not None:
                if edit.name not in there:
                    raise CommandError(f"{edit.name} has no value then")
                check_cell(edit.name, edit.index, program.shapes(program.batches.size(update))[edit.name])
            program = edit.changed(program)
            kept.append(edit)
        except BpdebugError:
            lost.append(str(edit))
    return kept, lost
