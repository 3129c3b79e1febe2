"""The catalogue of mistakes written out: every formula with one mistake, of networks that have one of each rule.

After a change of the catalogue, ``python tests/trust/test_catalogue.py`` writes the files anew: read the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from debugger_scenarios import program_of

from bpdebug.trust.faults import candidates

FOLDER = Path(__file__).parent / "catalogue"
PROGRAMS = {
    "xor": "xor",
    "penalty": "penalty float32",
    "momentum": "shuffled momentum",
    "adam": "adam float32",
    "residual": "residual",
}


def written(name):
    program = program_of(PROGRAMS[name])
    lines = []
    for stage in program.stages:
        lines.append(f"{stage}")
        for made in candidates(program, stage):
            read = "".join(f", {tensor} as {version}" for tensor, version in made.overrides.items())
            lines.append(f"    {made.kind}: {made.formula.text}{read} ({made.evidence})")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_catalogue_is_the_one_written_down(name):
    assert written(name) == (FOLDER / f"{name}.txt").read_text("utf-8")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in PROGRAMS:
        (FOLDER / f"{each}.txt").write_text(written(each), "utf-8", newline="\n")
