"""How long the analysis of a script may take."""

from __future__ import annotations

from time import process_time

_SECONDS = 20.0


class Patience:
    """What is left of the time in which an analysis looks for the lines that are wrong; what it has found by then is what it says.

    Attributes:
        short: whether something was not looked at, since the time was over.
    """

    def __init__(self) -> None:
        self._end = self._until = process_time() + _SECONDS
        self.short = False

    def share(self, parts: int) -> None:
        """Let the first of some parts of what is still to do have its share of what is left."""
        now = process_time()
        self._until = now + max(0.0, self._end - now) / parts

    @property
    def lasts(self) -> bool:
        """Whether there is time."""
        self.short = self.short or process_time() > self._until
        return process_time() <= self._until

    def notes(self) -> list[str]:
        """What is said of it."""
        said = f"not every repair was tried, since the search ends after {_SECONDS:.0f} seconds: perhaps another line explains more"
        return [said] * self.short


__all__ = ["Patience"]
