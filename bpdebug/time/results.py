"""What a command answers: text for people, data for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bpdebug.core.record import Record
from bpdebug.time.position import Position

JSON_VERSION = 1
"""Of the form of a JSON line; it rises when a key changes its meaning or goes away, not when one is added."""


class Result(Record):
    """The answer of one command.

    Attributes:
        type: ``stop`` (a move ended), ``value``, ``explanation``, ``listing``, ``position``, ``question`` (a prediction
            is asked for; nothing has moved), ``hunt``, ``help`` or ``quit``, among others.
        text: lines for a person.
        data: what ``--json`` adds to the common keys; nan and inf are strings already.
    """

    type: str
    text: str
    data: Mapping[str, Any] = {}

    def also(self, text: str, **data: object) -> Result:
        """The same answer with another text and more data."""
        return Result(self.type, text, {**self.data, **data})

    @property
    def stops(self) -> list[int]:
        """The numbers of the stops that have struck."""
        return [hit["number"] for hit in self.data.get("hits", ())]

    @property
    def wrong(self) -> bool:
        """Whether a verdict is that something is wrong or cannot be judged, or a command failed, be it one that a script or a stop ran."""
        return any(one.get("ok") is False or one.get("type") == "error" for one in self._all())

    @property
    def doubtful(self) -> bool:
        """Whether something was not judged, or is right in another convention only, or a check has something to note."""
        return any(
            one.get("unjudged") or one.get("conventions") or (one.get("type") == "check" and one.get("notes")) for one in self._all()
        )

    def _all(self) -> Iterator[Mapping[str, Any]]:
        """The data of this answer, and of those that a script or a stop has brought."""
        waiting: list[Mapping[str, Any]] = [{"type": self.type, **self.data}]
        while waiting:
            one = waiting.pop()
            yield one
            waiting += one.get("commands", ())


def to_json(command: str, position: Position, result: Result) -> str:
    """One JSON object on one line: the command, the moment after it, and its data."""
    common = {
        "v": JSON_VERSION,
        "command": command,
        "t": position.t,
        "update": position.update,
        "stage": position.stage,
        "type": result.type,
    }
    return json.dumps(common | dict(result.data), ensure_ascii=False, allow_nan=False)
