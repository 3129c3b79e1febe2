"""Which tensors belong to a group, and what each is in a layer: by what they are, whatever they are called."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from math import prod

from bpdebug.core.cells import NamedCell
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.render import render_name
from bpdebug.core.tensors import Array, Role
from bpdebug.look.groups import forward_of, group_of, groups_of, made_in, reads
from bpdebug.look.once import once
from bpdebug.look.paths import MOST_CELLS
from bpdebug.session.view import View
from bpdebug.ui.draw.check import theirs_of

WEIGHT, BIAS, SUMS, ACTIVATIONS, OUTPUT, INPUT, TARGET = "weight", "bias", "z", "a", "output", "input", "target"
"""The parts that a tensor may be; an output is one of its own only where it is not the activations."""
ANSWERS = (OUTPUT, ACTIVATIONS, SUMS)
"""What the neurons of a layer compute, the last first."""
Part = tuple[str, int]


def part_of(program: Program, name: str) -> Part:
    """What part of its layer a tensor is, or that which it is the gradient or a slot of; and the layer. ("", 0) where it is none."""
    return once(program, "parts", lambda: _parts(program)).get(name, ("", 0))


def _parts(program: Program) -> dict[str, Part]:
    parts = (OUTPUT, WEIGHT, BIAS, SUMS, ACTIVATIONS)
    own = {getattr(layer, part): (part, layer.number) for layer in program.layers for part in parts if getattr(layer, part)}
    made = {name: own[tensor.of] for name, tensor in program.tensors.items() if tensor.of in own}
    return made | own | {program.input: (INPUT, 0), program.target: (TARGET, 0)}


def is_gradient(program: Program, name: str, *others: Role) -> bool:
    """Whether a tensor is a gradient, or a part of one, or has one of other roles."""
    return name in program.tensors and program.tensors[name].role in (Role.GRADIENT, *others)


def made_of(program: Program, name: str, role: Role) -> list[str]:
    """The gradients with their parts, or the optimizer's slots, of a tensor, in the order of computation."""

    def made() -> dict[tuple[str, Role], list[str]]:
        found: dict[tuple[str, Role], list[str]] = {}
        for tensor in program.tensors.values():
            found.setdefault((tensor.of, tensor.role), []).append(tensor.name)
        return found

    return once(program, "made of", made).get((name, role), [])


def kin_of(program: Program, name: str) -> list[str]:
    """The weights, biases and sums of a tensor's layer, or their gradients, where it is one of them itself."""
    tensor, part = program.tensors.get(name), part_of(program, name)
    if tensor is None or part[0] not in (WEIGHT, BIAS, SUMS) or tensor.role is Role.SLOT or tensor.through:
        return []
    layer = program.layers[part[1] - 1]
    own = [layer.weight, layer.bias, layer.z]
    return [program.gradients[one] for one in own if one in program.gradients] if tensor.of else list(filter(None, own))


def values_in(view: View, name: str, theirs: bool = False) -> Array | None:
    """Our numbers for a tensor, or the user's own; None where there are none yet."""
    if theirs:
        return theirs_of(view, name)
    return view.finished.tensors[name] if view.finished and is_past(view, name) else view.tensors.get(name)


def is_past(view: View, name: str) -> bool:
    """Whether a tensor is shown as the update that has just been completed left it; the one with the cell cursor never is."""
    here = view.selected is not None and view.selected[0] == name
    return view.finished is not None and name in view.finished.tensors and not here


def samples_in(view: View, name: str) -> Array:
    """The samples that the rows of a tensor stand for."""
    return view.finished.samples if view.finished and is_past(view, name) else view.samples


def heading(view: View, name: str, theirs: bool) -> str:
    """What a table is called."""
    return f"yours {view.named(name)}" if theirs else view.named(name)


def origin_of(view: View) -> NamedCell | None:
    """The cell that ``origin`` goes to."""
    return view.operands[view.operand % len(view.operands)] if view.operands else None


def focus(view: View) -> str:
    """The group that is looked at; where nobody has said, that of the stage that ran last, or the first.

    What a script computes for its gradients alone may belong to none.
    """
    groups, found = groups_of(view.program), view.group or group_of(view.program, view.position.stage or "")
    return found if found in groups else groups[0]


def values_of(view: View) -> list[str]:
    """The tensors that the Values pane shows: those of the group in focus, then what the stage in sight is made of besides; in the order of
    computation."""
    program, group = view.program, focus(view)
    own = once(program, ("values", group), lambda: _values(program, group))
    return in_order(program, own + [name for name in in_stage(view) if not is_gradient(program, name, Role.SLOT)])


def _values(program: Program, group: str) -> list[str]:
    """What the statements of a group read and make, of those of the loss the ones that hold the answer against the target."""
    own = [stage for stage in forward_of(program) if group_of(program, stage.name) == group]
    told = [stage for stage in own if stage.phase is Phase.FORWARD or program.target in stage.formula.names] or own
    wanted = [name for stage in told for name in (*stage.formula.names, stage.name) if not is_setting(program, name)]
    return wanted + [stage.name for stage in own if stage.name == program.loss]


def deltas_of(view: View) -> list[str]:
    """The tensors that the Gradients pane shows: those of the group in focus, or of the nearest one that has any, then what the stage in
    sight is made of besides; in the order of computation."""
    program = view.program
    found = (once(program, ("deltas", group), partial(_deltas, program, group)) for group in _near(program, focus(view)))
    own = next(filter(None, found), [])
    return in_order(program, own + [name for name in in_stage(view) if is_gradient(program, name, Role.SLOT)])


def gradient_names(view: View) -> list[str]:
    """The gradients of the group in focus as they are written; that of a weighted sum has a name of its own, δ."""
    told, program = list[str](), view.program
    for name in deltas_of(view):
        if group_of(program, name) == focus(view) and is_gradient(program, name) and not program.tensors[name].through:
            shown, delta = (render_name(name, style) for style in (view.style, replace(view.style, notation="delta")))
            told.append(f"{shown}={delta}" if "δ" in delta and delta != shown else shown)
    return told


def _deltas(program: Program, group: str) -> list[str]:
    """The gradients of a group and the optimizer's slots."""
    gradients = [name for of in made_in(program, group, Role.VALUE, Role.PARAMETER) for name in made_of(program, of, Role.GRADIENT)]
    return gradients + [name for of in made_in(program, group, Role.PARAMETER) for name in made_of(program, of, Role.SLOT)]


def around(view: View, names: list[str], gradients: bool) -> list[str]:
    """Where groups are single lines, what else has a value of those around the one in focus, values or gradients, the nearest first."""
    program = view.program
    near = () if program.layers else _near(program, focus(view))
    found = (name for group in near for name in (_deltas if gradients else _values)(program, group))
    return [name for name in dict.fromkeys(found) if name not in names and name in view.tensors]


def _near(program: Program, here: str) -> list[str]:
    """All groups, the nearest to one first."""
    groups = groups_of(program)
    return sorted(groups, key=lambda group: abs(groups.index(group) - groups.index(here)))


def is_setting(program: Program, name: str) -> bool:
    """Whether a tensor is a setting or the number of samples, or none at all."""
    return name not in program.tensors or program.tensors[name].role in (Role.CONSTANT, Role.COUNT)


def in_stage(view: View) -> list[str]:
    """The explained number's tensor and those that its stage reads; at the end of training, the answers and what they are held against."""
    program, explained = view.program, view.explanation
    if view.position.at_end and (explained is None or explained.name == program.stages[-1].name):
        return [name for name in (program.prediction, program.target, program.loss) if name]
    if explained is None or explained.stage is None:
        return [explained.name] if explained else []
    return [name for name in (explained.name, *explained.stage.formula.names) if not is_setting(program, name)]


def in_order(program: Program, names: Iterable[str]) -> list[str]:
    """Tensors in the order in which an update reads and computes them, each once."""

    def places() -> dict[str, int]:
        met = (name for stage in program.stages for name in (*stage.formula.names, stage.name))
        return {name: place for place, name in enumerate(dict.fromkeys(met))}

    known = once(program, "order", places)
    return sorted({name for name in names if name}, key=lambda name: known.get(name, len(known)))


def has_paths(view: View) -> bool:
    """Whether the gradient that is looked at is a sum over several paths, in a network so small that they can be written out."""
    program, name = view.program, view.name
    tensor = program.tensors.get(name)
    if tensor is None or tensor.role is not Role.GRADIENT or tensor.through or view.loss is None or not program.network.nodes:
        return False
    ways = len(view.samples) if tensor.of in program.persistent else 1
    several = ways > 1 or group_of(program, name) != groups_of(program)[-1]
    own = [stage for stage in program.stages if not stage.of]
    return several and not any(stage.edited for stage in own) and all(prod(view.shapes[stage.name]) <= MOST_CELLS for stage in own)


def counterpart(view: View, name: str, there: str) -> str:
    """The tensor of another group that is what a tensor is in its own: the parameter, or the gradient or slot, in the same place; of a
    value, which also goes into the next group, the first one. What is no such there, or is not computed, is the first that is: of the
    parameters, the values and what is read; "" where none is."""
    program, tensor, gone = view.program, view.program.tensors.get(name), group_of(view.program, name)
    values, parameters = (made_in(program, there, *roles) for roles in ((Role.VALUE, Role.LOSS), (Role.PARAMETER,)))
    usual = next((one for one in (*parameters, *values, *reads(program, there)) if one in view.tensors), "")
    if tensor is None or tensor.through or gone != focus(view):
        return usual
    of = program.tensors[tensor.of or name]
    own, others = made_in(program, gone, of.role), values if of.role is Role.VALUE else made_in(program, there, of.role)
    if of.name not in own or not others:
        return usual
    same = others[min(own.index(of.name), len(others) - 1) if tensor.of or of.role is not Role.VALUE else 0]
    if tensor.of:
        own, others = (made_of(program, one, tensor.role) for one in (tensor.of, same))
        same = dict(zip(reversed(own), reversed(others), strict=False)).get(name, "")  # parts come before their whole
    return same if same in view.tensors else usual
