from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from random_networks import scenario_of
from renamed import NONSENSE, renamed
from turns import by_turns

from bpdebug.core.errors import BpdebugError, FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.layers import make_program
from bpdebug.core.tree import Name, substitute
from bpdebug.frontends import load_scenario
from bpdebug.trust.case import Evidence
from bpdebug.trust.faults import FAULTS, candidates
from bpdebug.trust.suspects import diagnose


def test_every_formula_of_the_catalogue_reads_back_as_the_same_tree():
    for name in ("two_outputs", "residual", "tutorial_as_written"):
        program = make_program(load_scenario(name))
        for stage in program.stages[:-8]:
            for candidate in candidates(program, stage):
                assert program.parse(candidate.formula.text).tree == candidate.formula.tree
                assert candidate.overrides or candidate.formula.tree != (stage.derived or stage.formula).tree


def moments(program):
    """The second update of a program: what each stage reads and gives, the parameters after it, the update before."""
    batches, values, reads = program.batches, dict(program.initial), {}
    for update in range(2):
        rows = batches.rows(update)
        rows = slice(None) if rows is None else rows
        previous, batch = values, {name: values[rows] for name, values in program.data.items()}
        values = {name: previous[name] for name in program.persistent} | batch | {"m": np.array(len(batch["x"]))}
        for stage in program.stages:
            reads[stage.name] = values
            values = values | {stage.name: evaluate(stage.formula, values)}
    return reads, values, {name: values[name] for name in program.parameters}, previous


def value_of(candidate, reads, after, previous):
    """The numbers that a candidate gives; None where its tensors do not fit or are not known."""
    reshaped = {name: value.reshape(value.shape[::-1]).T for name, value in reads.items()}
    versions = {"after": after, "previous": previous, "reshaped": reshaped}
    with suppress(KeyError, FormulaError):
        return 1.0 * evaluate(candidate.formula, reads | {name: versions[which][name] for name, which in candidate.overrides.items()})


def is_off(wrong, right):
    """Whether there are numbers, and others than the right ones."""
    if wrong is None or not np.isfinite(wrong).all():
        return False
    return wrong.size != right.size or not np.allclose(wrong.ravel(), right.ravel(), 1e-4, 1e-4 * np.abs(wrong).max())


@pytest.mark.parametrize(("number", "every"), [(102, 7), pytest.param(102, 1, marks=pytest.mark.long)])
def test_whatever_the_catalogue_can_plant_is_found_again_in_any_network(number, every):
    program, planted = make_program(scenario_of(number)), 0
    reads, values, after, previous = moments(program)
    for stage in program.stages:
        for candidate in [*candidates(program, stage)][program.index[stage.name] % every :: every]:
            wrong, right = value_of(candidate, reads[stage.name], after, previous), values[stage.name]
            if is_off(wrong, right):
                found = diagnose(Evidence(program, stage, wrong, right, reads[stage.name], after, previous))
                assert candidate.kind in [suspect.kind for suspect in found] or (found and FAULTS[candidate.kind].general)
                planted += 1
    assert planted > 300 / every


def test_most_of_the_catalogue_can_be_planted_as_a_formula():
    program, kinds = make_program(load_scenario("residual")), set()
    for name in ("a2", "loss", "da4", "da1", "dz2", "dW3", "db2", "W1"):
        for candidate in candidates(program, program.stage(name)):
            with suppress(BpdebugError):
                kinds |= {candidate.kind} if program.with_formula(name, candidate.formula.text) else set()
    assert len(kinds) > 25


@pytest.mark.parametrize(("naming", "number"), by_turns(NONSENSE, [3, 105, 241, 326]))
def test_the_catalogue_knows_tensors_by_what_they_are(number, naming):
    scenario = scenario_of(number)
    other, names = renamed(scenario, NONSENSE[naming])
    ours, theirs = make_program(scenario), make_program(other)
    for stage, same in zip(ours.stages, theirs.stages, strict=True):
        expected = [(one.kind, substitute(one.tree, {old: Name(new) for old, new in names.items()})) for one in candidates(ours, stage)]
        assert [(one.kind, one.tree) for one in candidates(theirs, same)] == expected
