"""Breakpoints, watchpoints, catchpoints and displays."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from bpdebug.core.errors import BpdebugError
from bpdebug.core.program import Program
from bpdebug.core.shapes import infer
from bpdebug.core.words import suggestion
from bpdebug.look.obstacles import OBSTACLES, Obstructed
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, command, count_of, find_command
from bpdebug.time.conditions import CONDITIONS, make_catchpoint
from bpdebug.time.results import Result
from bpdebug.time.stop import Stop
from bpdebug.time.stop_text import breakpoint_of, positive, watchpoint_of
from bpdebug.time.stops import Breakpoint


def _breakpoint(session: Session, arguments: str, temporary: bool) -> Result:
    made = breakpoint_of(session.program, arguments, temporary, session.timeline.machine.update)
    result, note = _added(session, made), made.location.note
    return result.also(f"{note}\n{result.text}", note=note) if note else result


def _added(session: Session, stop: Stop) -> Result:
    stop.number = session.stops.next_number()
    session.stops.add(stop)
    return Result("stops", f"{stop.kind} {stop.number}: {stop.text}", {"stops": [describe(stop)]})


_TOLD = ("number", "kind", "what", "enabled", "temporary", "hits", "ignore", "note")


def describe(stop: Stop) -> dict[str, object]:
    """A stop as data."""
    return {name: getattr(stop, "text" if name == "what" else name) for name in _TOLD} | {"commands": list(stop.commands)}


@command("break LOCATION [if CONDITION]", "stop", keys="b", aliases="b")
def break_(session: Session, arguments: str) -> Result:
    """Stop at a location, perhaps only if a condition holds: break dz2 if max(abs(dz2)) > 1."""
    return _breakpoint(session, arguments or session.position.next or "end", temporary=False)


@command("tbreak LOCATION [if CONDITION]", "stop", aliases="tb")
def tbreak(session: Session, arguments: str) -> Result:
    """Stop at a location once."""
    return _breakpoint(session, arguments, temporary=True)


@command("watch EXPRESSION [sign | ratio R]", "stop", keys="w", asks="watch (dW1[1,0]; dW1[1,0] sign; loss ratio 0.5)")
def watch(session: Session, arguments: str) -> Result:
    """Stop when a value changes: any bit of it, its sign, or by more than a ratio."""
    return _added(session, watchpoint_of(session.program, arguments, session.timeline.machine.update))


Maker = Callable[[Program, str, float | None, int | None], Stop]
"""Makes the stop for what is to be caught by that name, with a threshold and in so many updates in a row where they are given."""


def _wrong(_: Program, name: str, threshold: float | None, lasting: int | None) -> Stop:
    from bpdebug.trust.catching import Wrong  # noqa: PLC0415 - a start does without

    if threshold is not None or lasting:
        raise CommandError(f"wrong takes no threshold; found '{lasting or threshold:g}'")
    return Wrong(number=0, text=name)


def _obstructed(program: Program, name: str, threshold: float | None, lasting: int | None) -> Stop:
    row = OBSTACLES[name]
    if lasting:
        raise CommandError(f"{name} is looked for now and then: it takes no 'for'")
    if row.layered and not program.layers:
        others = ", ".join(name for name, row in OBSTACLES.items() if not row.layered)
        raise CommandError(f"{name} is told of a chain of layers; of a program of lines there are {others}")
    return Obstructed(number=0, text=name + (f" {threshold!r}" if threshold is not None else ""), row=row, threshold=threshold)


CATCHES: dict[str, tuple[str, Maker]] = {
    **{row.name: (f"{row.help} (threshold {row.threshold:g})", make_catchpoint) for row in CONDITIONS.values()},
    **{row.name: (f"{row.help} (threshold {row.threshold:g})", _obstructed) for row in OBSTACLES.values()},
    "rising": ("the loss has risen 3 times in a row", make_catchpoint),
    "wrong": ("check finds a stage wrong; it looks at most a quarter of the time", _wrong),
}
"""What can be caught besides a value that is not finite: what it is, and what makes the stop."""


@command("catch WHAT [THRESHOLD] [for N]", "stop")
def catch(session: Session, arguments: str) -> Result:
    """Stop at: vanishing, dead, saturated, copies, linear, long-step, rising, wrong, non-finite, …; 'catch' lists them all."""
    words, known = arguments.split(), [*CATCHES, "non-finite"]
    if not words or words[0] not in known:
        hint = suggestion(words[0], known) if words else ""
        lines = [f"catch what{hint or '?'}", *(f"{name:<14} {text}" for name, (text, _) in CATCHES.items())]
        raise CommandError("\n".join(lines))
    if words[0] == "non-finite":
        if words[1:] not in ([], ["on"], ["off"]):
            raise CommandError(f"on or off is expected; found '{' '.join(words[1:])}'")
        session.stops.catch_nonfinite = words[1:] != ["off"]
        return Result("stops", _nonfinite(session), {"non_finite": session.stops.catch_nonfinite})
    lasting = None
    if len(words) >= 3 and words[-2] == "for":
        lasting, words = count_of(words[-1]), words[:-2]
    if len(words) > 2:
        raise CommandError(f"one threshold is expected; found '{' '.join(words[1:])}'")
    threshold = positive(words[1], "a threshold") if len(words) == 2 else None
    return _added(session, CATCHES[words[0]][1](session.program, words[0], threshold, lasting))


def _nonfinite(session: Session) -> str:
    return f"stopping at the first non-finite value is {'on' if session.stops.catch_nonfinite else 'off'}"


def _stop_of(session: Session, text: str) -> Stop:
    """The stop that a number, or ``last``, names."""
    if text == "last" and session.stops.all:
        return list(session.stops.all.values())[-1]
    if not re.fullmatch(r"\d{1,9}", text):
        raise CommandError(f"a stop's number is expected; found '{text}' ('info' lists them)")
    return session.stops.find(int(text))


def _chosen(session: Session, arguments: str) -> list[Stop]:
    if not arguments:
        raise CommandError("which stops? Give their numbers, or all ('info' lists them)")
    chosen = session.stops.all.values() if arguments == "all" else [_stop_of(session, word) for word in arguments.split()]
    return list({stop.number: stop for stop in chosen}.values())


@command("delete STOP… | all", "stop", aliases="d")
def delete(session: Session, arguments: str) -> Result:
    """Delete stops by their numbers."""
    chosen = _chosen(session, arguments)
    for stop in chosen:
        session.stops.remove(stop.number)
    return Result("stops", f"deleted: {', '.join(str(stop.number) for stop in chosen) or 'nothing'}", {"stops": []})


def _switch(session: Session, arguments: str, enabled: bool) -> Result:
    chosen = _chosen(session, arguments)
    for stop in chosen:
        stop.enabled = enabled
    session.stops.changed()
    return _shown(*chosen)


def _shown(*stops: Stop) -> Result:
    return Result("stops", "\n".join(map(line_of, stops)), {"stops": [*map(describe, stops)]})


@command("enable STOP… | all", "stop")
def enable(session: Session, arguments: str) -> Result:
    """Enable these stops again."""
    return _switch(session, arguments, enabled=True)


@command("disable STOP… | all", "stop")
def disable(session: Session, arguments: str) -> Result:
    """Keep these stops, but do not stop at them."""
    return _switch(session, arguments, enabled=False)


@command(
    "condition STOP [CONDITION]",
    "stop",
    missing="condition needs a stop's number and what has to hold there, such as condition 1 max(abs(dz2)) > 1",
)
def condition(session: Session, arguments: str) -> Result:
    """Stop at a breakpoint only if a condition holds; without one, whenever it is reached: condition 1 norm(dz2) > 1."""
    number, _, text = arguments.partition(" ")
    stop = _stop_of(session, number)
    if not isinstance(stop, Breakpoint):
        raise CommandError(f"only a breakpoint takes a condition; {stop.number} is a {stop.kind}: {stop.text}")
    place, _, _ = stop.text.partition(" if ")
    wanted = text.strip().removeprefix("if ")
    made = breakpoint_of(session.program, place + f" if {wanted}" * bool(wanted), update=session.timeline.machine.update)
    stop.text, stop.condition = made.text, made.condition
    session.stops.changed()
    return _shown(stop)


@command("ignore STOP COUNT", "stop")
def ignore(session: Session, arguments: str) -> Result:
    """Skip a stop the next COUNT times."""
    number, _, count = arguments.partition(" ")
    stop = _stop_of(session, number)
    if not re.fullmatch(r"\s*\d{1,9}\s*", count):
        raise CommandError(f"a count is expected; found '{count.strip()}'")
    stop.ignore = int(count)
    return _shown(stop)


@command("commands STOP COMMAND; COMMAND…", "stop")
def commands(session: Session, arguments: str) -> Result:
    """Run commands whenever a stop is hit (without any: no longer)."""
    number, _, rest = arguments.partition(" ")
    stop = _stop_of(session, number)
    given = tuple(" ".join(text.split()) for text in rest.split(";") if text.strip())
    for text in given:
        find_command(text)
    stop.commands = given
    return _shown(stop)


_INFO = {"breakpoints": ("break", "watch", "catch", "stopping"), "display": ("display",), "edits": ("edit",), "bookmarks": ("bookmark",)}
_ELSEWHERE = {"locals": "list", "frame": "bt", "args": "where", "source": "list", "line": "where"}
"""What gdb's info tells and another command tells here."""


@command("info [breakpoints|display|edits|bookmarks]", "stop", keys="B")
def info(session: Session, arguments: str = "") -> Result:
    """List stops, displays, edits and bookmarks, or some of these; locals are the stages (list), the frame is bt's."""
    words = [word for word in (*_INFO, "stops", "watchpoints", *_ELSEWHERE) if arguments and word.startswith(arguments)]
    if arguments and not words:
        name = arguments.partition("[")[0]
        hint = f"; 'print {arguments}' shows it" * (name in session.program.tensors) or suggestion(arguments, [*_INFO, *_ELSEWHERE])
        raise CommandError(f"info {arguments}: there are info {', info '.join(_INFO)}{hint}")
    if arguments and words[0] in _ELSEWHERE:
        return cast("Result", find_command(_ELSEWHERE[words[0]])[0].run(session, ""))
    stops, edits = session.stops.all.values(), session.timeline.edits
    listed = [*map(line_of, stops), _nonfinite(session)]
    listed += [f"display {number}: {text}" for number, text in session.displays.items()]
    listed += [f"edit at {session.place_of(edit.t)}: {edit}" for edit in edits]
    listed += [f"bookmark {name}: {session.place_of(t)}" for name, t in session.bookmarks.items()]
    wanted = _INFO.get(words[0], _INFO["breakpoints"]) if words else ""
    data = {
        "stops": [*map(describe, stops)],
        "non_finite": session.stops.catch_nonfinite,
        "displays": dict(session.displays),
        "edits": [{"t": edit.t, "what": str(edit)} for edit in edits],
        "bookmarks": session.bookmarks,
    }
    return Result("info", "\n".join(line for line in listed if line.startswith(wanted)), data)


def line_of(stop: Stop) -> str:
    """A stop in one line."""
    notes = [f"hit {stop.hits} time{'s' * (stop.hits != 1)}"] * (stop.hits > 0)
    ignored = f"ignoring the next {f'{stop.ignore} hits' if stop.ignore > 1 else 'hit'}"
    notes += ["disabled"] * (not stop.enabled) + ["once"] * stop.temporary + [ignored] * (stop.ignore > 0)
    notes += [f"then: {'; '.join(stop.commands)}"] if stop.commands else []
    notes += [stop.note] if stop.note else []
    return f"{stop.kind} {stop.number}: {stop.text}" + (f" ({', '.join(notes)})" if notes else "")


@command(
    "display EXPRESSION",
    "stop",
    keys="D",
    asks="display at every stop (norm(dz1), loss)",
    missing="display what? For example: display loss, display norm(dW1)",
)
def display(session: Session, arguments: str) -> Result:
    """Show an expression at every stop."""
    infer(session.program.parse(arguments), session.program.shapes(session.program.batches.sizes[0]))
    number = max(session.displays, default=0) + 1
    session.displays[number] = " ".join(arguments.split())
    return Result("value", "\n".join(session.displays.lines(session.timeline)), {"displays": dict(session.displays)})


@command("undisplay DISPLAY", "stop")
def undisplay(session: Session, arguments: str) -> Result:
    """Stop displaying an expression."""
    if arguments not in map(str, session.displays):
        raise BpdebugError(f"there is no display '{arguments}'; there are: {', '.join(map(str, session.displays)) or 'none'}")
    del session.displays[int(arguments)]
    return Result("value", "", {"displays": dict(session.displays)})
