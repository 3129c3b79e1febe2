"""The groups of a program: layers, or any other parts of it, of which a statement without a group is one of its own; and in which of them
a tensor is looked at."""

from __future__ import annotations

from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.schedule import Stage
from bpdebug.core.tensors import Role
from bpdebug.look.once import once


def group_of(program: Program, name: str) -> str:
    """The group that a tensor is looked at in: its own, of a gradient or slot that of its tensor, else that of the statement that makes it,
    or of the first one that reads it, or on the way back that of what it reads; by the name of the statement's tensor where that has no
    group. "" for what nothing reads."""
    return once(program, "homes", lambda: _homes(program)).get(name, "")


def groups_of(program: Program) -> tuple[str, ...]:
    """All groups in which something is computed, in the order of computation."""
    return once(program, "groups", lambda: tuple(dict.fromkeys(group_of(program, stage.name) for stage in forward_of(program))))


def forward_of(program: Program) -> list[Stage]:
    """The statements of the forward pass and of the loss."""
    return [stage for stage in program.stages if stage.phase in (Phase.FORWARD, Phase.LOSS)]


def _homes(program: Program) -> dict[str, str]:
    tensors, homes = program.tensors, dict[str, str]()
    for stage in forward_of(program):
        homes[stage.name] = tensors[stage.name].group or stage.name
    for name, tensor in tensors.items():
        if tensor.group:
            homes[name] = tensor.group
    for stage in program.stages:
        home = homes.get(stage.name) or homes.get(stage.of)
        for name in stage.formula.names if home else ():
            homes.setdefault(name, home or "")
    homes |= {name: homes.get(tensor.of, "") for name, tensor in tensors.items() if tensor.of}
    for stage in program.stages:  # what is computed for gradients alone is at home where the first is that it reads, or else that reads it
        homes[stage.name] = homes.get(stage.name) or next(filter(None, map(homes.get, stage.formula.names)), "")
    for stage in reversed(program.stages):
        homes |= {name: homes[stage.name] for name in stage.formula.names if not homes.get(name)}
    return homes


def reads(program: Program, group: str) -> tuple[str, ...]:
    """The tensors that the statements of a group read."""
    own = (stage.formula.names for stage in forward_of(program) if group_of(program, stage.name) == group)
    return once(program, ("reads", group), lambda: tuple(dict.fromkeys(name for names in own for name in names)))


def made_in(program: Program, group: str, *roles: Role) -> list[str]:
    """The tensors of a group that play some roles, in the order of the program."""
    return [name for name, tensor in program.tensors.items() if tensor.role in roles and group_of(program, name) == group]
