"""The command table: keys, prompt, palette, scripts and help are all made from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bpdebug.debugger.explanation import Explanation
from bpdebug.debugger.listing import listing
from bpdebug.debugger.moves import Move, by_boundaries, by_stages, by_updates, describe, until
from bpdebug.debugger.numbers import exact, table
from bpdebug.debugger.position import parse_location
from bpdebug.debugger.results import Result
from bpdebug.engine.cells import Cell, cell_name
from bpdebug.engine.errors import BpdebugError
from bpdebug.engine.parser import suggestion
from bpdebug.engine.shapes import shape_text

if TYPE_CHECKING:
    from bpdebug.debugger.session import Session

Action = Callable[["Session", str], Result | Move]


class CommandError(BpdebugError):
    """A command that is not understood, with what was expected."""


@dataclass(frozen=True)
class Command:
    """One row.

    Attributes:
        name: as it is typed.
        usage: with its arguments.
        help: one line.
        run: what it does: a result, or a move for the session to make.
        keys: in the app, as Textual names them.
        aliases: other names.
        group: ``move``, ``back``, ``look`` or ``session``, for the help screen.
        asks: what the app asks for before it runs the command by key ("" for nothing).
        label: its word in the app's footer ("" for none).
    """

    name: str
    usage: str
    help: str
    run: Action
    keys: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    group: str = "look"
    asks: str = ""
    label: str = ""


COMMANDS: dict[str, Command] = {}
"""All commands by name, in the order of the help screen."""


def _command(usage: str, group: str, keys: str = "", aliases: str = "", asks: str = "", label: str = "") -> Callable[[Action], Action]:
    """Register a function as a command; its docstring is the help."""

    def register(run: Action) -> Action:
        name = usage.split(maxsplit=1)[0]
        COMMANDS[name] = Command(
            name, usage, (run.__doc__ or "").strip(), run, tuple(keys.split()), tuple(aliases.split()), group, asks, label
        )
        return run

    return register


def find_command(text: str) -> tuple[Command, str]:
    """The command that a line asks for, and its arguments.

    Raises:
        CommandError: for an unknown or ambiguous name, with suggestions.
    """
    name, _, arguments = text.strip().partition(" ")
    if not name:
        raise CommandError("a command is expected; 'help' lists them")
    for command in COMMANDS.values():
        if name == command.name or name in command.aliases:
            return command, arguments.strip()
    matching = [command for command in COMMANDS.values() if command.name.startswith(name)]
    if len(matching) == 1:
        return matching[0], arguments.strip()
    if matching:
        raise CommandError(f"'{name}' may be {' or '.join(command.name for command in matching)}")
    hint = suggestion(name, COMMANDS) or "; 'help' lists them"
    raise CommandError(f"there is no command '{name}'{hint}")


def _count(arguments: str) -> int:
    if not arguments:
        return 1
    if not re.fullmatch(r"\d{1,12}", arguments) or int(arguments) == 0:
        raise CommandError(f"a count from 1 is expected; found '{arguments}'")
    return int(arguments)


def _none(arguments: str, name: str) -> None:
    if arguments:
        raise CommandError(f"{name} takes no argument; found '{arguments}'")


@_command("step [n]", "move", keys="s ]", aliases="s", label="step")
def step(session: Session, arguments: str) -> Move:
    """Run the next stage (or n stages)."""
    return Move(by_stages(session.position, _count(arguments)), "step")


@_command("next [n]", "move", keys="n", aliases="n", label="layer")
def next_layer(session: Session, arguments: str) -> Move:
    """Run to the end of this layer's stages in this phase."""
    return Move(by_boundaries(session.program, session.position, _count(arguments), by_layer=True), "next")


@_command("finish [n]", "move", keys="f", aliases="f", label="phase")
def finish(session: Session, arguments: str) -> Move:
    """Run to the end of this phase."""
    return Move(by_boundaries(session.program, session.position, _count(arguments), by_layer=False), "finish")


@_command("update [n]", "move", keys="u", aliases="u", label="update")
def update(session: Session, arguments: str) -> Move:
    """Run to the end of this gradient update."""
    return Move(by_updates(session.position, _count(arguments)), "update")


@_command("epoch [n]", "move", keys="e", aliases="e", label="epoch")
def epoch(session: Session, arguments: str) -> Move:
    """Run to the end of this epoch."""
    return Move(by_updates(session.position, _count(arguments), session.position.batches), "epoch")


@_command("continue", "move", keys="c", aliases="c", label="continue")
def continue_(session: Session, arguments: str) -> Move:
    """Run until a stop: the first non-finite value, or the end of training."""
    _none(arguments, "continue")
    return Move(session.timeline.end, "end")


@_command("until LOCATION", "move", keys="t", aliases="t", asks="run forward to (dz2, backward, layer 2, 40:dz2, update 40, epoch 3)")
def until_(session: Session, arguments: str) -> Move:
    """Run forward to a location: dz2, backward, layer 2, 40:dz2, update 40, epoch 3, end."""
    return Move(until(session.program, session.position, parse_location(arguments, session.program)), "location")


@_command("goto LOCATION", "move", keys="g", aliases="g", asks="jump to (dz2, 40:dz2, update 40, start, end)", label="goto")
def goto(session: Session, arguments: str) -> Move:
    """Jump to a location, forwards or back, without stops on the way."""
    location = parse_location(arguments, session.program)
    return Move(location.clock(session.program, min(session.position.update, session.position.updates - 1)), "location", jump=True)


@_command("reverse-step [n]", "back", keys="S [", aliases="rs back", label="back")
def reverse_step(session: Session, arguments: str) -> Move:
    """Go back one stage (or n stages)."""
    return Move(by_stages(session.position, -_count(arguments)), "step", jump=True)


@_command("reverse-next [n]", "back", keys="N", aliases="rn")
def reverse_next(session: Session, arguments: str) -> Move:
    """Go back to the beginning of a layer's stages."""
    return Move(by_boundaries(session.program, session.position, -_count(arguments), by_layer=True), "next", jump=True)


@_command("reverse-finish [n]", "back", keys="F", aliases="rf")
def reverse_finish(session: Session, arguments: str) -> Move:
    """Go back to the beginning of a phase."""
    return Move(by_boundaries(session.program, session.position, -_count(arguments), by_layer=False), "finish", jump=True)


@_command("reverse-update [n]", "back", keys="U", aliases="ru")
def reverse_update(session: Session, arguments: str) -> Move:
    """Go back to the beginning of a gradient update."""
    return Move(by_updates(session.position, -_count(arguments)), "update", jump=True)


@_command("reverse-epoch [n]", "back", keys="E", aliases="re")
def reverse_epoch(session: Session, arguments: str) -> Move:
    """Go back to the beginning of an epoch."""
    return Move(by_updates(session.position, -_count(arguments), session.position.batches), "epoch", jump=True)


@_command("reverse-continue", "back", keys="C", aliases="rc")
def reverse_continue(session: Session, arguments: str) -> Move:
    """Go back to a stop: where the first non-finite value arose, or the start."""
    _none(arguments, "reverse-continue")
    first = session.timeline.first_nonfinite
    found = first is not None and first < session.position.t
    return Move(first or 0 if found else 0, "non-finite" if found else "start", jump=True)


@_command("print EXPRESSION", "look", keys="p", aliases="p", asks="print (a2, dz2[0,0], max(abs(dW1)))")
def print_(session: Session, arguments: str) -> Result:
    """Show the value of a tensor or an expression."""
    if not arguments:
        raise CommandError("print what? For example: print a2, print max(abs(dz2))")
    value = session.value(arguments)
    data = {"name": arguments, "shape": list(value.shape), "value": exact(value)}
    lines = table(value)
    text = (
        f"{arguments} = {lines[0]}"
        if value.ndim == 0
        else "\n".join([f"{arguments} ({shape_text(value.shape)})", *(f"  {line}" for line in lines)])
    )
    return Result("value", text, data)


_CELL = re.compile(r"([A-Za-z_]\w*(?:@\w+)?)\s*(?:\[\s*([\d\s,]*)\s*\])?")


@_command("explain NAME[i,j]", "look", keys="x", aliases="x", asks="explain (dW2[1,0], loss)")
def explain(session: Session, arguments: str) -> Result:
    """Show where a number comes from: its formula with the numbers put in."""
    return _explained(session.explain(*_cell_of(arguments)))


def _explained(explanation: Explanation) -> Result:
    data = {
        "name": explanation.name,
        "index": list(explanation.index),
        "value": exact(explanation.value),
        "computed_by": explanation.stage.name if explanation.stage else None,
        "formula": explanation.stage.formula.text if explanation.stage else None,
        "symbolic": explanation.symbolic,
        "numbers": explanation.numbers,
        "meaning": explanation.origin,
        "operands": [{"name": name, "index": list(at)} for name, at in explanation.operands],
    }
    return Result("explanation", "\n".join(explanation.lines()), data)


def _cell_of(text: str) -> tuple[str, Cell]:
    found = _CELL.fullmatch(text)
    if not found:
        raise CommandError(f"a cell such as dW2[1,0] is expected; found '{text}'")
    return found[1], tuple(int(part) for part in (found[2] or "").split(",") if part.strip())


@_command("select NAME[i,j]", "look")
def select(session: Session, arguments: str) -> Result:
    """Put the cell cursor on a cell (in the app: the arrow keys)."""
    session.select(*_cell_of(arguments))
    return _explained(session.explain(*_cell_of(arguments)))


@_command("origin [NAME[i,j]]", "look", keys="enter", label="origin")
def origin(session: Session, arguments: str) -> Move:
    """Jump to the stage that made the selected cell; from there, to the cell that it was made of."""
    name, index = _cell_of(arguments) if arguments else (None, ())
    return Move(session.follow_origin(name, index), "origin", jump=True)


@_command("operand [n]", "look", keys="o", aliases="o")
def operand(session: Session, arguments: str) -> Result:
    """Choose the next operand of the selected cell (or the nth, from 1) for origin to go to."""
    explained = session.explain(*session.selected) if session.selected else None
    if explained is None or not explained.operands:
        raise CommandError("the selected cell has no operands")
    session.operand = (_count(arguments) - 1 if arguments else session.operand + 1) % len(explained.operands)
    name, index = explained.operands[session.operand]
    return Result("position", f"origin goes to {cell_name(name, index)}", {"operand": {"name": name, "index": list(index)}})


@_command("return", "look", keys="backspace")
def return_(session: Session, arguments: str) -> Move:
    """Go back to where the last origin was asked for."""
    _none(arguments, "return")
    return Move(session.leave_origin(), "return", jump=True)


@_command("list", "look", keys="l", aliases="l")
def list_(session: Session, arguments: str) -> Result:
    """Show the program: every stage with its formula, and how far this update has come."""
    _none(arguments, "list")
    rows = listing(session.timeline)
    return Result("listing", "\n".join(row.text for row in rows), {"stages": [row.data for row in rows if row.data]})


@_command("where", "look", keys="w", aliases="w")
def where(session: Session, arguments: str) -> Result:
    """Show the present moment: update, epoch, batch, stage."""
    _none(arguments, "where")
    p = session.position
    text = f"{describe(session.timeline)}\nepoch {p.epoch}, batch {p.batch + 1}/{p.batches}, t = {p.t}"
    return Result("position", text, {"epoch": p.epoch, "batch": p.batch, "next": p.next, "phase": p.phase, "layer": p.layer})


@_command("help [COMMAND]", "session", keys="? f1", aliases="h ?", label="help")
def help_(session: Session, arguments: str) -> Result:
    """Show the commands, or one of them."""
    chosen = [find_command(arguments)[0]] if arguments else list(COMMANDS.values())
    width = max(len(command.usage) for command in chosen)
    lines = [f"{command.usage:<{width}}  {command.help}{_aliases(command)}" for command in chosen]
    return Result(
        "help", "\n".join(lines), {"commands": [{"name": c.name, "usage": c.usage, "help": c.help, "keys": list(c.keys)} for c in chosen]}
    )


def _aliases(command: Command) -> str:
    return f" ({', '.join(command.aliases)})" if command.aliases else ""


@_command("quit", "session", keys="q ctrl+q", aliases="q exit", label="quit")
def quit_(session: Session, arguments: str) -> Result:
    """Leave."""
    _none(arguments, "quit")
    return Result("quit", "")
