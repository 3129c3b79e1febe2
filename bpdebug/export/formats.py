"""One update written to a file: as a worked solution, as a PyTorch script, or as data; or the whole training, as a scenario."""

from __future__ import annotations

from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import Record, replace
from bpdebug.core.render import Style
from bpdebug.core.words import suggestion
from bpdebug.files import write_file
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline


class ExportError(BpdebugError):
    """An export that cannot be done, with what was expected."""


class Format(Record):
    """One row.

    Attributes:
        name: as ``--format`` takes it.
        ending: of the files that are in it.
        writer: the module and function that make the content; of a document, from its blocks. Loaded when it is wanted, so that
            the debugger opens without it.
        document: whether it is a worked solution, in which notation and convention matter.
        help: a few words.
    """

    name: str
    ending: str
    writer: str
    document: bool
    help: str


_ROWS = (
    Format("md", ".md", "markdown.to_markdown", True, "Markdown with formulas, as GitHub shows it"),
    Format("tex", ".tex", "tex.to_tex", True, "a LaTeX article"),
    Format("html", ".html", "html.to_html", True, "a web page that needs nothing else"),
    Format("torch", ".py", "torch.to_script", False, "a PyTorch script that computes the same gradients"),
    Format("numpy", ".py", "numpy_lines.to_script", False, "a NumPy script of this update, line by line"),
    Format("npz", ".npz", "arrays.to_npz", False, "every tensor by its name, for NumPy"),
    Format("jsonl", ".jsonl", "arrays.to_jsonl", False, "a line of JSON for each tensor"),
    Format("yaml", ".yaml", "scenario.to_yaml", False, "a scenario of lines that trains the same from its start"),
)
FORMATS: dict[str, Format] = {row.name: row for row in _ROWS}


def format_of(path: Path, given: str = "") -> Format:
    """The format that is asked for, or that the file's ending stands for.

    Raises:
        ExportError: where there is none, with those there are.
    """
    if given:
        if given not in FORMATS:
            raise ExportError(f"there is no format '{given}'{suggestion(given, FORMATS) or '; there are ' + ', '.join(FORMATS)}")
        return FORMATS[given]
    ending = path.suffix.lower().replace(".yml", ".yaml")
    for row in _ROWS:
        if ending == row.ending:
            return row
    known = ", ".join(f"{row.ending} ({row.help})" for row in _ROWS if row.name != "numpy")
    raise ExportError(f"{path.name}: unknown file extension; expected one of {known}")


def export(timeline: Timeline, path: Path, given: str = "", style: Style | None = None, blanks: bool = False) -> Format:
    """Write the present update (at the end of training, the last one) to a file; the timeline stays where it is.

    Args:
        timeline: of the session.
        path: where to; a file that is there already is replaced.
        given: the format's name, or "" for what the file's ending says.
        style: the notation and the convention of a worked solution.
        blanks: whether it is a work sheet: a worked solution with gaps, and the answers at its end.

    Raises:
        BpdebugError: where there is no such format, or the file cannot be written.
    """
    return whole(exporting(timeline, path, given, style, blanks))[0]


def exporting(
    timeline: Timeline, path: Path, given: str = "", style: Style | None = None, blanks: bool = False
) -> Generator[str, None, tuple[Format, tuple[str, ...]]]:
    """What :func:`export` does, in slices; also what the file leaves out of what the user has changed."""
    chosen = format_of(path, given)
    if chosen.name == "torch" and not given and not timeline.program.layers:
        chosen = FORMATS["numpy"]
    if blanks and not chosen.document:
        documents = ", ".join(row.ending for row in _ROWS if row.document)
        raise ExportError(f"--blanks makes a work sheet, which is a document; expected one of {documents}")
    content, left_out = yield from _content(timeline, chosen, style, blanks)
    write_file(path, content)
    return chosen, left_out


def exported(timeline: Timeline, chosen: Format, style: Style | None = None, blanks: bool = False) -> str | bytes:
    """What :func:`export` writes."""
    return whole(_content(timeline, chosen, style, blanks))[0]


def _content(
    timeline: Timeline, chosen: Format, style: Style | None, blanks: bool
) -> Generator[str, None, tuple[str | bytes, tuple[str, ...]]]:
    from bpdebug.export.solution import solution  # noqa: PLC0415
    from bpdebug.export.update import working  # noqa: PLC0415

    noted = replace(style or Style(), form="unicode", lexicon=timeline.program.lexicon)
    module, _, function = chosen.writer.partition(".")
    writer: Any = import_module(f"bpdebug.export.{module}")
    left_out = getattr(writer, "left_out", lambda _: ())
    with np.errstate(all="ignore"):
        worked = yield from working(timeline, noted, chosen.document)
        yield "writing"
        return getattr(writer, function)(solution(worked, noted, blanks) if chosen.document else worked), left_out(worked)
