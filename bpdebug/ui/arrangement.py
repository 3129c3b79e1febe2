"""Panes on the screen: which are shown, how large they are, and which has the focus."""

from __future__ import annotations

from textual.app import App
from textual.reactive import reactive

from bpdebug.core.cells import Cell
from bpdebug.session.view import View
from bpdebug.ui.draw.layers import deltas_of, values_of
from bpdebug.ui.layout import HEIGHTS, Layout, is_small, moved
from bpdebug.ui.pane import Pane
from bpdebug.ui.panes import PANES
from bpdebug.ui.pointing import BorderMoved, TitleClicked

_STEPS = {"width": 2, "height": 1}
"""Columns and rows that a key moves a border by."""


class Arranged(App[None]):
    """An app whose panes follow a layout.

    Attributes:
        view: what the panes show.
        layout_of: what the user has chosen to see.
    """

    view: reactive[View | None] = reactive(None, repaint=False)

    def __init__(self) -> None:
        super().__init__()
        self.layout_of = Layout({name: pane.spot for name, pane in PANES.items()})
        self._placed: dict[str, int | None] = {}
        self._grabbed = 0
        self._moment: tuple[int, tuple[str, Cell] | None] | None = None

    def show(self, message: str = "") -> None:
        """Bring the session's present moment to the screen."""
        raise NotImplementedError

    def arrange(self) -> None:
        """Show the panes that the layout has room for."""
        if self.view is None or not self.query("#why"):
            return
        self.set_class(is_small(*self.size), "small")
        self._follow(self.view)
        self.layout_of.curve = len(self.view.losses[0]) > 0
        for name, display in (self.layout_of.shown(*self.size) | {"tour": self.view.tour is not None}).items():
            widget = self.query_one(f"#{name}")
            if widget.display != display:  # setting it lays the whole screen out anew, even to what it was
                widget.display = display
        self._place()

    def _place(self) -> None:
        """Give the panes their sizes; those without one share what is left."""
        for name, size in self.layout_of.sizes(*self.size).items():
            if self._placed.get(name) != size:
                self._placed[name] = size
                setattr(self.query_one(f"#{name}").styles, "height" if name in HEIGHTS else "width", size)

    def _follow(self, view: View) -> None:
        """Where the moment or the selected cell is another, show the tensor's pane; what the user has chosen since then stays."""
        moment = (view.position.t, view.selected)
        if moment != self._moment:
            self.screen.clear_selection()
            if self.layout_of.slot in self.layout_of.at("middle"):
                self.layout_of.slot = self._pane_of_stage() or self.layout_of.slot
        self._moment = moment
        self._focus_slot()

    def _focus_slot(self) -> None:
        """The arrow keys go to the pane that holds the cell cursor, unless the user has chosen one without cells."""
        cells = self.layout_of.at("middle", "instead")
        if self.layout_of.slot in cells and (self.focused is None or self.focused.id in cells):
            pane = self.query_one(f"#{self.layout_of.slot}")
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
        self.show()
        self.query_one(f"#{name}", Pane).focus()

    def action_maximise(self) -> None:
        """Give the pane that has the focus the whole body, or take it back."""
        self.layout_of.maximise(self.pane_in_use)
        self.show()

    def action_resize(self, axis: str, by: int) -> None:
        """Make the pane that has the focus wider or taller by so many steps."""
        steps = {name: by * step if name == axis else 0 for name, step in _STEPS.items()}
        self.layout_of.resize(self.pane_in_use, steps["width"], steps["height"], *self.size)
        self._place()

    def action_usual(self) -> None:
        """All panes in their usual sizes again."""
        self.layout_of.usual()
        self._place()

    def on_border_moved(self, message: BorderMoved) -> None:
        """A border is dragged."""
        split = self.layout_of.edge(message.name, message.side, *self.size)
        if not split:
            return
        if message.begins:
            self._grabbed = self.layout_of.extent(split, *self.size)
        self.layout_of.put(split, self._grabbed + moved(split, message.by), *self.size)
        self._place()

    def on_title_clicked(self, message: TitleClicked) -> None:
        """A pane's title was clicked: the pane alone, or all again."""
        if message.name in PANES:
            self.action_pane(message.name)
            self.action_maximise()
