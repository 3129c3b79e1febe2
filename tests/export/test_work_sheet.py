"""The work sheet has gaps where the worked solution has numbers, and the answers at its end; the network is drawn as it is."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest
from renamed import NONSENSE, renamed
from test_export import TUTORIAL, braces, environments, large, numbers_in, tree, written
from turns import by_turns

from bpdebug import cli
from bpdebug.core.errors import BpdebugError
from bpdebug.core.render import Style
from bpdebug.export.drawing import drawing
from bpdebug.export.formats import FORMATS, exported
from bpdebug.frontends import load_scenario, shipped
from bpdebug.session.session import Session

DOCUMENTS = ("md", "tex", "html")
GAP = {"md": r"\underline{\qquad}", "tex": r"\underline{\qquad}", "html": '<mrow class="blank"><mspace width="2.4em"'}


@cache
def sheet(scenario, name, columns=False):
    session = Session(load_scenario(scenario) if scenario != "large" else large())
    return exported(session.timeline, FORMATS[name], Style(columns=columns), blanks=True)


def halves(text):
    """What is asked, and the answers."""
    asked, answers = re.split(r"Answers(?=\}|</h2>|\n)", text)
    return asked, answers


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_to_be_computed_stands_among_the_answers_only(name, columns):
    asked, answers = map(numbers_in, halves(sheet("xor", name, columns)))
    assert [number for number in TUTORIAL if number in asked] == []
    assert [number for number in (*TUTORIAL, "3.5128") if number not in answers] == []
    for number in ("1.7641", "-0.9773", "1.4543"):
        assert number in asked, "what is given is there"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_there_is_a_gap_for_every_number(name):
    session = Session(load_scenario("xor"))
    sizes = [int(np.prod(session.timeline.machine.shapes()[stage.name])) for stage in session.program.stages]
    asked, answers = halves(sheet("xor", name))
    worked = sum(size > 1 for size in sizes)  # of one cell the result is asked again, beside its calculation
    assert asked.count(GAP[name]) == sum(sizes) + worked
    assert GAP[name] not in answers


@pytest.mark.parametrize("name", DOCUMENTS)
def test_of_a_large_tensor_one_cell_is_asked(name):
    asked, _ = halves(sheet("large", name))
    assert 10 < asked.count(GAP[name]) < 80


@pytest.mark.parametrize(("scenario", "kind"), by_turns([entry.name for entry in shipped()], DOCUMENTS, every=2))
def test_every_document_of_a_sheet_is_closed(scenario, kind):
    text = sheet(scenario, kind)
    if kind == "html":
        tree(text)
    for block in [text] if kind == "tex" else re.findall(r"^```math\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL):
        environments(block)
        braces(block)


def test_a_sheet_by_command_and_by_subcommand(tmp_path, capsys):
    session = Session(load_scenario("xor"))
    file = tmp_path / "a sheet.html"
    told = session.execute(f"export {file} --blanks")
    assert told.text.endswith("with gaps to fill in and the answers at its end")
    assert told.data["file"] == str(file)
    first = file.read_text("utf-8")
    assert cli.main(["export", "xor", "-o", str(file), "--blanks"]) == 0
    assert file.read_text("utf-8") == first == sheet("xor", "html")
    assert cli.main(["export", "xor", "-o", str(tmp_path / "s.npz"), "--blanks"]) == 2
    assert "expected one of .md, .tex, .html" in capsys.readouterr().err
    with pytest.raises(BpdebugError, match="a work sheet, which is a document"):
        session.execute(f"export {tmp_path / 's.py'} --blanks")


def drawn(scenario):
    session = Session(scenario)
    return drawing(session.program, session.values()), session


@pytest.mark.parametrize(("naming", "name"), by_turns([None, *NONSENSE], ["xor", "one_neuron", "two_outputs", "iris"]))
def test_the_drawing_has_a_circle_a_unit_and_a_line_a_weight(name, naming):
    scenario = load_scenario(name)
    made, session = drawn(renamed(scenario, NONSENSE[naming])[0] if naming else scenario)
    layers = session.program.layers
    widths = [len(session.program.inputs), *(names.layer.units for names in layers)]
    assert [len(column.labels) for column in made.columns] == widths
    lines = list(made.lines(100.0))
    weights = np.concatenate([session.values()[names.weight].reshape(-1) for names in layers])
    assert len(lines) == np.count_nonzero(weights)
    assert [line.negative for line in lines] == (weights[weights != 0] < 0).tolist()
    page = tree(written(session, "html"))
    assert len(list(page.iter("circle"))) == sum(widths)
    assert len(list(page.iter("path"))) == len(lines)
    text = written(session, "tex")
    assert (text.count(r"\circle{"), text.count(r"\qbezier")) == (sum(widths), len(lines))


def test_the_widest_line_is_the_largest_weight_of_its_layer():
    made, session = drawn(load_scenario("xor"))
    wide = [line for line in made.lines(100.0) if line.width == 1]
    assert len(wide) == len(session.program.layers)
    assert [round(line.begin[0] // 100) for line in wide] == [0, 1]


def test_the_drawing_as_text_leads_from_every_circle_to_every_next_one():
    made, _ = drawn(load_scenario("iris"))
    lines = made.text()
    assert sum(line.count("○") for line in lines) == 15
    assert lines[0].split() == ["┌──", "○", "0", "────────┐"]
    assert lines[3].split() == ["sepal_width", "○───┼──", "○", "3", "────────┼──", "○", "versicolor"]
    assert lines[-1].split() == ["x", "tanh", "softmax"]


def test_of_a_large_network_a_part_is_drawn_and_of_a_very_deep_one_nothing():
    made, _ = drawn(large())
    assert [column.labels[-2:] for column in made.columns] == [("⋮", "p783"), ("⋮", "127"), ("⋮", "9")]
    assert len(list(made.lines(100.0))) == 2 * 7 * 7
    assert drawn(load_scenario("deep_sigmoid"))[0] is None


def test_the_handout_says_what_a_number_means_and_where_its_rule_is_from():
    text = numbers_in(written(Session(load_scenario("xor")), "html"))
    assert re.search(
        r"dW1\[\d,\d\], from input \d \(x\d\) to hidden unit \d: raise W1\[\d,\d\] by 0\.\d+ and the loss (rises|falls) by", text
    )
    assert "From z1 = x·W1 + b1: ∂(x·W1)/∂W1 = xᵀ" in text
