"""``bpdebug new``: what it writes loads, trains and explains itself, and each key that is commented out may be used."""

from __future__ import annotations

import re

import pytest
from test_scenario_jsonschema import read, valid
from test_short_forms import plain
from turns import by_day

from bpdebug import cli
from bpdebug.frontends import json_schema, load_scenario, shipped
from bpdebug.frontends.nodes import Mapping
from bpdebug.frontends.report import WHOLE_FILE
from bpdebug.frontends.schema import ROOT
from bpdebug.frontends.start import STARTS
from bpdebug.session.session import Session

TABLES = {
    "words": ("size,colour,'s kind\n1,2,small\n2,x,small\n9,3,large\n", 1, 2, "softmax"),
    "flags": ("a,b,y\n1,2,0\n2,3,1\n9,3,1\n", 2, 1, "sigmoid"),
    "numbers": ("a,b,y\n1,2,0.5\n2,3,1.5\n9,3,7\n", 2, 1, "identity"),
    "class numbers": ("a,y\n" + "1,0\n2,1\n3,2\n" * 3, 1, 3, "softmax"),
}
ENTRIES = [entry.name for entry in shipped()]


@pytest.fixture
def new(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = cli.main(["new", *arguments])
        return status, *capsys.readouterr()

    return run


def loss(session, where):
    session.execute(f"goto {where}")
    return session.value(session.program.loss).item()


@pytest.mark.parametrize("task", STARTS)
def test_what_it_writes_loads_and_learns(new, tmp_path, task):
    status, output, errors = new("mine.yaml", "--task", task)
    assert (status, output, errors) == (0, "mine.yaml written; open it with: bpdebug mine.yaml\n", "")
    text = (tmp_path / "mine.yaml").read_text()
    assert valid(read(text), json_schema())
    session = Session(load_scenario("mine.yaml"))
    last = session.position.updates - 1
    assert loss(session, f"{last}:loss") < 0.1 * loss(session, "0:loss")
    assert session.execute("check").data["ok"]


@pytest.mark.parametrize("name", ENTRIES)
def test_a_copy_of_a_shipped_one_is_the_same_network(new, name):
    assert new("mine.yaml", "--like", name)[0] == 0
    left = {"source": "", "inputs": None}
    assert plain(load_scenario("mine.yaml")) | left == plain(load_scenario(name)) | left


@pytest.mark.parametrize(
    "arguments", by_day([["--task", task] for task in STARTS] + [["--like", name] for name in ENTRIES], 3), ids=" ".join
)
def test_every_key_that_is_commented_out_may_be_used(new, tmp_path, arguments):
    new("mine.yaml", *arguments)
    lines = (tmp_path / "mine.yaml").read_text().splitlines()
    places = [place for place, line in enumerate(lines) if re.match(r" *# [a-z_0-9]+: \S", line)]
    assert len(places) > 8
    for place in places:
        changed = [*lines[:place], lines[place].replace("# ", "", 1), *lines[place + 1 :]]
        (tmp_path / "changed.yaml").write_text("\n".join(changed))
        load_scenario("changed.yaml")


def test_every_key_is_explained_where_it_stands(new, tmp_path):
    new("mine.yaml")
    text = " ".join(re.sub(r"\s*#", "", (tmp_path / "mine.yaml").read_text()).split())
    for key in ROOT.parts(Mapping(WHOLE_FILE)).values():
        assert key.doc in text, key.name
        parts = {} if key.name in ("data", "optimizer") else key.kind.parts()  # which depend on what is chosen
        assert [part.name for part in parts.values() if part.doc not in text and part.default is not None and part.name != "delta"] == (
            [] if key.name != "debug" else ["breakpoints", "watches"]
        )
    assert max(map(len, (tmp_path / "mine.yaml").read_text().splitlines())) <= 120


@pytest.mark.parametrize("name", TABLES)
def test_a_scenario_for_a_table(new, tmp_path, name):
    text, inputs, units, activation = TABLES[name]
    (tmp_path / "o'clock.csv").write_text(text)
    (tmp_path / "below").mkdir()
    assert new("below/mine.yaml", "--data", "o'clock.csv")[0] == 0
    scenario = load_scenario("below/mine.yaml")
    assert (len(scenario.inputs), scenario.layers[-1].units, scenario.layers[-1].activation) == (inputs, units, activation)
    Session(scenario).execute("step 40")


def test_nothing_is_overwritten(new, tmp_path):
    (tmp_path / "mine.yaml").write_text("mine")
    status, output, errors = new("mine.yaml")
    assert (status, output) == (2, "")
    assert "mine.yaml: this file already exists" in errors
    (tmp_path / "iris.csv").write_text("mine")
    assert "iris.csv: this file already exists" in new("other.yaml", "--like", "iris")[2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["iris.csv", "mine.yaml"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--like", "xro"), "no scenario 'xro' that comes with bpdebug; did you mean 'xor'"),
        (("--like", "xor", "--task", "classes"), "cannot be combined"),
        (("--data", "none.csv"), "there is no such file"),
        (("--data", "empty.csv"), "expected a line with the names"),
        (("--data", "words.csv"), "expected columns of numbers"),
    ],
)
def test_what_cannot_be_done_is_told(new, tmp_path, arguments, message):
    (tmp_path / "empty.csv").write_text("a,b\n")
    (tmp_path / "words.csv").write_text("a,b\nx,1\n")
    status, output, errors = new("mine.yaml", *arguments)
    assert (status, output) == (2, "")
    assert message in errors
    assert not (tmp_path / "mine.yaml").exists()
