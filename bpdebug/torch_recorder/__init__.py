"""The recorder of ``bpdebug record``: one training step of the user's own eager PyTorch code, operation by operation.

It needs torch, which nothing else of bpdebug does; it is loaded only where somebody records.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bpdebug.core.errors import BpdebugError


def need_torch() -> None:
    """See that torch is there, in a version that can be recorded.

    Raises:
        BpdebugError: where it is not.
    """
    try:
        import torch  # noqa: F401, PLC0415 - by who records alone
    except ImportError:
        said = "recording needs torch: install bpdebug into the Python that you train with (pip install 'bpdebug[torch]')"
        raise BpdebugError(f"{said}; this one is {sys.executable}") from None
    from bpdebug.torch_recorder.running import examine  # noqa: PLC0415

    examine()


@contextmanager
def record(model: Any = None, optimizer: Any = None, path: str | Path = "step.bpd") -> Iterator[None]:
    """Record the training step that runs within, and write it to a file; also where it ends with an exception.

    Args:
        model: whose names its tensors get; default: the first module that is called.
        optimizer: the one that makes the step, whose name is noted.
        path: of the file, which ``bpdebug step.bpd`` opens.

    Raises:
        BpdebugError: where there is no torch, or one that cannot be recorded.
    """
    need_torch()
    from bpdebug.torch_recorder.recorder import Recorder  # noqa: PLC0415
    from bpdebug.torch_recorder.writing import write  # noqa: PLC0415

    recorder, ended = Recorder(model), ""
    script = "a notebook" if "ipykernel" in sys.modules else Path(sys.argv[0]).name
    try:
        with recorder:
            yield
    except BaseException as error:
        ended = type(error).__name__
        raise
    finally:
        if recorder.operations:
            told = {"script": script, "step": 1, "optimizer": type(optimizer).__name__ if optimizer else "", "ended": ended}
            write(recorder, Path(path), told)


__all__ = ["need_torch", "record"]
