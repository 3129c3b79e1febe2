"""What an export writes: the right numbers, documents whose parts are closed, data that reads back to the same bits."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from time import process_time
from xml.etree import ElementTree

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, bits, xor
from turns import by_day, by_turns

from bpdebug import cli
from bpdebug.arrays import read_arrays
from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import replace
from bpdebug.core.render import Style
from bpdebug.export.formats import FORMATS, ExportError, export, exported, format_of
from bpdebug.export.update import working
from bpdebug.frontends import load_scenario, shipped
from bpdebug.session.session import Session
from bpdebug.time.tasks import whole

DOCUMENTS = ("md", "tex", "html")
STYLES = [Style("latex", columns, notation) for columns in (False, True) for notation in ("d", "delta", "partial")]
STYLED = [(name, style) for name in ("tutorial_as_written", "two_outputs") for style in STYLES] + [
    ("residual", STYLES[4]),
    ("iris", STYLES[0]),
]
SHIPPED = [entry.name for entry in shipped()]


def session_of(scenario, *commands):
    session = Session(load_scenario(scenario) if isinstance(scenario, str) else scenario)
    for command in commands:
        session.execute(command)
    return session


def written(session, name, style=None):
    return exported(session.timeline, FORMATS[name], style)


@cache
def document(scenario, name, style=None):
    return written(session_of(scenario), name, style)


def numbers_in(text):
    """What stands there, with the markup and the thin signs taken off."""
    return re.sub(r"<[^>]*>", "", text).replace("−", "-")


TUTORIAL = (
    *("0.9528", "0.7990", "1.5769", "1.4670", "0.7217", "0.6898", "0.8288", "0.8126", "3.5931", "-1.4498", "-1.2066", "5.3362"),
    *("-0.3102", "-0.1712", "0.7376", "0.4657", "0.7221", "0.7858", "1.0528", "-0.0148", "0.1087", "0.0251", "0.2444"),
)
"""The tutorial's first pass and first gradients, to four decimals."""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_solution_of_xor_has_the_tutorial_s_numbers(name):
    text = numbers_in(document("xor", name))
    for number in (*TUTORIAL, "3.5128", "5.3362", "0.78578"):
        assert number in text, number


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_stage_has_a_heading_of_its_own_in_program_order(name):
    text = document("xor", name)
    places = [re.search(rf"\b{number}\. ", text).start() for number in range(1, 18)]
    assert places == sorted(places)


def test_a_cell_is_worked_out_step_by_step():
    text = document("xor", "md")
    assert r"\mathrm{d}W_{3,0}^{[2]} &= \sum_i a_{i,3}^{[1]} \cdot \mathrm{d}z_{i,0}^{[2]}" in text
    assert r"0.5 \cdot 0.72169 + 0.46223 \cdot (-0.31025) + 0.90386 \cdot (-0.17124)" in text
    assert r"&= 0.360844 + (-0.143408) + (-0.154776) + 0.723118 = 0.78578" in text
    assert r"\mathbf{0.7858}" in text


def test_an_update_shows_the_old_and_the_new_parameters():
    text = document("xor", "md")
    update = text[text.index("## Update") : text.index("## Check")]
    assert "-0.103219" in update
    assert "-0.176976" in update
    assert r"W^{[2]} &\leftarrow \left[" in update


def test_the_formula_stands_over_the_shapes():
    assert r"\underset{\,4 \times 4\,}{{a^{[1]}}^{\top}} \, \underset{\,4 \times 1\,}{\mathrm{d}z^{[2]}}" in document("xor", "md")
    columns = document("xor", "md", Style("latex", columns=True))
    assert r"\underset{\,1 \times 4\,}{\mathrm{d}z^{[2]}} \, \underset{\,4 \times 4\,}{{a^{[1]}}^{\top}}" in columns


def matrices(text):
    """The matrices of numbers in a text with LaTeX."""
    for found in re.findall(r"\\begin\{array\}\{r+\}\n(.*?)\n\\end\{array\}", text, re.DOTALL):
        cells = re.sub(r"\\mathbf\{(.*?)\}(?= &| \\\\|$)", r"\1", found, flags=re.MULTILINE)
        yield [[cell.strip() for cell in line.split("&")] for line in cells.split("\\\\\n")]


def test_every_matrix_of_the_columns_is_one_of_the_rows_turned_round():
    rows, columns = (list(matrices(document("xor", "md", Style("latex", turned)))) for turned in (False, True))
    for matrix in columns:
        assert [list(line) for line in zip(*[[cell.rstrip(" \\") for cell in row] for row in matrix], strict=True)] in [
            [[cell.rstrip(" \\") for cell in row] for row in other] for other in rows
        ]


def test_the_loss_with_the_new_parameters_is_that_of_the_next_update():
    session = session_of("xor", "goto 1:loss")
    update = whole(working(session.timeline, explained=False))
    assert update.update == 1
    session.execute("goto 2:loss")
    assert update.loss_after() == float(session.value("loss"))


def test_each_derivative_has_its_verdict():
    text = document("tutorial_as_written", "md")
    rows = re.findall(r"^\|.*\|$", text[text.index("## Check") :], re.MULTILINE)[2:]
    assert len(rows) == 8
    assert "WRONG" in rows[0]
    assert "ok" in document("xor", "md")[document("xor", "md").index("## Check") :]
    assert "First wrong stage: da2 = a2 - y" in numbers_in(document("tutorial_as_written", "html"))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_formula_of_the_user_s_own_is_marked_and_the_derived_one_stands_beside(name):
    text = numbers_in(document("tutorial_as_written", name))
    assert "(your own formula)" in text
    assert "The derived formula in its place:" in text
    assert "3.5931" in text, "what the derived formula gives"
    assert "0.7217" in text, "what the user's gives"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_was_done_by_hand_is_told_at_its_stage(name):
    session = session_of("xor", "set W1[0,0] = 1", "goto dz2", "set dz2[0,0] = 9")
    text = numbers_in(written(session, name)).replace(r"{[}", "[").replace(r"{]}", "]")
    assert re.search(r"At the start of the update, by hand: .*set W1\[0,0\] = 1\.0", text)
    assert re.search(r"After this stage, by hand: .*set dz2\[0,0\] = 9\.0", text)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_not_finite_is_shown_with_where_it_comes_from(name):
    text = written(session_of("saturation", "goto update 8"), name)
    assert "nan" in text
    assert "The first part that is not finite:" in text
    assert r"\infty" in text or "∞" in text
    assert "not finite" in text[text.index("Check") :]


def environments(text):
    """Opened and closed environments, each closed in the order in which it was opened."""
    opened = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", text):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened


def braces(text):
    depth = 0
    for sign in re.findall(r"\\[\\{}]|[{}]", text):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    assert text.count(r"\left") - text.count(r"\leftarrow") == text.count(r"\right")


@pytest.mark.parametrize(("scenario", "style"), STYLED)
def test_the_latex_article_is_balanced_and_has_no_character_that_its_fonts_lack(scenario, style):
    text = document(scenario, "tex", style)
    environments(text)
    braces(text)
    assert text.startswith("\\documentclass") and text.endswith("\\end{document}\n")
    assert set(re.findall(r"\\usepackage(?:\[.*?\])?\{(\w+)\}", text)) == {"inputenc", "amsmath", "geometry"}
    assert text.isascii()
    assert re.sub(r"\\\$", "", text).count("$") % 2 == 0


HOSTILE = r"50% & $x_1$ {~^\} #_ <b>|*`[1] größer α² 中"


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_the_latex_article_compiles(tmp_path):
    cases = {"hostile": replace(xor(), name=HOSTILE), "residual": load_scenario("residual"), "wide": large()}
    for name, scenario in cases.items():
        session = session_of(replace(scenario, description=HOSTILE))
        export(session.timeline, tmp_path / f"{name}.tex", style=STYLES[len(name) % 6])
        command = [shutil.which("pdflatex"), "-interaction=nonstopmode", "-halt-on-error", name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        assert "Overfull" not in (tmp_path / f"{name}.log").read_text("latin-1")


MATHML = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mtable", "mtr", "mtd"}
MATHML |= {"munder", "msub", "msup", "msubsup"}


def tree(page):
    """A page as XML."""
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314


class Page(HTMLParser):
    """Notes what a page refers to."""

    def __init__(self, text):
        super().__init__()
        self.identities, self.targets, self.tags, self.outside = [], [], set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        self.identities += [given["id"]] if "id" in given else []
        self.targets += [given["href"]] if "href" in given else []
        self.outside += [name for name in given if name in ("src", "srcset", "style") or name.startswith("on")]


@pytest.mark.parametrize(("scenario", "style"), STYLED)
def test_the_page_is_well_formed_and_stands_alone(scenario, style):
    text = document(scenario, "html", style)
    root = tree(text)
    page = Page(text)
    assert len(set(page.identities)) == len(page.identities)
    assert {target.removeprefix("#") for target in page.targets} <= set(page.identities)
    assert not page.outside
    assert not {"script", "link", "img", "iframe", "object"} & page.tags
    assert "url(" not in text and "@import" not in text and "http" not in text
    inside = {part.tag for formula in root.iter("math") for part in formula.iter()}
    assert {"mfrac", "mtable"} <= inside <= MATHML
    assert "\\" not in "".join(root.find("body").itertext()), "no LaTeX is left"


def test_every_scripted_element_of_a_formula_has_as_many_parts_as_it_must():
    root = tree(document("residual", "html"))
    parts = {"mfrac": 2, "msub": 2, "msup": 2, "munder": 2, "msubsup": 3}
    for tag, count in parts.items():
        found = list(root.iter(tag))
        assert found
        assert all(len(element) == count for element in found)


@pytest.mark.parametrize("scenario", by_day(SHIPPED, 3))
def test_the_markdown_is_what_github_shows(scenario):
    text = document(scenario, "md")
    blocks = re.findall(r"^```math\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    assert text.count("```") == 2 * len(blocks)
    for block in blocks:
        environments(block)
        braces(block)
        assert block.startswith("\\begin{aligned}\n")
        inner = re.compile(r"\\begin\{array\}(?:(?!\\begin\{array\}).)*?\\end\{array\}", re.DOTALL)
        while inner.search(block):  # matrices of matrices too
            block = inner.sub("", block)  # noqa: PLW2901
        assert all("&" in line for line in block.split("\n")[1:-1])
    assert not re.search(r"\\(phantom|operatorname|require|def|newcommand|mbox)\b", text), "GitHub refuses these"
    rest = re.sub(r"^```math\n.*?\n```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for inline in re.findall(r"(?<![`\\])\$([^`$]+)\$", rest):
        assert not re.search(r"\\[^A-Za-z]|[^A-Za-z0-9]_|\*|\|", inline), inline
    assert set(re.findall(r"\[\^(\d+)\](?!:)", rest)) == set(re.findall(r"^\[\^(\d+)\]:", rest, re.MULTILINE))
    for table in re.findall(r"(?:^\|.*\|\n)+", rest, re.MULTILINE):
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


def test_no_name_can_break_a_document():
    scenario = replace(xor(), name=HOSTILE, description=HOSTILE, outputs=(HOSTILE,))
    page = written(session_of(scenario), "html")
    title = tree(page).find("head/title").text
    assert title == f"{HOSTILE}: update 0 worked out"
    text = written(session_of(scenario), "tex")
    braces(text.replace(r"\textbackslash{}", ""))
    assert r"50\% \& \$x\_1\$ \{\textasciitilde{}\textasciicircum{}\textbackslash{}\} \#\_" in text
    assert r"gr" + "ößer $\\alpha$$^{2}$ ?" in text
    assert r"50% & \$x\_1\$ \{\~^\\\} \#\_ \<b\>\|\*\`\[1\] größer α² 中" in written(session_of(scenario), "md")


@cache
def large():
    generator = np.random.default_rng(0)
    x = generator.random((64, 784))
    return Scenario(
        "digits",
        tuple(f"p{n}" for n in range(784)),
        (Layer(128, "relu"), Layer(10, "softmax")),
        x,
        np.eye(10)[generator.integers(0, 10, 64)],
        loss=Loss("categorical_cross_entropy", samples="mean"),
        optimizer=Optimizer("momentum", {"learning_rate": 0.1}),
        training=Training(3, 32, shuffle=True),
    )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_large_network_gives_a_document_of_bearable_size(name):
    text = document(large(), name)
    assert len(text) < 180_000
    assert "784×128, of which a corner is shown; smallest" in text.replace(r"$\times$", "×")
    assert "of 100,352" not in text


def test_a_worked_solution_is_quick():
    session = session_of("xor")
    begin = process_time()
    written(session, "html")
    assert process_time() - begin < 0.5


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_npz_file_has_every_tensor_to_the_bit(name, tmp_path):
    session = session_of(SCENARIOS[name], "goto update 3")
    start = session.values()
    export(session.timeline, tmp_path / "update.npz")
    found = read_arrays(tmp_path / "update.npz")
    assert bits({key: found[key] for key in start}) == bits(start)
    session.execute(f"goto 3:{session.program.stages[-2].name}")
    almost = {key: value for key, value in session.values().items() if key not in session.program.persistent}
    assert bits({key: found[key] for key in almost}) == bits(almost)
    session.execute("goto update 4")
    after = {f"{key}_new": value for key, value in session.values().items() if key in session.program.index}
    assert bits({key: found[key] for key in after}) == bits(after)
    assert set(found) == set(start) | set(almost) | set(after)


def test_the_npz_file_is_what_a_comparison_takes(tmp_path):
    session = session_of("residual", "goto update 2")
    export(session.timeline, tmp_path / "update.npz")
    answer = session.execute(f"compare {tmp_path / 'update.npz'}")
    assert answer.data["ok"]
    assert {stage["status"] for stage in answer.data["stages"]} <= {"exact", "approximate"}


def refuse(constant):
    raise AssertionError(constant)


@pytest.mark.parametrize(("scenario", "update"), [("xor", 0), ("iris", 7), ("saturation", 8)])
def test_a_line_of_json_a_tensor_in_program_order(scenario, update):
    session = session_of(scenario, f"goto update {update}")
    lines = [json.loads(line, parse_constant=refuse) for line in written(session, "jsonl").splitlines()]
    names = [line["name"] for line in lines]
    assert len(set(names)) == len(names)
    computed = [line for line in lines if "stage" in line]
    assert [line["stage"] for line in computed] == list(session.program.index)
    assert [line["phase"] for line in computed] == [stage.phase for stage in session.program.stages]
    worked = whole(working(session.timeline, explained=False))
    for line, step in zip(computed, worked.stages, strict=True):
        assert line["shape"] == list(step.value.shape)
        np.testing.assert_array_equal(np.array(line["value"], float), step.value)
    given = [line for line in lines if "stage" not in line]
    assert {line["phase"] for line in given} == {"given"}
    assert {"x", "y", "m", "W1", "b1"} <= {line["name"] for line in given}
    assert next(line for line in lines if line["name"] == "W1")["layer"] == 1


@pytest.mark.parametrize(("name", "where"), by_turns(FORMATS, ["start", "3:dz2", "3:W2", "update 4", "end"]))
def test_an_export_leaves_the_session_where_it_is(name, where):
    session = session_of(xor(6), "goto 3:z1", "set z1[0,0] = 2", f"goto {where}")
    before, clock, edits = session.values(), session.position.t, list(session.timeline.edits)
    written(session, name)
    assert bits(session.values()) == bits(before)
    assert (session.position.t, session.timeline.edits) == (clock, edits)


def test_the_update_that_is_exported_is_the_present_one_and_at_the_end_the_last():
    for where, update in (("start", 0), ("3:dz2", 3), ("update 4", 4), ("end", 5)):
        assert whole(working(session_of(xor(6), f"goto {where}").timeline, explained=False)).update == update


@pytest.mark.parametrize(("file", "name"), [("a.md", "md"), ("a.TEX", "tex"), ("a.b.html", "html"), ("a.py", "torch"), ("a.npz", "npz")])
def test_the_ending_tells_the_format(file, name):
    assert format_of(Path(file)).name == name
    assert format_of(Path(file), "jsonl").name == "jsonl"


@pytest.mark.parametrize("file", ["a", "a.pdf", ".md", "a.md.gz"])
def test_an_unknown_ending_is_told_with_what_there_is(file):
    with pytest.raises(ExportError, match=r"unknown file extension; expected one of \.md \(.*\.tex .*\.html .*\.py .*\.npz .*\.jsonl "):
        format_of(Path(file))
    with pytest.raises(ExportError, match="there is no format 'htm'; did you mean 'html'"):
        format_of(Path(file), "htm")


def run(capsys, *arguments):
    status = cli.main(["export", *map(str, arguments)])
    return status, *capsys.readouterr()


def test_the_subcommand_writes_an_update(tmp_path, capsys):
    file = tmp_path / "solution.md"
    file.write_text("what was there before", "utf-8")
    assert run(capsys, "xor", "-o", file) == (0, "", "")
    assert file.read_text("utf-8") == document("xor", "md")
    assert run(capsys, "xor", "--update", 999, "-o", file, "--columns", "--notation", "partial") == (0, "", "")
    text = file.read_text("utf-8")
    assert text.startswith("# XOR: update 999 worked out\n")
    assert r"\frac{\partial L}{\partial W^{[2]}}" in text
    assert run(capsys, "xor", "-o", tmp_path / "data", "--format", "npz") == (0, "", "")
    assert set(read_arrays(tmp_path / "data")) > {"x", "dW2", "W2_new"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "solution.md"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("xor", "-o", "x.pdf"), "x.pdf: unknown file extension"),
        (("xor", "-o", "x.md", "--format", "words"), "there is no format 'words'"),
        (("xor", "-o", "nowhere/x.md"), "cannot be written"),
        (("xor", "-o", "x.md", "--update", "1000"), "there are 1000 updates, counted from 0"),
        (("xor", "-o", "x.md", "--update", "-1"), "a number from 0 is expected"),
        (("xor", "-o", "x.md", "--notation", "dz"), "invalid choice"),
        (("xor",), "-o"),
        (("nosuch.yaml", "-o", "x.md"), "there is no such file"),
    ],
)
def test_a_bad_export_is_one_message_and_status_2(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, output, errors = run(capsys, *arguments)
    assert (status, output) == (2, "")
    assert message in errors
    assert "Traceback" not in errors
    assert not list(tmp_path.iterdir())


def test_the_command_takes_the_session_s_notation(tmp_path):
    session = session_of("xor", "goto 5:dz1", "notation delta")
    answer = session.execute(f"export {tmp_path / 'now.tex'}")
    assert answer.data == {"file": str(tmp_path / "now.tex"), "format": "tex", "exported": 5, "left_out": []}
    assert r"\delta^{[2]}" in (tmp_path / "now.tex").read_text("utf-8")
    for text in ("export", "export now.pdf", f"export {tmp_path}"):
        with pytest.raises(BpdebugError):
            session.execute(text)


def test_a_hunt_is_not_given_away(tmp_path):
    session = session_of("xor", "hunt 1")
    with pytest.raises(BpdebugError, match="locked"):
        session.execute(f"export {tmp_path / 'hunt.md'}")
    assert not list(tmp_path.iterdir())


SAME = "a PyTorch script that computes the same gradients"


@pytest.mark.parametrize(
    ("commands", "left_out"),
    [
        ((), []),
        (("set x[0,0] = 2", "set learning_rate = 1", "set W1[0,0] = 3"), []),
        (("formula a1 = tanh(z1)", "goto dz2"), []),
        (("goto 3", "set W2[0,0] = nan", "goto 3:end"), []),
        (("goto dz2", "set x[0,0] = 2"), ["set x[0,0] = 2.0"]),
        (("goto dz2", "set W2[0,0] = nan"), ["set W2[0,0] = nan"]),
        (("goto dW1", "set learning_rate = 1"), ["set learning_rate = 1.0"]),
        (("goto z1", "set z1[0,0] = 3", "goto dz2", "set z1[0,0] = 3"), ["set z1[0,0] = 3.0"]),
        (("formula dz1 = da1",), ["formula dz1 = da1"]),
        (("goto dz2", "formula dz1 = da1", "formula z1 = x @ W1"), ["formula dz1 = da1"]),
        (("formula W1 = W1 - dW1", "goto W1", "set b1[0,0] = 9"), ["set b1[0,0] = 9.0", "formula W1 = W1 - dW1"]),
        (("goto 0:end", "set W1[0,0] = 3", "goto 0:W2"), []),
    ],
)
def test_a_script_claims_to_be_the_same_only_where_nothing_is_left_out(commands, left_out, tmp_path):
    session = Session(load_scenario("xor"))
    for command in commands:
        session.execute(command)
    result = session.execute(f"export {tmp_path / 'o.py'}")
    assert result.data["left_out"] == left_out
    assert (SAME in result.text) == (not left_out)
    assert all(text in result.text for text in left_out)
    assert "\n" not in result.text
    script = (tmp_path / "o.py").read_text()
    assert all(text.removeprefix("formula ") in script for text in left_out)


def test_of_very_many_changes_some_are_named(tmp_path):
    session = Session(load_scenario("xor"))
    session.execute("goto dz2")
    for number in range(40):
        session.execute(f"set W1[0,0] = {number}")
    result = session.execute(f"export {tmp_path / 'o.py'}")
    assert (len(result.data["left_out"]), "and 35 more" in result.text) == (40, True)
    assert session.execute(f"export {tmp_path / 'o.npz'}").data["left_out"] == []
