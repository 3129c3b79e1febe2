"""Completion at the prompt: the usages of the command table tell what each argument may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from bpdebug.core.network import Phase
from bpdebug.look.legend import entries
from bpdebug.session.commands.stop import CATCHES
from bpdebug.session.completion import Candidate, Completion, beginning, complete, complete_path, formula_words, tensor_words
from bpdebug.session.session import Session
from bpdebug.session.table import COMMANDS, Command, CommandError, find_command, in_order
from bpdebug.session.themes import THEMES
from bpdebug.session.usage import expected, stands_for_itself, ways


def meant(text: str) -> Command | None:
    """The command that a line begins with, where that is known already."""
    try:
        return find_command(text)[0]
    except CommandError:
        return None


def complete_command(text: str, cursor: int, session: Session) -> Completion:
    """What the word before the cursor may become, of a command's line.

    Args:
        text: the line so far.
        cursor: the place in it, counted from 0.
        session: whose names there are.
    """
    text = text[:cursor]
    begun = re.match(r"\s*(?:\d+\s*)?", text)
    start = begun.end() if begun else 0
    name, blank, rest = text[start:].partition(" ")
    if not blank:
        return Completion(start, len(text), tuple(_names(name)))
    command = meant(name)
    return _arguments(command, session, rest).later(start + len(name) + 1) if command else Completion(len(text), len(text), ())


def _names(word: str) -> Iterable[Candidate]:
    """The commands that begin with a word, then the other names that do."""
    found = [command for command in in_order() if command.name.startswith(word)]
    yield from (Candidate(_typed(command, command.name), note=command.help) for command in found)
    for command in COMMANDS.values() if word else ():
        others = [alias for alias in command.aliases if alias.startswith(word) and command not in found]
        yield from (Candidate(_typed(command, alias), note=f"{command.name}: {command.help}") for alias in others)


def _typed(command: Command, name: str) -> str:
    """A command's name, with a blank where something may follow."""
    return name if ways(command.usage) == ((),) else f"{name} "


def _arguments(command: Command, session: Session, text: str) -> Completion:
    """What may stand at the end of a command's arguments: all that the usage admits and that begins at the same place."""
    offers = []
    for token, start, more in expected(command.usage, text):
        if stands_for_itself(token):
            found = beginning(text[start:], [Candidate(f"{token} " if more else token)])
            offers.append(Completion(start, len(text), found))
        elif token.startswith("FILE"):
            endings = [part for part in token.removeprefix("FILE").split("|") if part]
            offers.append(complete_path(text[start:], endings, new=command.writes and len(endings) > 1).later(start))
        elif token in ARGUMENTS:
            offers.append(ARGUMENTS[token](session, text[start:]).later(start))
    begun = [offer for offer in offers if offer.found]
    place = begun[0].start if begun else len(text)
    words = {candidate.word: candidate for offer in begun if offer.start == place for candidate in offer.found}
    return Completion(place, len(text), tuple(words.values()))


Kind = Callable[[Session, str], Completion]


def _one_of(words: Callable[[Session], Iterable[Candidate]]) -> Kind:
    """A kind that is one of some words; of several in a row, the last one is completed."""

    def kind(session: Session, text: str) -> Completion:
        start = text.rfind(" ") + 1
        return Completion(start, len(text), beginning(text[start:], words(session)))

    return kind


def _expression(session: Session, text: str) -> Completion:
    """A word of a formula; none where an operator is due."""
    words = () if re.search(r"[\w.)\]]\s+$", text) else formula_words(session.program, session.shapes)
    return complete(text, len(text), words)


def _cell(session: Session, text: str) -> Completion:
    """A tensor's name, then its indices one after the other."""
    name = max((name for name in session.shapes if text.startswith(f"{name}[")), key=len, default="")
    if not name:
        words = (Candidate(f"{c.word}[" if c.shape else c.word, c.shape) for c in tensor_words(session.program, session.shapes))
        return Completion(0, len(text), beginning(text, [*words, *_lines(session)]))
    shape, given = session.shapes[name], text[len(name) + 1 :].split(",")
    if len(given) > len(shape):
        return Completion(len(text), len(text), ())
    before, begun = "".join(f"{part}," for part in given[:-1]), given[-1].strip()
    end = "]" if len(given) == len(shape) else ","
    found = (Candidate(f"{name}[{before}{i}{end}") for i in range(shape[len(given) - 1]) if str(i).startswith(begun))
    return Completion(0, len(text), tuple(found))


def _location(session: Session, text: str) -> Completion:
    prefix = re.match(r"\d+\s*:\s*", text)
    start = prefix.end() if prefix else 0
    groups = dict.fromkeys(tensor.group for tensor in session.program.tensors.values() if tensor.group)
    words = [*Phase, *groups, *(() if prefix else ("start", "end", "update ", "epoch "))]
    offered = [*_stages(session), *(Candidate(str(word)) for word in words), *_lines(session)]
    return Completion(start, len(text), beginning(text[start:], offered))


def _lines(session: Session) -> Iterable[Candidate]:
    """The lines of the user's script at which something is computed."""
    found = dict[str, str]()
    for stage in session.program.stages:
        if stage.line:
            found.setdefault(stage.line, str(stage))
    return (Candidate(line, note=note) for line, note in found.items())


def _moment(session: Session, text: str) -> Completion:
    """The last of several locations or bookmarks, with a comma between."""
    start = text.rfind(",") + 1
    start += len(text[start:]) - len(text[start:].lstrip())
    found = _location(session, text[start:])
    marks = [Candidate(f"'{name}", note=note) for name, note in _marks(session)]
    return Completion(found.start, found.end, (*found.found, *beginning(text[start + found.start :], marks))).later(start)


def _marks(session: Session) -> Iterable[tuple[str, str]]:
    """The bookmarks with their moments."""
    return ((name, session.place_of(t)) for name, t in session.bookmarks.items())


def _stages(session: Session) -> Iterable[Candidate]:
    return (Candidate(stage.name, note=str(stage)) for stage in session.program.stages)


def _conditions(session: Session) -> Iterable[Candidate]:
    yield from (Candidate(name, note=text) for name, (text, _) in CATCHES.items())
    yield Candidate("non-finite ", note="a value is not finite (on or off)")


def _topics() -> Iterable[Candidate]:
    yield from (Candidate(command.name, note=command.help) for command in in_order())
    yield from (Candidate(entry.name, note=f"{entry.shown} {entry.text}".strip()) for entry in entries())


def _numbered(things: Mapping[int, str]) -> Iterable[Candidate]:
    return (Candidate(str(number), note=text) for number, text in things.items())


def _last_line(session: Session, text: str) -> Completion:
    start = text.rfind(";") + 1
    return complete_command(text[start:], len(text), session).later(start)


def _stops(session: Session) -> Iterable[Candidate]:
    return _numbered({number: f"{stop.kind} {stop.text}" for number, stop in session.stops.all.items()})


ARGUMENTS: dict[str, Kind] = {
    "NAME": _one_of(lambda session: tensor_words(session.program, session.shapes)),
    "STAGE": _one_of(_stages),
    "LINE": _one_of(_lines),
    "GRADIENT": _one_of(lambda session: [Candidate(stage.name, note=str(stage)) for stage in session.program.stages if stage.of]),
    "NAME[i,j]": _cell,
    "EXPRESSION": _expression,
    "CONDITION": _expression,
    "LOCATION": _location,
    "MOMENT": _moment,
    "BOOKMARK": _one_of(lambda session: [Candidate(name, note=place) for name, place in _marks(session)]),
    **dict.fromkeys(("STOP", "STOP…"), _one_of(_stops)),
    "DISPLAY": _one_of(lambda session: _numbered(session.displays)),
    "WHAT": _one_of(_conditions),
    "THEME": _one_of(lambda session: [Candidate(name.removeprefix("bpdebug-"), note=what) for name, what in THEMES.items()]),
    "TOPIC": lambda session, text: Completion(0, len(text), beginning(text, _topics())),
    "COMMAND;": _last_line,
    "COMMAND…": _last_line,
}
"""What completes the words of the usages in capitals."""
