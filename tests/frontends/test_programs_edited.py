"""A forward line that is changed: what is derived from it is derived anew, in the file's formulas as by the command."""

import pytest
from turns import by_day

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


ROOM = """\
optimizer: {name: momentum, learning_rate: 0.01, momentum: 0.9}
training: {epochs: 6, batch_size: 2, shuffle: true}
"""


def state(session):
    return {name: value.tobytes() for name, value in session.timeline.machine.values().items()}


CHANGES = [
    ("3:dh", "h = x @ W1"),  # a parameter is left out, with its slots
    ("3:db1", "loss = mean((a @ W2 - y) ** 2) + 0.1 * sum(b1 ** 2) + mean(a)"),  # more paths
    ("2:a", "a = tanh(h) * mean(h)"),
    ("0:loss", "h = x @ W1 * 2"),
    ("5:W2", "loss = mean(a ** 2)"),
    ("4", "a = tanh(h) * (h @ W2)"),
]


@pytest.mark.parametrize("change", by_day(CHANGES, 3))
def test_other_stages_begin_with_the_update_in_which_the_line_is_changed(session, change):
    opened, (place, line) = session(ROOM), change
    name, seen = line.partition(" = ")[0], {}
    opened.execute(f"goto {place}")
    update, done = opened.position.update, opened.position.done
    before = opened.timeline.program
    told = opened.execute(f"formula {line}")
    now = opened.timeline.program
    assert [*now.index] != [*before.index] and "other stages are derived from it" in told.text
    assert opened.position.update == update and opened.position.done == min(done, now.index[name])
    assert ("begun anew" in told.text) == (done > now.index[name])
    assert opened.execute("check").data["ok"]
    for t in range(opened.timeline.end + 1):
        opened.timeline.seek(t)
        seen[t] = (opened.timeline.position.update, opened.timeline.position.done, state(opened))
        assert [*opened.timeline.program.index] == [*(before if opened.timeline.position.update < update else now).index]
    edits = [*opened.timeline.edits]
    for t in [*range(0, opened.timeline.end, 7), *reversed(range(0, opened.timeline.end, 5)), opened.timeline.end, 0]:
        opened.timeline.seek(t)
        assert (opened.timeline.position.update, opened.timeline.position.done, state(opened)) == seen[t], t
        fresh = session(ROOM)
        fresh.timeline.take_edits([*edits])
        fresh.timeline.seek(t)
        assert state(fresh) == seen[t][2], t
    opened.execute(f"goto {update + 1}")
    opened.execute("undo")
    untouched = session(ROOM)
    opened.execute("goto end")
    untouched.execute("goto end")
    assert state(opened) == state(untouched)


def test_two_changes_one_after_the_other(session):
    opened = session(ROOM)
    for place, line in (("2:dh", "h = x @ W1"), ("4:dW2", "a = tanh(h) * (h @ W2)"), ("5", "h = x @ W1 + b1")):
        opened.execute(f"goto {place}")
        opened.execute(f"formula {line}")
    fresh = session(ROOM)
    fresh.timeline.take_edits([*opened.timeline.edits])
    for t in (opened.timeline.end, 3, opened.timeline.end - 9, 70, 30, opened.timeline.end):
        opened.timeline.seek(t)
        fresh.timeline.seek(t)
        assert state(opened) == state(fresh)
    opened.execute("goto 5:dh")
    assert opened.execute("check").data["ok"] and "b1" in opened.program.free


def test_stops_displays_and_bookmarks_follow(session):
    opened = session(ROOM)
    for text in (
        "break db1",
        "break dW1",
        "break 7:da if norm(da) > 0",
        "watch dh",
        "display norm(db1)",
        "goto 8:dh",
        "bookmark there",
        "goto 3:dh",
    ):
        opened.execute(text)
    told = opened.execute("formula h = x @ W1")
    assert "gone: db1 vb1 b1" in told.text and "without a place in them: stop 1 (db1), display norm(db1)" in told.text
    assert told.data["stages"] == {"new": [], "gone": ["db1", "vb1", "b1"]}
    opened.execute("jump there")
    assert (opened.position.update, opened.position.stage) == (8, "dh")
    opened.execute("goto 4")
    opened.execute("disable 4")
    opened.execute("continue")
    assert (opened.position.update, opened.position.stage) == (4, "dW1")
    opened.execute("disable 2")
    opened.execute("continue")
    assert (opened.position.update, opened.position.stage) == (7, "da")
    opened.execute("goto 1")
    opened.execute("continue")  # the breakpoint has its place before the change
    assert (opened.position.update, opened.position.stage) == (1, "db1")
    opened.execute("continue")
    opened.execute("continue")
    assert (opened.position.update, opened.position.stage) == (7, "da")
    opened.execute("goto 6")
    assert opened.execute("explain b1[0]").text.startswith("b1[0] ← b1[0] − learning_rate·vb1[0]")  # in the last update that changed it
    assert opened.execute("explain W1[0,0]").text.startswith("W1[0,0] ← W1[0,0] − learning_rate·vW1[0,0]")
    for moment in ("4", "3:vW1", "4:h"):
        opened.execute(f"goto {moment}")
        opened.view(("equation", "health", "surface"))
    for text in ("update", "back 40", "list", "explain b1[0]", "explain W1[0,0]", "info stops", "health", "diff 1, 9"):
        opened.execute(text)


def test_beside_lines_of_your_own_another_forward_line_has_its_derivatives_too(session):
    opened = session("backward: |\n  dh = da * (1 - a * a)   # mine\n  da = e @ W2.T\n  e = 2 * (a @ W2 - y) / m\n")
    opened.execute("formula dW1 = np.dot(x.T, dh * 1)")
    opened.execute("formula h = x @ W1")
    stages = {stage.name: stage for stage in opened.program.stages}
    assert stages["dh"].formula.text == "da * (1 - a * a)" and stages["dh"].meaning == "mine" and "e" in stages
    assert stages["dW1"].formula.text == "np.dot(x.T, dh * 1)" and "db1" not in stages
    assert opened.execute("check").data["ok"]
    opened.execute("formula h = x @ W1 - b1")
    assert opened.execute("check").data["ok"]


def test_whole_numbers_that_only_are_numbers_may_become_any(session):
    opened = session("tensors: {k: [0, 2]}\n".join(["", ""]))
    opened.execute("goto dW1")
    opened.execute("set x[1,0] = 0.5")
    assert opened.timeline.machine.values()["x"][1, 0] == 0.5
    opened.execute("update")
    opened.execute("goto 0:dW1")
    assert opened.execute("check").data["ok"] and opened.timeline.machine.values()["x"].dtype == float
    opened.execute("undo")
    assert opened.timeline.machine.values()["x"].dtype == int
