"""Scripts, help, the end, and the guided tour."""

from __future__ import annotations

from bpdebug.core.words import suggestion
from bpdebug.files import path_of, write_file
from bpdebug.look.legend import Entry, entries, named, searched
from bpdebug.session.script import run_script, session_script
from bpdebug.session.session import Session
from bpdebug.session.table import Command, CommandError, command, find_command, in_order
from bpdebug.session.themes import THEMES, theme_named
from bpdebug.time.results import Result


@command("source FILE", "session", asks="a file of commands", missing="source needs a file, e.g. source lesson.txt")
def source(session: Session, arguments: str) -> Result:
    """Run the commands in a file."""
    answers = run_script(session, arguments)
    lines = [part for text, answer in answers for part in (f"> {text}", answer.text) if part]
    data = {"commands": [{"command": text, "type": answer.type, **answer.data} for text, answer in answers]}
    ended = bool(answers) and answers[-1][1].type == "quit"
    return Result("quit" if ended else "script", "\n".join(lines), data)


@command("save FILE", "session", asks="save the session as a script", missing="save needs a file, e.g. save session.txt")
def save(session: Session, arguments: str) -> Result:
    """Write the session (edits, stops, displays, bookmarks, position) as a script that replays it."""
    text = session_script(session)
    write_file(path_of(arguments), text)
    count = text.count("\n") - 1
    return Result("script", f"saved as {arguments}: {count} command{'s' * (count != 1)}", {"file": arguments})


@command("help [TOPIC]", "session", keys="? f1", aliases="h ?", label="help")
def help_(session: Session, topic: str = "") -> Result:
    """Show the commands, or explain one of them, or any sign, colour or word on the screen: help ⊙, help orange, help neuron."""
    chosen, explained = _meant(topic) if topic else (in_order(), [])
    width = max((len(command.usage) for command in chosen), default=0)
    lines = [f"{c.usage:<{width}}  {c.help}" + f" ({', '.join(c.aliases)})" * bool(c.aliases) for c in chosen]
    lines += [entry.told for entry in explained]
    lines += ["help ⊙, help orange or help neuron explains a sign, a colour or a word; help legend all of them"] * (not topic)
    data = {"commands": [{"name": c.name, "usage": c.usage, "help": c.help, "keys": list(c.keys)} for c in chosen]}
    told = [{"name": entry.name, "signs": [*entry.signs], "text": entry.text} for entry in explained]
    return Result("help", "\n".join(lines), {**data, "legend": told})


def _meant(topic: str) -> tuple[list[Command], list[Entry]]:
    """What a topic is: a command, its abbreviation or an entry of the legend; else whatever in the legend says its words.

    Raises:
        CommandError: where there is nothing of the kind.
    """
    commands = [command for command in in_order() if topic in (command.name, *command.aliases)]
    if not (explained := named(topic)) and not commands:
        try:
            commands = [find_command(topic)[0]]
        except CommandError:
            explained = searched(topic)
    if commands or explained:
        return commands, explained
    hint = suggestion(topic, [*(command.name for command in in_order()), *(entry.name for entry in entries())])
    raise CommandError(f"nothing is called '{topic}'{hint or '; help lists the commands, help legend the signs and words'}")


@command("theme [THEME]", "session")
def theme(session: Session, text: str = "") -> Result:
    """Choose the colours of the screen (dark, light, contrast), now and in later sessions; alone, list them."""
    if not text:
        return Result("info", "\n".join(f"{name}: {what}" for name, what in THEMES.items()), {"themes": [*THEMES]})
    name = theme_named(text)
    return Result("theme", f"the screen's theme is {name}: {THEMES[name]}", {"theme": name})


@command("quit", "session", keys="q ctrl+q", aliases="q exit", label="quit")
def quit_(session: Session) -> Result:
    """Leave."""
    return Result("quit", "")


@command("tour [next|off|FILE.yaml]", "session")
def tour(session: Session, arguments: str = "") -> Result:
    """Show what to press next, step by step: through this program, or through the steps of a tour of your own."""
    from bpdebug.play.tour import OURS, load_tour  # noqa: PLC0415 - a start does without

    if arguments == "off":
        session.tour = None
        return Result("tour", "the tour is over", {"step": None})
    if arguments not in ("", "next") and not arguments.endswith((".yaml", ".yml")):
        raise CommandError("expected tour, tour next (to skip a step), tour off, or a tour of your own: tour lesson.yaml")
    own = path_of(arguments) if arguments not in ("", "next") else None
    begun = session.tour if own is None else None
    now = begun or load_tour(session.program, own or OURS)
    session.tour = now
    if arguments == "next" and begun:
        now.at = min(now.at + 1, len(now.steps))
    now.look(session.cursor, session.stops, session.check)
    return Result("tour", f"{now.heading}\n{now.text}", {"step": now.at, "title": now.title, "text": now.text})
