"""bpdebug: a step-through debugger for back-propagation.

The same session that the app shows can be scripted::

    from bpdebug import Session, load_scenario

    session = Session(load_scenario("xor"))
    session.execute("goto 999:a2")
    print(session.value("a2"))
"""

import os

TYPE_CHECKING = False  # importing typing would take longer than all else here, in which time ctrl+c shows a traceback
if TYPE_CHECKING:
    from bpdebug.core.errors import BpdebugError
    from bpdebug.frontends import load_scenario
    from bpdebug.session.session import Session
    from bpdebug.time.results import Result
    from bpdebug.torch_recorder import record

__version__ = "0.1.0"
__all__ = ["BpdebugError", "Result", "Session", "load_scenario", "record"]

_MODULES = {
    "BpdebugError": "core.errors",
    "Result": "time.results",
    "Session": "session.session",
    "load_scenario": "frontends",
    "record": "torch_recorder",
}


def __getattr__(name: str) -> object:
    """What is public is imported when it is first asked for, so that the command decides how its own start goes."""
    if name not in _MODULES:
        raise AttributeError(f"module 'bpdebug' has no attribute '{name}'")
    from importlib import import_module  # noqa: PLC0415 - as typing

    return getattr(import_module(f"bpdebug.{_MODULES[name]}"), name)


def use_one_thread() -> None:
    """Let the linear algebra of this process keep to one thread, unless the environment says otherwise.

    More may change the last bits from run to run. It has an effect only before NumPy is loaded, so the command does it first of all.
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(variable, "1")
