"""What the app makes of a command's answer: a screen over the panes, a note beside them, or nothing that the panes do not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpdebug.session.commands import Command
from bpdebug.session.view import View
from bpdebug.time.results import Result
from bpdebug.ui.bars import Note
from bpdebug.ui.screens import OnceScreen, TextScreen

if TYPE_CHECKING:
    from bpdebug.ui.prompt_screen import PromptScreen

_SILENT = ("select",)
"""Commands whose effect is to be seen in the panes."""
_SHORT = 120
"""Characters of an answer that is shown beside the panes."""


def screen_of(command: Command, result: Result, view: View) -> OnceScreen | None:
    """The screen that an answer is shown on, or that asks for what comes next."""
    if command.name == "help" and len(result.data["commands"]) > 1:
        from bpdebug.ui.help_screen import HelpScreen  # noqa: PLC0415 - a start does without

        return HelpScreen()
    if result.type == "question":
        return question_screen(result.data["question"]["prompt"])
    report = {"check": view.check, "compare": view.comparison}.get(result.type)
    if report and report.shown:
        from bpdebug.ui.report_screen import ReportScreen  # noqa: PLC0415 - a start does without

        return ReportScreen(view, report)
    if result.type in ("stop", "edit") or command.name in _SILENT or _on_tour(result):
        return None
    long = command.name == "help" or "\n" in result.text or len(result.text) > _SHORT
    return TextScreen(result.text, command.name) if long else None


def question_screen(prompt: str, text: str = "", mistake: str = "") -> PromptScreen:
    """Asks about the next stage; once more where the answer could not be read, which is given back with the reason."""
    from bpdebug.ui.prompt_screen import PromptScreen  # noqa: PLC0415 - a start does without

    return PromptScreen("answer", f"{prompt}  (Esc, then s goes on without an answer)", text=text, mistake=mistake)


def note_of(command: Command, result: Result, at_end: bool, moved: bool = True) -> Note | None:
    """The note that says an answer.

    Args:
        command: what was asked.
        result: its answer.
        at_end: whether the training is complete.
        moved: whether the panes show anything else than before.
    """
    if result.type == "stop" and moved:
        return _arrival(result, at_end)
    if result.type == "edit" and command.name == "formula":
        return Note(f"{result.text}\nv checks it")
    silent = _on_tour(result) or (command.name in _SILENT and moved)
    return Note(result.text) if result.text and not silent else None


def _on_tour(result: Result) -> bool:
    """Whether an answer is the step of a tour, which stands below the panes."""
    return result.type == "tour" and result.data["step"] is not None


def _arrival(result: Result, at_end: bool) -> Note | None:
    """What the panes do not show by themselves of the end of a move."""
    if "answer" in result.data:
        return Note(result.text, "information" if result.data["answer"]["right"] else "warning", 10)
    if result.data.get("hits") or result.data["reason"] in ("run", "reload"):
        return Note("\n".join(line for line in result.text.splitlines() if not line.startswith("update ")))
    if result.data["reason"] == "non-finite" and "culprit" in result.data:
        return Note(result.text.splitlines()[0], "warning")
    ended = result.data["reason"] == "start" or (result.data["reason"] == "end" and at_end)
    return Note(result.text) if ended else None
