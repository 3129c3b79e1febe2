"""The shipped scenarios with other names for all their tensors: nothing may know a tensor by its spelling."""

from __future__ import annotations

import re

from bpdebug.core.description import Debug, Lines, Scenario
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.core.statements import Text
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
    lines, given = scenario.lines and renamed_lines(scenario, naming), scenario.values if scenario.lines else {}
    named = {name: lines[1][name] for name in given} if lines else {}
    theirs = replace(bare, naming=naming, lines=lines and lines[0], values={named[name]: value for name, value in given.items()})
    names = dict(zip(make_program(replace(bare, values=given)).tensors, make_program(theirs).tensors, strict=True))
    names = {Naming().gradient.format(Naming().input): naming.gradient.format(naming.input)} | names
    again = scenario.read_again
    debug = Debug(tuple(in_words(t, names) for t in scenario.debug.breakpoints), tuple(in_words(t, names) for t in scenario.debug.watches))
    changed = replace(
        scenario,
        naming=naming,
        lines=theirs.lines,
        values={names[name]: value for name, value in scenario.values.items()},
        frozen=tuple(names[name] for name in scenario.frozen),
        formulas={names[name]: in_words(text, names) for name, text in scenario.formulas.items()},
        debug=debug,
        read_again=again and (lambda: renamed(again(), naming)[0]),
    )
    return changed, names


def renamed_lines(scenario: Scenario, naming: Naming) -> tuple[Lines, dict[str, str]]:
    """A program of lines with other names in its lines, and what each of them is called now."""
    lines, template = scenario.lines, naming.a if "." in naming.weight else naming.sum
    assert lines is not None
    written = {name for line in Text("program", lines.program).lines() for name, _ in line.targets}
    own = sorted(written | {*lines.parameters, *lines.constants, *lines.given})
    names = {name: template.format(f"_{name}") for name in own}
    names |= {Naming().input: naming.input, Naming().target: naming.target} if scenario.data else {}
    text, renamed = in_words(lines.program, names), {name: names[name] for name in own}
    parts = [{renamed[name]: value for name, value in given.items()} for given in (lines.parameters, lines.constants, lines.given)]
    both = names | {Naming().gradient.format(name): naming.gradient.format(new) for name, new in names.items()}
    return Lines(text, *parts, names.get(lines.loss or "loss", ""), in_words(lines.backward, both)), names


def in_print(text: str) -> str:
    """A document under the names of the neighbours, where it writes them as mathematics does."""
    return re.sub(
        r"(?<![A-Za-z\\])[Wbzar](?=[_^]\{)|(?<=[mv]_\{)[Wb](?=[;}])", lambda found: dict(zip("Wbzar", "Kohsq", strict=True))[found[0]], text
    )


def in_words(text: str, names: dict[str, str]) -> str:
    """A text with the new names in the place of the old ones."""
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"(?<![A-Za-z0-9_])({known})(?=_new|[^A-Za-z0-9_(]|$)", lambda found: names[found[1]], text)
