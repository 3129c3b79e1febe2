"""A script as a scenario: it is run once, recorded, and told what loss it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count, takewhile
from pathlib import Path
from typing import Any, cast

import numpy as np

from bpdebug.core.description import Debug
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.frontends.numpy_script.asked import RECORDED, Asked
from bpdebug.frontends.numpy_script.assembled import Assembled
from bpdebug.frontends.numpy_script.child import Run, ScriptError, record
from bpdebug.frontends.numpy_script.common import with_common
from bpdebug.frontends.numpy_script.ending import stopped
from bpdebug.frontends.numpy_script.fits import Differentiated, found_of
from bpdebug.frontends.numpy_script.held import with_held
from bpdebug.frontends.numpy_script.implied import without_derivative
from bpdebug.frontends.numpy_script.lines import RecordedScenario, frame
from bpdebug.frontends.numpy_script.losses import find_loss, proposed
from bpdebug.frontends.numpy_script.lost import lost_steps
from bpdebug.frontends.numpy_script.multiples import NEAR
from bpdebug.frontends.numpy_script.parts import with_parts
from bpdebug.frontends.numpy_script.patience import Patience
from bpdebug.frontends.numpy_script.recording import Recording, read
from bpdebug.frontends.numpy_script.rows import with_rows
from bpdebug.frontends.numpy_script.several import first_step, with_steps
from bpdebug.frontends.numpy_script.sized import sized, unbounded
from bpdebug.frontends.numpy_script.total import with_total, without_total
from bpdebug.frontends.numpy_script.unwritten import with_unwritten
from bpdebug.time.position import LocationError, stages_at

Early = Callable[[RecordedScenario], None] | None
"""What is done with the first updates of a script that runs on for long."""
_NAMED = 5
"""What a message names, at most."""
_SURE = 0
"""How unlikely a slip may be, so that no other loss is tried that the script may mean."""


def load_script(path: str, arguments: Sequence[str] = (), updates: int = RECORDED, **told: Any) -> RecordedScenario:
    """Run a script, and make a scenario of what it computes.

    Args:
        path: of the script, as it was named on the command line.
        arguments: for the script.
        updates: how many are recorded, at most.
        told: what else :class:`Asked` has.

    Raises:
        ScriptError: where there is nothing to debug.
    """
    return loaded(Asked(path, tuple(arguments), updates, **told))


def loaded(asked: Asked, run: Run | None = None, early: Early = None, at: int = 0) -> RecordedScenario:
    """The same, of a run that someone looks at, and with another update.

    Args:
        asked: the script.
        run: how it runs.
        early: is given what its first updates are, where it runs on for long.
        at: that update.

    Raises:
        ScriptError: where there is nothing to debug.
    """
    asked = replace(asked, at=at) if at else asked
    if run and early:
        run.early = lambda recorded: early(scenario_of(read(recorded, asked.source), asked))
    return scenario_of(read(record(asked, run), asked.source), asked)


@np.errstate(all="ignore")
def scenario_of(recording: Recording, asked: Asked) -> RecordedScenario:
    """What was recorded as a scenario, which is read again by running the script again.

    Raises:
        ScriptError: where no loss is found.
    """
    path, whole = recording.script, with_total(with_common(with_steps(with_rows(with_parts(with_unwritten(recording))))))
    scenario, recording = frame(whole, Path(path).name), unbounded(first_step(whole))
    loss = find_loss(recording, scenario, asked.loss)
    if loss is None and asked.loss:
        raise ScriptError(
            f"{path}: no value at {asked.loss} can be the loss: no float that was recorded there depends on what is updated", 2
        )
    if loss is None and recording.traceback:
        raise ScriptError(stopped(recording.squares, recording.traceback, recording.ending, "a loss was computed"), 1, True)
    if loss is None:
        lacking = " ".join(without_derivative(recording)[:_NAMED])
        rule = f": {lacking} changes by nothing that has a derivative, as in a perceptron's rule" if lacking else ""
        if opaque := next((one for one in recording.statements if one.live and not one.formula), None):
            rule = f": {opaque.name} ({opaque.line}), which they are made of, is no formula: {opaque.reason}"
        said = f"{path}: no loss was found whose derivatives the loop at {recording.loop} computes{rule}"
        meant = proposed(recording)
        hint = [f"perhaps {' or '.join(meant)} is meant: --loss LINE judges the gradients by it"] * bool(meant)
        raise ScriptError("\n".join([said, *hint, *lost_steps(recording.files.items())]))
    if (larger := sized(recording, loss)) is not recording:
        recording = larger
        loss = find_loss(recording, scenario, asked.loss) or loss
    recording, whole = (with_held(without_total(one, loss.program.loss), loss.held, loss.apart) for one in (recording, whole))
    patience = Patience()
    assembled = Assembled(recording, scenario, loss, whole, patience)
    for other in loss.others if assembled.doubt > _SURE and not loss.guessed else ():
        another = Assembled(recording, scenario, replace(other, written=loss.written * bool(other.said)), whole, patience)
        assembled = min(assembled, another, key=lambda one: one.doubt)
    program, loss = assembled.program(), assembled.loss
    found = "; ".join(
        [found_of(recording, program, loss), *recording.notes, *recording.remarks, *[recording.ending] * bool(recording.ending)]
    )
    again = partial(loaded, asked)
    told = partial(_told, recording, asked)
    debug = Debug(tuple(place for place in recording.breakpoints if _is_before(place, program)))
    losses = _losses(recording, loss)
    made = replace(program.scenario, losses=losses, description=found, debug=debug, ready=lambda: program, read_again=again, told=told)
    return cast("RecordedScenario", made)


def _is_before(place: str, program: Program) -> bool:
    """Whether something is computed at a line or below it, so that the debugger can stop there."""
    with suppress(LocationError):
        return stages_at(place, program) is not None
    return False


def _told(recording: Recording, asked: Asked, run: Run | None = None, early: Early = None, **told: str) -> RecordedScenario:
    """The scenario where something is told otherwise; for another loop the script is run again.

    Raises:
        ScriptError: where there is nothing to debug.
    """
    asked = replace(asked, **told)
    return loaded(asked, run, early) if "loop" in told else scenario_of(recording, asked)


def _losses(recording: Recording, loss: Differentiated) -> tuple[float, ...]:
    """The loss of each update from the first, as the script has computed it; nothing where it does not say, or says something else."""
    told, name = recording.losses.get(str(loss.line), {}), loss.program.loss.removesuffix(".sum")
    for number, values in zip(recording.kept, recording.values, strict=False):
        if loss.said or name not in values or not np.isclose(told.get(number, np.nan), np.sum(values[name]), rtol=NEAR, equal_nan=False):
            return ()
    return tuple(takewhile(lambda value: value is not None, map(told.get, count())))  # type: ignore[arg-type]


__all__ = ["load_script"]
