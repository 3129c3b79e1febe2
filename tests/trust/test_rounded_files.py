"""Right updates, printed with few digits: none is accused, whatever the optimizer makes of numbers that print as 0."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from random_networks import scenario_of
from restated import computed
from turns import by_day

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.core.record import replace
from bpdebug.time.timeline import Timeline
from bpdebug.trust.compare import compare

FORMATS = (".3f", ".5f", ".8f", ".4g", ".6g", ".8g", ".4e")
UPDATES = (0, 1, 4)


def printed(array, form):
    """Numbers as a program prints them, read again."""
    return np.array([float(f"{value:{form}}") for value in np.ravel(array)]).reshape(np.shape(array))


def right_step(optimizer, seed, update):
    """A small network of random size at an update of its training, and all that is computed in that update, in full."""
    generator = np.random.default_rng([seed, 7])
    widths = [int(n) for n in generator.integers(1, 5, generator.integers(2, 5))]
    samples, last = int(generator.integers(2, 9)), widths[-1]
    loss = str(generator.choice(["squared_error", "binary_cross_entropy"]))
    acts = [str(generator.choice(["sigmoid", "tanh", "relu", "softplus"])) for _ in widths[1:-1]]
    acts += ["sigmoid" if loss == "binary_cross_entropy" else "identity"]
    x = generator.standard_normal((samples, widths[0]))
    y = generator.integers(0, 2, (samples, last)) if loss == "binary_cross_entropy" else generator.standard_normal((samples, last))
    scenario = Scenario(
        "random", tuple(f"x{i}" for i in range(widths[0])), tuple(map(Layer, widths[1:], acts)), x, np.asarray(y, float),
        loss=Loss(loss), optimizer=Optimizer(optimizer, {**OPTIMIZERS[optimizer].constants, "learning_rate": 0.01}),
        training=Training(6), seed=seed,
    )  # fmt: skip
    timeline = Timeline(make_program(scenario))
    timeline.seek(timeline.calendar.clock(update))
    with timeline.at(timeline.calendar.clock(update)) as machine:
        arrays = {
            name: np.array(value)
            for name, value in machine.values().items()
            if name in (*timeline.program.data, *timeline.program.persistent)
        }
        machine.run_update()
        index = timeline.program.index
        arrays |= {name + "_new" * (name in arrays): np.array(machine.last(name)) for name in index}
    return timeline, arrays


def accusations(optimizer, seed, form, update, fewer=False):
    """The stages of a right update that are accused, all numbers printed; with ``fewer``, only gradients and parameters saved."""
    timeline, arrays = right_step(optimizer, seed, update)
    program = timeline.program
    if fewer:
        kept = {*program.data, *program.parameters, *program.gradients.values(), *(f"{name}_new" for name in program.parameters)}
        arrays = {name: value for name, value in arrays.items() if name in kept}
    report = compare(timeline, {name: printed(value, form) for name, value in arrays.items()})
    return [f.name for f in report.accused] + [f.name for f in report.findings if f.status == "follows"], report


def sweep(optimizers=tuple(OPTIMIZERS), forms=FORMATS, seeds=range(20)):
    """How many right files are accused, by optimizer and format; and how much can be told."""
    for optimizer in optimizers:
        for form in forms:
            told = Counter()
            for seed in seeds:
                for update in UPDATES:
                    for fewer in (False, True):
                        try:
                            off, report = accusations(optimizer, seed, form, update, fewer)
                        except FloatingPointError:
                            continue
                        told["files"] += 1
                        told["accused"] += bool(off)
                        told["stages"] += len(report.shown)
                        told["cannot tell"] += sum(f.status == "unsure" for f in report.shown)
                        if off:
                            told.update([f"{update} {fewer} {seed} {off[0]}"])
            print(optimizer, form, dict(told), flush=True)


@pytest.mark.parametrize("optimizer", by_day(OPTIMIZERS, 2))
def test_no_right_file_of_few_digits_is_accused(optimizer):
    for number, form in enumerate(FORMATS):
        for seed in (number, number + 50):
            off, report = accusations(optimizer, seed, form, UPDATES[seed % 3], seed % 2 == 1)
            assert not off, (form, seed, report.result().text)


if __name__ == "__main__":
    sweep()


@pytest.mark.parametrize(("number", "digits"), [(410, ".3f"), (285, ".6f"), (285, ".3f"), (268, ".4g"), (298, ".4g")])
@pytest.mark.parametrize("rule", ["nesterov", "adamw"])
def test_right_numbers_that_are_all_printed_with_few_digits_are_not_accused(number, digits, rule):
    """Constants beside them keep their digits, what is 0 as it is printed may have been anything small, and errors may add up."""
    program = make_program(replace(scenario_of(number), optimizer=Optimizer(rule, {"learning_rate": 0.05})))
    update = min(number % 3, program.updates - 1)
    arrays, timeline = computed(program, update), Timeline(program)
    timeline.seek(update * len(program.stages))
    arrays.pop("m")
    mine = {name: value if name in program.constants else printed(value, digits) for name, value in arrays.items()}
    assert not compare(timeline, mine).accused
