"""Scripts, help, and the end."""

from __future__ import annotations

from bpdebug.files import path_of, write_file
from bpdebug.session.script import run_script, session_script
from bpdebug.session.session import Session
from bpdebug.session.table import Command, CommandError, command, find_command, in_order, no_arguments
from bpdebug.time.results import Result


@command("source FILE", "session", asks="carry out the commands of a file")
def source(session: Session, arguments: str) -> Result:
    """Carry out the commands of a file."""
    if not arguments:
        raise CommandError("source which file?")
    answers = run_script(session, arguments)
    lines = [part for text, answer in answers for part in (f"> {text}", answer.text) if part]
    data = {"commands": [{"command": text, "type": answer.type, **answer.data} for text, answer in answers]}
    ended = bool(answers) and answers[-1][1].type == "quit"
    return Result("quit" if ended else "script", "\n".join(lines), data)


@command("save FILE", "session", asks="save the session as a script")
def save(session: Session, arguments: str) -> Result:
    """Write the session (edits, stops, displays, bookmarks, position) as a script that replays it."""
    if not arguments:
        raise CommandError("save to which file?")
    text = session_script(session)
    write_file(path_of(arguments), text)
    count = text.count("\n") - 1
    return Result("script", f"saved as {arguments}: {count} command{'s' * (count != 1)}", {"file": arguments})


@command("help [COMMAND]", "session", keys="? f1", aliases="h ?", label="help")
def help_(session: Session, arguments: str) -> Result:
    """Show the commands, or one of them."""
    chosen = [find_command(arguments)[0]] if arguments else in_order()
    width = max(len(command.usage) for command in chosen)
    lines = [f"{command.usage:<{width}}  {command.help}{_aliases(command)}" for command in chosen]
    return Result(
        "help", "\n".join(lines), {"commands": [{"name": c.name, "usage": c.usage, "help": c.help, "keys": list(c.keys)} for c in chosen]}
    )


def _aliases(command: Command) -> str:
    return f" ({', '.join(command.aliases)})" if command.aliases else ""


@command("quit", "session", keys="q ctrl+q", aliases="q exit", label="quit")
def quit_(session: Session, arguments: str) -> Result:
    """Leave."""
    no_arguments(arguments, "quit")
    return Result("quit", "")
