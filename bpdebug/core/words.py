"""Words that are meant: what stands close to a mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is close, in whatever capitals, or nothing."""
    by_folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_folded, n=3, cutoff=0.6)
    swapped = (name for name in close if sorted(name) == sorted(word.lower()))  # two letters: tahn is tanh, not tan
    return by_folded[next(swapped, close[0])] if close else ""


def suggestion(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'dW2'?"`` where a known word is close, or a word is its initials (lr for learning_rate), else nothing."""
    names = list(known)
    initials = {"".join(part[:1] for part in name.lower().split("_")): name for name in names if "_" in name}
    found = nearest(word, names) or initials.get(word.lower(), "")
    return f"; did you mean '{found}'?" if found not in ("", word) else ""


def are(names: Collection[str]) -> str:
    """``is`` of one, ``are`` of several."""
    return "is" if len(names) == 1 else "are"


def together(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
