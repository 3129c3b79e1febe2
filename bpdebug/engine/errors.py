"""The errors of the engine: each carries what a person needs to mend it."""


class BpdebugError(Exception):
    """Anything a user can put right; its text is one clear message, never a traceback.

    Attributes:
        located: whether the text itself begins with the place, as in ``file:line:column: …``.
    """

    located = False


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
