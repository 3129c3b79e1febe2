"""Mistakes planted by hand in a step of plain NumPy that goes on from there: found where they are, and nowhere else; or a convention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from restated import computed, restated
from test_diagnosis import NETS, RESIDUAL, batch, program_of
from textbook_faults import PLANT, is_slot
from textbook_step import Run, _backward, _forward, _update, train

from bpdebug.core.layers import make_program
from bpdebug.frontends import load_scenario
from bpdebug.time.timeline import Timeline
from bpdebug.trust.compare import compare

BY_RULE = {"sum_for_mean", "mean_for_sum", "m_twice", "outputs_factor", "learning_rate", "another_loss"}
"""Kinds that are a convention where all gradients have them."""


@dataclass
class Planting(Run):
    """An update in which one tensor is put wrong."""

    kind: str = ""
    stage: str = ""

    def put(self, name, value):
        if name == self.stage and name not in self.tensors:
            right, value = value, PLANT[self.kind](self, name, value)
            if value is None or np.shape(value) != np.shape(right) or np.allclose(value, right, 1e-6, 1e-9):
                raise LookupError
        return super().put(name, np.asarray(value))


def faults(net, seed):
    """Each kind in the first stage of each sort, as the arrays of a file."""
    program, generator = program_of(net), np.random.default_rng([seed, *net.widths])
    state = {name: generator.standard_normal(shape) * 0.7 for name, shape in program.parameters.items()}
    state |= {name: np.zeros(shape) for name, shape in program.persistent.items() if is_slot(name)} | {"t": 0}
    first = train(net, state, *batch(net, seed))
    start, (x, y) = first.after | {"t": 1}, batch(net, seed + 1000)
    after = train(net, start, x, y, first.tensors).after
    for kind in PLANT:
        sorts = set()
        for stage in program.index:
            run = Planting(net, {"x": x, "y": y}, start, after, first.tensors, kind, stage)
            try:
                for go_on in (_forward, _backward, _update):
                    go_on(run)
            except (LookupError, ValueError):
                continue
            if stage in run.tensors and (sort := stage.rstrip("0123456789")) not in sorts:
                sorts.add(sort)
                mine = {name: value for name, value in run.tensors.items() if name not in program.persistent}
                mine |= {name: start[name] for name in program.persistent if name in start} | {"t": np.array(1.0)}
                yield kind, stage, mine | {f"{name}_new": run.tensors[name] for name in start if name in run.tensors}


def astray(net, seed, every=1):
    """What is not found where it is, and no convention either."""
    timeline = Timeline(program_of(net))
    with np.errstate(all="ignore"):
        made = [*faults(net, seed)][::every]
    for kind, stage, mine in made:
        report = compare(timeline, mine)
        accused = [finding.stage.name for finding in report.accused]
        if accused != [stage] and not (not accused and kind in BY_RULE and any(f.status == "convention" for f in report.findings)):
            yield kind, stage, accused


@pytest.mark.parametrize("net", NETS[5:6], ids=str)
def test_what_is_planted_by_hand_is_found_where_it_is(net):
    assert not list(astray(net, 3, every=3))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("net", NETS + RESIDUAL, ids=str)
def test_what_is_planted_by_hand_is_found_where_it_is_in_any_network(net, seed):
    assert not list(astray(net, seed))


def without_deltas(program, arrays):
    return {n: a for n, a in arrays.items() if n not in program.gradients.values() or n in {program.gradients[w] for w in program.free}}


@pytest.mark.parametrize("factor", [7.0, -7.0, 1.29])
def test_another_common_factor_is_one_finding(factor):
    program = make_program(load_scenario("xor"))
    mine = without_deltas(program, restated(program, computed(program), own=factor, feed=abs(factor)))
    report = compare(Timeline(program), mine)
    assert [finding.name for finding in report.accused] == ["dW2"]
    assert f"all your gradients are {factor:g} times ours" in report.result().text


def test_the_other_sign_is_right_only_if_it_is_added():
    program = make_program(load_scenario("xor"))
    arrays = computed(program)
    mine = restated(program, arrays, delta=-1, own=-1)
    assert compare(Timeline(program), mine).ok
    untold = {name: value for name, value in mine.items() if not name.endswith("_new")}
    report = compare(Timeline(program), untold)
    assert not report.accused
    assert {report.stages[name].status for name in ("dW1", "db1", "dz2")} == {"unsure"}
    assert report.conclusion() == ["what could be judged agrees"]
    mine = {name: value for name, value in untold.items() if name in ("dW1", "db1", "dW2", "db2")}  # none of which can be judged
    told = "nothing could be judged: right only if you add it: the file holds no parameter after the update that would show it"
    assert compare(Timeline(program), mine).conclusion() == [told]
    wrong = mine | {name: value for name, value in restated(program, arrays, own=-1, feed=-1).items() if name.endswith("_new")}
    assert compare(Timeline(program), wrong).accused
