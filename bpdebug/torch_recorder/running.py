"""``bpdebug record``: run a script as it is, and write down the step that is asked for."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any
from weakref import WeakSet

import torch

from bpdebug.core import interruption
from bpdebug.core.errors import BpdebugError
from bpdebug.torch_recorder import private
from bpdebug.torch_recorder.by_hand import ByHand
from bpdebug.torch_recorder.naming import Namer
from bpdebug.torch_recorder.recorder import Recorder
from bpdebug.torch_recorder.repeating import repeat
from bpdebug.torch_recorder.writing import write


class Enough(BaseException):
    """The step is written: the script ends. No ``except Exception`` of the user's takes it."""


class Steps:
    """Counts the steps of an optimizer, and records those that may be the one that is wanted.

    Args:
        path: of the file to write; that of another rank than 0 has it in its name.
        script: its name.
        wanted: the first and the last step that are recorded, from 1; 0 for no last one.
        optimizer: the class of the optimizer whose steps count, or "" for any.
        until_nan: whether only a step that has a value that is not finite is wanted.
        only: the module of which all numbers are kept, or "".

    Attributes:
        path: of the file.
        count: of the steps so far.
        written: the bytes of the file, 0 where there is none.
        asked: who has asked for the end, "" where nobody has; the script may go on after that, as to evaluate its model.
        recorder: of the step that is under way, or None.
    """

    def __init__(self, path: Path, script: str, wanted: tuple[int, int], optimizer: str, until_nan: bool, only: str = "") -> None:
        rank = os.environ.get("RANK", "0")  # of several processes each writes its own file, and all of them stop at the same step
        self.path = path if rank == "0" else path.with_suffix(f".rank{rank}{path.suffix}")
        self._script, self._process = script, os.getpid()
        self._first, self._last = wanted
        self._optimizer, self._until_nan, self._only = optimizer.casefold(), until_nan, only
        self.count, self.written, self.asked, self._stepped = 0, 0, "", False
        self.recorder: Recorder | None = None
        self._hooks, self._optimizers = list[Any](), WeakSet[Any]()
        self._by_hand: ByHand | None = None
        self._plain: Callable[..., None] = torch.optim.Optimizer.__init__
        self._scaled: Callable[..., Any] = torch.amp.GradScaler.step

    def begin(self) -> None:
        """Watch optimizers from now on; where the first step is wanted, it begins when one of them is made."""
        self._hooks = private.step_hooks(self._before, self._after)
        steps, plain, self._by_hand = self, self._plain, None if self._optimizer else ByHand(self._step_by_hand)
        if self._by_hand:
            self._by_hand.__enter__()

        def made(optimizer: Any, *given: Any, **more: Any) -> None:
            plain(optimizer, *given, **more)
            steps._optimizers.add(optimizer)
            steps.leave_hand()
            if steps._first == 1 and not steps.count:
                steps.drop()
                steps._record()

        def scaled(scaler: Any, optimizer: Any, *given: Any, **more: Any) -> Any:
            before, steps._stepped = steps._stepped, False
            try:
                return steps._scaled(scaler, optimizer, *given, **more)
            finally:
                if not steps._stepped and steps.recorder:  # it has skipped the step: the next one begins
                    steps.drop()
                    steps._record()
                steps._stepped |= before

        torch.optim.Optimizer.__init__ = made
        torch.amp.GradScaler.step = scaled

    def end(self) -> None:
        """Leave torch as it was."""
        self.leave_hand()
        self.drop()
        torch.optim.Optimizer.__init__ = self._plain
        torch.amp.GradScaler.step = self._scaled
        for hook in self._hooks:
            hook.remove()

    def _step_by_hand(self, parameters: Iterable[Any] | None) -> Namer | None:
        if parameters is not None:
            self._count("", parameters)
        elif self._first == 1:
            self._record()
        return self.recorder.names if self.recorder else None

    def leave_hand(self, ended: bool = False) -> None:
        """Look no longer for steps that no optimizer makes; where the script has ``ended``, the last of them is complete."""
        by_hand, self._by_hand = self._by_hand, None
        if by_hand:
            by_hand.__exit__(None, None, None)
            if ended and by_hand.passed:
                self._count("", by_hand.parameters.values())

    def drop(self) -> None:
        """End a recording that is under way."""
        if self.recorder:
            self.recorder.__exit__(None, None, None)
        self.recorder = None

    def _record(self) -> None:
        with interruption.put_off():
            self.recorder = Recorder(alone=False, later=self._until_nan, only=self._only)
            self.recorder.__enter__()

    def _before(self, optimizer: Any, given: Any, named: Any) -> Any:
        """A step begins; of one that evaluates the loss again and again, as L-BFGS does, the last evaluation is recorded."""
        if self.recorder:
            self.recorder.begin_update(optimizer)
        closure = named.get("closure", given[1] if len(given) > 1 else None)
        if closure is None or not self.recorder:
            return None
        before = list[int]()

        def evaluate() -> Any:
            if before and self.recorder:
                self._begin_again(optimizer, self.recorder)
            before.append(1)
            return closure()

        return (given[0], evaluate, *given[2:]), {key: one for key, one in named.items() if key != "closure"}

    def _begin_again(self, optimizer: Any, recorder: Recorder) -> None:
        self.drop()
        if self._until_nan and _is_broken(recorder, _parameters(optimizer)):
            self.count += 1
            self.write(recorder, type(optimizer).__name__)
            raise Enough
        self._record()
        self._before(optimizer, (), {})

    def _after(self, optimizer: Any, *_: Any) -> None:
        """A step is complete, unless a fused one has found that the scaled gradients are not finite, and skipped itself."""
        found = getattr(optimizer, "found_inf", None)
        if found is not None and bool(found):
            return
        self._stepped = True
        if self.recorder:
            self.recorder.end_update()
        if self._optimizer not in ("", type(optimizer).__name__.casefold()):
            return
        if self.recorder:
            self.recorder.others = {id(one) for other in self._optimizers if other is not optimizer for one in _parameters(other)}
        self._count(type(optimizer).__name__, _parameters(optimizer))

    @interruption.put_off()
    def _count(self, optimizer: str, parameters: Iterable[Any]) -> None:
        self.count += 1
        recorder = self.recorder
        self.drop()
        if recorder and (not self._until_nan or _is_broken(recorder, [*parameters])):
            self.write(recorder, optimizer)
        if self.written:  # also where the script has taken the first exception for one of its own
            raise Enough
        if self.count + 1 >= self._first and not 0 < self._last <= self.count:
            self._record()

    def end_script(self, number: int, frame: FrameType | None) -> None:
        """Somebody asks for the end; processes of the script's own end as they do without a recorder."""
        if os.getpid() != self._process:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            signal.raise_signal(number)
        self.asked = "KeyboardInterrupt" if number == signal.SIGINT else signal.Signals(number).name
        interruption.end(number, frame)

    def write(self, recorder: Recorder, optimizer: str = "", ended: str = "") -> None:
        """Write the file, whoever asks for the end meanwhile."""
        with interruption.put_off():
            if self._until_nan:
                repeat(recorder)
            told = {"script": self._script, "step": self.count + bool(ended), "optimizer": optimizer, "ended": ended}
            self.written = write(recorder, self.path, told)


def _parameters(optimizer: Any) -> list[Any]:
    return [one for group in optimizer.param_groups for one in group["params"]]


def _is_broken(recorder: Recorder, parameters: list[Any]) -> bool:
    """Whether a loss, a gradient or a parameter of a step is not finite."""
    arrays = [recorder.values.all[number].array for number in recorder.roots]
    with torch.no_grad():
        tensors = [*parameters, *(one.grad for one in parameters if one.grad is not None)]
        bad = any(not bool(torch.isfinite(one).all()) for one in tensors)
    return bad or any(not torch.isfinite(torch.as_tensor(one)).all() for one in arrays)


def run(script: Path, arguments: list[str], steps: Steps) -> int:
    """Run a script; 0 where a file was written, else 1.

    Raises:
        BpdebugError: where a step is too large.
    """
    before, path = sys.argv, [*sys.path]
    sys.argv, sys.path[0] = [str(script), *arguments], str(script.parent.absolute())
    ended = ""
    steps.begin()
    try:
        with private.running_eagerly(), interruption.heeded(steps.end_script):
            runpy.run_path(str(script), run_name="__main__")
            steps.leave_hand(ended=True)
    except Enough:
        return 0
    except SystemExit as leaving:
        ended = f"sys.exit({leaving.code!r})" if leaving.code else ""
    except KeyboardInterrupt:
        steps.asked = steps.asked or "KeyboardInterrupt"
    except BpdebugError:
        raise
    except Exception as error:
        ended = f"{type(error).__name__}: {error}".partition("\n")[0]
        _show(error)
        if steps.recorder and error.__traceback__:
            steps.recorder.names.name_given([frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1])
    finally:
        recorder = steps.recorder
        steps.end()
        sys.argv, sys.path[:] = before, path
    ended = ended or steps.asked
    if not steps.written and ended and recorder and recorder.operations:
        with suppress(KeyboardInterrupt):
            steps.write(recorder, ended=ended)
    if steps.written:
        return 0
    by_hand = " (`with bpdebug.record():` around a step records what torch computes there)" * (not steps.count)
    made = f"the script ended{' with ' * bool(ended)}{ended} after {steps.count} step{'s' * (steps.count != 1)}"
    wanted = "and in none of those that were recorded was a value not finite" if steps._until_nan else f"there is no step {steps._first}"
    print(f"bpdebug: {made}; {wanted}: nothing is written{by_hand}", file=sys.stderr)
    return 1


def _show(error: Exception) -> None:
    """Python's traceback, without what is ours."""
    told = traceback.TracebackException.from_exception(error)
    ours = (str(Path(__file__).parents[1]), "<frozen", runpy.__file__)
    told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if not frame.filename.startswith(ours)])
    print("".join(told.format()), end="", file=sys.stderr)


def examine() -> None:
    """See that this torch can be recorded.

    Raises:
        BpdebugError: where it cannot.
    """

    def recorded(step: Callable[[], None]) -> tuple[list[str], set[str]]:
        with torch.enable_grad(), Recorder() as recorder:
            step()
        return [made.name for made in recorder.operations], {value.name for value in recorder.values.all}

    private.examine(recorded)


__all__ = ["Enough", "Steps", "examine", "run"]
