"""The command ``bpdebug`` from its arguments to its exit status: streams, errors, and what is answered without loading the rest."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from bpdebug import __version__, use_one_thread
from bpdebug.core.errors import BpdebugError

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line.

    Args:
        argv: the arguments after the program's name; those of the process if not given.

    Returns:
        The exit status.
    """
    status = USAGE
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] != ["record"]:  # there the numbers are the user's, with his threads
        use_one_thread()
    try:
        with _streams("--json" in arguments or "schema" in arguments[:1]):
            return _carry_out(arguments)
        return OK  # whoever reads the answers has seen enough
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else OK
    except KeyboardInterrupt as interrupted:
        with suppress(OSError):
            print("interrupted", file=sys.stderr)
        return getattr(interrupted, "status", INTERRUPTED)
    except (BpdebugError, MemoryError) as error:
        text = str(error) or "out of memory"
        print(text if getattr(error, "located", False) else f"bpdebug: {text}", file=sys.stderr)
        status = getattr(error, "status", USAGE)
    except OSError as error:
        print(f"bpdebug: {error}", file=sys.stderr)
        status = USAGE if error.filename else FAILED
    except Exception as error:
        from bpdebug.session.rescue import DEBUG, told  # noqa: PLC0415 - hardly ever needed

        if os.environ.get(DEBUG):
            raise
        print(f"bpdebug: {told(None, error)}", file=sys.stderr)
        status = FAILED
    return status


@contextmanager
def _streams(as_json: bool) -> Iterator[None]:
    """Standard streams that can write anything, and whose reader may leave (``| head``) when it has seen enough."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = "utf-8" if as_json and stream is sys.stdout else None
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    try:
        yield
        _flush()
    except OSError as error:
        try:
            _flush()
        except OSError:  # what is still to be written goes nowhere, so that the interpreter does not fail on it when it exits
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.__stdout__.fileno() if sys.__stdout__ else 1)
            os.close(nowhere)
        if not isinstance(error, BrokenPipeError):
            raise


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _carry_out(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        print(f"bpdebug {__version__}")
        return OK
    if arguments in (["--help"], ["-h"], ["--list"]):
        from bpdebug.overview import help_text, list_shipped  # noqa: PLC0415 - as little as that takes

        print(help_text(), end="") if "--list" not in arguments else list_shipped(sys.stdout)
        return OK
    from bpdebug.dispatch import dispatch  # noqa: PLC0415 - brings NumPy and all the rest

    gc.freeze()
    gc.enable()  # see bpdebug.__main__
    return dispatch(arguments)
