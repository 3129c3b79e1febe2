"""The names that a user's file gives to tensors: which are ours, and what the others may mean.

A name is read in pieces (``dLdW1``, ``fc1.weight.grad``, ``y_hat``): what kind of tensor it is, of which layer, whether its gradient,
and whether after the update. Which tensor of a program that is, shapes and numbers help to decide (:mod:`bpdebug.trust.pairing`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache

from bpdebug.core.description import Values
from bpdebug.core.operations import ACTIVATIONS
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace

AFTER = "_new"
"""The end of a name that stands for a parameter or a slot after the update."""


def known_names(program: Program) -> dict[str, str]:
    """The names that a file may have, each with the tensor whose shape it has: ``W1_new`` has that of ``W1``."""
    after = {name + AFTER: name for name in program.index if name in program.persistent}
    return {name: name for name in (*program.sources, "m", *program.persistent, *program.index)} | after


def file_name(program: Program, stage: str) -> str:
    """The name under which a file has what a stage computes."""
    return stage + AFTER if stage in program.persistent else stage


class Meaning(Record):
    """What a name may stand for.

    Attributes:
        kind: ``weight``, ``bias``, ``z``, ``a``, ``input``, ``target``, ``prediction`` or ``loss``.
        numbers: those in it, in their order.
        place: ``hidden``, ``out`` or ``in`` where it says so, else ""; ``in`` with numbers is what goes into a layer.
        gradient: whether it is the gradient of that.
        after: whether it is what the update has made of it.
        slot: the word by which it is what the optimizer keeps of it, else "".
        trust: from 0 to 1, how likely.
    """

    kind: str
    numbers: tuple[int, ...] = ()
    place: str = ""
    gradient: bool = False
    after: bool = False
    slot: str = ""
    trust: float = 1.0


_WORDS = {
    "weight": "w ws weight weights wt wts kernel kernels syn synapse synapses theta thetas coef coefs coefficients",
    "bias": "b bs bias biases intercept intercepts",
    "z": "z zs logit logits score scores preact preactivation preactivations pre affine weighted",
    "a": "a as act acts activation activations activated",
    "input": "x xs data features feature samples",
    "target": "t y ys target targets label labels expected onehot truth",
    "prediction": "yhat ypred yp pred preds prediction predictions predicted prob probs probabilities softmax",
    "loss": "loss losses cost costs j objective nll ce bce mse sse lossfn crossentropy",
    "gradient": "d dl dj dc de dloss dcost grad grads gradient gradients g nabla partial derivative deriv derivatives backward",
    "delta": "delta deltas",
    "error": "error errors err errs",
    "first slot": "m mom momentum moment moments",
    "slot": "velocity v s sq",
    "after": "new after next updated update upd final",
    "post": "post postact postactivation postactivations",
    "before": "old before prev previous start initial init orig original",
    "hat": "hat",
    "true": "true real train batch",
    "hidden": "h hs hid hidden",
    "out": "o out outs output outputs last",
    "in": "in input inputs",
    "layer": "l layer layers",
    "linear": "fc linear lin",
    "net": "net",
    "first": "wih ih xh",
    "second": "who ho hy",
    "": "self this model network nn mlp module modules param params parameter parameters cache caches dense block blocks "
    "seq sequential me my mine value values val vals matrix matrices vec vector vectors array arrays tensor tensors of by wrt the to e u "
    "function fn node nodes unit units neuron neurons sum sums total rate torch np number num state dict result results step tmp",
}
"""Pieces of names, by what they say; the last ones say nothing."""
_TAGS = dict.fromkeys(ACTIVATIONS, "a") | {word: tag for tag, words in _WORDS.items() for word in words.split()}
_KINDS = ("weight", "bias", "z", "a", "input", "target", "prediction", "loss")
_SIGNS = {"δ": "delta ", "∂": "d ", "∇": "nabla ", "θ": "theta ", "\u0302": " hat ", "'": " after ", "σ": "a ", "η": "rate "}
_BEFORE = re.compile(r"(?:^|[^a-z])(?:old|before|prev|init|start|orig)|_(?:old|before|prev|init|start|orig)")
_IDLE = re.compile(r"(?<![a-z])(?:mask|cost|hist|lr|rate|acc|epoch|seed|idx|index|perm|order|keep|drop|eps|time|losses)")
"""What begins the names of things that are saved beside a step, and are no part of it."""


def idle(name: str) -> bool:
    """Whether a name says that it is no gradient: a mask, a history of costs, a rate."""
    return bool(_IDLE.search(name.lower()))


def earlier(name: str) -> bool:
    """Whether a name says that it is what an update starts from: ``W1_old``."""
    return bool(_BEFORE.search(name.lower()))


@cache
def meanings(name: str) -> tuple[Meaning, ...]:
    """What a name may stand for, the likeliest first; nothing where it says nothing."""
    pieces, held = _pieces(name), re.fullmatch(r"[^\W\d]\w*(?:\.(.+)|\[['\"](.+)['\"]\])", name)
    # what holds it may be called anything: brain.W1, p['W1'], and s.W1
    inner = [replace(one, trust=(_BY_NUMBERS if pieces else _HELD) * one.trust) for one in meanings(held[1] or held[2])] if held else []
    if pieces is None:
        return tuple(inner)
    numbers, tags = tuple(int(piece) for piece in pieces if piece.isdigit()), [_TAGS[piece] for piece in pieces if not piece.isdigit()]
    return tuple(sorted([*_read(tags, numbers), *inner], key=lambda meaning: -meaning.trust))


def gradient_of(name: str) -> str | None:
    """The rest of a name that begins or ends with a word for a gradient, in the spelling of :func:`spelled`; None for another."""
    found = re.fullmatch(r"(?:d_?|grad(?:ient)?s?\W?_?|∂|∇)(.+)|(.+?)\W?_?grad(?:ient)?s?", name, re.IGNORECASE)
    return spelled(found[1] or found[2]) if found else None


def spelled(name: str) -> str:
    """A name in small letters and digits alone."""
    return re.sub(r"[\W_]", "", name.lower())


def _pieces(name: str) -> list[str] | None:
    """The words and numbers of a name; None where a part of it is none of them."""
    text = unicodedata.normalize("NFKD", name)
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word) if sign != "'" or (text.endswith(sign) and text.count(sign) == 1) else text
    found = list[str]()
    for run in re.findall(r"\d+|[^\W\d_]+", text):
        words = [run] if run.isdigit() and len(run) < 6 else _split(run.lower())
        if words is None:
            return None
        found += words
    return found if len(found) <= 12 else None


@cache
def _split(run: str) -> list[str] | None:
    """A run of letters as the fewest words, of which few may be single letters."""
    best: list[list[str] | None] = [[]]
    for end in range(1, len(run) + 1 if len(run) <= 32 else 1):
        ways = [[*before, run[start:end]] for start in range(end) if (before := best[start]) is not None and run[start:end] in _TAGS]
        best.append(min(ways, key=len, default=None))
    words = best[-1] if len(best) > len(run) else None
    single = sum(len(word) == 1 for word in words or ())
    if words and [len(word) for word in words[-2:]] == [1, 1] and _TAGS[words[-3 % len(words)]] in _KINDS and len(words[0]) > 1:
        return None  # weight e d
    kept = words is not None and single == 3 == len(words) and "slot" in _TAGS[words[0]] and words[1] == "d"
    return None if words is None or (single > 2 and not kept) or (single == 2 == len(words) and _TAGS[words[0]] not in _PREFIXES) else words


_HELD = 0.9
"""The trust in what a name means in something of which the name says nothing."""
_BY_NUMBERS = 0.15
"""The trust in what a name means only where the numbers say so, too."""
_PREFIXES = ("gradient", "weight", "bias", "z", "a", "slot", "first slot")
"""What the first of two single letters in one word may be: ``dW``, ``Wo``, ``zh``."""


def _kinds(have: set[str]) -> list[str]:
    """Of what kind a tensor may be, of whose name these are the pieces."""
    kinds = [kind for kind in _KINDS if kind in have]
    if "target" in kinds and have & {"hat", "prediction", "out"}:
        kinds = [kind for kind in kinds if kind not in ("target", "prediction")] + ["prediction"]
    if have & {"gradient", "delta", "error"} and len(kinds) > 1:  # dL_dW, dJ/dz
        kinds = [kind for kind in kinds if kind != "loss"]
    if have & {"weight", "bias"} and len(kinds) > 1:  # W_x: the weights of the input
        kinds = [kind for kind in kinds if kind in ("weight", "bias")]
    if "z" in kinds:  # the weighted input, a pre-activation
        kinds = [kind for kind in kinds if kind not in ("input", "a")]
    if "out" in have:  # features.0.output
        kinds = [kind for kind in kinds if kind != "input"]
    return kinds or ["weight"] * bool(have & {"first", "second"}) or ["a"] * ("post" in have)


def _read(tags: list[str], numbers: tuple[int, ...]) -> Iterator[Meaning]:
    """The meanings of a name's pieces, by what they say."""
    have = set(tags)
    gradient, kinds = bool(have & {"gradient", "delta", "error"}), _kinds(have)
    after = "after" in have or ("post" in have and kinds != ["a"])
    place = next((tag for tag in ("out", "hidden", "in") if tag in have), "")
    if have & {"first", "second"}:
        place = "in" if "first" in have else "out"
    if not kinds and "net" in have and bool(numbers) != bool(place):  # with both, as in net.1.output, the whole network is called so
        kinds = ["z"]
    if kinds == ["a"] and "in" in have and (numbers or "loss" in have):  # what goes into an activation: activation1.dinputs
        kinds, place = ["z"], "out" if "loss" in have else ""
    elif kinds == ["a"] and place == "out" and numbers:  # what comes out of one: activation1.output
        place = ""
    slot = next((tag for tag in ("first slot", "slot") if tag in have), "")
    if len(kinds) > 1 or (slot and kinds not in (["weight"], ["bias"])):
        return
    if not kinds:
        yield from _unkind(have, place, numbers, gradient)
    elif kinds == ["loss"] and gradient:
        if "in" in have:  # what goes into a loss
            yield from (Meaning(kind, (), "out", True, trust=trust) for kind, trust in (("a", 0.95), ("z", 0.9)))
    else:
        kind = "a" if kinds == ["target"] and numbers and not gradient else kinds[0]
        yield Meaning(kind, numbers, place, gradient and not slot, after, slot)
        yield from [Meaning("a", numbers, "", gradient, trust=_BY_NUMBERS)] * bool(kind == "input" and numbers)


def _unkind(have: set[str], place: str, numbers: tuple[int, ...], gradient: bool) -> Iterator[Meaning]:
    """The meanings of a name that says no kind: a place alone, an error, a layer."""
    if "error" in have:
        yield Meaning("a", numbers, place or "out" * (not numbers), True, trust=0.9)
        yield Meaning("z", numbers, place or "out" * (not numbers), True, trust=0.85)
        if not numbers and not place:
            yield Meaning("loss", trust=0.95)
    elif "delta" in have or (gradient and numbers and not place and "layer" not in have):
        yield Meaning("z", numbers, place, True)
    elif place == "in":
        yield Meaning("a", numbers, "in", gradient, trust=0.8) if numbers else Meaning("input", numbers, "", gradient)
        yield from [Meaning("z", numbers, "", gradient, trust=_BY_NUMBERS)] * bool(numbers)
    elif place == "out" and not numbers:
        yield Meaning("prediction", numbers, "", gradient, trust=0.95)
        yield Meaning("z", numbers, "out", gradient, trust=0.6)
    elif place or (have & {"layer", "linear"} and numbers):
        likely = "za" if "linear" in have and place in ("", "out") else "az"
        yield Meaning(likely[0], numbers, place * (place != "out"), gradient, trust=0.95)
        yield Meaning(likely[1], numbers, place * (place != "out"), gradient, trust=0.6)
    elif "layer" in have and not gradient:
        yield Meaning("loss", trust=0.8)


class Counting(Record):
    """From where a file counts layers.

    Attributes:
        parameters, z, a: the number of the first layer in names of each kind.
        ranks: the layer of each number, where they only tell the order: ``net.0.weight``, ``net.2.weight``.
        swapped: whether a is what goes into an activation, and z what comes out (Bishop, "Pattern Recognition" (2006), section 5.1).
    """

    parameters: int = 1
    z: int = 1
    a: int = 1
    ranks: Mapping[tuple[int, ...], int] = {}
    swapped: bool = False

    @property
    def plain(self) -> bool:
        """Whether it is ours."""
        return self == Counting()


def countings(program: Program, arrays: Values) -> Iterator[Counting]:
    """The ways in which a file may count layers."""
    read = [meaning for name in arrays for meaning in meanings(name)[:1] if meaning.numbers]
    own = {meaning.numbers for meaning in read if meaning.kind in ("weight", "bias")}
    yield Counting()
    if any(meaning.numbers[-1] == 0 for meaning in read):
        yield Counting(0, 0, 0)
        yield Counting(0, 0, 1)
        yield Counting(0, 1, 1)
    numbers = sorted(own)
    if len(numbers) == len(program.layers) and all(numbers != [(place + first,) for place in range(len(numbers))] for first in (0, 1)):
        yield Counting(ranks={number: place for place, number in enumerate(numbers, 1)})
    if any(meaning.kind in ("z", "a") and meaning.numbers[-1] == len(program.layers) + 1 for meaning in read):
        yield Counting(1, 2, 2)  # the inputs are the first layer (Ng's "Machine Learning")
    if any(meaning.kind == "z" or (meaning.kind == "a" and "h" in name.lower()) for name in arrays for meaning in meanings(name)[:1]):
        yield Counting(swapped=True)
