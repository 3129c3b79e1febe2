"""What is drawn anew in each update: keyed by seed, update and number of the line, so that each update can be run again, bit for bit."""

import numpy as np
import pytest

from bpdebug import BpdebugError, Session, load_scenario
from bpdebug.core.draws import DRAWS, draw_of
from bpdebug.core.errors import FormulaError
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.core.standins import Vocabulary
from bpdebug.look.surface import surface_of
from bpdebug.time.timeline import Timeline

BATCHES = """
program: |
  h = tanh(x @ W1 + b1)
  mask = bernoulli(h, keep)   # which units stay
  noise = normal(h, 0, 0.1)
  d = h * mask / keep + noise
  loss = mean((d @ W2 - y) ** 2)
parameters: {seed: 3, shapes: {W1: [2, 5], b1: [5], W2: [5, 1]}}
constants: {keep: 0.75}
data: {inputs: [[0, 0], [0, 1], [1, 0], [1, 1], [2, 1]], targets: [[0], [1], [1], [0], [1]]}
optimizer: {name: adam, learning_rate: 0.05}
training: {epochs: 9, batch_size: 2, shuffle: true}
"""


@pytest.fixture
def timeline(tmp_path):
    path = tmp_path / "drawn.yaml"
    path.write_text(BATCHES)
    return Timeline(make_program(load_scenario(path)))


def values(timeline):
    return {name: value.copy() for name, value in timeline.machine.values().items()}


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], name)


def test_a_mask_is_another_one_in_each_update_and_the_same_whenever_it_is_met(timeline):
    seen = {}
    for update in (0, 5, 2, 26, 5, 0, 2):
        timeline.seek(timeline.calendar.clock(update, 2))
        now = values(timeline)
        assert now["mask"].shape == now["h"].shape
        assert {*np.unique(now["mask"])} <= {0.0, 1.0}
        same(seen.setdefault(update, now), now)
    assert len({now["mask"][:1].tobytes() + now["noise"][:1].tobytes() for now in seen.values()}) == len(seen)


def test_seeking_has_the_bits_of_a_fresh_run_under_edits_of_what_is_drawn_and_of_its_constant(timeline):
    clock = timeline.calendar.clock
    timeline.seek(clock(3, 1))
    timeline.edit("mask", (0, 1), 7.0)
    timeline.seek(clock(4))
    timeline.edit("keep", (), 0.5)
    timeline.edit("mask", (1, 0), 9.0)
    edits, moments = timeline.edits, [clock(3), clock(3, 1), clock(4), clock(4, 2), clock(5), clock(11, 4), timeline.end]
    fresh = {}
    for t in moments:
        other = Timeline(timeline.machine.program)
        other.take_edits([*edits])
        while other.clock < t:  # stage by stage
            other.step()
            other.apply_edits()
        fresh[t] = values(other)
    for t in [*moments, *reversed(moments), *moments[::2]]:
        timeline.seek(t)
        same(values(timeline), fresh[t])
    assert fresh[clock(3, 1)]["mask"][0, 1] == 7 != fresh[clock(3)]["mask"][0, 1]


def test_the_update_that_has_just_been_completed_is_looked_at_with_its_own_mask(timeline):
    timeline.seek(timeline.calendar.clock(6))
    mask = timeline.machine.values()["mask"].copy()
    timeline.seek(timeline.calendar.clock(7))
    left = timeline.machine.left_behind(timeline.program)
    np.testing.assert_array_equal(left["mask"], mask)
    np.testing.assert_array_equal(left["d"], left["h"] * mask / 0.75 + left["noise"])


def test_evaluated_a_program_has_dropout_off(timeline):
    program, given = timeline.program, timeline.machine.values()
    still = program.evaluated(2, given)
    made = program.run(given | still)
    np.testing.assert_allclose(made["d"], made["h"], rtol=1e-15)
    assert {name: value.shape for name, value in still.items()} == {"mask": (2, 5), "noise": (2, 5)}


def test_answers_are_those_of_evaluation_and_the_same_in_every_update():
    timeline = Timeline(make_program(load_scenario("dropout")))
    timeline.seek(timeline.calendar.clock(7))
    w, x = timeline.machine.persistent, timeline.program.data["x"]
    found = surface_of(timeline)
    np.testing.assert_allclose(found.outputs, np.tanh(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"], rtol=1e-12)


def test_shares_and_spreads_are_those_that_are_asked_for():
    many = {name: draw_of("u", recipe.usage, ["h"], {}, Vocabulary()).values(1, 2, (100_000,), {}) for name, recipe in DRAWS.items()}
    assert many["bernoulli"].mean() == pytest.approx(0.8, abs=0.01)
    assert (many["normal"].mean(), many["normal"].std()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.02))
    assert (many["uniform"].min(), many["uniform"].max()) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))
    one, other = (replace(draw_of("mask", "bernoulli(h, 0.5)", ["h"], {}, Vocabulary()), number=number) for number in (0, 1))
    drawn = [one.values(1, 2, (64,), {}), other.values(1, 2, (64,), {}), one.values(2, 2, (64,), {}), one.values(1, 3, (64,), {})]
    assert len({values.tobytes() for values in drawn}) == 4


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("h * bernoulli(h, 0.8)", "what is drawn stands on a line of its own", 5),
        ("bernoulli(h)", "expected mask = bernoulli(h, 0.8)", 1),
        ("bernoulli(h, p=0.8)", "an expression is expected here, without '='", 15),
        ("bernoulli(hh, 0.8)", "did you mean 'h'?", 11),
        ("bernoulli(h, kep)", "expected a number, or a name under constants:; found kep", 14),
        ("bernoulli(h, 1 -)", "this is not a formula", 17),
        ("bernoulli(h, 1.8)", "expected a probability from 0 to 1; found 1.8", 14),
        ("bernoulli(h, -0.5)", "expected a probability from 0 to 1; found -0.5", 14),
    ],
)
def test_what_is_wrong_with_a_draw_is_told_with_its_column(text, message, column):
    with pytest.raises(FormulaError) as told:
        draw_of("mask", text, ["h"], {"keep": 0.5}, Vocabulary())
    assert message in told.value.message
    assert told.value.column == column


@pytest.mark.parametrize("text", ["h * 2", "normal", "h @ bernoulli", "(", "where(normal > 0, h, 1)"])
def test_what_draws_nothing_is_an_ordinary_line(text):
    assert draw_of("mask", text, ["h"], {}, Vocabulary()) is None


def test_a_session_shows_and_checks_what_is_drawn():
    session = Session(load_scenario("dropout"))
    assert "mask = bernoulli(h, keep): drawn anew in each update" in session.execute("list").text
    assert "drawn anew" in session.execute("explain mask[0,1]").text
    session.execute("goto 40")
    assert all(stage["status"] == "good" for stage in session.execute("check").data["stages"])
    with_ours = session.execute("until update 41").data["effect"]
    assert with_ours["predicted"] * with_ours["real"] > 0


def own_arrays(keep=0.8, scaled=False, seed=5):
    """A user's own step of the shipped scenario, with a mask that he has drawn himself."""
    given = load_scenario("dropout")
    w = {name: np.array(value) for name, value in make_program(given).initial.items()}
    mask = (np.random.default_rng(seed).random((4, 8)) < keep) / (keep if scaled else 1)
    h = np.tanh(given.x @ w["W1"] + w["b1"])
    d = h * mask / (1 if scaled else keep)
    out = d @ w["W2"] + w["b2"]
    dout = 2 * (out - given.y) / 4
    dd = dout @ w["W2"].T
    dh = dd * mask / (1 if scaled else keep)
    own = {"mask": mask, "h": h, "d": d, "out": out, "dout": dout, "dW2": d.T @ dout, "dd": dd, "dh": dh}
    return own | {"dW1": given.x.T @ (dh * (1 - h**2)), "db1": (dh * (1 - h**2)).sum(axis=0)}


@pytest.mark.parametrize("scaled", [False, True])
def test_a_users_own_mask_is_taken_over_and_without_it_nothing_is_judged(tmp_path, scaled):
    own = own_arrays(scaled=scaled)
    np.savez(tmp_path / "own.npz", **own)
    report = Session(load_scenario("dropout")).execute(f"compare {tmp_path / 'own.npz'}")
    assert {stage["status"] for stage in report.data["stages"] if stage["name"] in own} <= {"exact", "approximate"}, report.text
    assert ("as 0 and 1" in report.text) == scaled
    del own["mask"]
    np.savez(tmp_path / "own.npz", **own)
    with pytest.raises(BpdebugError, match="mask is drawn, and yours is not ours: save it in your file too"):
        Session(load_scenario("dropout")).execute(f"compare {tmp_path / 'own.npz'}")


MASKS = {
    "probably another mask, drawn anew": lambda own: own["dd"] * own_arrays(seed=6)["mask"] / 0.8,
    "probably the mask turned round": lambda own: own["dd"] * (1 - own["mask"]) / 0.8,
    "mask is left out": lambda own: own["dd"] / 0.8,
}


@pytest.mark.parametrize("said", MASKS)
def test_the_wrong_mask_in_a_users_backward_pass_is_named(tmp_path, said):
    own = own_arrays()
    np.savez(tmp_path / "own.npz", **own | {"dh": MASKS[said](own)})
    report = Session(load_scenario("dropout")).execute(f"compare {tmp_path / 'own.npz'}")
    assert report.data["culprit"] == "dh"
    assert said in report.text


def test_a_given_array_that_is_edited_is_what_it_was_before(tmp_path):
    path = tmp_path / "given.yaml"
    path.write_text(BATCHES.replace("bernoulli(h, keep)", "h * c") + "tensors: {c: 2.0}\n")
    timeline = Timeline(make_program(load_scenario(path)))
    timeline.seek(20)
    timeline.edit("c", (), 3.0)
    timeline.seek(40)
    later = values(timeline)
    timeline.seek(5)
    assert timeline.machine.values()["c"] == 2
    timeline.seek(40)
    same(values(timeline), later)
    assert later["c"] == 3
    timeline.undo()
    timeline.seek(40)
    assert timeline.machine.values()["c"] == 2
