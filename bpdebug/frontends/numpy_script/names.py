"""What the values of a recorded update are called: by the places where the script keeps them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from bpdebug.core.statements import is_name

PLACE = re.compile(r"§\d+§")
"""What stands for a value in a recorded formula."""
_VERSION = re.compile(r"'\d+$")
_ROOT = re.compile(r"[.\[]")
_WHOLE = {"w": ("weight", "weights"), "b": ("bias", "biases")}
"""What stands for a letter in the names of gradients."""
_TAKEN = "m"
"""What a tensor of a program cannot be called."""


_STEMS = [
    r"^d[LJE]_?d_?(\w+)$", r"^d_(\w+)$", r"^d([A-Za-z]\w*)$", r"^grads?_(\w+)$", r"^(\w+?)_grads?$", r"^(\w+?)_gradient$",
    r"^gradient_(\w+)$", r"^nabla_(\w+)$", r"^D_?(\w+)$", r"^g([A-Z]\w*)$",
]  # fmt: skip


def unversioned(name: str) -> str:
    """The name of a tensor without its version: ``W['a']`` of ``W['a']'2``."""
    return _VERSION.sub("", name)


@cache
def gradient_of(name: str) -> str:
    """The tensor whose gradient a name says it is: ``W1`` of ``dW1``, ``grads['W1']`` or ``self.dW1``; "" where it says nothing."""
    found = re.fullmatch(r"(.*?)(\w+)((?:\[[^\]]*\])*)", unversioned(name))
    if not found:
        return ""
    stem, keys = found[2], re.findall(r"\['?(\w+)'?\]", found[3])
    if keys and re.search(r"grad|deriv|delta|^d$", stem, re.IGNORECASE):
        return gradient_of(keys[-1]) or keys[-1]
    for pattern in _STEMS:
        if matched := re.match(pattern, stem):
            return matched[1] + "".join(f"[{key}]" for key in keys)
    return gradient_of(keys[-1]) if keys and not keys[-1].isdigit() else ""


@cache
def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^self\.|^\w+(?=\[')|.*\.(?=\w+$)", "", name).lower())


def named_alike(gradient: str, tensor: str) -> bool:
    """Whether a name says that it is the gradient of a tensor."""
    meant, plain = _plain(gradient_of(gradient)), _plain(tensor)
    return bool(meant) and (meant == plain or plain in _WHOLE.get(meant, ()))


def alike_to(gradient: str, tensors: Iterable[str]) -> list[str]:
    """The tensors whose gradient a name says that it is."""
    return [tensor for tensor in tensors if named_alike(gradient, tensor)] if gradient_of(gradient) else []


class Names:
    """The names of a listing's places."""

    def __init__(self, listing: Mapping[str, Any], top: set[str]) -> None:
        self._top = top
        for one in (*listing["statements"], *listing["given"].values()):
            one["slots"] = [(text + "_" * (text == _TAKEN), visited) for text, visited in one["slots"]]
        self.said = sorted(listing["statements"], key=lambda one: int(one["order"]))
        self._next = {new: old for old, new in listing["carried"] if new != old}
        slots = {place: given["slots"] for place, given in listing["given"].items()}
        slots |= {one["place"]: one["slots"] for one in self.said}
        self._times = Counter(text for place, found in slots.items() if place not in self._next for text in {text for text, _ in found})
        self.of, self._used = dict[str, str](), Counter[str]()
        kept = [old for old, _ in listing["carried"]]
        for place in (*kept, *(place for place in slots if place not in kept and place not in self._next and slots[place])):
            self.of[place] = self._free(self._chosen(slots[place], place in kept), "." if place in listing["given"] else "'")
        for place in slots:
            if place in self._next:
                self.of[place] = self._free(self.of[self._next[place]], after=True)
        self._readers = dict[str, str]()
        for one in self.said:
            for read in PLACE.findall(one["text"]):
                self._readers.setdefault(read, one["place"])
        for place in (place for place in slots if place not in self.of):
            self.of[place] = self._free(f"{unversioned(self._owner(place))}.in")

    def _owner(self, place: str) -> str:
        while place not in self.of and place in self._readers:
            place = self._readers[place]
        return self.of.get(place, "value")

    def _chosen(self, slots: list[tuple[str, bool]], kept: bool) -> str:
        texts = [text for text, visited in sorted(slots, key=lambda slot: slot[1]) if self._fits(text)]
        lone = [text for text in texts if self._times[text] == 1]
        stored = [text for text in lone if text[-1] == "]" or "." in text]
        plain = [text for text in lone if text in self._top]
        stored += [text for text in texts if text[-1] == "]"]  # of several neurons' weights each is neuron['weights'][0]
        if kept and (plain or stored):
            return self._lasting([*plain, *stored])
        bound = [text for text, visited in slots[::-1] if not visited and self._fits(text)]
        return self._lasting([*lone, *bound, *texts, "value"])

    def _lasting(self, texts: list[str]) -> str:
        """The first, but where that is of an object in a list, which an update may have made, one within what the module has a name for."""
        rooted = [text for text in texts if _ROOT.split(text)[0] in self._top - {text}]
        return rooted[0] if rooted and "]." in texts[0] and texts[0] not in rooted else texts[0]

    def _fits(self, text: str) -> bool:
        return is_name(text) and not any(self._times[text[:end]] for end, sign in enumerate(text) if sign == "[")

    def _free(self, name: str, between: str = "'", after: bool = False) -> str:
        """The name, with a number where it is taken, or belongs to an earlier version."""
        self._used[name] += 1 + (after and name not in self._used)
        return f"{name}{'' if name.endswith('.in') else between}{self._used[name]}" if self._used[name] > 1 else name
