"""What ``bpdebug record`` does, and what it says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bpdebug.core.errors import BpdebugError
from bpdebug.files import FileError
from bpdebug.torch_recorder import need_torch


def record_script(
    script: Path, arguments: list[str], path: Path, wanted: tuple[int, int], optimizer: str, until_nan: bool, only: str
) -> int:
    """Run a script, and write one of its steps; the exit status, 0 where that was done.

    Args:
        script, arguments: what runs.
        path: of the file to write.
        wanted: the first and the last step that are recorded, from 1; 0 for no last one.
        optimizer: the class whose steps count, or "".
        until_nan: whether only a step with a value that is not finite is written.
        only: the module of which all numbers are kept, or "".

    Raises:
        BpdebugError: where it cannot be run or recorded.
    """
    if path.suffix != ".bpd":
        raise BpdebugError(f"{path}: the name of a recording ends with .bpd")
    if not script.is_file():
        raise FileError(script, "expected a script; the file does not exist", "missing")
    if not path.absolute().parent.is_dir():
        raise FileError(path, "there is no such directory")
    need_torch()
    from bpdebug.torch_recorder.running import Steps, run  # noqa: PLC0415 - needs torch

    path = path.absolute()  # the script may go elsewhere
    print(f"bpdebug: running {script} as a program, with your rights; ctrl+c stops it", file=sys.stderr, flush=True)
    steps = Steps(path, script.name, wanted, optimizer, until_nan, only)
    status = run(script, arguments, steps)
    if steps.written:
        tell(steps.path, steps.written)
    return status


def tell(path: Path, size: int) -> None:
    """Say what a file holds, and where the first value is that is not finite."""
    from bpdebug.frontends.torch_step.broken import first_broken  # noqa: PLC0415
    from bpdebug.frontends.torch_step.program import load_step  # noqa: PLC0415

    scenario, shown = load_step(path), os.path.relpath(path)
    print(f"{shown}: {scenario.description}; {size / 1e6:.3g} MB. It holds the batch, the weights and the source of your files.")
    print(first_broken(scenario) or "every value is finite")
    for note in scenario.ready().notes[1:] if scenario.ready else ():
        print(note)
    print(f"bpdebug {shown} opens it")


__all__ = ["record_script", "tell"]
