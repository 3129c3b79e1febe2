"""The line above the panes, which says where we are, and that below them, which says what can be pressed at this moment: nothing that would
do nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import PurePath
from typing import NamedTuple

from bpdebug.core.numbers import short
from bpdebug.look.folds import folds_of
from bpdebug.play.hunt import LOCKED
from bpdebug.session.commands import COMMANDS, Command
from bpdebug.session.view import View
from bpdebug.ui.draw.glyphs import glyph
from bpdebug.ui.draw.layers import has_paths
from bpdebug.ui.draw.spans import Line, Span, first_that_fits, fit, line, width

_APART: Span = ("   ", "")


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
    return tuple(span for part in parts if part for span in (_APART, *part))[1:]


def _stage(view: View, brief: bool = False) -> Line:
    position = view.position
    if position.next is None:
        return line(("complete" if brief else f"{'step' if view.program.recorded else 'training'} complete", "bold"))
    count = line(("" if brief else "stage ", "dim"), (f"{position.done}/{position.stages} ", ""))
    if position.stage is None:
        return (*count, ("start", "dim"))
    phase = "" if brief or position.phase == position.stage else f"{position.phase} "
    return (*count, (phase, "dim"), (view.named(position.stage), "next"))


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


ARROWS = ("left", "right", "up", "down")
PARTS = ("left_parenthesis", "right_parenthesis")
_GAP = 2
"""Blanks between two hints."""


class Hint(NamedTuple):
    """Something that can be pressed.

    Attributes:
        name: of the command, or of what only the app can do.
        keys: one, or several that belong together.
        label: what it does, in a word.
    """

    name: str
    keys: tuple[str, ...]
    label: str

    @property
    def glyphs(self) -> tuple[str, ...]:
        """The keys as they are shown."""
        return tuple(glyph(key) for key in self.keys)

    @property
    def spans(self) -> tuple[Span, Span]:
        """The hint as it is drawn."""
        return (self._joined(len(self.keys)), "key"), (f" {self.label}", "")

    def _joined(self, count: int) -> str:
        """The first so many keys; apart, where one is more than a sign."""
        glyphs = self.glyphs
        return (" " * any(len(one) > 1 for one in glyphs)).join(glyphs[:count])

    def key_at(self, x: int) -> str:
        """The key that a click on a column of the hint stands for: the one under it, else the last."""
        ends = [width(self._joined(place + 1)) for place in range(len(self.keys))]
        return next((key for key, end in zip(self.keys, ends, strict=True) if x < end), self.keys[-1])


HintOf = Callable[[View], Hint | None]
"""A hint where there is one."""


class Place(NamedTuple):
    """Where the user is in the app.

    Attributes:
        hints: what the pane that has the focus has for itself.
        cells: whether that shows the selected cell, as it does where no pane was chosen.
        picked: whether text is selected.
        alone: whether the pane has the whole body.
        letters: the keys of panes that have no digit.
    """

    hints: tuple[HintOf, ...] = ()
    cells: bool = True
    picked: bool = False
    alone: bool = False
    letters: tuple[str, ...] = ()


_NOWHERE = Place()


def has_parts(view: View) -> bool:
    """Whether the selected cell's tensor has more axes than a table shows."""
    return view.selected is not None and len(view.selected[1]) > 2


def possible(view: View, command: Command) -> bool:
    """Whether a command would do anything now."""
    position, explained = view.position, view.explanation
    hunting = view.game is not None and not view.game.over
    told = {
        "goto": True,
        "origin": explained is not None and (explained.t not in (None, position.t) or bool(explained.operands)),
        "operand": explained is not None and len(explained.operands) > 1,
        "return": bool(view.crumbs),
        "jump": bool(view.bookmarks),
        "axes": has_parts(view),
        **dict.fromkeys(("accuse", "hint", "reveal"), hunting),
        **dict.fromkeys(("sample", "reverse-sample"), len(view.samples) > 1),
        **dict.fromkeys(LOCKED, not hunting),
        "compare": True,
        "paths": command.name == "paths" and not hunting and has_paths(view),
    }
    groups = {"move": position.next is not None, "back": position.t > 0}
    return told.get(command.name, groups.get(command.group, True))


def command_keys(*names: str) -> HintOf:
    """The hint of a command, or of two that belong together; nothing where they have no key or would do nothing."""

    def hint(view: View) -> Hint | None:
        commands = [COMMANDS[name] for name in names]
        keys = tuple(command.keys[0] for command in commands if command.keys)
        there = keys and all(possible(view, command) for command in commands)
        label = commands[-1].label or names[-1]
        if label == "layer" and not view.program.layers:
            label = "row" if folds_of(view.program).by_rows else "group"
        return Hint(names[-1], keys, label) if there else None

    return hint


def own_keys(label: str, *keys: str, when: Callable[[View], bool] = lambda _: True) -> HintOf:
    """The hint of what only the app can do, where it can."""
    return lambda view: Hint(label, keys, label) if when(view) else None


ORIGIN = (command_keys("origin"), command_keys("operand"))
"""What the keys do wherever there are cells."""
_BACK = ("reverse-step", "reverse-update", "reverse-epoch", "goto")
_MOVES = ("step", "next", "finish", "update", "continue")
_FIRST = ("quit", "copy", "accuse", "step", "next", "reverse-step")
_USUAL = (*_FIRST, "return", "update", "into", "paths", "origin", "continue", "finish", "help", "prompt", "check", "panes")
_CHOSEN = (*_FIRST, "help")
_ENDED = ("quit", "copy", "reverse-step", "reverse-update", "goto", "help", "prompt")
"""What matters most, the way out before all: usually, in a pane that was chosen for its own keys, and at the end of the training."""
_LAST = (
    *("continue", "others", "prompt", "update", "check", "panes", "goto", "finish", "alone", "epoch"),
    *("reverse-update", "reverse-epoch", "size", "into", "return", "origin", "paths"),
)
"""What comes after a pane's own keys."""
_OWN = ""
"""Stands for a pane's own keys."""


def _now(view: View) -> str:
    """The one thing to do now: begin, ask where a number comes from, then what the gradient is made of, or go back."""
    explained = view.explanation
    if view.position.next is None or view.game:
        return ""
    if view.position.t and explained and explained.operands and not view.crumbs:
        return "origin"
    return "step" if not view.crumbs else "paths" if has_paths(view) else "return"


def _hints(view: View, place: Place) -> Iterator[Hint | None]:
    """All hints in the order in which they stand."""
    yield Hint("copy", ("ctrl+c",), "copy") if place.picked else None
    yield from (command_keys(name)(view) for name in ("accuse", *_MOVES, "into", "epoch", *_BACK))
    yield from (made(view) for made in place.hints)
    yield from (command_keys(name)(view) for name in ("origin", "return", "paths", "check", "help"))
    yield Hint("prompt", ("colon",), "type")
    yield Hint("panes", ("tab", *place.letters), "panes")
    yield Hint("others", ("z",), "all panes") if place.alone else Hint("alone", ("z",), "alone")
    yield None if place.alone else Hint("size", ("less_than_sign", "greater_than_sign"), "size")
    yield command_keys("quit")(view)


def _placed(view: View, columns: int, place: Place) -> list[tuple[int, Hint]]:
    """The hints that there is room for, the most important ones, with their columns."""
    chosen = place.hints and not place.cells
    first: tuple[str, ...] = _CHOSEN if chosen else _USUAL
    if view.position.next is None:
        first = _ENDED if chosen else (*_ENDED, "check")
    now = "" if chosen else _now(view)
    order = ("quit", *[now] * bool(now), *first, _OWN, *_LAST)
    hints = list({hint.name: hint for hint in _hints(view, place) if hint}.values())
    hints.sort(key=lambda hint: hint.name != now)  # what is to be done now comes first
    room, kept = columns - 1 + _GAP, set()
    for hint in sorted(hints, key=lambda hint: order.index(hint.name if hint.name in order else _OWN)):
        if width(hint.spans) + _GAP <= room:
            room -= width(hint.spans) + _GAP
            kept.add(hint)
    places, x = [], 1
    for hint in (hint for hint in hints if hint in kept):
        places.append((x, hint))
        x += width(hint.spans) + _GAP
    return places


def footer_line(view: View, columns: int, place: Place = _NOWHERE) -> Line:
    """The keys that matter most now, as many as fit; or what is going on.

    Args:
        view: the moment.
        columns: the width of the line.
        place: where the user is.
    """
    if view.message:
        return fit(line((" ", ""), (view.message, "next")), columns)
    spans: list[Span] = []
    now = "" if place.hints and not place.cells else _now(view)
    for x, hint in _placed(view, columns, place):
        loud = [("".join(text for text, _ in hint.spans), "cursor")] if hint.name == now else hint.spans
        spans += [(" " * (x - width(tuple(spans))), ""), *loud]
    return fit(tuple(spans), columns)


def footer_key(view: View, columns: int, x: int, place: Place = _NOWHERE) -> str:
    """The key that a click on a column of the line stands for, or ""; while something is going on, any."""
    if view.message:
        return "escape"
    found = ((hint, x - start) for start, hint in _placed(view, columns, place) if 0 <= x - start < width(hint.spans))
    return next((hint.key_at(at) for hint, at in found), "")
