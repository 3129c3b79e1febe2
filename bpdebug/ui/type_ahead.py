"""Keys in their order: each waits until all that the one before it has begun is done, be it a screen that opens."""

from __future__ import annotations

import asyncio
from collections import deque

from textual import events
from textual.message_pump import MessagePump

from bpdebug.ui.painting import Painted

_LOOK = 0.001
"""Seconds between two looks at whether a key is done with, where that takes longer than a moment."""
_MOST_LOOKS = 1000
"""How often at most; a key that waits is worth more than rest that never comes."""
_AT_ONCE = (events.MouseMove, events.MouseUp)
"""What waits for its turn, but for nothing else."""


class TypeAhead(Painted):
    """An app in which nothing that is typed ahead is lost, or reaches another screen or pane than it was meant for.

    Textual passes a key to the widget that has the focus at that moment, and the widget acts on it in its own time. A key that
    comes in the same breath would be passed on before the one before it has opened its screen or moved the focus.
    """

    def __init__(self) -> None:
        super().__init__()
        self._held_back: deque[events.Event] = deque()
        self._let_in: events.Event | None = None
        self._letting_in: asyncio.Task[None] | None = None

    @property
    def running_on(self) -> bool:
        """Whether a command goes on by itself; what is typed waits for its end."""
        return False

    async def on_event(self, event: events.Event) -> None:
        """Let what is typed or clicked in, or have it wait."""
        if not isinstance(event, events.InputEvent | events.Paste) or event.is_forwarded or event is self._let_in:
            await super().on_event(event)
        elif self.running_on and isinstance(event, events.MouseEvent):
            await super().on_event(event)  # a click stops a run, too
        elif self._held_back or self._is_letting_in() or not (isinstance(event, _AT_ONCE) or self._at_rest()):
            self._held_back.append(event)
            if not self._is_letting_in():
                self._letting_in = asyncio.create_task(self._let_all_in())
        else:
            await super().on_event(event)

    def _is_letting_in(self) -> bool:
        return self._letting_in is not None and not self._letting_in.done()

    def _at_rest(self) -> bool:
        """Whether what is being dealt with now is the only thing under way."""
        return not self.message_queue_size and self._others_rest()

    def simulate_key(self, key: str) -> None:
        """As if a key had been pressed, before any that waits."""
        event = events.Key(key, None)
        if self._is_letting_in() and not self.running_on:
            self._held_back.appendleft(event)
        else:
            self.post_message(event)

    async def _let_all_in(self) -> None:
        """Let in what waits, one after the other."""
        try:
            while True:
                await self._rest()
                if self._exit or not self._held_back:
                    break
                self._let_in = self._held_back.popleft()
                self.post_message(self._let_in)
        except Exception as error:
            self._handle_exception(error)  # what still waits goes with the next key
        finally:
            self._letting_in = self._let_in = None

    async def _rest(self) -> None:
        """Wait until nothing is under way."""
        looks = 0
        while not self._exit and (self.running_on or (looks < _MOST_LOOKS and not (_waits(self) and self._others_rest()))):
            looks += 1
            await asyncio.sleep(_LOOK if looks > 10 else 0)

    def _others_rest(self) -> bool:
        """Whether no widget has anything to do, no screen anything to draw before it can be used, and no search goes on."""
        if self.running_on or self._exit:
            return False
        widgets = (widget for screen in self.screen_stack for widget in screen.walk_children(with_self=True))
        searching = any(worker.node is not self and not worker.is_finished for worker in self.workers)
        return all(widget._task is None or _waits(widget) for widget in widgets) and not self.screen._callbacks and not searching


def _waits(pump: MessagePump) -> bool:
    """Whether a widget waits for a message: there is none in its queue, and it is not dealing with one either, but looks at its queue."""
    looks_at_queue = getattr(getattr(pump._message_queue, "ready_event", None), "_waiters", True)
    return not pump.message_queue_size and bool(looks_at_queue)
