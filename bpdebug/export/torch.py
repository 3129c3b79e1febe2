"""An update as a PyTorch script that stands alone: the same tensors and loss, autograd's gradients, the optimizer's step.

What the network computes is said in PyTorch's own functions, so that running the script is a check by a second opinion.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.description import Array, Loss
from bpdebug.core.errors import BpdebugError
from bpdebug.core.network import Node, Phase
from bpdebug.core.optimizers import OPTIMIZERS, Rule
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.render import to_text
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Call, Tree, walk
from bpdebug.export.torch_formulas import helpers
from bpdebug.export.update import WorkedUpdate

MOST_NUMBERS = 5_000_000
"""Numbers that a script may hold."""
_READABLE = 1000
"""Numbers of a tensor that are written out; a larger one is written as base64."""


def to_script(worked: WorkedUpdate) -> str:
    """The script.

    Raises:
        BpdebugError: where it would hold more than :data:`MOST_NUMBERS` numbers.
    """
    count = sum(value.size for value in worked.given.values())
    if count > MOST_NUMBERS:
        raise BpdebugError(f"the script would hold {count:,} numbers; at most {MOST_NUMBERS:,} are written: an npz file takes more")
    parts = (_tensors(worked), _forward(worked), _backward(worked), _update(worked))
    body = "\n\n".join("\n".join(part) for part in parts)
    return "\n".join((*_start(worked, body), "", body, ""))


def left_out(worked: WorkedUpdate) -> tuple[str, ...]:
    """What the user has changed in this update that the script does without: numbers in the midst of it, and formulas but forward ones."""
    numbers = [str(edit) for step in worked.stages[:-1] for edit in step.edits if edit.value is not None]
    stages = [step.stage for step in worked.stages if step.stage.edited and step.stage.phase in (Phase.BACKWARD, Phase.UPDATE)]
    return (*dict.fromkeys(numbers), *(f"formula {_said(stage)}" for stage in stages))


def _start(worked: WorkedUpdate, body: str) -> Iterator[str]:
    """What the script is, its imports, and the functions of the user's own formulas."""
    program = worked.program
    title = ascii(program.scenario.name)[1:-1].replace('"', "'")
    yield f'"""{title}, update {worked.update}: the gradients by autograd, and the step of the optimizer.'
    yield ""
    yield "PyTorch is all that it needs. Every tensor has the name that it has in bpdebug."
    yield from [f"The scenario computes in {program.dtype}, this script in float64."] * (program.dtype != "float64")
    yield '"""'
    yield ""
    standard = ["import base64"] * ("base64." in body) + ["from math import inf, nan"] * bool(re.search(r"\b(inf|nan)\b", body))
    yield from [*standard, ""] if standard else []
    yield from ["import torch"] + ["import torch.nn.functional as F"] * ("F." in body)
    yield "\ntorch.set_printoptions(precision=10, linewidth=140)"
    spelled = [_spelled(node) for node in worked.program.network.nodes if not node.operation.torch]
    calling = [formula for formula in spelled if any(isinstance(part, Call) for part in walk(formula.tree))]
    for definition in helpers((*(step.formula for step in _own(worked)), *calling)):
        yield f"\n\n{definition}" if definition.startswith("def") else f"\n{definition}"


def _own(worked: WorkedUpdate) -> list[Stage]:
    """The stages of the forward pass and the loss whose formula is the user's; autograd differentiates these."""
    return [step.stage for step in worked.stages if step.stage.edited and step.stage.phase in (Phase.FORWARD, Phase.LOSS)]


def _tensors(worked: WorkedUpdate) -> Iterator[str]:
    """The batch, the constants that formulas name, and the parameters."""
    parameters = worked.program.parameters
    yield f"x = {_literal(worked.given['x'])}"
    yield f"y = {_literal(worked.given['y'])}"
    yield "m = len(x)"
    used = {"l2"} | {name for stage in _own(worked) for name in stage.formula.names}
    yield from (f"{name} = {float(worked.given[name])!r}" for name in worked.program.constants if name in used)
    yield ""
    yield from (f"{name} = {_literal(worked.given[name])}.requires_grad_()" for name in parameters)


def _literal(value: Array) -> str:
    """A tensor of that value: in rows of numbers, or, where it is large, as base64."""
    if value.size > _READABLE:
        text = base64.b64encode(np.ascontiguousarray(value, "<f8").tobytes()).decode()
        lines = "\n".join(text[start : start + 120] for start in range(0, len(text), 120))
        shape = ", ".join(map(str, value.shape))
        return f'torch.frombuffer(bytearray(base64.b64decode("""\n{lines}\n""")), dtype=torch.float64).reshape({shape})'
    rows = ",\n".join(f"    {row!r}" for row in np.asarray(value, float).tolist())
    return f"torch.tensor([\n{rows},\n], dtype=torch.float64)"


def _forward(worked: WorkedUpdate) -> Iterator[str]:
    stages = {step.stage.name: step for step in worked.stages}
    for node in worked.program.network.nodes:
        stage = stages[node.output].stage
        yield f"{node.output} = {_own_formula(stage) if stage.edited else _expression(node, worked.program)}"
        yield from (f"# {edit} was done by hand here; this script goes on without it" for edit in stages[node.output].edits)


def _own_formula(stage: Stage) -> str:
    derived = f", in the place of {to_text(stage.derived.tree)}" if stage.derived else ""
    return f"number({to_text(stage.formula.tree)})  # your own formula{derived}"


def _expression(node: Node, program: Program) -> str:
    """A node in PyTorch's own words, or where it has none for it, as the table has it."""
    if not node.operation.torch:
        return to_text(_spelled(node).tree)
    arguments = {name: to_text(given) if isinstance(given, Tree) else given for name, given in node.arguments.items()}
    text = node.operation.torch.format(**arguments)
    return _reduced(text, program.network.asked, program.layers[-1].layer.units) if node.output in ("loss", "data_loss") else text


def _spelled(node: Node) -> Formula:
    """A node as a formula of the language, whose functions :func:`helpers` defines."""
    return Formula.of(node.operation.value(node.arguments))


def _reduced(terms: str, loss: Loss, outputs: int) -> str:
    """The terms of a loss with its factor and its means."""
    factor = f"{loss.factor!r} * " * (loss.factor != 1)
    return f"{factor}torch.sum({terms})" + " / m" * (loss.samples == "mean") + f" / {outputs}" * (loss.outputs == "mean")


def _backward(worked: WorkedUpdate) -> Iterator[str]:
    gradients = [step.stage for step in worked.stages if step.stage.of and "@" not in step.stage.name]
    between = [stage.of for stage in gradients if stage.of not in worked.given]
    yield f"for tensor in ({', '.join(between)},):"
    yield "    tensor.retain_grad()" if not _own(worked) else "    tensor.requires_grad and tensor.retain_grad()"
    yield "loss.backward()"
    for step in worked.stages:
        if step.stage.edited and step.stage.phase is Phase.BACKWARD:
            yield f"# your own formula, {_said(step.stage)}, is not used: autograd differentiates the loss"
        if step.stage.phase is Phase.BACKWARD:
            yield from (f"# {edit} was done by hand; autograd goes on without it" for edit in step.edits)
    yield f"gradients = {_dictionary({stage.name: f'{stage.of}.grad' for stage in gradients})}"
    yield 'print(f"loss = {loss.item()!r}")'
    yield "for name, gradient in gradients.items():"
    yield '    print(f"{name} =\\n{gradient}")'


def _said(stage: Stage) -> str:
    return f"{stage.name} = {to_text(stage.formula.tree)}"


def _update(worked: WorkedUpdate) -> Iterator[str]:
    program = worked.program
    if not program.free:
        yield "# every parameter is frozen: there is no step"
        return
    constants = {name: repr(float(worked.given[name])) for name in program.rule.constants}
    resting = float(worked.given.get("momentum", 1.0)) == 0
    rule = OPTIMIZERS["sgd"] if resting else program.rule  # PyTorch refuses Nesterov's step without a momentum
    if not rule.torch:
        raise BpdebugError(f"a PyTorch script cannot be written: the table of optimizers has no PyTorch name for {rule.name}")
    parameters = f"[{', '.join(program.free)}]"
    yield f"optimizer = torch.optim.{rule.torch.format(p=parameters, **constants)}"
    yield from _states(worked, rule)
    yield "optimizer.step()"
    for step in worked.stages:
        if step.stage.edited and step.stage.phase is Phase.UPDATE:
            yield f"# your own formula, {_said(step.stage)}, is not used"
        if step.stage.phase is Phase.UPDATE and step is not worked.stages[-1]:
            yield from (f"# {edit} was done by hand; the optimizer goes on without it" for edit in step.edits)
    yield f"parameters = {_dictionary({name: name for name in program.free})}"
    yield "for name, parameter in parameters.items():"
    yield '    print(f"{name} after the update =\\n{parameter.detach()}")'


def _states(worked: WorkedUpdate, rule: Rule) -> Iterator[str]:
    """What the optimizer remembers of the updates before."""
    slots = {key: letter for key, letter in rule.torch_state.items() if letter in rule.slots}
    if not any(worked.given[letter + name].any() for letter in slots.values() for name in worked.program.free):
        return
    steps = float(worked.given.get("t", np.array(worked.update)))
    for name in worked.program.free:
        state = {key: _literal(worked.given[slots[key] + name]) if key in slots else f"torch.tensor({steps!r})" for key in rule.torch_state}
        yield f"optimizer.state[{name}] = {_dictionary(state)}"


def _dictionary(items: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'"{key}": {value}' for key, value in items.items()) + "}"
