"""What is noted of an operation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch

from bpdebug.torch_recorder import private

_VIEWS = "t transpose view permute unsqueeze squeeze expand select slice split split_with_sizes unbind"
VIEWS = {f"aten.{name}" for name in _VIEWS.split()}
"""What only looks at the same numbers in another way, and is worked out again where a recording is read."""
OVERLAY = "bpdebug.overlay"
"""What a tensor holds after parts of it were written, and what ``as_strided`` takes: a value and its subscript, then what was written
to which subscript."""


class Operation:
    """One operation.

    Attributes:
        name: torch's, such as ``aten.addmm.default``.
        arguments, keywords: with ``{"t": number}`` for each value.
        inputs: the numbers of the values that went in.
        live: those of them through which gradients flow back.
        outs: the numbers of what came out, what was written first.
        slots: which of the results each of these is.
        writes: those that were written in place.
        phase: ``forward``, ``backward`` or ``update``.
        module: the path of the module that is running, or "".
        line: the user's file and line and function, or None.
        node: the number of the node of autograd: of that which it runs for, in the backward pass, else of the one that it makes.
        same: whether it gives what was there already.
        inside: whether it runs in the forward pass of a function of the user's own, which has a backward pass of its own.
        hooked: whether a hook of somebody's runs it in the backward pass.
        function: what carries it out once more, or None where that gives other numbers.
        looks: whether it is a view.
        overwrites: the numbers of the values in whose place it writes.
    """

    keywords: Mapping[str, Any] = MappingProxyType({})
    outs, slots, writes, overwrites = list[int](), list[int](), list[int](), list[int]()  # replaced where there are some
    node, same, inside, looks, hooked = -1, False, False, False, False
    arguments: Any = ()
    function: Any = None

    def __init__(self, name: str, phase: str, module: str, line: tuple[str, int, str] | None) -> None:
        self.name, self.phase, self.module, self.line = name, phase, module, line
        self.inputs: list[int] = []
        self.live: list[int] = []


class Kind:
    """What is known of an operation whatever it is called with.

    Attributes:
        name: torch's.
        writes: the places and names of the arguments that it writes to.
        looks: whether it is a view.
        repeatable: whether it can be carried out again.
    """

    def __init__(self, function: Any) -> None:
        self.name = str(function)
        given = enumerate(function._schema.arguments)
        self.writes = [(place, one.name) for place, one in given if one.alias_info is not None and one.alias_info.is_write]
        self.unsaid = [(place, "") for place in private.UNSAID_WRITES.get(self.name, ())]
        self.looks, self.repeatable = self.name.rpartition(".")[0] in VIEWS, private.is_repeatable(function)

    def written(self, args: Any, kwargs: Any) -> list[Any]:
        """The tensors that it writes to."""
        writes = [*self.writes, *(self.unsaid if self.unsaid and args[5] else ())]  # not where it evaluates
        given = [args[place] if place < len(args) else (kwargs or {}).get(name) for place, name in writes]
        return [one for one in private.tensors(given) if isinstance(one, torch.Tensor)]


__all__ = ["OVERLAY", "VIEWS", "Kind", "Operation"]
