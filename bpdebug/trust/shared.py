"""What is right but for one factor that has a name and that the gradients of all parameters share: a convention, no mistake."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.network import Phase
from bpdebug.core.record import replace
from bpdebug.trust.agreement import of_deltas, of_gradients, reason
from bpdebug.trust.differences import Probe
from bpdebug.trust.elsewhere import Elsewhere
from bpdebug.trust.factors import ONE, common_factor, names_of, scale

_NEAR, _DRAWS = 1e-9, 2


def shared(probe: Probe, accused: Collection[str]) -> tuple[Mapping[str, str], list[str]]:
    """What is said of each stage of a backward pass whose formulas, some of them the user's own, make the gradients of all parameters
    larger by one factor, whatever the parameters are, with sentences on that; where these gradients are right, of each stage that has a
    factor which they take back ("" of the others). Nothing where that does not explain all accusations, or nobody uses such a factor.
    """
    program = probe.program
    edited = {stage.name: stage.original for stage in program.stages if stage.replaced and stage.phase is Phase.BACKWARD}
    gradients = [program.gradients.get(name, "") for name in program.free]
    if program.recorded or not edited or not gradients:
        return {}, []
    lines = (edited.get(line.name, line) if line.phase is Phase.BACKWARD else line for line in program.lines)
    right, elsewhere = replace(program, lines=tuple(lines)), Elsewhere(probe)
    found = {stage.name: list[list[float]]() for stage in program.stages if stage.phase is Phase.BACKWARD}
    for values in (probe.values, *map(elsewhere.at, range(_DRAWS))):
        try:
            due = right.run(values, right.end_of(Phase.BACKWARD))
        except (KeyError, BpdebugError):  # what was derived reads what the user's own lines compute later, or has other shapes
            return {}, []
        for name, factors in found.items():
            factor = scale(values[name], np.asarray(due[name]), _NEAR) if name in due else None
            factors.append([factor] if factor else [])
    names = names_of(program, probe.values, _NEAR, rate=False)
    whole = names.of(common_factor([one for name in gradients for one in found.get(name, [[]])], _NEAR) or -1.0)
    if whole.value < 0 or not whole.name or not {*accused} <= found.keys():
        return {}, []
    shown = [name for name in found if name in gradients]
    if whole != ONE:
        said = of_gradients(shown, whole.text, "ours", reason(whole.name))
        return dict.fromkeys(found, f"{whole.text} times what is derived"), [said]
    each = {name: names.of(common_factor(factors, _NEAR) or np.nan) for name, factors in found.items()}
    deltas = {name: factor for name, factor in each.items() if factor.name and factor != ONE}
    if not deltas or not all(each[name].name for name in accused):
        return {}, []
    told = (of_deltas([name for name in deltas if deltas[name] == one], one, shown) for one in dict.fromkeys(deltas.values()))
    return {name: f"{each[name].text} times what is derived" * (name in deltas) for name in found}, [*told]
