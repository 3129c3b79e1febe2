"""The catalogue of mistakes: how many formulas each kind makes in networks that have one of each rule, and one formula of each kind.

After a change of the catalogue, ``python tests/trust/test_catalogue.py`` writes the files anew: read the difference.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from debugger_scenarios import program_of

from bpdebug.trust.faults import FAULTS, candidates

FOLDER = Path(__file__).parent / "catalogue"
PROGRAMS = {
    "xor": ("xor", "dz1"),
    "penalty": ("penalty float32", "dW1@z1"),
    "momentum": ("shuffled momentum", "vW1"),
    "adam": ("adam float32", "W1"),
    "residual": ("residual", "da1"),
}
"""A program, and the stage of which one formula a kind is written out."""


def written(name):
    scenario, shown = PROGRAMS[name]
    program = program_of(scenario)
    lines = [f"{program.stage(shown)}"]
    for made in {made.kind: made for made in reversed([*candidates(program, program.stage(shown))])}.values():
        read = "".join(f", {tensor} as {version}" for tensor, version in made.overrides.items())
        lines.append(f"    {made.kind}: {made.formula.text}{read} ({made.evidence})")
    for stage in program.stages:
        kinds = Counter(made.kind for made in candidates(program, stage))
        lines.append(f"{stage.name}: {' '.join(f'{kind} {kinds[kind]}' for kind in FAULTS if kinds[kind])}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_catalogue_is_the_one_written_down(name):
    assert written(name) == (FOLDER / f"{name}.txt").read_text("utf-8")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in PROGRAMS:
        (FOLDER / f"{each}.txt").write_text(written(each), "utf-8", newline="\n")
