"""Layers as objects with ``forward`` and ``backward``, parameters among their attributes and gradients wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy, deepcopy
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.trust.own.arrays import as_array, bits_equal, is_float, is_tensor, like
from bpdebug.trust.own.attributes import gradients_in, holders, inside, numbers_in, parameters_in, read, write
from bpdebug.trust.own.pair import (
    Answer,
    Pair,
    differentiable,
    gradient_name,
    gradients_from,
    looks_like_gradient,
    names_for,
    output_arrays,
    parameters_of,
    place_of,
)

FORWARD = ("forward", "__call__", "loss")
BACKWARD = ("backward", "backprop", "bprop", "backward_pass")
_RATES = ("learning_rate", "lr", "alpha", "eta", "rate", "step_size")


def method(thing: Any, names: Sequence[str]) -> str:
    """The first of these methods that it has, or ""."""
    return next((name for name in names if callable(getattr(thing, name, None))), "")


class Objects(Pair):
    """A layer.

    Args:
        layer: the user's object; each call is made on a copy of its own, so that running statistics and caches stay as they are.
        forward, backward: its methods' names; no ``backward`` where ``forward`` returns the gradients, too.
        inputs, keywords: for ``forward``.
        outputs: how many of the things that ``forward`` returns are outputs.
    """

    def __init__(
        self, layer: Any, forward: str, backward: str, inputs: Sequence[Any], keywords: Mapping[str, Any], outputs: int | None = None
    ) -> None:
        given = names_for(getattr(layer, forward), inputs, keywords)
        super().__init__(f"{type(layer).__name__}.{backward or forward}", given, len(inputs), [layer])
        self.layer, self.forward, self.backward, self._count = layer, forward, backward, outputs
        self.fused = not backward
        self._implicit = False
        needed = [one.name for one in (parameters_of(getattr(layer, backward)) or []) if one.default is one.empty] if backward else []
        self._passed = [name for name in needed if name in _RATES]
        held = [getattr(layer, name) for name in _RATES[:2] if isinstance(getattr(layer, name, None), float)]
        self._rate = 1.0 if self._passed else float(held[0]) if held else 0.0

    def run(self, values: Mapping[str, Array]) -> tuple[Array, ...]:
        """See :class:`Pair`."""
        return output_arrays(self._outputs(self._forward(values)[1]))

    def back(self, values: Mapping[str, Array], cotangents: tuple[Array, ...]) -> Answer:
        """See :class:`Pair`."""
        layer, result, _ = self._forward(values)
        kept = output_arrays(self._outputs(result))
        before = {name: as_array(value) for name, value in self._current(layer).items()}
        returned = result[1:] if self.fused else self._pull(layer, self._outputs(result), cotangents)
        returned = returned[0] if self.fused and len(returned) == 1 else returned
        found = self._gradients(layer, returned)
        return Answer(kept, found | {name: gradient for name, gradient in self._steps(layer, before) if name not in found})

    def prepare(self) -> Answer:
        """See :class:`Pair`."""
        layer, result, made = self._forward({})
        self.look_for_changes(made, "forward")
        if self.fused and not isinstance(result, tuple):
            raise TypeError(f"{self.name} returns no gradient, and {type(self.layer).__name__} has no backward")
        self._count = 1 if self.fused else self._count
        kept = output_arrays(self._outputs(result))
        self.cotangents = self.arriving(kept)
        parameters = parameters_of(getattr(layer, self.backward)) if self.backward else []
        optional = parameters is not None and all(parameter.default is not parameter.empty for parameter in parameters)
        if self.fused or (optional and kept[0].size == 1):  # a loss, whose backward begins with 1
            self._implicit = True
            self.cotangents = tuple(np.ones_like(cotangent) for cotangent in self.cotangents)
        before = numbers_in(layer)
        if self.backward:  # what it keeps its gradients as shows only then
            self._pull(layer, self._outputs(result), self.cotangents)
        self.parameters = parameters_in(self.layer, layer)
        late = {name: path for name, path in parameters_in(layer, layer).items() if name not in self.parameters}
        if late and any(gradients_in(layer, late)):  # made by the first forward pass
            self.layer = self._forward({})[0]
            self.parameters = parameters_in(self.layer, layer)
        if self._rate and not [*gradients_in(layer, self.parameters)]:
            after = numbers_in(layer)
            moved = [name for name, value in before.items() if name in after and not bits_equal(value, after[name])]
            stepping = {name: name for name in moved if name in numbers_in(self.layer)}
            self.parameters |= stepping
            self.note(
                "the gradients of parameters are read from the step that backward takes, divided by the learning rate" * bool(stepping)
            )
        answer = self.back({}, self.cotangents)
        held = {name: as_array(read(self.layer, path)) for name, path in self.parameters.items()}
        self.values = differentiable(self.given, answer.gradients) | held
        for name in self._unanswered(answer):
            self.note(f"{name} is not judged: no gradient of it was found, neither returned nor as d{name}, grads or .grad")
        return answer

    def calls(self, name: str) -> list[str]:
        """See :class:`Pair`."""
        layer, result, _ = self._forward({})
        returned = result[1:] if self.fused else self._pull(layer, self._outputs(result), self.cotangents)
        where = place_of(self._gradients(layer, returned)[name], returned)
        call = f"layer.{self.forward}({self.shown_arguments()})"
        arrives = "" if self._implicit else ", ".join(f's["dout{place if len(self.cotangents) > 1 else ""}"]' for place in self._places())
        first = f"{call}  # layer: your {type(self.layer).__name__}, with what is saved as its parameters"
        if name in self.parameters and not where:
            return [first, f'layer.{self.backward}({arrives})  # leaves what is to be s["{gradient_name(name)}_right"]']
        back = f"layer.{self.backward}({arrives})" if self.backward else f"{call}[1:]"
        return [first, f'print({back}{where} - s["{gradient_name(name)}_right"])']

    def _places(self) -> range:
        return range(len(self.cotangents))

    def _forward(self, values: Mapping[str, Array]) -> tuple[Any, Any, list[Any]]:
        made, keywords = self.arguments(values)
        layer = self._copy()
        for name, path in self.parameters.items():
            if name in values:
                write(layer, path, values[name])
        return layer, getattr(layer, self.forward)(*made, **keywords), [*made, *keywords.values()]

    def _copy(self) -> Any:
        """The layer as it is, with gradients of 0, so that what is added to them shows alone."""
        try:
            layer = deepcopy(self.layer)
        except Exception:  # it holds what cannot be copied
            layer = copy(self.layer)
            for name, value in vars(layer).items():
                if isinstance(value, np.ndarray | list | dict):
                    vars(layer)[name] = deepcopy(value)
        arrays = [leaf for _, part in inside(layer) for _, held in holders(part) for leaf in held]
        for leaf in arrays:
            if isinstance(leaf, np.ndarray) and leaf.flags.writeable:
                leaf[...] = 0
        return layer

    def _outputs(self, result: Any) -> Sequence[Any]:
        several = isinstance(result, tuple) and bool(result)
        if not several:
            return [result]
        if self._count is None:
            parameters = parameters_of(getattr(self.layer, self.backward)) or []
            leading = [parameter for parameter in parameters if looks_like_gradient(parameter.name)]
            self._count = max(1, min(len(leading), sum(is_float(item) for item in result)))
        return list(result[: self._count])

    def _pull(self, layer: Any, outputs: Sequence[Any], cotangents: Sequence[Array]) -> Any:
        backward = getattr(layer, self.backward)
        if self._implicit:
            return backward()
        douts = [like(output, cotangent.copy()) for output, cotangent in zip(outputs, cotangents, strict=True)]
        return backward(*douts, *(1.0 for _ in self._passed))

    def _steps(self, layer: Any, before: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """Gradients by the step that a backward pass with a learning rate takes by itself."""
        for name, value in before.items() if self._rate else ():
            after = as_array(read(layer, self.parameters[name]))
            if after.shape == value.shape and not bits_equal(after, value):
                yield name, np.asarray((value - after) / self._rate)

    def _gradients(self, layer: Any, returned: Any) -> dict[str, Array]:
        """Those of inputs, as they are returned, and of parameters, wherever they are."""
        items = list(returned) if isinstance(returned, list | tuple) else [returned]
        count = len(self.given)
        if isinstance(returned, Mapping) or (self.fused and len(items) == 1):
            found = gradients_from(returned, self.given if not self.parameters else {**self.given, **self._current(layer)})
        elif len(items) > count and len(items) - count == len(self.parameters):
            found = gradients_from(tuple(items[:count]), self.given)
            found |= {name: as_array(item) for name, item in zip(self.parameters, items[count:], strict=True) if is_tensor(item)}
        else:
            found = gradients_from(returned if is_tensor(returned) else tuple(items), self.given)
            for item in items:
                if isinstance(item, Mapping):
                    found |= gradients_from(item, self._current(layer))
        kept = dict(gradients_in(layer, self.parameters))
        return {**kept, **found}

    def _current(self, layer: Any) -> dict[str, Any]:
        return {name: read(layer, path) for name, path in self.parameters.items()}

    def _unanswered(self, answer: Answer) -> list[str]:
        return [name for name in self.parameters if name not in answer.gradients]
