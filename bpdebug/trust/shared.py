"""What is right but for one factor that has a name and that the gradients of all parameters share: a convention, no mistake."""

from __future__ import annotations

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.network import Phase
from bpdebug.core.record import replace
from bpdebug.trust.agreement import REASONS
from bpdebug.trust.differences import Probe
from bpdebug.trust.elsewhere import Elsewhere
from bpdebug.trust.factors import ONE, names_of, scale

_NEAR, _DRAWS = 1e-9, 2


def shared(probe: Probe) -> dict[str, str]:
    """What is said of each stage of a backward pass of lines whose formulas, some of them the user's own, make all gradients larger by one
    factor, whatever the parameters are; nothing where they do not, or the factor is none that people use."""
    program = probe.program
    edited = {stage.name: stage.original for stage in program.stages if stage.replaced and stage.phase is Phase.BACKWARD}
    gradients = [program.gradients.get(name, "") for name in program.free]
    if not program.scenario.lines or program.recorded or not edited or not gradients:
        return {}
    lines = (edited.get(line.name, line) if line.phase is Phase.BACKWARD else line for line in program.lines)
    right, elsewhere, found = replace(program, lines=tuple(lines)), Elsewhere(probe), set[float]()
    names = names_of(program, probe.values, _NEAR, rate=False)
    for values in (probe.values, *map(elsewhere.at, range(_DRAWS))):
        try:
            due = right.run(values, right.end_of(Phase.BACKWARD))
        except (KeyError, BpdebugError):  # what was derived reads what the user's own lines compute later, or has other shapes
            return {}
        factors = [scale(values[name], np.asarray(due[name]), _NEAR) if name in due else None for name in gradients]
        found |= {names.of(factor or -1.0).value for factor in factors}
    factor = names.of(found.pop())
    if found or not factor.name or factor.value < 0 or factor == ONE:
        return {}
    reason = REASONS.get(factor.name, f"as those of {factor.name} times the loss")
    said = f"all gradients are {factor.text} times those of this loss, {reason}: a convention"
    return {stage.name: said for stage in program.stages if stage.phase is Phase.BACKWARD}
