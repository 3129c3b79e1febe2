"""Keys in their order: each waits until all that the one before it has begun is done, be it a screen that opens."""

from __future__ import annotations

import asyncio
from collections import deque

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

from bpdebug.ui.long_runs import Work

_LOOK = 0.001
"""Seconds between two looks at whether a key is done with, where that takes longer than a moment."""
_MOST_LOOKS = 1000
"""How often at most; a key that waits is worth more than rest that never comes."""
_AT_ONCE = (events.MouseMove, events.MouseUp)
"""What waits for its turn, but for nothing else."""


class TypeAhead:
    """Nothing that is typed ahead is lost, or reaches another screen or pane than it was meant for.

    Textual passes a key to the widget that has the focus at that moment, and the widget acts on it in its own time. A key that
    comes in the same breath would be passed on before the one before it has opened its screen or moved the focus.

    Args:
        app: where it is typed.
        work: what is being done; what is typed while a command goes on by itself waits for its end.
    """

    def __init__(self, app: App[None], work: Work) -> None:
        self._app, self._work = app, work
        self._held_back: deque[events.Event] = deque()
        self._let_in: events.Event | None = None
        self._letting_in: asyncio.Task[None] | None = None

    def holds(self, event: events.Event) -> bool:
        """Whether what is typed or clicked has to wait."""
        if not isinstance(event, events.InputEvent | events.Paste) or event.is_forwarded or event is self._let_in:
            return False
        if self._work.busy and isinstance(event, events.MouseEvent):
            return False  # a click stops a run, too
        at_rest = not self._app.message_queue_size and self.others_rest()
        waits = bool(self._held_back) or self._is_letting_in() or not (isinstance(event, _AT_ONCE) or at_rest)
        if waits:
            self._held_back.append(event)
            if not self._is_letting_in():
                self._letting_in = asyncio.create_task(self._let_all_in())
        return waits

    def forget(self) -> None:
        """Take back what waits."""
        self._held_back.clear()

    def first(self, event: events.Event) -> None:
        """Let something in before all that waits."""
        if self._is_letting_in() and not self._work.busy:
            self._held_back.appendleft(event)
        else:
            self._app.post_message(event)

    def _is_letting_in(self) -> bool:
        return self._letting_in is not None and not self._letting_in.done()

    async def _let_all_in(self) -> None:
        """Let in what waits, one after the other."""
        try:
            while True:
                await self._rest()
                if self._app._exit or not self._held_back:
                    break
                self._let_in = self._held_back.popleft()
                self._app.post_message(self._let_in)
        except Exception as error:
            self._app._handle_exception(error)  # what still waits goes with the next key
        finally:
            self._letting_in = self._let_in = None

    async def _rest(self) -> None:
        """Wait until nothing is under way."""
        looks = 0
        while not self._app._exit and (self._work.busy or (looks < _MOST_LOOKS and not (_waits(self._app) and self.others_rest()))):
            looks += 1
            await asyncio.sleep(_LOOK if looks > 10 else 0)

    def others_rest(self) -> bool:
        """Whether no widget has anything to do, no screen anything to draw before it can be used, and no search goes on."""
        app = self._app
        if self._work.busy or app._exit:
            return False
        widgets = (widget for screen in app.screen_stack for widget in screen.walk_children(with_self=True))
        searching = any(worker.node is not app and not worker.is_finished for worker in app.workers)
        return all(widget._task is None or _waits(widget) for widget in widgets) and not app.screen._callbacks and not searching


def _waits(pump: MessagePump) -> bool:
    """Whether a widget waits for a message: there is none in its queue, and it is not dealing with one either, but looks at its queue."""
    looks_at_queue = getattr(getattr(pump._message_queue, "ready_event", None), "_waiters", True)
    return not pump.message_queue_size and bool(looks_at_queue)
