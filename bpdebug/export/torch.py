"""An update as a PyTorch script that stands alone: the same tensors and loss, autograd's gradients, the optimizer's step.

What the network computes is said in PyTorch's own functions, so that running the script is a check by a second opinion; what a user's
own formula calls is defined by the same names, so that his text stands in the script as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.network import Node, Phase
from bpdebug.core.optimizers import OPTIMIZERS, RATE, Rule
from bpdebug.core.schedule import KEPT, Stage
from bpdebug.core.tensors import Array
from bpdebug.core.tree import Name, Tree, names
from bpdebug.core.writing import to_text
from bpdebug.export.python import READABLE, encoded, python_names, renamed, title_of
from bpdebug.export.torch_words import SHARED, Words, definitions, worded
from bpdebug.export.update import WorkedStage, WorkedUpdate

_KINDS = {"b": "bool", "i": "int64", "u": "int64"}
"""What PyTorch calls numbers that are no fractions."""
_TAKEN = (
    "torch",
    "F",
    "base64",
    "reduce",
    *SHARED,
    "Key",
    "optimizer",
    "gradients",
    "gradient",
    "parameters",
    "parameter",
    "tensor",
    "name",
)


def to_script(worked: WorkedUpdate) -> str:
    """The script.

    Raises:
        BpdebugError: where it would hold too many numbers.
    """
    script = _Script(worked)
    body = "\n\n".join("\n".join(part) for part in (script.tensors(), script.forward(), script.backward(), script.update()))
    return "\n".join((*script.start(body), "", body, ""))


def left_out(worked: WorkedUpdate) -> tuple[str, ...]:
    """What the user has changed in this update that the script does without: numbers in the midst of it, and formulas but forward ones."""
    numbers = [str(edit) for step in worked.stages[:-1] for edit in step.edits if edit.value is not None]
    stages = [step.stage for step in worked.stages if step.stage.edited and step.stage.phase in (Phase.BACKWARD, Phase.UPDATE)]
    return (*dict.fromkeys(numbers), *(f"formula {_said(stage)}" for stage in stages))


def _said(stage: Stage) -> str:
    return f"{stage.name} = {to_text(stage.formula.tree)}"


class _Script:
    """Writes the script of an update, part by part.

    Attributes:
        names: what each tensor is called in Python: by its own name, where that is one there.
        own: the stages before the gradients whose formula is the user's.
    """

    def __init__(self, worked: WorkedUpdate) -> None:
        self.worked, self.program, self.given = worked, worked.program, worked.given
        self.title, self.names = title_of(worked), python_names(worked, _TAKEN)
        self.steps = {phase: [step for step in worked.stages if step.stage.phase is phase] for phase in Phase}
        self.own = [step.stage for step in self.steps[Phase.FORWARD] + self.steps[Phase.LOSS] if step.stage.edited]
        self.writer = Words({self.names[name]: value for name, value in worked.values.items()})

    def words(self, tree: Tree) -> str:
        """A formula in PyTorch's words."""
        return self.writer.write(renamed(worded(tree), self.names))

    def start(self, body: str) -> Iterator[str]:
        """What the script is, its imports, and the functions of the user's own formulas."""
        yield f'"""{self.title}: the gradients by autograd, and the step of the optimizer.'
        yield ""
        written = {*self.program.data, *self.program.parameters, *(node.output for node in self.program.network.nodes)}
        other = any(self.names[name] != name for name in written)
        yield f"It needs nothing but PyTorch. Every tensor has its name in bpdebug{', as far as Python has it' * other}."
        yield from [f"The scenario computes in {self.program.dtype}, this script in float64."] * (self.program.dtype != "float64")
        yield '"""'
        yield ""
        called = [worded(stage.formula.tree) for stage in self.own]
        called += [worded(node.value) for node in self.program.network.nodes if not node.operation.torch]
        called += [worded(step.stage.formula.tree) for step in self.steps[Phase.UPDATE] if step.stage.operation == KEPT]
        defined = [*definitions(called, body)]
        whole = "\n".join([*defined, body])
        standard = ["import base64"] * ("base64." in body) + ["from functools import reduce"] * ("reduce(" in whole)
        standard += ["from math import inf, nan"] * bool(re.search(r"\b(inf|nan)\b", body))
        yield from [*standard, ""] if standard else []
        yield from ["import torch"] + ["import torch.nn.functional as F"] * ("F." in whole)
        yield "\ntorch.set_printoptions(precision=10, linewidth=140)"
        yield from ["torch.set_default_dtype(torch.float64)"] * (not self.program.layers)
        for definition in defined:
            yield f"\n{definition}" if " = " in definition.partition("\n")[0] else f"\n\n{definition}"

    def tensors(self) -> Iterator[str]:
        """The batch, the constants that formulas name, and the parameters."""
        for name in self.program.sources:
            value = self.given[name]
            yield f"{self.names[name]} = {_literal(np.asarray(value, float) if self.program.layers else value)}"
        yield f"m = {int(self.given['m'])}"
        used = {"l2"} | {name for stage in self.own for name in stage.formula.names}
        used |= {name for node in self.program.network.nodes for name in names(node.value)}
        yield from (f"{self.names[name]} = {self.given[name].item()!r}" for name in self.program.constants if name in used)
        yield ""
        yield from (f"{self.names[name]} = {_literal(self.given[name])}.requires_grad_()" for name in self.program.parameters)

    def forward(self) -> Iterator[str]:
        """The nodes in order."""
        steps = {step.stage.name: step for step in self.worked.stages}
        for node in self.program.network.nodes:
            step = steps[node.output]
            formula = self.expression(node)
            if step.stage.edited:
                derived = f", in the place of {to_text(step.stage.derived.tree)}" if step.stage.derived else ""
                formula = f"number({self.words(step.stage.formula.tree)})  # your own formula{derived}"
            yield f"{self.names[node.output]} = {formula}"
            yield from _by_hand(step, "was done by hand here; this script goes on without it")

    def expression(self, node: Node) -> str:
        """A node in PyTorch's own words, or where it has none for it, as the table has it; a loss with its factor and means."""
        if not node.operation.torch:
            return self.words(node.value) + ".clone()" * isinstance(node.value, Name)
        arguments = {name: to_text(given) if isinstance(given, Tree) else self.names[given] for name, given in node.arguments.items()}
        text, loss = node.operation.torch.format(**arguments), self.program.network.asked
        if not node.operation.name.startswith(loss.function):
            return text
        means = " / m" * (loss.samples == "mean") + f" / {self.program.layers[-1].layer.units}" * (loss.outputs == "mean")
        return f"{loss.factor!r} * " * (loss.factor != 1) + f"torch.sum({text}){means}"

    def backward(self) -> Iterator[str]:
        """Autograd's gradients."""
        gradients = [step.stage for step in self.worked.stages if step.stage.of and not step.stage.through]
        between = [self.names[stage.of] for stage in gradients if stage.of not in self.given]
        if between:
            yield f"for tensor in ({', '.join(between)},):"
            yield "    tensor.retain_grad()" if not self.own else "    tensor.requires_grad and tensor.retain_grad()"
        yield f"{self.names[self.program.loss]}.backward()"
        for step in self.steps[Phase.BACKWARD]:
            if step.stage.edited:
                yield f"# your own formula, {_said(step.stage)}, is not used: autograd differentiates the loss"
            yield from _by_hand(step, "was done by hand; autograd goes on without it")
        yield f"gradients = {_dictionary({stage.name: f'{self.names[stage.of]}.grad' for stage in gradients})}"
        yield f'print(f"{self.program.loss} = {{{self.names[self.program.loss]}.item()!r}}")'
        yield "for name, gradient in gradients.items():"
        yield '    print(f"{name} =\\n{gradient}")'

    def update(self) -> Iterator[str]:
        """The optimizer's step."""
        if not self.program.free:
            yield "# every parameter is frozen: there is no step"
            return
        now = {step.stage.name: step.value for step in self.steps[Phase.UPDATE]}  # a schedule has set the rate before it is used
        constants = {name: repr(float(now.get(name, self.given[name]))) for name in self.program.rule.constants}
        resting = float(self.given.get("momentum", 1.0)) == 0
        rule = OPTIMIZERS["sgd"] if resting else self.program.rule  # PyTorch refuses Nesterov's step without a momentum
        if not rule.torch:
            raise BpdebugError(f"a PyTorch script cannot be written: the table of optimizers has no PyTorch name for {rule.name}")
        free = {name: self.names[name] for name in self.program.free}
        parameters = f"[{', '.join(free.values())}]"
        yield f"optimizer = torch.optim.{rule.torch.format(p=parameters, **constants)}"
        if schedule := self.program.rule.schedule:
            scheduler = schedule.torch.format(**schedule.constants)
            yield f"# {RATE} = {schedule.rate.text} in update t; over a training torch.optim.lr_scheduler.{scheduler}"
        yield from self.states(rule)
        yield from self.clipping(parameters)
        yield "optimizer.step()"
        for step in self.steps[Phase.UPDATE]:
            if step.stage.edited:
                yield f"# your own formula, {_said(step.stage)}, is not used"
            yield from () if step is self.worked.stages[-1] else _by_hand(step, "was done by hand; the optimizer goes on without it")
        kept = [step.stage for step in self.steps[Phase.UPDATE] if step.stage.operation == KEPT]
        yield from (f"{self.names[stage.name]} = ({self.words(stage.formula.tree)}).detach()" for stage in kept)
        yield f"parameters = {_dictionary(free | {stage.name: self.names[stage.name] for stage in kept})}"
        yield "for name, parameter in parameters.items():"
        yield '    print(f"{name} after the update =\\n{parameter.detach()}")'

    def clipping(self, parameters: str) -> Iterator[str]:
        """What is done to the gradients before the step."""
        for kind, bound in self.program.rule.clip.items():
            if kind == "value":
                yield f"for tensor in {parameters}:  # as torch.nn.utils.clip_grad_value_(…, {bound!r}) does"
                yield f"    tensor.grad = torch.clamp(tensor.grad, -{bound!r}, {bound!r})"
            else:
                yield f"# as torch.nn.utils.clip_grad_norm_(…, {bound!r}) does, which adds 1e-6 to the norm"
                yield f"grad_norm = torch.cat([tensor.grad.flatten() for tensor in {parameters}]).norm()"
                yield f"for tensor in {parameters}:"
                yield f"    tensor.grad = tensor.grad * ({bound!r} / torch.clamp(grad_norm, min={bound!r}))"

    def states(self, rule: Rule) -> Iterator[str]:
        """What the optimizer remembers of the updates before."""
        slot, kept = self.program.network.naming.slot.format, [letter for letter in rule.torch_state.values() if letter in rule.slots]
        if not any(self.given[slot(letter, name)].any() for letter in kept for name in self.program.free):
            return
        steps = f"torch.tensor({float(self.given.get('t', np.array(self.worked.update)))!r})"
        for name in self.program.free:
            values = {key: _literal(self.given[slot(of, name)]) if of in kept else steps for key, of in rule.torch_state.items()}
            yield f"optimizer.state[{self.names[name]}] = {_dictionary(values)}"


def _by_hand(step: WorkedStage, what: str) -> Iterator[str]:
    yield from (f"# {edit} {what}" for edit in step.edits)


def _dictionary(items: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'"{key}": {value}' for key, value in items.items()) + "}"


def _literal(value: Array) -> str:
    """A tensor of that value: in rows of numbers, or, where it is large, as base64."""
    kind = _KINDS.get(value.dtype.kind, "float64")
    if value.size > READABLE:
        data, shape = encoded(np.asarray(value, f"<{np.dtype(kind).str[1:]}")), ", ".join(map(str, value.shape))
        return f"torch.frombuffer(bytearray({data}), dtype=torch.{kind}).reshape({shape})"
    numbers = np.asarray(value, kind).tolist()
    text = "[\n" + ",\n".join(f"    {row!r}" for row in numbers) + ",\n]" if value.ndim else repr(numbers)
    return f"torch.tensor({text}, dtype=torch.{kind})"
