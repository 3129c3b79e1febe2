"""The shipped scenarios with other names for all their tensors: nothing may know a tensor by its spelling."""

from __future__ import annotations

import re

from bpdebug.core.description import Debug, Scenario
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.core.tensors import Naming

NONSENSE = {
    "dotted": Naming(
        input="batch.in",
        target="want",
        weight="blocks.{}.kernel",
        bias="offset[{}]",
        z="lin_{}",
        a="act{}x",
        sum="skip.{}",
        loss="J",
        data_loss="J.fit",
        penalty="J.decay[{}]",
        gradient="{}.grad",
        partial="{}.grad@{}",
        slot="state.{}.{}",
    ),
    "neighbours": Naming(weight="K{}", bias="o{}", z="h{}", a="s{}", sum="q{}", penalty="penally{}"),
    "misleading": Naming("t0", "b0", "data{}", "a{}", "dropout{}", "W{}", "z{}", "dense", "x", "y{}", "r_{}", "r_{}@{}", "{}_{}"),
}
"""Names with dots and brackets, names as wide as the usual ones, and names that mean something else where names mean something."""


def renamed(scenario: Scenario, naming: Naming) -> tuple[Scenario, dict[str, str]]:
    """The scenario with other names, and what each tensor is called now."""
    bare = replace(scenario, values={}, frozen=(), formulas={}, debug=Debug())
    names = dict(zip(make_program(bare).tensors, make_program(replace(bare, naming=naming)).tensors, strict=True))
    names |= {Naming().gradient.format(Naming().input): naming.gradient.format(naming.input)}
    again = scenario.read_again
    debug = Debug(tuple(in_words(t, names) for t in scenario.debug.breakpoints), tuple(in_words(t, names) for t in scenario.debug.watches))
    changed = replace(
        scenario,
        naming=naming,
        values={names[name]: value for name, value in scenario.values.items()},
        frozen=tuple(names[name] for name in scenario.frozen),
        formulas={names[name]: in_words(text, names) for name, text in scenario.formulas.items()},
        debug=debug,
        read_again=again and (lambda: renamed(again(), naming)[0]),
    )
    return changed, names


def in_print(text: str) -> str:
    """A document under the names of the neighbours, where it writes them as mathematics does."""
    return re.sub(
        r"(?<![A-Za-z\\])[Wbzar](?=[_^]\{)|(?<=[mv]_\{)[Wb](?=[;}])", lambda found: dict(zip("Wbzar", "Kohsq", strict=True))[found[0]], text
    )


def in_words(text: str, names: dict[str, str]) -> str:
    """A text with the new names in the place of the old ones."""
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"(?<![A-Za-z0-9_])({known})(?=_new|[^A-Za-z0-9_(]|$)", lambda found: names[found[1]], text)
