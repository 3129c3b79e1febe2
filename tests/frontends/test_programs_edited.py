"""A forward line that is changed: what is derived from it is derived anew, in the file's formulas as by the command."""

import pytest

from bpdebug.core.errors import BpdebugError
from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session

LINES = """\
program: |
  h = x @ W1 + b1
  a = tanh(h)
  loss = mean((a @ W2 - y) ** 2)
parameters: {seed: 1, shapes: {W1: [2, 3], b1: [3], W2: [3, 1]}}
data: {inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: [[0], [1], [1], [0]]}
"""


@pytest.fixture
def session(tmp_path):
    def opened(more=""):
        (tmp_path / "s.yaml").write_text(LINES + more)
        return Session(load_scenario(tmp_path / "s.yaml"))

    return opened


def test_the_backward_pass_of_a_changed_line_is_that_of_the_new_one(session):
    opened = session()
    opened.execute("formula a = sin(h)")
    assert opened.program.stage("dh").formula.text == "da * cos(h)"
    assert opened.execute("check").data["ok"]
    opened.execute("update 3")
    opened.execute("back")
    assert opened.execute("check").data["ok"]


def test_the_file_may_change_a_line_too(session):
    opened = session("formulas: {a: sin(h)}\n")
    assert opened.program.stage("dh").formula.text == "da * cos(h)" and opened.execute("check").data["ok"]


def test_the_users_own_backward_formula_stays_and_is_judged_by_the_new_line(session):
    opened = session("formulas: {dh: (1 - a * a) * da}\n")
    assert opened.execute("check").data["ok"]
    opened.execute("formula a = sin(h)")
    assert opened.program.stage("dh").derived.text == "da * cos(h)"
    assert opened.execute("check").data["culprit"] == "dh"


def test_what_would_have_other_stages_is_refused_with_what_to_do(session):
    with pytest.raises(BpdebugError, match="other stages: change its line in the file, and type reload"):
        session().execute("formula h = x @ W1")
