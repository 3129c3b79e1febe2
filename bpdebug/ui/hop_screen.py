"""Letters over what is on the screen: typing them goes there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_lowercase
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.widgets import Static

from bpdebug.ui.screens import OnceScreen

Spot = tuple[Offset, str]
"""A place on the screen, and the command that goes to what is there."""


class HopScreen(OnceScreen):
    """Lays one or two letters over every spot.

    Args:
        spots: where letters stand, and what they answer.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", show=False)]

    def __init__(self, spots: Sequence[Spot]) -> None:
        super().__init__()
        self.places = dict(zip(labels(len(spots)), spots, strict=True))
        self._typed = ""

    def compose(self) -> ComposeResult:
        """The letters, where they belong."""
        for letters, (place, _) in self.places.items():
            label = Static(letters, id=f"at-{letters}")
            label.styles.offset = place
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go where the letters stand; with others than there are, leave."""
        if event.key == "escape":
            return
        event.stop()
        self._typed += event.character or "?"
        going = [letters for letters in self.places if letters.startswith(self._typed)]
        if self._typed in going:
            self.leave(self.places[self._typed][1])
        elif not going:
            self.leave()
        for letters in self.places:
            self.query_one(f"#at-{letters}").display = letters in going


def labels(count: int) -> Iterator[str]:
    """So many labels of which none begins another one, as many of one letter as that allows."""
    pairs = -(-(count - len(ascii_lowercase)) // (len(ascii_lowercase) - 1)) if count > len(ascii_lowercase) else 0
    singles = ascii_lowercase[: len(ascii_lowercase) - pairs]
    double = (first + second for first in ascii_lowercase[len(singles) :] for second in ascii_lowercase)
    yield from singles[:count]
    yield from (next(double) for _ in range(count - len(singles)))
