"""Panes on the screen: which are shown, how large they are, and which has the focus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from bpdebug.core.cells import Cell
from bpdebug.session.view import View
from bpdebug.ui.bars import Bar, FooterBar, HeaderBar, TourBar
from bpdebug.ui.draw.layers import deltas_of, values_of
from bpdebug.ui.keys import left_to_panes
from bpdebug.ui.layout import HEIGHTS, Layout, Spot, is_small, moved
from bpdebug.ui.pane import Pane
from bpdebug.ui.panes import PANES
from bpdebug.ui.pointing import BorderMoved, TitleClicked
from bpdebug.ui.screens import Sized
from bpdebug.ui.speaking import MessageBar

_STEPS = {"width": 2, "height": 1}
"""Columns and rows that a key moves a border by."""


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
        self._bars = HeaderBar(id="header"), TourBar(id="tour"), FooterBar(lambda: bool(self.layout_of.maximised))
        self._message, self._show = message, show
        self._placed: dict[str, int | None] = {}
        self._grabbed = 0
        self._moment: tuple[int, tuple[str, Cell] | None] | None = None

    def widgets(self) -> ComposeResult:
        """Header, panes, footer."""
        header, tour, footer = self._bars
        yield header
        with Horizontal(id="body"):
            yield from self._at("left")
            with Vertical(id="right"):
                with Horizontal(id="top"):
                    yield from self._at("top", "turn")
                with Horizontal(id="middle"):
                    yield from self._at("middle", "instead")
                yield from self._at("bottom")
        yield from (tour, self._message, footer)

    def _at(self, *spots: Spot) -> Iterator[Pane]:
        return (pane for pane in self.panes.values() if pane.spot in spots)

    @property
    def needs(self) -> list[str]:
        """The fields of the view that only the panes need that are shown."""
        shown = self.layout_of.shown(*self.app.size)
        return [need for name, pane in self.panes.items() if shown[name] for need in pane.needs]

    def see(self, view: View) -> None:
        """Show a moment in all panes and bars."""
        self.view = view
        seeing: list[Bar | TourBar | Pane] = [*self._bars, *self.panes.values()]
        for widget in seeing:
            widget.view = view

    def follow(self, view: View) -> None:
        """Show a moment in the panes that the layout has room for."""
        self.see(view)
        if not all(pane.is_attached for pane in self.panes.values()):
            return  # not yet, or no longer
        size = self.app.size
        self.app.set_class(is_small(*size), "small")
        self._follow(view)
        self.layout_of.curve = len(view.losses[0]) > 0
        for name, display in (self.layout_of.shown(*size) | {"tour": view.tour is not None}).items():
            widget = self.query_one(f"#{name}")
            if widget.display != display:  # setting it lays the whole screen out anew, even to what it was
                widget.display = display
        self._place()

    def _place(self) -> None:
        """Give the panes their sizes; those without one share what is left."""
        for name, size in self.layout_of.sizes(*self.app.size).items():
            if self._placed.get(name) != size:
                self._placed[name] = size
                setattr(self.query_one(f"#{name}").styles, "height" if name in HEIGHTS else "width", size)

    def _follow(self, view: View) -> None:
        """Where the moment or the selected cell is another, show the tensor's pane; what the user has chosen since then stays."""
        moment = (view.position.t, view.selected)
        if moment != self._moment:
            self.clear_selection()
            if self.layout_of.slot in self.layout_of.at("middle"):
                self.layout_of.slot = self._pane_of_stage() or self.layout_of.slot
        self._moment = moment
        # the arrow keys go to the pane that holds the cell cursor, unless the user has chosen one without cells
        cells = self.layout_of.at("middle", "instead")
        if self.layout_of.slot in cells and (self.focused is None or self.focused.id in cells):
            pane = self.panes[self.layout_of.slot]
            if self.focused is not pane:
                pane.focus()

    def _pane_of_stage(self) -> str:
        """The pane that shows the selected tensor."""
        name = self.view.selected[0] if self.view and self.view.selected else ""
        if self.view is None or not name:
            return ""
        return "values" if name in values_of(self.view) else "deltas" if name in deltas_of(self.view) else ""

    @property
    def pane_in_use(self) -> str:
        """The pane that has the focus; without one, that beside the listing."""
        return (self.focused.id if isinstance(self.focused, Pane) else None) or self.layout_of.slot

    def action_pane(self, name: str) -> None:
        """Give a pane the focus; show it first, where it is hidden."""
        self.layout_of.choose(name)
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
        self.layout_of.usual()
        self._place()

    def on_border_moved(self, message: BorderMoved) -> None:
        """A border is dragged."""
        split = self.layout_of.edge(message.name, message.side, *self.app.size)
        if not split:
            return
        if message.begins:
            self._grabbed = self.layout_of.extent(split, *self.app.size)
        self.layout_of.put(split, self._grabbed + moved(split, message.by), *self.app.size)
        self._place()

    def on_title_clicked(self, message: TitleClicked) -> None:
        """A pane's title was clicked: the pane alone, or all again."""
        self.action_pane(message.name)
        self.action_maximise()
