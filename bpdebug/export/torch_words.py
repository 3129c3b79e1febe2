"""The formulas of the language in PyTorch's words: of each function what it is there, and how a formula is written that calls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bpdebug.core.expansion import expanded
from bpdebug.core.function import Function
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.shapes import Inference
from bpdebug.core.structure import Form, Forms, axis_of_each
from bpdebug.core.tensors import Values
from bpdebug.core.tree import WHOLE, Binary, Call, Index, Length, Listing, Name, Transpose, Tree, walk
from bpdebug.core.writing import Plain

_ONE_BY_ONE = "reduce(lambda x, one: torch.prod(x, one, keepdim=True), axes(axis, x.ndim), x)"
WORDS = {
    "where": "torch.where(condition != 0, x, y)",
    "stop_gradient": "x.detach()",
    "maximum": "torch.where(x > y, x, y)",
    "minimum": "torch.where(x < y, x, y)",
    "max": "torch.amax",
    "min": "torch.amin",
    "prod": f"{_ONE_BY_ONE} if keepdims else {_ONE_BY_ONE}.squeeze(axes(axis, x.ndim))",
    "norm": "torch.linalg.vector_norm(x, dim=axes(axis, x.ndim), keepdim=keepdims)",
    "whole": "x.long()",
    "argmax": "torch.argmax(x, axis, keepdims)",
    "cumsum": "torch.cumsum(x.flatten() if axis is None else x, axis or 0)",
    "cumprod": "torch.cumprod(x.flatten() if axis is None else x, axis or 0)",
    "einsum": "torch.einsum(subscripts, *(number(one) for one in (x, y, z, w) if one is not None))",
    "add_at": "x.flatten().index_add(0, places(x, index), (values + 0 * x[index]).flatten()).reshape(x.shape)",
    "arange": "torch.arange(start) if stop is None else torch.arange(start, stop, step or 1)",
    "eye": "torch.eye(rows, columns or rows)",
    "reshape": "x.reshape(shape)",
    "transpose": "x.permute(axes)",
    "moveaxis": "torch.movedim",
    "squeeze": "x.squeeze() if axis is None else x.squeeze(axis)",
    "expand_dims": "reduce(torch.unsqueeze, sorted(axes(axis, x.ndim + (1 if isinstance(axis, int) else len(axis)))), x)",
    "broadcast_to": "x.expand(shape)",
    "concatenate": "torch.cat([*map(torch.as_tensor, arrays)], axis)",
    "stack": "torch.stack([*map(torch.as_tensor, arrays)], axis)",
    "split": "torch.stack(torch.tensor_split(x, sections, axis))",
    "pad": "F.pad(x, torch.tensor(width).expand(x.ndim, 2).flip(0).flatten().tolist())",
    "repeat": "torch.repeat_interleave(x, torch.tensor(repeats), axis)",
    "flip": "torch.flip(x, axes(axis, x.ndim))",
    "take_along_axis": "torch.take_along_dim(x, indices, axis)",
    "take": "x.flatten()[indices] if axis is None else x[(slice(None),) * (axis % x.ndim) + (indices,)]",
    "sliding_window_view": "reduce(lambda x, one: x.unfold(*one, 1), zip(axes(axis, x.ndim), axes(window, 2**31)), x)",
    "sigmoid": "torch.sigmoid",
    "relu": "torch.relu",
    "leaky_relu": "F.leaky_relu",
    "elu": "F.elu",
    "softplus": "F.softplus(x, threshold=700)",
    "silu": "F.silu",
    "gelu": "F.gelu",
    "mish": "F.mish",
    "softmax": "torch.softmax",
    "log_softmax": "torch.log_softmax",
    "logsumexp": "torch.logsumexp",
    "cross_entropy": "F.cross_entropy(x.reshape(-1, x.shape[-1]), labels.reshape(-1).long())",
}
"""Where it is not PyTorch's function of that name: another one, or an expression over the parameters, ``axis`` and ``keepdims``. At
corners they have the slopes that the derivatives here have. What is made of others and does not stand here is its formula."""
SHARED = {
    "number": "def number(x):\n    return torch.as_tensor(x, dtype=torch.float64)",
    "axes": "def axes(axis, rank):\n"
    "    given = range(rank) if axis is None else (axis,) if isinstance(axis, int) else axis\n"
    "    return tuple(one % rank for one in given)",
    "places": "def places(x, index):\n    return torch.arange(x.numel()).reshape(x.shape)[index].flatten()",
    "s_": "class Key:\n    def __getitem__(self, key):\n        return key\n\n\ns_ = Key()",
}
"""What the others use."""


def worded(tree: Tree) -> Tree:
    """The tree with what PyTorch has no word for as what it is made of."""
    if isinstance(tree, Call) and (row := FUNCTIONS[tree.function]).formula and (row.name not in WORDS or len(tree.arguments) > row.arity):
        return worded(expanded(tree))
    return tree.rebuilt(worded)


class Words(Plain):
    """Formulas over tensors of PyTorch.

    Args:
        values: every tensor, by the name that it has there.
    """

    def __init__(self, values: Values) -> None:
        self._forms = Forms(values)

    def _form(self, tree: Tree) -> Form:
        return Inference("", self._forms).shape(tree)

    def sides(self, tree: Binary) -> tuple[str, str]:
        """Both operands; what PyTorch does not subtract or multiply as a matrix is made a number."""
        refused = {"-": "b", "@": "bi"}.get(tree.operator, "")
        texts = zip(super().sides(tree), (tree.left, tree.right), strict=True)
        left, right = (f"number({self.write(side)})" if refused and self._form(side).kind in refused else text for text, side in texts)
        return left, right

    def length(self, tree: Length) -> str:
        """A length; ``x.size`` is a method there."""
        return f"{self.based(tree.operand)}.numel()" if tree.axis is None else super().length(tree)

    def transpose(self, tree: Transpose) -> str:
        """All axes the other way round; ``.T`` is for matrices there."""
        rank = len(self._form(tree.operand))
        return super().transpose(tree) if rank == 2 else f"{self.based(tree.operand)}.permute({(*range(rank)[::-1],)})"

    def index(self, tree: Index) -> str:
        """A subscript; of an axis that is walked backwards the places are taken one by one, which PyTorch wants."""
        text, items = self.based(tree.operand), [*tree.items]
        for place, item in enumerate(tree.items):
            if isinstance(item, tuple) and isinstance(item[2], int) and item[2] < 0:
                seen = [self._form(one) if isinstance(one, Tree) and not isinstance(one, Listing) else one for one in items]
                axis = axis_of_each(len(self._form(tree.operand)), seen)[place]
                text = f"torch.index_select({text}, {axis}, torch.tensor(range({text}.shape[{axis}])[{self.item(item)}]))"
                items[place] = WHOLE
        return f"{text}[{self.items(items)}]"


def definitions(trees: Iterable[Tree], body: str) -> Iterator[str]:
    """The functions that formulas call, in the order of the table, and before them what these use; numbers that have a name."""
    nodes = [node for tree in trees for node in walk(tree)]
    for name in sorted({node.name for node in nodes if isinstance(node, Name)} & CONSTANTS.keys()):
        yield f'{name} = float("{name}")' if name != "pi" else "pi = torch.pi"
    called = {node.function for node in nodes if isinstance(node, Call)}
    found = [_definition(row) for row in FUNCTIONS.values() if row.name in called]
    whole = "\n".join([*found, body])
    yield from (text for name, text in SHARED.items() if f"{name}(" in whole or f"{name}[" in whole)
    yield from found


def _definition(row: Function) -> str:
    run = WORDS.get(row.name, f"torch.{row.name}")
    if "(" not in run:
        axis = ["axes(axis, x.ndim)", "keepdims"] if row.reduces else ["axis"] * bool(row.axes)
        run = f"{run}({', '.join([*row.parameters, *axis])})"
    given = [name for place, name in enumerate(row.parameters[: row.arity]) if not row.static_at(place) and name not in ("arrays", "index")]
    made = "number({})" if row.result == "float" else "torch.as_tensor({})"
    lines = [f"{', '.join(given)} = {', '.join(map(made.format, given))}"] * bool(given) + [f"return {run}"]
    return "\n    ".join([f"def {row.name}({row.signature}):", *lines])
