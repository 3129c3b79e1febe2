"""The line above the panes, which says where we are."""

from __future__ import annotations

from pathlib import PurePath

from bpdebug.debugger.numbers import short
from bpdebug.debugger.view import View
from bpdebug.engine.render import render_name
from bpdebug.ui.draw.spans import Line, Span, fit, line, width

_GAP: Span = ("   ", "")


def header_line(view: View, columns: int) -> Line:
    """Title, update, epoch, batch, stage and loss, as much as fits; what matters least goes first."""
    position = view.position
    title, brief = _titles(view)
    update = line(("update ", "dim"), (str(position.update), "bold"), (f"/{position.updates}", "dim"))
    epoch = line(("epoch ", "dim"), str(position.epoch))
    batch = line(("batch ", "dim"), f"{position.batch + 1}/{position.batches}")
    parts = [title, update, epoch, batch, _stage(view), _loss(view)]
    for left_out in ((), (3,), (2, 3)):
        drawn = _joined([part for i, part in enumerate(parts) if i not in left_out])
        if width(drawn) <= columns:
            return fit(drawn, columns)
    loss = _loss(view) if view.loss is not None else line(("loss ", "dim"), ("—", "faint"))
    needed = [update, _stage(view), loss]
    room = max(columns - width(_joined([(), *needed])), 0)
    return fit(_joined([fit(brief, room) if width(brief) > room else brief, *needed]), columns)


def _titles(view: View) -> tuple[Line, Line]:
    """What is debugged, or how the hunt goes; in full and in brief."""
    scenario, game = view.program.scenario, view.game
    name = PurePath(scenario.source).name or scenario.name
    if game is None:
        return (line((" bpdebug ", "heading"), (name, "bold")),) * 2
    left = "over" if game.over else f"{game.tries} left"
    brief = line((" ", ""), (f"hunt {game.number} · {left} · {game.points}/{game.hunts}", "changed"))
    return line((" ", ""), (game.line, "changed"), (f" on {name}", "dim")), brief


def _joined(parts: list[Line]) -> Line:
    spans: list[Span] = list(parts[0])
    for part in parts[1:]:
        spans += [_GAP, *part]
    return tuple(spans)


def _stage(view: View) -> Line:
    position = view.position
    count = line(("stage ", "dim"), (f"{position.done}/{position.stages} ", ""))
    if position.next is None:
        return line(("training complete", "good"))
    if position.stage is None:
        return (*count, ("start", "dim"))
    phase = "" if position.phase == position.stage else f"{position.phase} "
    return (*count, (phase, "dim"), (render_name(position.stage, view.style), "next"))


def _loss(view: View) -> Line:
    updates, losses = view.losses
    if view.loss is not None:
        value, note = view.loss, ""
    elif len(updates) and view.position.update > 0:
        place = min(int(updates.searchsorted(view.position.update - 1)), len(losses) - 1)
        value, note = float(losses[place]), f" (update {int(updates[place])})"
    else:
        return line(("loss ", "dim"), ("—", "faint"))
    return line(("loss ", "dim"), (short(value, 5), "bold" if abs(value) < float("inf") else "bad"), (note, "faint"))
