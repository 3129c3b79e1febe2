"""The subcommands: what ``bpdebug run``, ``explain``, ``screenshot`` and the others take and do."""

from __future__ import annotations

import argparse
import gc
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bpdebug import headless
from bpdebug.core.description import Scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import Record, replace
from bpdebug.core.render import Style
from bpdebug.export.formats import FORMATS, export, format_of
from bpdebug.files import write_file
from bpdebug.frontends import ScenarioError, json_schema, load_scenario, shipped
from bpdebug.frontends.script import CHECKED, RECORDED, is_script, opened, traceback_of
from bpdebug.frontends.shipped import FAULTY
from bpdebug.frontends.start import STARTS, write_start
from bpdebug.headless import FAILED, OK, USAGE
from bpdebug.options import COMMANDS, JSON, RUNS, SCRIPT, SESSION, STRICT, THEME, Option, asked_for, count, option, repeated, scenario, size
from bpdebug.play.hunt import SEEDS
from bpdebug.play.tour import is_tour, scenario_of
from bpdebug.session.commands.check import checked, compared, read_numbers
from bpdebug.session.commands.notation import NOTATIONS
from bpdebug.session.script import Order
from bpdebug.session.session import Session
from bpdebug.session.settings import Settings, load_settings
from bpdebug.session.table import cell_of, rebind
from bpdebug.session.themes import theme_named
from bpdebug.time.results import Result

if TYPE_CHECKING:
    from bpdebug.ui.running_screen import Start

Run = Callable[[argparse.Namespace], int]


class Subcommand(Record):
    """One row.

    Attributes:
        options: its arguments.
        epilog: what its own help ends with.
        run: does it; the exit status.
    """

    options: tuple[Option, ...]
    epilog: str
    run: Run

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add its arguments to a parser."""
        parser.epilog = self.epilog
        for add in self.options:
            add(parser)


SUBCOMMANDS: dict[str, Subcommand] = {}
"""All subcommands by name; see also :data:`bpdebug.overview.USAGES`."""


def subcommand(name: str, *options: Option, epilog: str = "") -> Callable[[Run], Run]:
    """Register a function as a subcommand."""

    def register(run: Run) -> Run:
        SUBCOMMANDS[name] = Subcommand(options, epilog, run)
        return run

    return register


def open_session(scenario: Scenario, given: argparse.Namespace) -> Session:
    """The session that the options ask for."""
    session = Session(scenario, given.memory << 20)
    if given.transcript:
        session.transcribe(given.transcript)
    return session


def open_app(session: Session | None, fresh: bool, theme: str | None, start: Start | None = None) -> int:
    """The debugger's screen with the user's settings, in the theme that is asked for, else in that of last time; the exit status.

    Args:
        session: what to debug, or None for what is chosen there, or a script that is run first.
        fresh: whether to leave the stops of last time alone.
        theme: the colours.
        start: that script.
    """
    try:
        settings = load_settings()
    except ScenarioError as error:
        settings = Settings(wrong=str(error))
    settings = replace(settings, asked=theme or "")
    rebind(settings.keys)
    if session:
        settings.apply(session)
    gc.disable()  # until the first picture; see bpdebug.__main__
    from bpdebug.ui.app import run_app  # noqa: PLC0415

    return run_app(session, fresh, settings, *[start] * bool(start))


@subcommand("tour", scenario("a scenario, or a tour of your own; default: xor", nargs="?", default="xor"), *SESSION, THEME)
def _tour(given: argparse.Namespace) -> int:
    own = is_tour(path := Path(given.scenario))
    session = open_session(load_scenario(scenario_of(path) if own else given.scenario), given)
    session.execute(f"tour {given.scenario}" if own else "tour")
    if not headless.has_screen("bpdebug run xor -x tour -x 'step 5' -x tour"):
        return USAGE
    return open_app(session, True, given.theme)


@subcommand(
    "run",
    scenario(RUNS),
    *COMMANDS,
    *SCRIPT,
    epilog="Commands run in the order in which they are given ('where' if there are none); -x help lists them.",
)
def _run(given: argparse.Namespace) -> int:
    commands = headless.orders(given.given or [("-x", "where")])
    return headless.run(open_session(opened(asked_for(given)), given), commands, given.json, given.strict)


@subcommand(
    "explain",
    scenario(RUNS),
    option("cell", metavar="CELL", help="such as 'dW2[0,1]', or a name for a single number: loss"),
    option("--at", metavar="LOCATION", default="", help="when, such as 40:dW2; default: as soon as it is computed in update 0"),
    JSON,
    *SCRIPT,
)
def _explain(given: argparse.Namespace) -> int:
    """At a location, or, without one, when the cell's tensor has just been computed in update 0."""
    session = Session(opened(asked_for(given, CHECKED)))
    name, _ = cell_of(given.cell.strip(), session.program)
    if given.at or name in session.program.index:
        session.execute(f"goto {given.at or name}")
    headless.answer(session, f"explain {given.cell}", session.execute(f"explain {given.cell}"), given.json)
    return OK


@subcommand(
    "check",
    scenario(RUNS),
    option("--at", metavar="LOCATION", default="start", help="in which update, such as 'update 40'; default: the first"),
    JSON,
    STRICT,
    *SCRIPT,
)
def _check(given: argparse.Namespace) -> int:
    first = given.at == "start"
    asked = asked_for(given, RECORDED if given.at == "end" else CHECKED)
    session = Session(opened(asked, ending=False))
    scenario = session.program.scenario
    result = checked(session, given.at, is_script(asked) and first)
    if is_script(asked):
        result = result.also(result.text, script=scenario.source, found=scenario.description, raised=scenario.ending or None)
    status = _judged(given, "check", session, result)
    if raised := traceback_of(scenario):
        print(raised, end="", file=sys.stderr)
    return FAILED if raised else status


def _judged(given: argparse.Namespace, name: str, session: Session, result: Result) -> int:
    """Exit status 1 where something is wrong, or nothing could be judged."""
    headless.answer(session, name, result, given.json)
    return headless.status_of(result, given.strict)


@subcommand(
    "compare",
    scenario(),
    option("theirs", metavar="FILE", type=Path, nargs="+", help="your arrays (npz, JSON, text) named x W1 b1 z1 … dW1; or a recording"),
    option("--at", metavar="LOCATION", default="start", help="with which update, such as 'update 40'; default: the first"),
    JSON,
    STRICT,
    epilog="Several files are updates that follow each other. Exit status 1 where a stage is off, or nothing could be judged.",
)
def _compare(given: argparse.Namespace) -> int:
    session, files = Session(load_scenario(given.scenario)), [read_numbers(path) for path in given.theirs]
    session.execute(f"goto {given.at}")
    return _judged(given, "compare", session, compared(session, *files))


@subcommand(
    "hunt",
    scenario("a file, or the name of a shipped scenario; default: the seed chooses", nargs="?"),
    option("--seed", metavar="N", type=count, help="the same one plants the same mistake"),
    *COMMANDS,
    option("--fresh", action="store_true", help="start without saved stops"),
    THEME,
    epilog="Opens the debugger's screen; with -x, --script or --json it runs without one.",
)
def _hunt(given: argparse.Namespace) -> int:
    """The app, or a run without a screen, with a mistake planted."""
    import secrets  # noqa: PLC0415 - a start does without

    seed = secrets.randbelow(SEEDS) if given.seed is None else given.seed
    huntable = [entry.name for entry in shipped() if entry.name not in FAULTY]
    source = given.scenario or huntable[seed % len(huntable)]
    orders, read = headless.orders(given.given or []), load_scenario(source)
    without = given.json or given.given
    if not without and not headless.has_screen(f"bpdebug hunt {shlex.quote(source)} --seed {seed} -x hint"):
        return USAGE
    session = open_session(read, given)
    result = session.execute(f"hunt {seed}")
    if without:
        headless.answer(session, f"hunt {seed}", result, given.json)
        return headless.run(session, orders, given.json, given.strict)
    return open_app(session, given.fresh, given.theme)


@subcommand(
    "export",
    scenario(),
    option("-o", metavar="FILE", type=Path, required=True, dest="file", help="where to write it; its extension chooses the format"),
    option("--update", metavar="N", type=count, default=0, help="which update, counted from 0; default: the first"),
    option("--format", metavar="FORMAT", default="", help=f"if the extension does not tell: {', '.join(FORMATS)}"),
    option("--notation", choices=NOTATIONS, default="d", help="gradients as dz, as δ, or as ∂L/∂z"),
    option("--columns", action="store_true", help="z = Wx + b, with each sample in a column"),
    option("--blanks", action="store_true", help="a work sheet: gaps to fill in, and the answers at its end"),
    epilog="Formats: " + "; ".join(f"{row.ending} {row.help}" for row in FORMATS.values()) + ".",
)
def _export(given: argparse.Namespace) -> int:
    format_of(given.file, given.format)
    session = Session(load_scenario(given.scenario))
    if given.update >= session.position.updates:
        raise BpdebugError(f"there are {session.position.updates} updates, counted from 0; found --update {given.update}")
    session.execute(f"goto update {given.update}")
    export(session.timeline, given.file, given.format, Style("unicode", given.columns, given.notation), given.blanks)
    return OK


@subcommand(
    "screenshot",
    scenario(RUNS),
    repeated("-x", "COMMAND", "a command, such as 'goto dW2'", default=[]),
    option("--size", metavar="120x36", type=size, default=(120, 36), help="columns and rows of the terminal"),
    option("--theme", metavar="NAME", type=theme_named, default="bpdebug-dark", help="the colours: dark, light or contrast"),
    option("-o", metavar="FILE.svg", type=Path, required=True, dest="file", help="where to write the picture"),
    *SCRIPT,
)
def _screenshot(given: argparse.Namespace) -> int:
    read, begun = opened(asked_for(given)), list[Order]()
    from bpdebug.ui.screenshot import take_picture  # noqa: PLC0415

    def commands() -> Iterator[str]:
        for order in headless.orders(given.given):
            begun.append(order)
            yield order.text

    try:
        svg = take_picture(read, commands(), given.size, given.theme)
    except BpdebugError as error:
        if not begun:
            raise
        print(begun[-1].complaint(error), file=sys.stderr)
        return FAILED
    write_file(given.file, svg)
    return OK


@subcommand(
    "record",
    option("-o", metavar="FILE.bpd", type=Path, required=True, dest="file", help="where to write the recording"),
    option("--step", metavar="N", type=count, default=0, help="which step of the optimizer, counted from 1 (default 1)"),
    option("--until-nan", action="store_true", help="the first step with a loss, gradient or parameter that is not finite"),
    option("--from", metavar="N", type=count, default=0, dest="first", help="with --until-nan: earlier steps run at full speed"),
    option("--optimizer", metavar="NAME", default="", help="count the steps of this class alone, such as AdamW"),
    option("--only", metavar="MODULE", default="", help="all numbers of this module alone, such as blocks.3"),
    option("script", metavar="train.py", type=Path, help="your script, which runs as a program, with your rights"),
    option("theirs", metavar="ARGUMENT", nargs=argparse.REMAINDER, help="what follows it is for the script"),
    epilog="Needs torch, in the Python that runs bpdebug. The file holds the batch, the weights and the source of your script.",
)
def _record(given: argparse.Namespace) -> int:
    """Status 0 where a file was written, else 1."""
    if given.step and (given.until_nan or given.first):
        raise BpdebugError("--step N records that step; --until-nan [--from N] looks for one: take one of the two")
    if given.first and not given.until_nan:
        raise BpdebugError("--from N belongs to --until-nan")
    from bpdebug.torch_recorder.script import record_script  # noqa: PLC0415 - needs torch

    wanted = given.first or given.step or 1, 0 if given.until_nan else given.step or 1
    asked = wanted, given.optimizer, given.until_nan, given.only
    return record_script(given.script, [*given.theirs, *given.arguments], given.file, *asked)


@subcommand(
    "new",
    option("file", metavar="FILE", type=Path, help="where to write it, such as mine.yaml; a file that exists is not replaced"),
    option("--task", choices=STARTS, help=f"what the network is to learn (default {next(iter(STARTS))})"),
    option("--like", metavar="NAME", help="a copy of a scenario that comes with bpdebug, such as xor"),
    option("--data", metavar="FILE.csv", type=Path, help="for your own table: its last column is predicted from the others"),
    epilog="Every key is explained in a comment; keys that could be added stand there too, commented out.",
)
def _new(given: argparse.Namespace) -> int:
    print(write_start(given.file, given.task, given.like, given.data))
    return OK


@subcommand("schema")
def _schema(given: argparse.Namespace) -> int:
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return OK
