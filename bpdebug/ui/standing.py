"""What nobody foresaw in the app itself is told, and the rest of it goes on."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual.message import Message
from textual.message_pump import MessagePump


@runtime_checkable
class Going(Protocol):
    """An app that can go on."""

    def stands(self, error: Exception) -> bool:
        """Tell of an exception; whether there is an app to go on with."""


def stands(widget: MessagePump, error: Exception) -> bool:
    """Whether the app goes on after an exception, of which it then has told."""
    return isinstance(widget.app, Going) and widget.app.stands(error)


class Standing(MessagePump):
    """A widget that goes on although it could not deal with a message."""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if not stands(self, error):
                raise
