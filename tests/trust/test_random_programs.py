"""Random programs over everything that formulas have, ranks 0 to 4: right ones are never accused, and one wrong stage is found."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from random_formulas import Writer, values_of
from turns import by_day, by_turns

from bpdebug import Session
from bpdebug.core.description import Lines, Scenario
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import assigned
from bpdebug.core.network import Phase
from bpdebug.trust.faults import candidates

SILENT = ("good", "kink", "noise", "follows", "non-finite")


def opened(seed, scale=1.0, precision="float64"):
    """A session of a random program, its parameters of some size."""
    writer = Writer(seed)
    values = {name: scale * value for name, value in values_of(writer).items()}
    lines = Lines("\n".join(f"{target} = {formula.text}" for target, formula in writer.lines), {n: v.shape for n, v in values.items()})
    nothing = np.zeros((1, 0))
    return Session(Scenario("random", (), (), nothing, nothing, values=values, lines=lines, precision=precision))


def planted(session, seed):
    """A gradient stage and a wrong formula for it that shows in the first update, as the catalogue has them; None where there is none."""
    generator, program = np.random.default_rng(seed), session.program
    values = program.initial | program.batch(0)
    values |= program.run(values, program.end_of(Phase.BACKWARD))
    stages = [stage for stage in program.stages if stage.of]
    for stage in [stages[place] for place in generator.permutation(len(stages))[:4]]:
        found = [made for made in candidates(program, stage) if not made.overrides and made.kind != "epsilon_added"]
        for made in [found[place] for place in generator.permutation(len(found))[:10]]:
            try:
                program.with_formula(stage.name, made.formula.text)
            except FormulaError:
                continue
            right, wrong = values[stage.name], assigned(made.formula, values)
            size = np.abs(right).max(initial=0.0)
            if np.isfinite(wrong).all() and np.isfinite(right).all() and np.abs(wrong - right).max(initial=0.0) > 1e-5 * size > 1e-12:
                return stage.name, made.formula.text
    return None


def judged(session):
    return {stage["name"]: stage["status"] for stage in session.execute("check").data["stages"]}


def right_and_wrong(seeds, tally):
    """Checks random programs as they are, and with a fault."""
    for seed in seeds:
        session = opened(seed)
        found = judged(session)
        tally("programs", "stages", Counter(found.values()))
        assert not {*found.values()} - {*SILENT}, (seed, found)
        if fault := planted(session, seed):
            name, text = fault
            session.execute(f"formula {name} = {text}")
            found = judged(session)
            accused = [name for name, status in found.items() if status == "wrong"]
            tally("programs", "faults", {"found": accused == [name], "cannot tell": not accused})
            assert accused == [name] or found[name] not in ("good", "follows"), (seed, fault, found)


@pytest.mark.parametrize("start", by_day(range(0, 60, 5), 12))
def test_right_programs_are_right_and_a_fault_is_found_where_it_is(start, tally):
    right_and_wrong(range(start, start + 5), tally)


@pytest.mark.long
@pytest.mark.parametrize("start", range(1000, 3000, 100))
def test_many_programs_are_judged_rightly(start, tally):
    right_and_wrong(range(start, start + 100), tally)


@pytest.mark.parametrize(("scale", "precision"), by_turns([1e-4, 30.0, 1e4], ["float64", "float32"]))
def test_large_and_small_numbers_are_no_reason_to_accuse(scale, precision, tally):
    for seed in range(100, 108):
        found = judged(opened(seed, scale, precision))
        tally("programs", f"times {scale:g}", Counter(found.values()))
        assert "wrong" not in found.values(), (seed, found)
