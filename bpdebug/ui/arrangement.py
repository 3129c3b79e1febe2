"""Panes on the screen: which are shown, how large they are, and which has the focus."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, WidgetPlacement
from textual.layout import Layout as Arranging
from textual.layouts.vertical import VerticalLayout
from textual.widget import Widget

from bpdebug.core.cells import NamedCell
from bpdebug.look.answer import Answer, answer_of
from bpdebug.look.folds import folds_of
from bpdebug.session.view import View
from bpdebug.ui.bars import FooterBar, MessageBar, TourBar
from bpdebug.ui.draw.bars import header_line
from bpdebug.ui.draw.layers import deltas_of, values_of
from bpdebug.ui.draw.program import wanted_columns
from bpdebug.ui.draw.source import has_source
from bpdebug.ui.keys import left_to_panes
from bpdebug.ui.layout import Layout, Side, is_small
from bpdebug.ui.painting import Lines
from bpdebug.ui.pane import Pane
from bpdebug.ui.panes import PANES
from bpdebug.ui.screens import Sized

_STEPS = {"width": 2, "height": 1}
"""Columns and rows that a key moves a border by."""
_AROUND_LISTING, _AROUND_MATRICES = 3, 4
"""Rows of a border, and of what the listing has more where a formula is long; those around the rows of a matrix."""


class _Placing(Arranging):
    """Puts the panes where the layout says."""

    name = "panes"

    def __init__(self, screen: PaneScreen) -> None:
        self._screen = screen

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """The places of the panes that are shown; what is below the panes may have left them fewer rows than usual."""
        regions = self._screen.layout_of.regions(size.width, parent.app.size.height, size.height)
        shown = [(child, regions[child.id or ""]) for child in children if child.id in regions]
        return [WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child) for child, region in shown]


class _Body(Widget):
    """What holds the panes, which no style sheet places: Textual's own property would ask one."""

    layout: Arranging = VerticalLayout()


class PaneScreen(Sized):
    """The screen with the panes, which follow a layout.

    Args:
        message: what is said over them.
        show: brings the present moment to the panes that are shown.

    Attributes:
        view: what the panes show.
        panes: all of them by name.
        layout_of: what the user has chosen to see.
    """

    BINDINGS: ClassVar[list[BindingType]] = left_to_panes(PANES)
    view: View | None = None

    def __init__(self, message: MessageBar, show: Callable[[], None]) -> None:
        super().__init__(id="_default")
        self.layout_of = Layout({name: pane.spot for name, pane in PANES.items()})
        self.panes = {name: made(id=name) for name, made in PANES.items()}
        self._bars = Lines(id="header"), TourBar(id="tour"), FooterBar(lambda: bool(self.layout_of.maximised))
        self._message, self._show = message, show
        self._body, self._placed = _Body(*self.panes.values(), id="body"), dict[str, Region]()
        self._body.layout = _Placing(self)
        self._grabbed = 0
        self._moment: tuple[int, NamedCell | None] | None = None

    def widgets(self) -> ComposeResult:
        """Header, panes, footer."""
        header, tour, footer = self._bars
        yield from (header, self._body, tour, self._message, footer)

    @property
    def needs(self) -> list[str]:
        """The fields of the view that only the panes need that are shown."""
        return [need for name in self.layout_of.regions(*self.app.size) for need in self.panes[name].needs]

    def see(self, view: View) -> None:
        """Show a moment in all panes and bars."""
        self.view = view
        header, tour, footer = self._bars
        header.show(header_line(view, self.app.size.width))
        seeing: list[TourBar | FooterBar | Pane] = [tour, footer, *self.panes.values()]
        for widget in seeing:
            widget.view = view

    def follow(self, view: View) -> None:
        """Show a moment in the panes that the layout has room for."""
        self.see(view)
        if not all(pane.is_attached for pane in self.panes.values()):
            return  # not yet, or no longer
        size = self.app.size
        self.app.set_class(is_small(*size), "small")
        self.app.set_class(bool(self.layout_of.maximised), "alone")
        self._follow(view)
        layout, program = self.layout_of, view.program
        printed = len(program.scenario.printed) if has_source(view) else None
        if layout.script is None and printed is not None and program.updates == 1:  # a single loss is no curve
            layout.upper = "health"
        layout.script = printed
        layout.further = "surface" if isinstance(answer_of(program), Answer) else "health"
        layout.formulas = wanted_columns(view)
        layout.curve = len(view.losses[0]) > 0
        layout.listing = folds_of(program).height + _AROUND_LISTING
        heights = (view.shapes[name][-2] for name in program.tensors if len(view.shapes[name]) > 1)
        layout.matrices = _AROUND_MATRICES + max(heights, default=1)
        self.query_one("#tour").display = view.tour is not None
        self._place()

    def _place(self) -> None:
        """Give the panes their places; setting either lays the whole screen out anew, even to what it was."""
        regions = self.layout_of.regions(*self.app.size)
        for name, pane in self.panes.items():
            if pane.display != (name in regions):
                pane.display = name in regions
        if self._placed != regions:
            self._placed = regions
            self.panes[next(iter(regions))].refresh(repaint=False, layout=True)  # of one pane: what places all of them is asked anew

    def _follow(self, view: View) -> None:
        """Where the moment or the selected cell is another, show the tensor's pane; what the user has chosen since then stays."""
        moment = (view.position.t, view.selected)
        if moment != self._moment:
            self.clear_selection()
            if self.layout_of.slot in self.layout_of.at("middle"):
                name = view.name
                shows = "values" if name in values_of(view) else "deltas" if name in deltas_of(view) else ""
                self.layout_of.slot = shows or self.layout_of.slot
        self._moment = moment
        # the arrow keys go to the pane that holds the cell cursor, unless the user has chosen one without cells
        cells = self.layout_of.at("middle", "instead")
        if self.layout_of.slot in cells and (self.focused is None or self.focused.id in cells):
            pane = self.panes[self.layout_of.slot]
            if self.focused is not pane:
                pane.focus()

    @property
    def pane_in_use(self) -> str:
        """The pane that has the focus; without one, that beside the listing."""
        return (self.focused.id if isinstance(self.focused, Pane) else None) or self.layout_of.slot

    def action_pane(self, name: str) -> None:
        """Give a pane the focus; show it first, where it is hidden."""
        self.layout_of.choose(name, *self.app.size)
        self._show()
        self.panes[name].focus()

    def action_maximise(self) -> None:
        """Give the pane that has the focus the whole body, or take it back."""
        self.layout_of.maximise(self.pane_in_use)
        self._show()

    def action_resize(self, axis: str, by: int) -> None:
        """Make the pane that has the focus wider or taller by so many steps."""
        steps = {name: by * step if name == axis else 0 for name, step in _STEPS.items()}
        self.layout_of.resize(self.pane_in_use, steps["width"], steps["height"], *self.app.size)
        self._place()

    def action_usual(self) -> None:
        """All panes in their usual sizes again."""
        self.layout_of.shares.clear()
        self._place()

    def action_drag(self, name: str, side: Side, by: int, begins: bool) -> None:
        """Move a side of a pane so far from where it was grabbed, to the right or down; it ``begins`` where that has only just been."""
        split, grows = self.layout_of.edge(name, side, *self.app.size)
        if not split:
            return
        if begins:
            self._grabbed = self.layout_of.extent(split, *self.app.size)
        self.layout_of.put(split, self._grabbed + grows * by, *self.app.size)
        self._place()
