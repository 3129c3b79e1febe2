"""What a user's own formula calls, as PyTorch functions of the same names: his text then stands in a script as it is."""

from __future__ import annotations

from collections.abc import Iterator

from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.parser import Formula
from bpdebug.core.tree import Call, Name, walk

_NUMBER = """\
def number(x):
    return torch.as_tensor(x, dtype=torch.float64)"""
_BODIES = {
    "where": "torch.where(torch.as_tensor({0}, dtype=torch.bool), number({1}), number({2}))",
    "max": "torch.amax",
    "min": "torch.amin",
    "norm": "torch.linalg.vector_norm",
}
"""Where PyTorch's function has another name or takes other arguments."""


def helpers(formulas: tuple[Formula, ...]) -> Iterator[str]:
    """The definitions that these formulas need, in the order of the function table."""
    nodes = [node for formula in formulas for node in walk(formula.tree)]
    called = {node.function for node in nodes if isinstance(node, Call)}
    constants = {node.name for node in nodes if isinstance(node, Name)} & CONSTANTS.keys()
    if constants:
        yield "\n".join(f'{name} = float("{name}")' if name != "pi" else "pi = torch.pi" for name in sorted(constants))
    yield from [_NUMBER] if formulas else []
    for name in FUNCTIONS:
        if name in called:
            yield _definition(name)


def _definition(name: str) -> str:
    arguments = "abc"[: FUNCTIONS[name].arity]
    if name == "where":
        return f"def where(a, b, c):\n    return {_BODIES[name].format(*arguments)}"
    if FUNCTIONS[name].reduces:
        run = _BODIES.get(name, f"torch.{name}")
        whole, along = f"{run}(number(a)).reshape([1] * (number(a).ndim * keepdims))", f"{run}(number(a), dim=axis, keepdim=keepdims)"
        return f"def {name}(a, axis=None, keepdims=False):\n    return {whole} if axis is None else {along}"
    return f"def {name}({', '.join(arguments)}):\n    return torch.{name}({', '.join(f'number({a})' for a in arguments)})"
