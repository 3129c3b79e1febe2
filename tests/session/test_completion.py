from __future__ import annotations

import pytest
from debugger_scenarios import xor

from bpdebug.core.errors import FormulaError
from bpdebug.core.functions import FUNCTIONS
from bpdebug.frontends import load_scenario
from bpdebug.session.completion import Candidate, beginning, candidates, complete, draft
from bpdebug.session.session import Session


def known(session, name):
    return candidates(session.program, name, session.timeline.machine.shapes())


def completed(text, session, name="dz1", cursor=None):
    return complete(text, len(text) if cursor is None else cursor, known(session, name))


def words(completion):
    return [candidate.word for candidate in completion.found]


def judged(session, name, text):
    return draft(session.program, name, text, session.timeline.machine.shapes())


@pytest.fixture(scope="module")
def simple():
    return Session(xor())


@pytest.fixture(scope="module")
def fan_out():
    return Session(load_scenario("residual"))


def test_the_names_are_those_computed_before_the_stage_the_latest_first_then_what_is_given(simple):
    tensors = [c.word for c in known(simple, "da1") if c.shape is not None]
    assert tensors[:9] == ["db2", "dW2", "dz2", "da2", "loss", "a2", "z2", "a1", "z1"]
    assert tensors[9:] == ["x", "y", "m", "W1", "b1", "W2", "b2", "learning_rate", "pi", "inf", "nan"]


def test_every_name_offered_is_accepted_and_every_other_one_refused(fan_out):
    program = fan_out.program
    for stage in program.stages[::2]:
        offered = {c.word for c in known(fan_out, stage.name) if c.shape is not None}
        for name in fan_out.timeline.machine.shapes():
            message = judged(fan_out, stage.name, name).message
            assert ("is not computed yet" in message) == (name not in offered)


def test_the_shapes_are_those_of_the_present_batch(simple):
    shapes = {c.word: c.shape for c in known(simple, "dz1")}
    assert (shapes["a1"], shapes["W1"], shapes["loss"], shapes["exp("]) == ((4, 4), (2, 4), (), None)


def test_the_functions_are_all_there_and_go_on_with_their_parenthesis(simple):
    assert {c.word for c in known(simple, "z1") if c.shape is None} == {f"{name}(" for name in FUNCTIONS}


@pytest.mark.parametrize(
    ("text", "start", "found"),
    [
        ("a", 0, ["a2", "a1", "abs(", "arcsin(", "arccos(", "arctan(", "argmax(", "any(", "all(", "add_at(", "arange("]),
        ("da1 * a", 6, ["a2", "a1", "abs(", "arcsin(", "arccos(", "arctan(", "argmax(", "any(", "all(", "add_at(", "arange("]),
        ("a1.T@dz", 5, ["dz2"]),
        ("tan", 0, ["tanh(", "tan("]),
        ("w", 0, ["whole(", "where(", "W1", "W2"]),
        ("W", 0, ["W1", "W2", "whole(", "where("]),
        ("LOSS", 0, ["loss"]),
        ("(1 - learn", 5, ["learning_rate"]),
        ("nothing", 7, []),
        ("a1.T", 4, []),
        ("0.5", 3, []),
        ("2d", 2, []),
    ],
)
def test_the_word_before_the_cursor_is_completed(simple, text, start, found):
    completion = completed(text, simple)
    assert (completion.start, completion.end, words(completion)) == (start, len(text), found)


def test_where_no_word_is_begun_every_tensor_is_offered_and_no_function(simple):
    for text in ("", "da1 * ", "exp("):
        offered = completed(text, simple).found
        assert offered[0].word == "da1"
        assert all(candidate.shape is not None for candidate in offered)
        assert "pi" not in words(completed(text, simple))


def test_the_cursor_may_stand_within_the_text(simple):
    completion = completed("da * a1", simple, cursor=2)
    assert (completion.start, completion.end, words(completion)) == (0, 2, ["da1", "da2"])


def test_a_partial_gradient_is_one_word_where_there_is_one_and_a_product_elsewhere(simple, fan_out):
    assert words(completed("da1@", fan_out, "da1")) == ["da1@z2", "da1@r2"]
    assert completed("x + da1@z", fan_out, "da1").start == 4
    completion = completed("W1@W", fan_out, "da1")
    assert completion.start == 3
    assert words(completion)[:4] == ["W1", "W2", "W3", "W4"]


@pytest.mark.parametrize(("text", "common"), [("learn", "learning_rate"), ("d", "d"), ("is", "is"), ("lo", "lo"), ("w", ""), ("zzz", "")])
def test_what_the_candidates_have_in_common(simple, text, common):
    assert completed(text, simple).common == common


def test_a_formula_that_fits_has_its_shape_and_no_message(simple):
    made = judged(simple, "dz1", "  da1 * a1 * (1 - a1) ")
    assert (made.shape, made.message, made.derived, made.running) == ((4, 4), "", True, True)
    made = judged(simple, "dz1", "da1*z1")
    assert (made.shape, made.derived, made.running) == ((4, 4), False, False)


def test_the_derived_formula_and_the_one_that_runs_are_told_apart():
    session = Session(xor())
    session.execute("formula dz2 = da2 * a2")
    assert (judged(session, "dz2", "da2*a2").derived, judged(session, "dz2", "da2*a2").running) == (False, True)
    derived = judged(session, "dz2", "da2 * a2 * (1 - a2)")
    assert (derived.derived, derived.running) == (True, False)


WRONG = [
    "",
    "a1 @",
    "a1 @ dz2",
    "  foo + 1",
    "exp(",
    "dz1",
    "db2",
    "1 + (2 * nothing)",
    "a1.t",
    "sum(a1)",
    "dz2.T",
    "x" * 3000,
    "a1 ** ٣",
    "(" * 200,
]


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_is_told_in_the_words_of_the_command(simple, text):
    made = judged(simple, "dW2", text)
    with pytest.raises(FormulaError) as refused:
        simple.execute(f"formula dW2 = {text}")
    assert made.message == refused.value.message
    assert made.shape is None
    assert simple.timeline.edits == []


@pytest.mark.parametrize(
    ("text", "pointed"), [("   foo + 1", "foo"), ("1 +   (2 * nothing)", "nothing"), ("a1.T @  db1", "db1"), ("exp(a1) @ dz2", "@")]
)
def test_the_column_is_that_of_the_text_as_it_was_typed(simple, text, pointed):
    made = judged(simple, "dW2", text)
    assert made.message
    assert text[made.column - 1 :].startswith(pointed)


def test_what_parses_has_a_tree_even_where_it_does_not_fit(simple):
    assert judged(simple, "dW2", "a1 @ dz2 @ dz2").tree is not None
    assert judged(simple, "dW2", "a1 @").tree is None


def test_candidates_are_looked_at_one_by_one_however_many_there_are(monkeypatch):
    monkeypatch.setattr(Candidate, "__eq__", lambda *_: pytest.fail("compared with another one"))
    found = beginning("dW", [Candidate(f"{name}{place}") for place in range(100) for name in ("dw", "dW", "z")])
    assert [candidate.word[:2] for candidate in found] == ["dW"] * 100 + ["dw"] * 100
