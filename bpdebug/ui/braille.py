"""A canvas of braille dots, 2×4 to a character, on which lines that cross do not erase each other."""

from __future__ import annotations

from bpdebug.ui.spans import Line

_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


class Canvas:
    """Dots and texts on a grid of characters; each character has the role of the strongest thing drawn on it.

    Args:
        columns, rows: the size in characters.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._dots = [[0] * columns for _ in range(rows)]
        self._text = [[""] * columns for _ in range(rows)]
        self._role = [[""] * columns for _ in range(rows)]
        self._strength = [[-1.0] * columns for _ in range(rows)]

    def dot(self, x: int, y: int, role: str, strength: float = 0.0) -> None:
        """Set one dot; ``x`` counts half columns, ``y`` quarter rows. Outside the canvas nothing happens."""
        column, row = x // 2, y // 4
        if not (0 <= column < self.columns and 0 <= row < self.rows):
            return
        self._dots[row][column] |= _BITS[x % 2][y % 4]
        if strength > self._strength[row][column]:
            self._strength[row][column], self._role[row][column] = strength, role

    def segment(self, start: tuple[int, int], end: tuple[int, int], role: str, strength: float = 0.0) -> None:
        """A straight line between two dots."""
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            x = start[0] + (end[0] - start[0]) * step / steps
            y = start[1] + (end[1] - start[1]) * step / steps
            self.dot(round(x), round(y), role, strength)

    def write(self, column: int, row: int, text: str, role: str) -> None:
        """Put a text over whatever is there."""
        for offset, character in enumerate(text):
            if 0 <= column + offset < self.columns and 0 <= row < self.rows:
                self._text[row][column + offset] = character
                self._role[row][column + offset] = role

    def lines(self) -> list[Line]:
        """The drawing."""
        return [self._line(row) for row in range(self.rows)]

    def _line(self, row: int) -> Line:
        spans: list[tuple[str, str]] = []
        for column in range(self.columns):
            dots = self._dots[row][column]
            character = self._text[row][column] or (chr(0x2800 + dots) if dots else " ")
            role = self._role[row][column]
            if spans and spans[-1][1] == role:
                spans[-1] = (spans[-1][0] + character, role)
            else:
                spans.append((character, role))
        return tuple(spans)
