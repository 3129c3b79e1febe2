"""What lives on from update to update though no optimizer changes it: running statistics, target networks."""

from __future__ import annotations

from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.schedule import KEPT, Stage
from bpdebug.core.texts import PHRASES
from bpdebug.core.tree import Name


def with_given(program: Program, name: str, text: str) -> Program:
    """The program with a formula of the scenario's: in the place of a stage's, or as what a parameter that the optimizer leaves alone
    is in the next update, such as a running mean.

    Raises:
        SetupError, FormulaError: where the formula does not parse or fit.
    """
    if name not in program.parameters or name in program.free:
        return program.with_formula(name, text)
    stage = Stage(name, Formula.of(Name(name)), Phase.UPDATE, program.network.layer_of[name], PHRASES["held"], "", KEPT)
    lines = (line for line in program.lines if line.name != name)
    made = replace(program, lines=(*lines, stage))
    return made.with_stage(replace(stage, formula=made.with_formula(name, text).stage(name).formula))
