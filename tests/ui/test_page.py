"""In a page of a browser, as a server joins it to the program in packets: it ends with its page, whenever that is closed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from threading import Thread
from time import monotonic, sleep

import pytest
from pseudo_terminal import APP, ROOT
from turns import by_turns

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def packet(kind, payload):
    return kind + len(payload).to_bytes(4, "big") + payload


def meta(**data):
    return packet(b"M", json.dumps(data).encode())


def size(columns, lines):
    return meta(type="resize", width=columns, height=lines)


class Page:
    """A page, with the server between it and the program."""

    def __init__(self, folder):
        variables = {
            "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
            "COLUMNS": "120",
            "ROWS": "36",
            "XDG_STATE_HOME": str(folder),
        }
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process, self.written = subprocess.Popen([*APP, "xor"], cwd=ROOT, env=os.environ | variables, **pipes), b""
        self.reader = Thread(target=self._read)

    def _read(self):
        while data := os.read(self.process.stdout.fileno(), 65536):
            self.written += data

    def __enter__(self):
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        if self.reader.ident:
            self.reader.join()
        for file in (self.process.stdin, self.process.stdout, self.process.stderr):
            file.close()

    def send(self, *packets):
        self.process.stdin.write(b"".join(packets))
        self.process.stdin.flush()

    def until(self, text, seconds=30):
        end = monotonic() + seconds
        while text.encode() not in self.written:
            assert monotonic() < end, self.written[-500:]
            sleep(0.01)


@pytest.mark.parametrize(
    ("sent", "moment"),
    by_turns([(), (size(100, 30),), (size(100, 30), size(80, 24))], ["before it starts", "while it starts", "when it stands"]),
)
def test_it_ends_with_its_page(sent, moment, tmp_path):
    with Page(tmp_path) as page:
        if moment != "before it starts":
            page.until("__GANGLION__" if moment == "while it starts" else "quit")
        page.send(*sent, meta(type="quit"))
        assert page.process.wait(30) == 0
        assert page.process.stderr.read() == b""


@pytest.mark.parametrize("moment", ["__GANGLION__", "quit"])
def test_it_ends_with_its_server(moment, tmp_path):
    with Page(tmp_path) as page:
        page.until(moment)
        page.process.stdin.close()
        assert page.process.wait(30) == 0


def test_it_ends_although_nobody_reads_what_it_writes(tmp_path):
    page = Page(tmp_path)
    try:
        page.send(packet(b"D", b"s[" * 3000), meta(type="quit"))
        page.process.wait(40)
    finally:
        page.__exit__()


def test_packets_that_are_none_and_bytes_that_are_no_text_end_nothing(tmp_path):
    with Page(tmp_path) as page:
        page.until("quit")
        page.send(
            packet(b"D", b"\xe9\x1b[999999999999u"), packet(b"M", b"[]"), packet(b"M", b"{"), packet(b"X", b""), packet(b"D", b"\x1b")
        )
        sleep(0.5)
        page.send(packet(b"D", b":print 1000+234\r"))
        page.until("1234")
        page.send(packet(b"D", b"\x11"))
        assert page.process.wait(30) == 0
