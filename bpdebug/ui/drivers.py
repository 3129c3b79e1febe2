"""The terminal, and the page of a browser, as Textual drives them; but nothing that comes from there ends the session."""

from __future__ import annotations

import json
import os
import select
import signal
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from time import monotonic
from typing import Any, TextIO, cast

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers._byte_stream import ByteStream
from textual.drivers.linux_driver import LinuxDriver
from textual.drivers.web_driver import WebDriver
from textual.message import Message

from bpdebug.core.interruption import end_at_once
from bpdebug.ui.terminal import TerminalApp

_LOOK = 0.1
"""Seconds between two looks at whether an escape sequence is complete, or the app at its end."""
_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"
_SILENCE = 1.0
"""Seconds after which a paste without an end is taken as one that has lost it."""
_PATIENCE = 5.0
"""Seconds that an app without a page may take to end."""


class Keys:
    """What comes from a terminal, as events: bytes that are no text, and sequences that mean nothing, are no reason to end.

    Args:
        process: what an event is given to.
    """

    def __init__(self, process: Callable[[Message], None]) -> None:
        self._process = process
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._parser = XTermParser()
        self._last, self._tail, self._pasting = 0.0, "", False

    def read(self, data: bytes) -> None:
        """Take what has come; where a sequence cannot be read, only that one is lost."""
        self._last = monotonic()
        for character in self._decode(data):
            self._tail = (self._tail + character)[-len(_PASTE) :]
            self._pasting = self._tail == _PASTE or (self._pasting and self._tail != _PASTED)
            try:
                for event in self._parser.feed(character):
                    self._process(event)
            except Exception:
                broken, self._parser = self._parser, XTermParser()
                for name in ("mouse_pixels", "terminal_size", "terminal_pixel_size"):
                    setattr(self._parser, name, getattr(broken, name))

    def look(self) -> None:
        """Give up waiting for the rest of a sequence, or for the end of a paste."""
        for event in self._parser.tick():
            self._process(event)
        if self._pasting and monotonic() - self._last > _SILENCE:
            self.read(_PASTED.encode())


class _Output:
    """A terminal to write to; when it is gone, what is written goes nowhere."""

    def __init__(self, file: TextIO) -> None:
        self._file, self.fileno = file, file.fileno

    def write(self, text: str) -> None:
        """As of a file."""
        with suppress(OSError, ValueError):
            self._file.write(text)

    def flush(self) -> None:
        """As of a file."""
        with suppress(OSError, ValueError):
            self._file.flush()


class TerminalDriver(LinuxDriver):
    """A terminal."""

    def __init__(self, app: Any, **arguments: Any) -> None:
        super().__init__(app, **arguments)
        self._file = cast("Any", _Output(cast("TextIO", self._file)))
        self._ending, self._stopped = cast(TerminalApp, app), False

    def run_input_thread(self) -> None:
        """Read until the app ends; when the terminal is gone, the app ends as if it had been told so."""
        keys = Keys(self.process_message)
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], _LOOK)[0]:
                data = self._read()
                if not data:
                    self._ending.ask_to_end(128 + signal.SIGHUP)
                    return
                keys.read(data)
            keys.look()

    def process_message(self, message: Message) -> None:
        """Pass an event on; a size that the terminal was not asked for is none, and ctrl+c reaches a command that takes long, too."""
        if isinstance(message, events.Resize) and not self._in_band_window_resize:
            return
        if not (isinstance(message, events.Key) and message.key == "ctrl+c" and self._ending.interrupt()):
            super().process_message(message)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, 4096)
        except OSError:
            return b""

    def _sigtstp_application(self, *_: object) -> None:
        """Stop, with the terminal as it was, until the shell wakes us; where there is none that could, the system lets nobody stop."""
        self._stopped = True
        self.suspend_application_mode()
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        if os.tcgetpgrp(self.fileno) == os.getpgrp():
            os.killpg(0, signal.SIGTSTP)  # whoever has started us and waits, such as a script, stops too
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._sigtstp_application)
        self.resume_application_mode()
        self._stopped = False
        self._app.call_later(self._app.refresh, layout=True)

    def _sigcont_application(self, *_: object) -> None:
        """We were stopped without being asked; the terminal may be anything now."""
        if not self._stopped and self._writer_thread is not None:
            self._stopped = True
            self.suspend_application_mode()
            self.resume_application_mode()
            self._stopped = False
            self._app.call_later(self._app.refresh, layout=True)


class PageDriver(WebDriver):
    """A page in a browser, which a server joins to our standard streams in packets. When it is closed, the app ends."""

    def __init__(self, app: Any, **arguments: Any) -> None:
        super().__init__(app, **arguments)
        self._write = cast("Any", self._write_all)
        self._ending, self._gone = cast(TerminalApp, app), Event()

    def start_application_mode(self) -> None:
        """As usual, but the signals are answered by the app."""
        super().start_application_mode()
        self._ending.heed_signals()

    def _write_all(self, data: bytes) -> int:
        """Write to the server, or nowhere when it is gone."""
        try:
            written = 0
            while written < len(data) and not self._gone.is_set():
                written += os.write(self.fileno, data[written:])
        except OSError:
            self._leave()
        return len(data)

    def _leave(self) -> None:
        if not self._gone.is_set():
            self._gone.set()
            self._ending.ask_to_end(0)

    def run_input_thread(self) -> None:
        """Read until the page is closed; an app that cannot end by itself, because nobody reads what it writes, is ended."""
        keys, packets = Keys(self.process_message), ByteStream()
        try:
            for data in self._input_reader:
                for kind, payload in packets.feed(data) if data else ():
                    self._take(keys, kind, payload)
                keys.look()
        except (OSError, EOFError):
            pass
        self._leave()
        if not self.exit_event.wait(_PATIENCE):
            self._ending.keep()
            end_at_once(signal.SIGTERM)

    def _take(self, keys: Keys, kind: str, payload: bytes) -> None:
        """Take a packet; what is no packet of the protocol is passed over.

        Raises:
            EOFError: where it is the last one.
        """
        if kind == "D":
            keys.read(payload)
            return
        try:
            meta = json.loads(payload)
            if meta["type"] not in ("quit", "exit"):
                self.on_meta(meta["type"], meta)
                return
        except (ValueError, TypeError, KeyError):
            return
        raise EOFError
