"""The line above the panes, which says where we are."""

from __future__ import annotations

from math import isfinite
from pathlib import PurePath

from bpdebug.core.numbers import short
from bpdebug.core.render import render_name
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line, Span, first_that_fits, fit, line, width

_GAP: Span = ("   ", "")


def header_line(view: View, columns: int) -> Line:
    """Title, update, epoch, batch, stage and loss, as much as fits; what matters least goes first, and the loss never."""
    position, loss, stage, gist = view.position, _loss(view), _stage(view), _stage(view, brief=True)
    scenario, game = view.program.scenario, view.game
    name = PurePath(scenario.source).name or scenario.name
    if game is None:
        title, brief = line((" bpdebug ", "heading"), (name, "bold")), line((" ", ""), (name, "bold"))
    else:
        left = "over" if game.over else f"{game.tries} left"
        title = line((" ", ""), (game.line, "changed"), (f" on {name}", "dim"))
        brief = line((" ", ""), (f"hunt {game.number}  {left}  {game.points}/{game.hunts}", "changed"))
    update = line(("update ", "dim"), (str(position.update), "bold"), (f"/{position.updates}", "dim"))
    epoch = line(("epoch ", "dim"), str(position.epoch))
    batch = () if position.at_end else line(("batch ", "dim"), f"{position.batch + 1}/{position.batches}")
    if view.program.recorded:  # a single step, which is no update of a training
        update, epoch, batch = line((scenario.name, "dim")), (), ()
    full = (title, update, epoch, batch, stage), (title, update, epoch, stage), (title, update, stage)
    ways = (*full, (brief, update, stage), (brief, update, gist), (update, gist))
    drawn = first_that_fits((_joined(*parts, loss) for parts in ways), columns - 1, ())
    if drawn:
        return fit(drawn, columns)
    room = max(columns - width(loss) - 1, 0)
    return fit((*fit(_joined(update, gist), room), (" ", ""), *loss), columns)


def _joined(*parts: Line) -> Line:
    return tuple(span for part in parts if part for span in (_GAP, *part))[1:]


def _stage(view: View, brief: bool = False) -> Line:
    position = view.position
    if position.next is None:
        return line(("complete" if brief else f"{'step' if view.program.recorded else 'training'} complete", "bold"))
    count = line(("" if brief else "stage ", "dim"), (f"{position.done}/{position.stages} ", ""))
    if position.stage is None:
        return (*count, ("start", "dim"))
    phase = "" if brief or position.phase == position.stage else f"{position.phase} "
    return (*count, (phase, "dim"), (render_name(position.stage, view.style), "next"))


def _loss(view: View) -> Line:
    """The last loss that is known, and of which update, where it is not this one's, or since when it is none; of an update that has just
    been completed, the loss before it and after."""
    updates, losses = view.losses
    if view.effect and isfinite(view.effect.after):
        return line(("loss ", "dim"), (view.effect.losses, "bold"))
    if view.loss is not None:
        value, note = view.loss, ""
    elif len(updates) and view.position.update > 0:
        place = min(int(updates.searchsorted(view.position.update - 1)), len(losses) - 1)
        value, note = float(losses[place]), "" if view.program.recorded else f" (update {int(updates[place])})"
    else:
        return line(("loss ", "dim"), ("—", "faint"))
    finite = isfinite(value)
    if view.diverged is not None:
        note = f" since update {view.diverged}" if not finite else f"  not finite since update {view.diverged}"
    return line(("loss ", "dim"), (short(value, 5), "bold" if finite else "bad"), (note, "faint" if view.diverged is None else "bad"))
