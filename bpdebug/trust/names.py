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
    return {name: name for name in (*program.data, "m", *program.persistent, *program.index)} | after


def file_name(program: Program, stage: str) -> str:
    """The name under which a file has what a stage computes."""
    return stage + AFTER if stage in program.persistent else stage


_KINDS = {"w": "weight", "b": "bias", "z": "z", "a": "a", "h": "a"}
"""What the first letter of a word for it stands for."""
_KIND, _NUMBER = "(?P<kind>weights?|w|bias(?:es)?|b|z|activation|act|a|h)", r"(?P<number>\d+)"
_GRADIENT, _LATER = "(?:gradient|grad|delta|d[ljc]?_?d|d|g)", "(?:new|after|next|updated|update|post|final)"
_SPELLINGS = (
    (rf"{_GRADIENT}_?{_KIND}_?{_NUMBER}", "gradient"),
    (rf"{_KIND}_?{_NUMBER}_?{_GRADIENT}", "gradient"),
    (rf"[a-z]+_?{_NUMBER}_{_KIND}_grad", "gradient"),
    (rf"(?:delta|error|err)_?{_NUMBER}", "gradient"),
    (rf"{_KIND}_?{_NUMBER}_?{_LATER}", "after"),
    (rf"{_LATER}_?{_KIND}_?{_NUMBER}", "after"),
    (rf"(?:[a-z]+_?)?{_NUMBER}_{_KIND}", "layer"),
    (rf"{_KIND}_?{_NUMBER}", "layer"),
    ("inputs?|data|features", "input"),
    ("targets?|labels?|y_?true|t", "target"),
    ("cost|error|j|l|loss_?value|losses", "loss"),
    (r"y_?(hat|pred)|pred(iction)?s?|outputs?|out|probs?", "prediction"),
)
"""Spellings that are common, in small letters with _ for other separators, and what they stand for: a layer's tensor, its gradient, what
it is after the update, or something of the program; where they say no kind, the weighted sums are meant."""


def meant(name: str, program: Program, known: Iterable[str]) -> str:
    """``"; did you mean 'dW1'?"`` where a name is another spelling of a known one, or close to one; else nothing."""
    words, spelled = list(known), re.sub(r"\W", "_", name.lower())
    for pattern, what in _SPELLINGS:
        found = re.fullmatch(pattern, spelled)
        guess = _called(program, what, found.groupdict()) if found else ""
        if guess in words:
            return f"; did you mean '{guess}'?"
    return suggestion(name, words)


def _called(program: Program, what: str, parts: Mapping[str, str]) -> str:
    """What we call something, or ""."""
    if "number" not in parts:
        return str(getattr(program, what))
    layer = next((layer for layer in program.layers if layer.number == int(parts["number"])), None)
    tensor = getattr(layer, _KINDS[parts.get("kind", "z")[0]], "")
    return program.gradients.get(tensor, "") if what == "gradient" else tensor + AFTER * (what == "after")


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
