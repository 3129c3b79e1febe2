"""What names say: what a gradient is of, and what an argument of a backward function is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from bpdebug.trust.names import gradient_of, spelled

SELF = "self"
"""What the object is called among the arguments."""
RATES = ("learning_rate", "lr", "alpha", "eta", "rate", "step_size")
OUTPUTS = ("output", "out", "outputs", "y", "a", "s", "p", "y_hat", "activation")
"""What a backward function calls what forward has given, and an object what it keeps of that."""
INPUTS = ("inputs", "input", "x", "in")
"""What the first argument may be called in the name of its gradient: ``dinputs``."""
CACHES = ("cache", "caches", "ctx", "context", "memory", "saved")
_HOLDERS = ("params", "parameters", "_parameters", "data", "value", "array", "tensor")
_GRADIENTS = ("grads", "gradients", "grad", "gradient", "_gradients", "dparams", "d")
_PARAMETER = r"(w|b|weights?|bias(es)?|gamma|beta|kernels?|theta)(_?[a-z]{1,3})?\d*|_?param(eter)?s"
_TARGET = r"(y|t|d|targ(et)?s?|labels?|true.*|y_?(true|train|batch|real|actual|target)|actual|expected.*|ground_?truth|truth|gt|desired.*)"
_ARRIVES = r"(d|δ|∂|grad|g_|delta|upstream|cotangent|error|output_grad|out_grad).*|[guv]\d?|ct|eta|err"
_NOT_ARRIVING = ("data", "dim", "dims", "dtype", "device", "dilation", "d", "dropout_param", "debug")


@lru_cache(4096)
def key(path: str) -> str:
    """What stands at the end of a way, in one spelling: ``w`` for ``params['W']`` and ``W.data``."""
    return ".".join(spelled(word) for word in re.findall(r"\w+", path) if word not in _HOLDERS)


@lru_cache(4096)
def gradient_key(path: str) -> str:
    """The key of what the gradient at the end of a way is of: ``w`` for ``grads['dW']`` and ``W.grad``; "" where it is none."""
    path = re.sub(r"(?<!^self)\.g$", ".grad", path)  # as a tensor has it; of an object itself, g is a name like any other
    words = re.findall(r"\w+", path)
    kept = [word for word in words if word not in _GRADIENTS]
    last = max((place for place, word in enumerate(kept) if not word.isdigit()), default=-1)
    of = gradient_of(kept[last]) if last >= 0 else None
    if of is None and len(kept) == len(words):
        return ""
    return key(".".join([*kept[:last], of, *kept[last + 1 :]] if of else kept))


def gradient_name(name: str) -> str:
    """What a gradient is called: ``dW``, or ``d(params['W1'])``."""
    return f"d{name}" if name.isidentifier() else f"d({name})"


def called(path: str) -> str:
    """What an array is called: one of an object without what only says where it is kept."""
    if not path.startswith("self."):
        return path
    name = re.sub(r"\.(data|value)$", "", path.removeprefix("self."))
    return re.sub(r"\b_?param(?:eter)?s\['(.*?)'\]", r"\1", name)


@lru_cache(4096)
def is_parameter(name: str) -> bool:
    """Whether what an object holds is called as parameters are, or held where they are."""
    return any(re.fullmatch(_PARAMETER, word, re.IGNORECASE) for word in re.findall(r"\w+", name))


def is_target(name: str) -> bool:
    """Whether an argument of a loss is called as targets are, of which nobody takes the gradient."""
    return re.fullmatch(_TARGET, name, re.IGNORECASE) is not None


def arrives(name: str) -> bool:
    """Whether a parameter of a backward function is what arrives at it."""
    return name.lower() not in _NOT_ARRIVING and re.fullmatch(_ARRIVES, name, re.IGNORECASE) is not None


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """The parameters that can be passed by position; None where Python does not know them."""
    try:
        every = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in every):
        return None
    return [parameter for parameter in every if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)]


def names_for(function: Callable[..., Any], inputs: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by the names of the parameters that they are for.

    Raises:
        TypeError: where there are more of them than the function takes.
    """
    known = parameters_of(function)
    names = [parameter.name for parameter in known or [] if parameter.name not in keywords][: len(inputs)]
    if known is not None and len(names) < len(inputs):
        takes = f"{getattr(function, '__qualname__', 'forward')} takes {len(known)} ({', '.join(one.name for one in known)})"
        raise TypeError(f"{takes}, and was given {len(inputs)}: a loss of its output belongs into forward, as lambda x, y: loss(f(x), y)")
    names += [f"input{place}" if len(inputs) > 1 else "x" for place in range(len(names), len(inputs))]
    return dict(zip(names, inputs, strict=True)) | dict(keywords)
