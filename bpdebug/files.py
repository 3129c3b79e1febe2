"""Files: read within bounds, after a look at what they are; written whole, in the place of what was there."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from bpdebug.core.errors import BpdebugError, printable

MEBI = 2**20
SCRIPT_BYTES = 16 * MEBI
"""How long a script may be."""
_PATIENCE = 10.0
"""Seconds in which whoever reads a pipe has to read some of it."""
_BINARY = getattr(os, "O_BINARY", 0)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)
"""Opening does not wait for the other end of a pipe."""
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
_REASONS = {
    errno.ENXIO: "no program reads this pipe",
    errno.ELOOP: "this symbolic link leads round in a circle",
    errno.ENOTDIR: "a part of this path is a file and no directory",
}


class FileError(BpdebugError):
    """A file that cannot be read or written.

    Attributes:
        reason: what was found, and what was expected.
        kind: ``missing``, ``long``, or "" for what else can be wrong.
    """

    def __init__(self, file: object, reason: str, kind: str = "") -> None:
        self.reason, self.kind = reason, kind
        super().__init__(f"{printable(str(file))}: {reason}")


PROGRAMS = (".py", ".ipynb")
"""How the files end that are run where a command line names them."""


def refuse_program(path: object) -> None:
    """Refuse what would be run, where something else than a command line names it.

    Raises:
        FileError: in one sentence.
    """
    if str(path).endswith(PROGRAMS):
        raise FileError(path, "a script runs only where a command line names it: bpdebug, bpdebug run, check, explain or screenshot")


@contextmanager
def _told(path: Path, doing: str) -> Iterator[None]:
    """What the system says against a file, as one message."""
    absent = "there is no such file" if doing == "read" else "cannot be written"
    try:
        yield
    except ValueError:
        raise FileError(path, f"{absent}: none can have such a name") from None
    except OSError as error:
        if doing == "read" and isinstance(error, FileNotFoundError):
            raise FileError(path, absent, "missing") from None
        reason = f"{absent}: the name is too long" if error.errno == errno.ENAMETOOLONG else _REASONS.get(error.errno or 0)
        raise FileError(path, reason or f"cannot be {doing}: {error.strerror or error}") from None


def path_of(text: str) -> Path:
    """A file's name as a path, with ``~`` for the home directory.

    Raises:
        FileError: where no file can have that name.
    """
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise FileError(text, "there is no such home directory") from None
    if "\0" in text or path.name in ("", ".."):
        raise FileError(repr(text), "this is not the name of a file")
    return path


def kind_of(status: os.stat_result) -> str:
    """What is no regular file, in a few words; "" for one that is."""
    return next((words for test, words in _KINDS if test(status.st_mode)), "")


def open_file(path: Path, expected: str, most: int, piped: bool = False) -> IO[bytes]:
    """A regular file, open for reading.

    Args:
        path: the file.
        expected: what it should be, such as "a script".
        most: how many bytes it may have.
        piped: whether it may be a pipe or device that this process was started with, as ``/dev/stdin`` or ``<(…)``.

    Raises:
        FileError: for anything else; nothing has been read or waited for then.
    """
    with _told(path, "read"):
        found = path.stat()
        own = piped and (str(path) == "/dev/stdin" or str(path.parent) in ("/dev/fd", "/proc/self/fd"))
        if (kind := kind_of(found)) and not own:
            raise FileError(path, f"this is {kind}; expected {expected}")
        if found.st_size > most:
            raise too_long(path, expected, most)
        return open(path, "rb", opener=lambda name, flags: os.open(name, flags | (0 if own else _AT_ONCE)))


def too_long(path: Path, expected: str, most: int) -> FileError:
    """A file of more bytes than are read."""
    return FileError(path, f"this is more than {most // MEBI} MiB; expected {expected}", "long")


def read_file(path: Path, expected: str, most: int) -> bytes:
    """What a file holds; see :func:`open_file`.

    Raises:
        FileError: where it cannot be read, or is longer than it may be.
    """
    with open_file(path, expected, most, piped=True) as stream, _told(path, "read"):
        content = stream.read(most + 1) or b""
    if len(content) > most:
        raise too_long(path, expected, most)
    return content


def read_lines(path: Path, expected: str, most: int) -> list[str]:
    """The lines of a text.

    Raises:
        FileError: as :func:`read_file`, and for a byte that is not UTF-8, with its line.
    """
    content = read_file(path, expected, most)
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileError(f"{path}:{line}", f"expected UTF-8 text; found the byte {content[error.start]:#04x}") from None


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8) under another name in the same directory and rename it, so that nothing is lost half-way.

    A symbolic link is followed; a device or a pipe is written to.

    Raises:
        FileError: where that cannot be done.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
    with _told(path, "written"):
        if not _poured(path, data):
            _replace(Path(os.path.realpath(path)), data)


def append_file(path: Path, text: str) -> None:
    """Write at the end of a file; see :func:`write_file`.

    Raises:
        FileError: where that cannot be done.
    """
    data = text.encode("utf-8", "backslashreplace")
    with _told(path, "written"):
        if not _poured(path, data):
            with path.open("ab") as file:
                file.write(data)


def remove_file(path: Path) -> None:
    """Delete a file, where it is there.

    Raises:
        FileError: where that cannot be done.
    """
    with _told(path, "removed"):
        path.unlink(missing_ok=True)


def _poured(path: Path, data: bytes) -> bool:
    """Write to what is not to be replaced: a pipe, a device, or whatever this process prints to, in its turn; whether it is such.

    A pipe that nobody reads is not waited for.
    """
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    kind, own = kind_of(there), _printed_to(there)
    if kind in ("a directory", "a socket") or stat.S_ISBLK(there.st_mode):
        raise FileError(path, f"this is {kind}; expected the name of a file to write")
    if not (kind or own):
        return False
    for printed in (sys.stdout, sys.stderr):
        if printed is not None:
            printed.flush()
    handle = os.dup(own) if own else os.open(path, os.O_WRONLY | _BINARY | _AT_ONCE | getattr(os, "O_NOCTTY", 0))
    with open(handle, "wb", buffering=0) as stream:  # noqa: PTH123 - a descriptor
        while data:
            if _AT_ONCE and not own and not select.select([], [stream], [], _PATIENCE)[1]:
                raise OSError(errno.ETIMEDOUT, "whoever reads it has stopped")
            data = data[stream.write(data) or 0 :]
    return True


def _printed_to(there: os.stat_result) -> int | None:
    """The descriptor of standard output or error, where it is this very file."""
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), there):
                return descriptor
    return None


def _replace(target: Path, data: bytes) -> None:
    """Put a regular file in the place of another, with its owner and permissions, or of none."""
    there = target.stat() if target.exists() else None
    if there and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "it is write-protected")
    temporary = target.parent / f".bpdebug-{os.urandom(6).hex()}"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666), "wb") as file:  # noqa: PTH123
            if there:
                with suppress(OSError, AttributeError):
                    os.fchown(file.fileno(), there.st_uid, there.st_gid)
                temporary.chmod(stat.S_IMODE(there.st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
