"""How a script is run, and what is told of it: notebooks, modules, another Python, standard input, the loop and the loss."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from bpdebug.cli import main
from bpdebug.core.errors import BpdebugError
from bpdebug.frontends import load_scenario
from bpdebug.frontends.numpy_script.ending import nothing
from bpdebug.frontends.numpy_script.script import load_script
from bpdebug.session.completion import complete_path
from bpdebug.session.session import Session
from bpdebug.ui.chooser_screen import ENDINGS

SCRIPTS = Path(__file__).parents[1] / "cases" / "scripts"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def copied(name, old="", new="", to=""):
    """A script in the present folder, with one place changed; its name."""
    text = (SCRIPTS / f"{name}.py").read_text("utf-8")
    assert old in text
    path = Path(to or f"{name}.py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(old, new, 1), "utf-8")
    return str(path)


def notebook(*cells):
    """A notebook of code cells, with a text between them; its name."""
    code = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    text = {"cell_type": "markdown", "source": "# a title"}
    Path("nb.ipynb").write_text(json.dumps({"cells": [part for one in code for part in (text, one)], "nbformat": 4}), "utf-8")
    return "nb.ipynb"


def test_a_notebook_runs_cell_by_cell_and_its_lines_are_places():
    text = (SCRIPTS / "lists.py").read_text("utf-8")
    head, loop = text.split("\n\nfor epoch in")
    head = head.replace(
        "lr = 0.1", "lr = (7\n% 10) / 70\nnp?\n!pip install nothing 'x\nif lr:\n    %matplotlib inline\nget_ipython().magic('x')"
    )
    session = Session(load_script(notebook("%%bash\nls", head, "%%time\n%time display(1)\nfor epoch in" + loop), [], 3))
    assert session.program.scenario.description.startswith("loop nb.ipynb:3:3, update = lines 4–21, parameters")
    session.execute("goto nb.ipynb:3:13")
    assert session.position.stage == "dz[1]"
    assert session.execute("explain nb.ipynb:3:13[1,0]").text.startswith("dz[1][1,0] =")
    session.execute("break nb.ipynb:3:14")
    session.execute("continue")
    assert session.position.stage == "dW[1]"
    assert session.execute("check").data["stages"][1]["line"] == "nb.ipynb:3:13"


def test_a_mistake_in_the_syntax_of_a_notebook_has_its_cell_and_line():
    with pytest.raises(BpdebugError, match="SyntaxError") as raised:
        load_script(notebook("open('ran', 'w')", "x = 1\ny = = 2\n"), [], 3)
    assert raised.value.status == 2
    assert 'File "nb.ipynb:2", line 2\n    y = = 2' in str(raised.value)
    assert not Path("ran").exists()


@pytest.mark.parametrize("text", ["x", "{}", '{"cells": 3}'])
def test_what_is_no_notebook_is_refused(text):
    Path("nb.ipynb").write_text(text, "utf-8")
    with pytest.raises(BpdebugError, match=r"nb\.ipynb: this is no notebook of version 4") as raised:
        load_script("nb.ipynb", [], 3)
    assert raised.value.status == 2


def test_lines_of_a_notebook_in_a_script_are_passed_over_and_mistakes_are_not(capfd):
    session = Session(load_script(copied("lists", "lr = 0.1", "lr = 0.1\n%matplotlib inline"), [], 3))
    assert "loop lists.py:21" in session.program.scenario.description
    assert "bpdebug: lists.py:10: passed over, since it is for a notebook" in capfd.readouterr().err


def test_a_module_of_a_package_runs_as_python_runs_it(capfd):
    shutil.copytree(SCRIPTS / "package" / "lib", "pkg/lib")
    text = (SCRIPTS / "package" / "main.py").read_text("utf-8")
    Path("pkg/__init__.py").write_text("", "utf-8")
    Path("pkg/train.py").write_text(text.replace("from lib", "from .lib").replace("counter = 0", "print(__name__, __package__)"), "utf-8")
    session = Session(load_script("pkg.train", [], 9999, module=True))
    assert "__main__ pkg" in capfd.readouterr().err
    assert any((stage.line or "").startswith("pkg/lib/ops.py:") for stage in session.program.stages)
    assert session.program.scenario.description.startswith("loop pkg/train.py:")
    session.execute("goto :23")  # a line alone is one of the script's own file
    assert session.position.stage == "out"
    for name, told in (("pkg", "is a package without a __main__"), ("pkg.no", "no such module"), ("no.way", "No module named 'no'")):
        with pytest.raises(BpdebugError, match=told) as raised:
            load_script(name, [], 3, module=True)
        assert raised.value.status == 2


def test_the_python_of_an_environment_runs_it_where_that_has_numpy(capfd, monkeypatch):
    Path("env/bin").mkdir(parents=True)
    Path("env/bin/python").write_text(f'#!/bin/sh\necho "in env"\nexec {sys.executable} "$@"\n', "utf-8")
    Path("env/bin/python").chmod(0o755)
    monkeypatch.setenv("CONDA_PREFIX", "env")
    load_script(copied("lists"), [], 3)
    assert capfd.readouterr().err.startswith("in env")
    load_script("lists.py", [], 3, python=sys.executable)
    assert "in env" not in capfd.readouterr().err
    load_script("lists.py", [], 3, python="env")
    assert capfd.readouterr().err.startswith("in env")
    Path("env/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n', "utf-8")
    with pytest.raises(BpdebugError, match=r"^there is no NumPy in .*; --python PATH chooses another") as raised:
        load_script("lists.py", [], 3)
    assert raised.value.status == 2
    assert capfd.readouterr().err == ""
    for wrong in ("nowhere", "."):
        with pytest.raises(BpdebugError, match=f"--python {wrong}: there is no"):
            load_script("lists.py", [], 3, python=wrong)


def test_a_mistake_in_the_syntax_for_an_older_python_only_is_said():
    Path("new.py").write_text("try:\n    pass\nexcept* ValueError:\n    pass\n", "utf-8")
    text = {"syntax": True, "traceback": "SyntaxError: invalid syntax\n", "where": ["new.py", 3], "python": [3, 10]}
    told, status, located = nothing(text, "new.py")
    assert told.startswith("SyntaxError: invalid syntax\nbpdebug: Python 3.1")
    assert "and Python 3.10, which runs it, does not: --python PATH chooses another" in told
    assert (status, located) == (2, True)
    Path("new.py").write_text("x = = 3\n", "utf-8")
    assert nothing(text, "new.py")[0] == "SyntaxError: invalid syntax"
    assert nothing({**text, "python": sys.version_info[:2]}, "new.py")[0] == "SyntaxError: invalid syntax"


def test_standard_input_may_be_a_file():
    Path("rate.txt").write_text("0.25\n", "utf-8")
    session = Session(load_script(copied("lists", "lr = 0.1", "lr = float(input())"), [], 3, stdin="rate.txt"))
    assert session.value("lr") == 0.25


def test_the_loop_and_the_loss_can_be_told_otherwise():
    inner = copied("lists", "for epoch in range(1000):\n", "for epoch in range(5):\n  for turn in range(3):\n")
    assert "loop lists.py:21" in load_script(inner, [], 3).description
    assert "loop lists.py:20" in load_script(inner, [], 3, loop=":20").description
    with pytest.raises(BpdebugError, match=r"no loop at 12 changes an array from turn to turn; the loops that ran: lists.py:20, "):
        load_script(inner, [], 3, loop="12")
    changed = copied("lists", "da = -y / a[2] + (1 - y) / (1 - a[2])", "da = a[2] - y")
    scenario = load_script(changed, [], 3)
    assert "loss = half the squared error of a[2], implied by line 28" in scenario.description
    assert Session(scenario).execute("check").data["ok"] is True
    told = load_script(changed, [], 3, loss="lists.py:26")
    assert "loss = line 26" in told.description
    assert Session(told).execute("check").wrong  # as the gradient of a[2] or, with the next line, as that of z[1]
    with pytest.raises(BpdebugError, match="no value at :27 can be the loss"):
        load_script(changed, [], 3, loss=":27")


def test_the_same_can_be_told_in_a_session():
    session = Session(load_script(copied("lists", "da = -y / a[2] + (1 - y) / (1 - a[2])", "da = a[2] - y"), [], 3))
    assert "half the squared error" in session.execute("loss").text
    session.execute("break lists.py:30")
    assert session.execute("loss lists.py:26").text.startswith("loop lists.py:20")
    assert "loss = line 26" in session.execute("loop").text
    assert session.execute("check").wrong
    assert session.execute("continue").data["hits"][0]["number"] == 1
    session.execute("loop :20")
    assert "loss = line 26" in session.execute("loss").text
    Path("lists.py").write_text(Path("lists.py").read_text("utf-8").replace("1000", "5"), "utf-8")
    before = session.program
    with pytest.raises(BpdebugError, match="no loop at :21"):
        session.execute("loop :21")
    assert session.program is before


def test_an_edit_is_a_what_if_and_says_so():
    session = Session(load_script(copied("lists", "1000", "5"), [], 3))
    session.execute("goto 1:dz[1]")
    for edit in ("set W[0][0,0] = 3", "formula dz[0] = da'2"):
        assert "a what-if: your script does not run again" in session.execute(edit).text
    assert "what-if" not in Session(load_scenario("xor")).execute("set W1[0,0] = 3").text


def test_a_breakpoint_in_the_script_is_one_of_ours():
    Path("matplotlib").mkdir()
    Path("matplotlib/__init__.py").write_text("def use(name):\n    raise ImportError(name)\n", "utf-8")
    text = "import matplotlib\nmatplotlib.use('TkAgg')\n"
    session = Session(load_script(copied("lists", "    dW, db, dz =", "    breakpoint()\n    dW, db, dz ="), [], 3))
    assert session.execute("info breakpoints").text.startswith("breakpoint 1: lists.py:27\n")
    assert session.execute("continue").data["hits"][0]["number"] == 1
    assert session.position.stage == "da"
    Path("shows.py").write_text(text + Path("lists.py").read_text("utf-8"), "utf-8")
    assert "loop shows.py:22" in load_script("shows.py", [], 3).description


def test_the_status_of_a_check_and_what_is_for_programs(capfd):
    copied("lists", "np.sum(dz[l], axis=0", "np.mean(dz[l], axis=0", to="wrong.py")
    copied("lists", "da = -y / a[2] + (1 - y) / (1 - a[2])", "da = 4 * (-y / a[2] + (1 - y) / (1 - a[2]))", to="scaled.py")
    copied("partition")
    status = {name: main(["check", f"{name}.py", "--json"]) for name in ("wrong", "scaled", "partition")}
    wrong, scaled, partly = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert status == {"wrong": 1, "scaled": 0, "partition": 0}
    stage = next(stage for stage in wrong["stages"] if stage["name"] == wrong["culprit"])
    assert (stage["file"], stage["lineno"], stage["line"], stage["status"]) == ("wrong.py", 32, "wrong.py:32", "wrong")
    assert stage["suspects"]
    assert "all gradients are 4 times" in " ".join(scaled["notes"])
    assert partly["notes"][0].startswith("not judged: ")
    assert (wrong["script"], wrong["raised"]) == ("wrong.py", None)
    assert wrong["found"].startswith("loop wrong.py:20")
    assert main(["check", "tutorial.py", "--json"]) == 1
    raised = json.loads(capfd.readouterr().out)
    assert raised["raised"].startswith("the script stopped with ValueError: shapes (4,4) and (1,4) not aligned")
    assert [main(["check", f"{name}.py", "--strict"]) for name in ("scaled", "partition")] == [1, 1]
    copied("lists", "np.random.seed(0)\n", "", to="unseeded.py")
    assert main(["check", "unseeded.py", "--strict"]) == 0  # that it is said leaves nothing in doubt
    assert "had no seed" in capfd.readouterr().err
    Path("nothing.py").write_text("import numpy as np\nw = np.ones(3)\nfor i in range(9):\n    loss = w.sum()\n    w = w * 2\n", "utf-8")
    assert main(["check", "nothing.py"]) == 1
    assert "nothing could be compared: no stage is known to be a gradient" in capfd.readouterr().out


DOORS = {
    "the library": load_scenario,
    "source": lambda name: Session(load_scenario("xor")).execute(f"source {name}"),
    "a script of commands": lambda name: main(["run", "xor", "--script", name]),
    "a script that calls another": lambda name: main(["run", "xor", "--script", "calls.txt"]),
    "tour": lambda name: main(["tour", name]),
    "hunt": lambda name: main(["hunt", name, "-x", "hint"]),
    "export": lambda name: main(["export", name, "-o", "x.html"]),
    "compare": lambda name: main(["compare", name, "x.npz"]),
    "a tour of one's own": lambda name: main(["tour", "tour.yaml"]),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["evil.py", "evil.ipynb"])
def test_nothing_but_a_command_line_runs_a_script(door, name, capfd):
    Path("evil.py").write_text("open('ran', 'w')\n", "utf-8")
    notebook("open('ran', 'w')")
    Path("nb.ipynb").rename("evil.ipynb")
    Path("calls.txt").write_text(f"source {name}\n", "utf-8")
    Path("tour.yaml").write_text(f"scenario: {name}\nsteps: [{{title: a, text: b}}]\n", "utf-8")
    np.savez("x.npz", x=np.ones(3))
    try:
        told = DOORS[door](name) and capfd.readouterr().err
    except BpdebugError as error:
        told = str(error)
    assert f"{name}: a script runs only where a command line names it" in told
    assert len(told.splitlines()) == 1
    assert not Path("ran").exists()


def test_no_completion_and_no_saved_session_leads_to_a_script(capfd):
    copied("lists", "1000", "5")
    assert [one.word for one in complete_path("li", ENDINGS).found] == []
    session = Session(load_script("lists.py", [], 3))
    session.execute("goto :30")
    session.execute("save mine.txt")
    Path("lists.py").write_text("open('ran', 'w')\n", "utf-8")
    assert main(["run", "xor", "--script", "mine.txt"]) == 1
    assert "there is no location 'dz[1]'" in capfd.readouterr().err
    assert not Path("ran").exists()


def test_the_options_are_those_of_each_command(capfd):
    copied("lists", "1000", "5")
    for command in (["run"], ["check"], ["explain"], ["screenshot", "-o", "x.svg"]):
        cell = ["dz[1][0,0]"] * (command == ["explain"])
        assert main([*command, "lists.py", *cell, "--loop", ":99"]) == 1
        assert "no loop at :99" in capfd.readouterr().err
    assert main(["check", "xor", "--loop", ":3"]) == 2
    assert "--loop is for a script" in capfd.readouterr().err
    assert main(["check", "xor", "--", "3"]) == 2
    assert "-- is for a script" in capfd.readouterr().err
    assert main(["check", "-m", "lists", "--stdin", "gone.txt"]) == 2
    assert "gone.txt: the file does not exist" in capfd.readouterr().err


DA = "-y / a[2] + (1 - y) / (1 - a[2])"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({DA: f"7 * ({DA})"}, 1),
        ({DA: f"({DA}) / 3"}, 1),
        ({DA: f"4 * ({DA})"}, 0),  # the samples
        ({DA: f"0.5 * ({DA})"}, 0),
        ({DA: f"scale * ({DA})", "lr = 0.1": "lr = 0.1\nscale = 7"}, 0),  # a number of his with a name
        ({DA: f"0.07 * ({DA})", "lr * ": ""}, 0),  # the learning rate
        ({"loss = np.sum(": "loss = 7 * np.sum(", DA: f"7 * ({DA})"}, 0),
    ],
)
def test_a_factor_of_all_gradients_is_a_convention_where_it_stands_for_something(changes, status, capfd):
    text = (SCRIPTS / "lists.py").read_text("utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    Path("lists.py").write_text(text, "utf-8")
    assert main(["check", "lists.py"]) == status
    line = next(number for number, code in enumerate(text.splitlines(), 1) if code.strip().startswith("da ="))
    assert capfd.readouterr().out.startswith(f"lists.py:{line}: WRONG da = ") == (status == 1)


EVEN = """import numpy as np
x = np.array([[1.0, 0.2, 0.3], [0.2, 0.5, 0.7], [0.3, 0.7, -0.4]])
y = np.array([[1.0], [0.0], [2.0]])
W = np.array([[0.1], [0.2], [0.3]])
for step in range(3):
    z = x @ W
    loss = np.mean((z - y) ** 2)
    dz = 2 * (z - y) / 3
    dW = x.T @ dz
    W -= 0.1 * dW
"""


def test_of_inputs_that_equal_their_transpose_it_is_said_that_they_hide_one_that_is_missing(capfd):
    said = "only here dW     right on this batch only: x equals its own transpose"
    for text, hidden in ((EVEN, False), (EVEN.replace("x.T @ dz", "x @ dz"), True)):
        Path("even.py").write_text(text, "utf-8")
        assert main(["check", "even.py"]) == 0
        out = capfd.readouterr().out
        assert (said in out) == ("not judged: dW" in out) == hidden
    Path("even.py").write_text(text.replace("0.2, 0.5, 0.7", "0.1, 0.5, 0.7"), "utf-8")
    assert main(["check", "even.py"]) == 1
