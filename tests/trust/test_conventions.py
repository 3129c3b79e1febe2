"""Right updates in other conventions than the scenario's: none is accused, each is named; and what looks like one and is a mistake."""

from __future__ import annotations

import numpy as np
import pytest
from nasty_networks import nasty
from random_networks import scenario_of
from restated import computed, restated
from turns import by_turns

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust.check import check
from bpdebug.trust.compare import compare
from bpdebug.trust.factors import scale

ADDED = {"v": -1.0}
ANSWERS = ("named", "not named", "not judged", "off at NaN", "accused")


def conventions(program, arrays):
    """What may be written: what it is, as arguments of ``restated``, a word of the note that names it ("" where the numbers are ours)."""
    rate, m, k = float(arrays["learning_rate"]), float(arrays["m"]), float(program.layers[-1].layer.units)
    yield "ours", {}, ""
    yield "1/m in dW and db", {"delta": m}, "" if m == 1 else "have the 1/m"
    factors = {"m": m, "1/m": 1 / m, "k": k, "1/k": 1 / k, "2": 2.0, "1/2": 0.5, "2/m": 2 / m, "1/mk": 1 / (m * k)}
    for name, factor in factors.items():
        word = "times ours" if factor != 1 else ""
        yield f"loss times {name}", {"delta": factor, "own": factor, "feed": factor, "loss": factor}, word
        yield f"dW times {name}", {"own": factor, "feed": factor}, word
        yield f"all but the step times {name}", {"delta": factor, "own": factor}, word
    yield "rate in dW", {"own": rate}, "learning rate in them"
    yield "rate in all", {"delta": rate, "own": rate}, "learning rate in them"
    for name in ("m", "2", "2/m"):
        factor = factors[name]
        yield f"loss times {name}, rate in dW", {"delta": factor, "own": rate * factor, "feed": factor}, "learning rate in them"
    yield "first delta times m", {"top": m}, ""
    yield "y - a", {"delta": -1, "own": -1}, "other sign"
    yield "y - a, 1/m in dW", {"delta": -m, "own": -1}, "other sign"
    yield "y - a, rate in dW", {"delta": -1, "own": -rate}, "other sign"
    if program.rule.name in ("momentum", "nesterov"):
        for name, units in (("rate * velocity", rate), ("-rate * velocity", -rate)):
            yield name, {"slots": {"v": units}}, "takes that back" if units > 0 else "the step itself"
            yield f"{name}, 1/m in dW", {"delta": m, "slots": {"v": units}}, "takes that back" if units > 0 else "the step itself"
        yield "-rate * velocity, sums", {"delta": m, "own": m, "feed": m, "slots": {"v": -rate}}, "the step itself"
        yield "y - a, velocity", {"delta": -1, "own": -1, "slots": ADDED}, "other sign"
        yield "y - a, rate * velocity", {"delta": -m, "own": -1, "slots": {"v": rate}}, "other sign"
    if program.rule.name.startswith("adam"):
        yield "y - a, Adam", {"delta": -1, "own": -1, "slots": {"m": -1.0}}, "other sign"


def between(program, name):
    """Whether it is a gradient of something that is no parameter."""
    return name in program.index and bool(program.stage(name).of) and program.stage(name).of not in program.parameters


KEPT = {
    "all": lambda program, arrays: arrays,
    "float32": lambda program, arrays: {name: np.asarray(value).astype(np.float32) for name, value in arrays.items()},
    "no step": lambda program, arrays: {name: value for name, value in arrays.items() if not name.endswith("_new")},
    "no deltas": lambda program, arrays: {name: value for name, value in arrays.items() if not between(program, name)},
}


def judged(timeline, arrays, kept, factors, word):
    """Of a right update in other factors, whether it is accused, whether the convention is told, and the report."""
    program = timeline.program
    report = compare(timeline, KEPT[kept](program, restated(program, arrays, **factors)))
    return bool(report.accused), word in " ".join(report.notes), report


@pytest.mark.parametrize(("kept", "quarter"), by_turns(KEPT, range(4), every=2))
@pytest.mark.parametrize("number", [152])
def test_right_code_in_another_convention_is_not_accused_and_told_which(number, kept, quarter):
    program, generator = make_program(scenario_of(number)), np.random.default_rng(number)
    update = int(generator.integers(0, min(4, program.updates)))
    timeline, arrays = Timeline(program), computed(program, update)
    timeline.seek(update * len(program.stages))
    for name, factors, word in [*conventions(program, arrays)][quarter::4]:
        _, told, report = judged(timeline, arrays, kept, factors, word)
        assert report.ok and (told or kept in ("no step", "no deltas")), (name, report.result().text)


def test_three_numbers_that_make_a_factor_by_chance_are_no_convention_until_the_step_shows_it():
    scenario = scenario_of(12)
    program, rate, m = make_program(scenario), scenario.optimizer.constants["learning_rate"], scenario.plan.size(0)
    assert (program.rule.name, m) == ("sgd", 3)
    own, arrays = rate * 2 * m, computed(program)
    told = compare(Timeline(program), restated(program, arrays, own=own, delta=own, feed=own))
    assert not told.accused
    assert {told.stages[name].status for name in program.gradients.values() if name in told.stages} <= {"unsure", "convention"}
    assert "learning_rate·2·m" in told.stages[program.gradients[program.free[0]]].said
    assert compare(Timeline(program), restated(program, arrays, own=own, delta=2 * m, feed=2 * m)).conclusion() == [
        "every number agrees (in your convention)"
    ]


def test_where_the_batch_has_as_many_samples_as_there_are_outputs_the_factor_is_that_of_the_samples():
    scenario = scenario_of(25)
    program, m = make_program(scenario), scenario.plan.size(0)
    assert m == program.layers[-1].layer.units
    arrays = computed(program)
    assert "have the 1/m" in " ".join(compare(Timeline(program), restated(program, arrays, delta=m)).notes)


@pytest.mark.parametrize("size", [1e-250, 1.0, 1e260])
def test_a_common_factor_is_seen_in_numbers_of_any_size(size):
    ours = size * np.array([[1.0, -2.0], [0.5, 3.0]])
    assert scale(-3 * ours, ours, 1e-9) == pytest.approx(-3)
    assert scale(ours + size, ours, 1e-9) is None


def test_a_gradient_that_lacks_the_1_over_m_is_the_one_that_is_accused_and_not_the_deltas_that_have_none_by_convention():
    program = make_program(replace(load_scenario("xor"), loss=Loss("binary_cross_entropy", "mean")))
    arrays, m = computed(program), 4.0
    for gradient in [program.gradients[name] for name in program.free]:
        mine = restated(program, arrays, delta=m)
        report = compare(Timeline(program), mine | {gradient: mine[gradient] * m})
        assert [finding.name for finding in report.accused] == [gradient]


@pytest.mark.parametrize("delta", [1.0, 4.0])
def test_where_both_gradients_of_a_layer_have_one_factor_too_many_they_are_accused_and_not_the_deltas(delta):
    program = make_program(replace(load_scenario("xor"), loss=Loss("binary_cross_entropy", "mean")))
    mine = restated(program, arrays := computed(program), delta=delta)
    mine = {name: value for name, value in mine.items() if not name.endswith("_new")}
    for layer in program.layers:
        gradients = [program.gradients[layer.weight], program.gradients[layer.bias]]
        for factor in (4.0, 0.5, float(arrays["learning_rate"]), 7.0):
            report = compare(Timeline(program), mine | {name: mine[name] * factor for name in gradients})
            accused = [finding.name for finding in report.accused]
            assert accused in (gradients, gradients[:1]), report.result().text  # the other has "the same factor"


MEANS = Scenario(
    "net", ("a", "b"), (Layer(3, "tanh"), Layer(2)), np.arange(10).reshape(5, 2) / 7 - 0.6, np.eye(5)[:, :2], training=Training(4),
    optimizer=Optimizer("momentum", {"learning_rate": 0.1, "momentum": 0.9}), loss=Loss("squared_error", "mean"),
)  # fmt: skip


def test_a_velocity_that_is_a_mean_is_told_and_no_right_gradient_is_called_wrong():
    """1 - momentum is 1/(m · outputs) here, too, and all gradients might be that much larger."""
    program = make_program(MEANS)
    mine, rate = restated(program, computed(program)), 0.1
    for name in program.free:
        mine[f"v{name}_new"] = (1 - 0.9) * mine[program.gradients[name]]
        mine[f"{name}_new"] = mine[name] - rate * mine[f"v{name}_new"]
    report = compare(Timeline(program), mine)
    assert report.culprit.name == "vW1_new", report.result().text
    assert "as in a running mean" in report.result().text


@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_slots_that_are_not_in_the_file_grow_with_their_own_power_of_the_gradient(factor):
    program = make_program(replace(scenario_of(40), optimizer=Optimizer("adam", {"learning_rate": 0.05})))
    timeline, arrays = Timeline(program), computed(program, 2)
    timeline.seek(2 * len(program.stages))
    mine = restated(program, arrays, delta=factor, own=factor, feed=factor, loss=factor)
    report = compare(timeline, {name: value for name, value in mine.items() if name not in program.slots})
    assert report.ok, report.result().text


@pytest.mark.parametrize(
    ("number", "kept", "name"),
    [
        (1132, "float32", "y - a, velocity"),  # gradients that are 0 in single precision, and a velocity that is not
        (1288, "no deltas", "all but the step times k"),  # gradients that are nothing but rounding
        (1289, "no step", "loss times k"),  # numbers so large that they have few decimals
        (1347, "all", "dW times 2"),
        (1515, "no deltas", "dW times 1/mk"),  # an exponential that overflows in single precision alone
        (2927, "float32", "loss times 1/k"),  # a loss of which single precision leaves four digits
    ],
)
def test_nasty_numbers_in_another_convention_are_not_accused(number, kept, name):
    scenario, update = nasty(number)
    timeline = Timeline(make_program(scenario))
    timeline.seek(update * len(timeline.program.stages))
    with np.errstate(all="ignore"):
        arrays = computed(timeline.program, update)
        found = {way: (factors, word) for way, factors, word in conventions(timeline.program, arrays)}
        accused, _, report = judged(timeline, arrays, kept, *found[name])
    assert not accused, report.result().text


@pytest.mark.long
@pytest.mark.parametrize("hundred", range(10, 40))
def test_of_three_thousand_right_networks_each_in_four_conventions_none_is_accused(hundred, tally):
    """The conventions and what is kept of an update go round, so that each is seen in a few hundred networks. Where
    a number of the update is not finite, a factor that is shared need not show: what is accused there is counted apart."""
    wrong = []
    for number in range(100 * hundred, 100 * hundred + 100):
        scenario, update = nasty(number)
        timeline = Timeline(make_program(scenario))
        timeline.seek(update * len(timeline.program.stages))
        with np.errstate(all="ignore"):
            arrays = computed(timeline.program, update)
            ways = [*conventions(timeline.program, arrays)]
            finite = all(np.isfinite(value).all() for value in arrays.values())
            large = any(np.any(np.abs(value) > 1e18) for value in arrays.values())  # squared, no number of single precision
            kinds = [kept for kept in KEPT if not (large and kept == "float32")]
            for turn in range(4):
                name, factors, word = ways[(number + turn * len(ways) // 4) % len(ways)]
                kept = kinds[(number // 8 + turn) % len(kinds)]
                accused, told, report = judged(timeline, arrays, kept, factors, word)
                accused, lost = accused and finite, accused and not finite
                said = (
                    "accused" if accused else "off at NaN" if lost else "not judged" if not report.ok else "named" if told else "not named"
                )
                tally("right networks, compared", name, {answer: int(answer == said) for answer in ANSWERS})
                wrong += [(number, update, name, kept, report.result().text)] * accused
    assert wrong == []


TYPED = {
    "sums for means": (["dz2 = a2 - y"], "are m = 5 times ours, as those of a loss that is the sum over the samples"),
    "1/m in the gradients": (
        ["dz2 = a2 - y", *(f"dW{n} = {a}.T @ dz{n} / m" for n, a in ((1, "x"), (2, "a1")))]
        + [f"db{n} = sum(dz{n}, axis=0, keepdims=True) / m" for n in (1, 2)],
        "are those of the samples' own losses; your dW2 db2 dW1 db1 have the 1/m",
    ),
    "half": (["dz2 = (a2 - y) / 2 / m"], "1/2"),
    "seven times": (["dz2 = 7 * (a2 - y) / m"], ""),
    "the other sign": (["dz2 = (y - a2) / m"], ""),
    "one alone": (["dW2 = 2 * a1.T @ dz2"], ""),
    "one without": (["dz2 = a2 - y", "dW2 = a1.T @ dz2 / m"], ""),
}


@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("name", TYPED)
def test_what_compare_calls_a_convention_check_calls_so_too(name, l2):
    generator, (formulas, said) = np.random.default_rng(3), TYPED[name]
    said = said * (not l2 or "have the 1/m" in said)  # of the penalty it is no factor
    x, y = generator.standard_normal((5, 3)), generator.random((5, 1))
    layers = (Layer(4, "tanh"), Layer(1, "sigmoid"))
    plain = program = make_program(Scenario("typed", ("p", "q", "r"), layers, x, y, loss=Loss("binary_cross_entropy", "mean", l2=l2)))
    for target, _, formula in (text.partition(" = ") for text in formulas):
        part = f"{target}@z{target[-1]}" if l2 and target[:2] == "dW" else target
        program = program.with_formula(part, formula)
    start = program.batch(0) | program.initial
    made = program.run(start)
    values = start | {name + "_new" * (name in program.parameters): value for name, value in made.items() if "@" not in name}
    reports = whole(check(Timeline(program))), compare(Timeline(plain), values)
    one = whole(check(Timeline(program), only="dW1"))
    assert one.ok == (bool(said) or name == "one alone")
    notes = [[note for note in report.notes if note.startswith("convention")] for report in reports]
    assert [report.ok for report in reports] == [bool(said)] * 2
    assert not said or [said in note for note, *_ in notes] == [True] * 2
