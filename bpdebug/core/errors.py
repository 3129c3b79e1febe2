"""The errors of the engine: each carries what a person needs to mend it."""

_LONGEST = 1000
"""Characters of a line of a message."""


def printable(text: str) -> str:
    """A text that a terminal can show."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def legible(line: str) -> str:
    """A line that a program has printed, without what only a terminal understands; where it was written over, what it was last."""
    import re  # noqa: PLC0415 - a start does without

    plain = re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", "", line)
    return printable(plain.rstrip("\r\n").rpartition("\r")[2].expandtabs())


def presentable(text: str) -> str:
    """A message that may quote anything, as a terminal can show it: its lines printable, and long ones cut in the middle."""
    return "\n".join(_cut(printable(_cut(line))) for line in text.split("\n"))


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} … {line[3 - _LONGEST // 2 :]}"


class BpdebugError(Exception):
    """Anything a user can put right; its text is one clear message, never a traceback.

    Attributes:
        located: whether the text itself begins with the place, as in ``file:line:column: …``.
        status: with which the program ends.
    """

    located = False
    status = 2

    def __str__(self) -> str:
        return presentable(super().__str__())


class FormulaError(BpdebugError):
    """A formula that is refused, with the place in its text.

    Attributes:
        message: what is wrong, and what was expected.
        text: the formula as it was given.
        column: where in ``text``, counted from 1.
    """

    def __init__(self, message: str, text: str = "", column: int = 1) -> None:
        self.message, self.text, self.column = message, text, column
        super().__init__(f"column {column}: {message}" if text else message)


class ShapeError(FormulaError):
    """A formula whose tensors do not fit together; found before anything runs."""


class SetupError(BpdebugError):
    """A scenario whose parts contradict each other.

    Attributes:
        path: the keys that lead to the culprit, such as ``("parameters", "values", "W1")``.
    """

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        self.message, self.path = message, path
        super().__init__(message)


class LineError(SetupError):
    """A line of a program that is refused.

    Attributes:
        section: the key of the scenario under which the lines stand.
        number, column: where in its text, counted from 1.
    """

    def __init__(self, message: str, number: int, column: int = 1, section: str = "program") -> None:
        super().__init__(message, (section,))
        self.section, self.number, self.column = section, number, column


class ProgramError(SetupError):
    """All that is wrong with a program of lines.

    Attributes:
        errors: each.
    """

    def __init__(self, errors: tuple[SetupError, ...]) -> None:
        super().__init__(errors[0].message, errors[0].path)
        self.errors = errors
