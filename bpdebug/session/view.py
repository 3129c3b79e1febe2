"""A frozen picture of a moment: all that the panes of the app ever see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bpdebug.core.cells import Cell, NamedCell
from bpdebug.core.description import Array, Values
from bpdebug.core.numbers import AUTO, NumberStyle
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.render import Style, render_name
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shapes
from bpdebug.look.effect import Effect
from bpdebug.look.explanation import UNICODE, Explanation
from bpdebug.look.folds import Key
from bpdebug.look.once import once
from bpdebug.look.slices import Chosen
from bpdebug.time.position import Position
from bpdebug.time.timeline import Timeline

if TYPE_CHECKING:
    from bpdebug.look.equation import Equation
    from bpdebug.look.health import Health
    from bpdebug.look.surface import Surface
    from bpdebug.play.hunt import Game
    from bpdebug.trust.finding import Finding
    from bpdebug.trust.report import Report


class Finished(Record, eq=False):
    """What the update before has left behind, for the start of the next one, when nothing else is computed yet.

    Attributes:
        update: which it was.
        tensors: what it had computed and the next one has not, and its batch where the next one has another.
        samples: the rows of the data that its batch held.
    """

    update: int
    tensors: Values
    samples: Array


class View(Record, eq=False):
    """One moment (compared by identity, since arrays have no single truth value).

    Attributes:
        program: the stages, also the skipped ones.
        position: the moment.
        tensors: the tensors that have a value, by name.
        before: those of the stop before, for what has changed.
        shapes: the shape of every tensor, computed or not.
        losses: updates and their losses so far.
        warnings: what the floating-point unit complained of, by stage of this update.
        first_nonfinite: the clock after the first stage that gave NaN or inf, once passed.
        samples: the rows of the data that the batch holds.
        selected: the cell under the cursor, as (tensor, index), or None.
        explanation: where the selected cell comes from, or None.
        operand: which of the explanation's operands ``origin`` goes to.
        sample: the row of the batch that is looked at.
        style: the notation that formulas are shown in.
        number_style: how numbers in tables are written.
        message: what takes the footer's place during a long run.
        stale: the tensors that were computed before something they depend on was edited.
        marks: the stages with a breakpoint, and of which kind: ``always``, ``sometimes``, ``once`` or ``disabled``.
        displays: the displayed expressions with their values.
        bookmarks: named moments, as clocks.
        check: what the last check has said, or None; nothing once an edit may have changed it.
        comparison: the user's own numbers beside ours, or None.
        stopped: why the last move ended where it did, where a stop or a non-finite value was the reason, else "".
        tour: the heading and the text of the guided tour's present step, or None.
        game: how the hunt goes, or None where there is none.
        loss_scale: of the loss curve: ``log``, ``linear``, or ``auto`` for what fits.
        health: how the layers have done lately, where that is looked at.
        surface: what the network answers now, where that is looked at.
        equation: the stage that made the selected cell as matrices, where that is looked at.
        finished: the update before, at the start of the next one and at the end of training, else None.
        effect: what the update has done that has just been completed, or None.
        group: the group of the program that is looked at; "" for that of the stage that ran last.
        axes: which two axes the user wants to see of some tensors with more of them.
        folds: the folds of the listing that are open.
        crumbs: the cells from which ``origin`` has led here, the present one last; none where one has gone elsewhere since.
    """

    program: Program
    position: Position
    tensors: Values
    before: Values
    shapes: Shapes
    losses: tuple[Array, Array]
    warnings: Mapping[str, tuple[str, ...]]
    first_nonfinite: int | None
    samples: Array
    selected: NamedCell | None = None
    explanation: Explanation | None = None
    operand: int = 0
    sample: int = 0
    style: Style = UNICODE
    number_style: NumberStyle = AUTO
    message: str = ""
    stale: frozenset[str] = frozenset()
    marks: Mapping[str, str] = {}
    displays: tuple[str, ...] = ()
    bookmarks: Mapping[str, int] = {}
    check: Report | None = None
    comparison: Report | None = None
    stopped: str = ""
    tour: tuple[str, str] | None = None
    game: Game | None = None
    loss_scale: str = "auto"
    health: Health | None = None
    surface: Surface | None = None
    equation: Equation | None = None
    finished: Finished | None = None
    effect: Effect | None = None
    group: str = ""
    axes: Mapping[str, Chosen] = {}
    folds: frozenset[Key] = frozenset()
    crumbs: tuple[NamedCell, ...] = ()

    @property
    def sample_shown(self) -> int:
        """The sample of the data that is looked at: of the batch whose numbers are in sight, also of one that is finished."""
        shown = self.finished.samples if self.finished else self.samples
        return int(shown[min(self.sample, len(shown) - 1)])

    @property
    def name(self) -> str:
        """The tensor of the selected cell, or ""."""
        return self.selected[0] if self.selected else ""

    def named(self, name: str, index: Cell = ()) -> str:
        """A tensor, or a cell of it, in the notation that formulas are shown in."""
        return render_name(name, self.style, index)

    @property
    def operands(self) -> tuple[NamedCell, ...]:
        """The cells that the explained number is made of."""
        return self.explanation.operands if self.explanation else ()

    def is_broken(self, name: str) -> bool:
        """Whether a tensor holds a NaN or an inf now, other than those of a mask."""
        if name not in self.tensors:
            return False
        value, stage = self.tensors[name], self.program.stage(name) if name in self.program.index else None
        return once(value, ("broken", name, stage is not None and stage.unbounded), lambda: _is_broken(value, stage))

    @property
    def verdicts(self) -> Mapping[str, Finding]:
        """What the last check has said, by stage."""
        return self.check.stages if self.check else {}

    @property
    def checked(self) -> int | None:
        """The update that was checked, or None."""
        return self.check.update if self.check else None

    @property
    def matches(self) -> Mapping[str, Finding]:
        """The user's own numbers for the present update, by stage."""
        return self.comparison.stages if self.comparison and self.comparison.update == self.position.update else {}

    def changed(self, name: str) -> Array:
        """Which cells of a tensor have got another value since the stop before (all, where it had none)."""
        value, earlier = self.tensors[name], self.before.get(name)
        if value is earlier:
            return np.zeros(value.shape, bool)
        if earlier is None or earlier.shape != value.shape:
            return np.ones(value.shape, bool)
        return np.asarray((value != earlier) & ~(np.isnan(value) & np.isnan(earlier)))

    @property
    def diverged(self) -> int | None:
        """The first update in which a loss, or what is computed after it, was NaN or inf, where that is past; else None."""
        if self.first_nonfinite is None or self.first_nonfinite > self.position.t:
            return None
        update, done = self.position.calendar.ran(self.first_nonfinite)
        return update + (done > self.program.index[self.program.loss])

    @property
    def loss(self) -> float | None:
        """The loss of this update, or None where it is not computed yet."""
        value = self.tensors.get(self.program.loss)
        return None if value is None else float(value)


def _is_broken(value: Array, stage: Stage | None) -> bool:
    return bool(stage.broken(value).any()) if stage else not np.isfinite(value).all()


def make_view(timeline: Timeline, **more: Any) -> View:
    """The present moment of a timeline, with what a session knows besides."""
    machine = timeline.machine
    return View(
        program=timeline.program,
        position=timeline.position,
        tensors=machine.moment(),
        shapes=machine.shapes(),
        losses=timeline.losses.points(),
        warnings=dict(machine.warnings),
        first_nonfinite=timeline.first_nonfinite,
        samples=machine.samples,
        finished=_finished(timeline),
        **more,
    )


def _finished(timeline: Timeline) -> Finished | None:
    """The update before, as the buffers still hold it; where they do not, it runs again."""
    machine, position = timeline.machine, timeline.position
    if position.done or not position.update:
        return None
    timeline.finish_again()
    then = timeline.program_at(position.t - 1)
    return Finished(machine.finished, machine.left_behind(then), machine.batches.samples(machine.finished))
