"""Which panes are on the screen: all of them where there is room, else the listing, one beside it, and Why."""

from __future__ import annotations

from dataclasses import dataclass

PANES = ("program", "network", "loss", "values", "deltas", "why", "equation", "health", "surface")
"""All panes, in the order of their digits."""
UPPER = ("loss", "health", "surface")
"""Those that take turns beside the network."""
MATRICES = ("values", "deltas")
WIDE, TALL = 110, 30
"""From this size on all panes are shown at once."""


@dataclass
class Layout:
    """What the user has chosen to see.

    Attributes:
        slot: the pane beside the listing where there is little room.
        upper: the pane beside the network.
        equation: whether the equation stands in the place of values and deltas.
        maximised: the pane that has the whole body, or "".
    """

    slot: str = "values"
    upper: str = "loss"
    equation: bool = False
    maximised: str = ""

    def choose(self, name: str) -> None:
        """Bring a pane to the screen."""
        if name in UPPER:
            self.upper = name
        if name in (*MATRICES, "equation"):
            self.equation = name == "equation"
        if name not in ("program", "why"):
            self.slot = name
        if self.maximised:
            self.maximised = name

    def maximise(self, name: str) -> None:
        """Give a pane the whole body, or take it back."""
        self.maximised = "" if self.maximised else name

    def shown(self, columns: int, rows: int) -> dict[str, bool]:
        """Whether each pane, and each row of panes, is on a screen of that size."""
        if self.maximised:
            panes = {name: name == self.maximised for name in PANES}
        elif is_small(columns, rows):
            panes = {name: name in ("program", "why", self.slot) for name in PANES}
        else:
            hidden = {*UPPER} - {self.upper} | ({*MATRICES} if self.equation else {"equation"})
            panes = {name: name not in hidden for name in PANES}
        top = any(panes[name] for name in ("network", *UPPER))
        middle = any(panes[name] for name in (*MATRICES, "equation"))
        return panes | {"top": top, "middle": middle, "right": top or middle or panes["why"]}


def is_small(columns: int, rows: int) -> bool:
    """Whether there is too little room for all panes at once."""
    return columns < WIDE or rows < TALL
