"""The names that a user's file gives to tensors: which are ours, and what the others may mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bpdebug.core.description import Array
from bpdebug.core.parser import suggestion
from bpdebug.core.program import Program
from bpdebug.core.schedule import Skipped

AFTER = "_new"
"""The end of a name that stands for a parameter or a slot after the update."""
_SHOWN = 8


def known_names(program: Program) -> dict[str, str]:
    """The names that a file may have, each with the tensor whose shape it has: ``W1_new`` has that of ``W1``."""
    after = {name + AFTER: name for name in program.index if name in program.persistent}
    return {name: name for name in ("x", "y", "m", *program.persistent, *program.index)} | after


def file_name(program: Program, stage: str) -> str:
    """The name under which a file has what a stage computes."""
    return stage + AFTER if stage in program.persistent else stage


_KINDS = {
    "weights": "W",
    "weight": "W",
    "w": "W",
    "biases": "b",
    "bias": "b",
    "b": "b",
    "z": "z",
    "activation": "a",
    "act": "a",
    "a": "a",
    "h": "a",
}
_KIND, _NUMBER = f"(?P<kind>{'|'.join(_KINDS)})", r"(?P<number>\d+)"
_GRADIENT, _LATER = "(?:gradient|grad|delta|d[ljc]?_?d|d|g)", "(?:new|after|next|updated|update|post|final)"
_SPELLINGS = (
    (rf"{_GRADIENT}_?{_KIND}_?{_NUMBER}", "d{kind}{number}"),
    (rf"{_KIND}_?{_NUMBER}_?{_GRADIENT}", "d{kind}{number}"),
    (rf"[a-z]+_?{_NUMBER}_{_KIND}_grad", "d{kind}{number}"),
    (rf"(?:delta|error|err)_?{_NUMBER}", "dz{number}"),
    (rf"{_KIND}_?{_NUMBER}_?{_LATER}", "{kind}{number}_new"),
    (rf"{_LATER}_?{_KIND}_?{_NUMBER}", "{kind}{number}_new"),
    (rf"(?:[a-z]+_?)?{_NUMBER}_{_KIND}", "{kind}{number}"),
    (rf"{_KIND}_?{_NUMBER}", "{kind}{number}"),
    ("inputs?|data|features", "x"),
    ("targets?|labels?|y_?true|t", "y"),
    ("cost|error|j|l|loss_?value|losses", "loss"),
)
"""Spellings that are common, in small letters with _ for other separators, and ours."""


def meant(name: str, program: Program, known: Iterable[str]) -> str:
    """``"; did you mean 'dW1'?"`` where a name is another spelling of a known one, or close to one; else nothing."""
    words, spelled = list(known), re.sub(r"\W", "_", name.lower())
    if re.fullmatch(r"y_?(hat|pred)|pred(iction)?s?|outputs?|out|probs?", spelled) and program.prediction in words:
        return f"; did you mean '{program.prediction}'?"
    for pattern, ours in _SPELLINGS:
        found = re.fullmatch(pattern, spelled)
        parts = found.groupdict() if found else {}
        guess = ours.format(kind=_KINDS.get(parts.get("kind", ""), ""), number=parts.get("number", ""))
        if found and guess in words:
            return f"; did you mean '{guess}'?"
    return suggestion(name, words)


def of_unknown(arrays: Mapping[str, Array], program: Program) -> list[str]:
    """Sentences on the names of a file that are none of ours."""
    known = known_names(program)
    reasons = {line.name: line.reason for line in program.lines if isinstance(line, Skipped)}
    reasons |= {name + AFTER: reason for name, reason in reasons.items()}
    free = [name for name in known if name not in arrays]
    unknown = [name for name in arrays if name not in known]
    notes = [
        f"{name} is not compared: {reasons[name]}" if name in reasons else f"{name} is no name of this network{meant(name, program, free)}"
        for name in unknown[:_SHOWN]
    ]
    return [*notes, f"and {len(unknown) - _SHOWN} more unknown names"] if len(unknown) > _SHOWN else notes
