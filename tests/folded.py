"""A program whose stages stand in a call and the turns of a loop, as those of a script do."""

from __future__ import annotations

from bpdebug.core.record import replace
from bpdebug.core.schedule import Level
from bpdebug.frontends.loader import load_scenario
from bpdebug.session.session import Session


def in_steps(turns=25, each=12):
    """XOR's first stage, as a loop of so many turns with so many stages."""
    session = Session(load_scenario("xor"))
    stage = session.program.stages[0]
    call, loop = Level("forward()", "train.py:40", 1), Level("for t in range(T)", "train.py:30", 2)
    made = [
        replace(stage, name=f"h{t}_{n}", line=f"train.py:{31 + n}", path=(call, loop, Level(f"t = {t}", "train.py:30", t + 1, True)))
        for t in range(turns)
        for n in range(each)
    ]
    session.begin(replace(session.program, lines=(*made, *session.program.lines)))
    return session
