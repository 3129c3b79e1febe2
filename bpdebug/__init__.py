"""bpdebug: a step-through debugger for back-propagation.

The same session that the app shows can be scripted::

    from bpdebug import Session, load_scenario

    session = Session(load_scenario("xor"))
    session.execute("goto 999:a2")
    print(session.value("a2"))
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # before NumPy loads: more threads may change the last bits from run to run

from bpdebug.debugger.results import Result  # noqa: E402
from bpdebug.debugger.session import Session  # noqa: E402
from bpdebug.engine.errors import BpdebugError  # noqa: E402
from bpdebug.scenario import load_scenario  # noqa: E402

__all__ = ["BpdebugError", "Result", "Session", "load_scenario"]
