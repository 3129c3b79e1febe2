"""Recorded steps of PyTorch, opened without torch: what is shown is what was recorded, and nothing of a file is believed."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

from bpdebug import Session, cli, load_scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.core.machine import Machine
from bpdebug.frontends.torch_step.broken import first_broken

RECORDINGS = Path(__file__).parents[1] / "cases" / "torch"
RIGHT, NAN, GPT, GPT_NAN = (RECORDINGS / f"{name}.bpd" for name in ("right", "nan", "gpt", "gpt-nan"))


def recorded(path):
    """The names of a file's values, and their arrays, of those that are in it."""
    with ZipFile(path) as archive:
        program = json.loads(archive.read("program.json"))
        arrays = {place: f"v{place}.npy" for place in range(len(program["values"]))}
        there = {place: name for place, name in arrays.items() if name in archive.namelist()}
        found = {program["values"][place][0]: np.load(io.BytesIO(archive.read(name))) for place, name in there.items()}
    return program, found


@pytest.fixture(scope="module")
def session():
    return Session(load_scenario(RIGHT))


def test_the_step_is_a_program_under_the_users_names(session):
    stages = {stage.name: stage for stage in session.program.stages}
    assert str(stages["unit"]) == "unit = h / norm"
    assert (stages["unit"].line, stages["fc1.weight.grad"].line) == ("train.py:14", "train.py:12")
    assert stages["fc2.weight.grad"].of == "fc2.weight"
    assert str(stages["fc2.weight.grad"]) == "fc2.weight.grad = fc2.grad.T @ unit"
    assert str(stages["fc2.bias.grad"]) == "fc2.bias.grad = reshape(sum(fc2.grad, axis=0, keepdims=True), (2,))"
    assert [level.title for level in stages["fc2.weight"].path] == ["SGD", "SGD(fc2.weight)"]
    assert session.program.loss == "loss"
    assert not any(name.endswith(".torch") for name in session.program.fixed)


def test_what_is_shown_are_torchs_own_bits_in_both_directions():
    session, (_, arrays) = Session(load_scenario(RIGHT)), recorded(RIGHT)
    names, last = [stage.name for stage in session.program.stages], len(session.program.stages) - 1
    for place, name in enumerate(names[:last]):
        session.execute("step")
        if name in arrays and name not in session.program.parameters:
            np.testing.assert_array_equal(session.value(name), arrays[name], err_msg=f"{place} {name}")
    session.execute("step")
    for parameter in session.program.parameters:
        versions = [name for name in arrays if name.split("'")[0] == parameter]
        np.testing.assert_array_equal(session.value(parameter), arrays[versions[-1]])
    session.execute("goto unit")
    np.testing.assert_array_equal(session.value("unit"), arrays["unit"])


def test_an_edit_runs_on_with_the_formulas(session):
    session.execute("goto h")
    session.execute("set h[0,1] = 100")
    session.execute("goto loss")
    assert abs(float(session.value("loss")) - float(recorded(RIGHT)[1]["loss"])) > 1e-3
    session.execute("undo")
    session.execute("goto loss")
    assert float(session.value("loss")) == float(recorded(RIGHT)[1]["loss"])


def test_continue_stops_at_the_first_nan_with_its_cause_and_line():
    session = Session(load_scenario(NAN))
    text = session.execute("continue").text
    assert "unit = h / norm at train.py:14" in text
    assert "nan comes from h[0,0]/norm[0,0] = 0/0 = nan" in text
    assert first_broken(load_scenario(NAN)) == "not finite: unit[0,0] = nan, train.py:14: unit = h / norm (12 of 12 numbers)"
    assert first_broken(load_scenario(RIGHT)) == ""


def test_a_row_that_is_masked_whole_is_said_to_be():
    text = Session(load_scenario(GPT_NAN)).execute("continue").text
    assert "non-finite value: blocks.0.attn.weights = softmax(blocks.0.attn.scores'2) at gpt.py:20" in text
    assert "the whole row is masked" in text


def test_a_branch_that_is_not_taken_is_told_from_one_that_is():
    session = Session(load_scenario(RECORDINGS / "where.bpd"))
    session.execute("goto p.grad")
    gradient = session.value("p.grad")
    bad, good = np.argwhere(np.isnan(gradient))[0], np.argwhere(np.isfinite(gradient))[0]
    said = session.execute(f"explain p.grad[{bad[0]},{bad[1]}]").text
    assert f"log.grad[{bad[0]},{bad[1]}] is 0 since where (where.py:8) does not take this branch" in said
    assert "branch" not in session.execute(f"explain p.grad[{good[0]},{good[1]}]").text


def test_every_derivative_is_checked(capsys):
    assert cli.main(["check", str(RIGHT)]) == 0
    assert "no derivative is wrong" in capsys.readouterr().out
    assert cli.main(["check", str(NAN)]) == 1
    assert "nothing could be compared: the loss is not finite" in capsys.readouterr().out
    assert cli.main(["explain", str(RIGHT), "fc1.weight.grad[0,0]"]) == 0
    assert "fc1.grad[i,0]·x[i,0]" in capsys.readouterr().out


def test_a_file_says_nothing_of_the_machine_it_was_made_on():
    for path in (RIGHT, NAN):
        program, _ = recorded(path)
        assert {*program["files"]} == {"train.py"}
        assert {one["line"][0] for one in program["operations"] if one["line"]} == {"train.py"}
        assert b"/home" not in path.read_bytes()


def test_opening_needs_no_torch(tmp_path):
    code = (
        f"import sys; sys.modules['torch'] = None; from bpdebug.cli import main; assert main(['run', {str(NAN)!r}, '-x', 'continue']) == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)


def changed(tmp_path, change):
    """A copy of a recording with its text changed."""
    path = tmp_path / "bad.bpd"
    with ZipFile(RIGHT) as old, ZipFile(path, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "program.json":
                program = json.loads(content)
                change(program)
                content = json.dumps(program)
            new.writestr(name, content)
    return path


def of_value(place, part, value):
    return lambda program: program["values"][place].__setitem__(part, value)


def of_operation(key, value):
    return lambda program: program["operations"][3].__setitem__(key, value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda program: program.update(format=2), "format 2"),
        (lambda program: program.update(format="x"), "damaged"),
        (lambda program: program.pop("values"), "damaged"),
        (lambda program: program.update(roots=[10**9]), "damaged"),
        (lambda program: program.update(gradients=[[0, -1]]), "damaged"),
        (of_value(0, 1, [3, 3, 3]), "damaged"),
        (of_value(0, 1, [-1]), "damaged"),
        (of_value(1, 0, "loss"), "damaged"),
        (of_operation("outs", [10**6]), "damaged"),
        (of_operation("phase", "later"), "damaged"),
        (of_operation("forward", 99), "damaged"),
        (of_operation("arguments", [{"t": 1.5}]), "damaged"),
        (of_operation("line", ["train.py"]), "damaged"),
        (lambda program: program.update(operations=[]), "no operation"),
    ],
)
def test_a_damaged_recording_is_refused(tmp_path, change, said):
    with pytest.raises(BpdebugError, match=said):
        load_scenario(changed(tmp_path, change))


@pytest.mark.parametrize(
    "change",
    [
        of_operation("name", "aten.nosuch.default"),
        of_operation("arguments", [10**300, "x", None]),
        of_operation("arguments", []),
        of_operation("keywords", {"alpha": "__import__('os')"}),
        of_operation("slots", [7]),
        of_value(3, 0, "import os"),
        lambda program: program["files"].update({"\x1b[2Jx": "\x1b[2J"}),
        lambda program: [one.update(live=[]) for one in program["operations"]],
    ],
)
def test_what_is_odd_but_whole_opens_and_never_fails(tmp_path, change):
    session = Session(load_scenario(changed(tmp_path, change)))
    for command in ("list", "continue", "check"):
        assert "bpdebug itself" not in session.execute(command).text


def test_what_leads_through_an_unknown_operation_is_not_judged(tmp_path):
    with ZipFile(RIGHT) as archive:
        count = len(json.loads(archive.read("program.json"))["operations"])
    for place in range(count):
        path = changed(tmp_path, lambda program, place=place: program["operations"][place].update(name="aten.nosuch.default"))
        report = Session(load_scenario(path)).execute("check").data
        assert report["culprit"] is None, (place, report["culprit"])


def test_what_lies_before_a_layer_norm_is_judged():
    report = Session(load_scenario(GPT)).execute("check").data
    judged = {one["name"] for one in report["stages"] if one["status"] == "good"}
    program = load_scenario(GPT).ready()
    assert {program.gradients[name] for name in program.parameters} <= judged
    assert not any("not judged" in note for note in report["notes"])


def test_the_listing_is_the_tree_of_modules_and_of_the_users_own_lines():
    session = Session(load_scenario(GPT))
    rows = [line.strip("> *") for line in session.execute("list").text.split("\n")]
    assert len(rows) < 45
    titles = [row.removeprefix("+ ").partition(": ")[0] for row in rows]
    assert {"blocks", "blocks.0", "ln_f", "nn.utils.clip_grad_norm_(model.parameters(), 1.0)", "AdamW"} <= {*titles}
    loss = "return F.cross_entropy(logits.flatten(0, 1), targets.flatte…"
    assert titles.count(loss) == 2, "what is folded in the forward pass is in the backward pass, too"
    fold = {one["title"]: one["stages"] for one in session.execute("list").data["folds"]}
    assert fold["AdamW(tok.weight)"] == 9


def test_what_a_mask_makes_infinite_is_marked_nowhere():
    session = Session(load_scenario(GPT))
    session.execute("goto blocks.0.attn.weights")
    assert not any(line.lstrip("> ").startswith("!") for line in session.execute("list").text.split("\n"))
    view = session.view()
    assert not any(view.is_broken(name) for name in view.tensors)


def test_health_is_told_module_by_module():
    session = Session(load_scenario(GPT))
    session.execute("goto update 1")
    layers = {one["name"]: one for one in session.execute("health").data["layers"]}
    assert [*layers][:3] == ["tok.weight", "pos.weight", "blocks.0.ln_1.weight"]
    block = layers["blocks.0.mlp.0.weight"]
    assert block["activation"] == "gelu"
    arrays = recorded(GPT)[1]
    np.testing.assert_allclose(block["gradient"], np.linalg.norm(arrays["blocks.0.mlp.0.weight.grad"]), rtol=1e-6)


def with_array(tmp_path, name, change):
    """A copy of a recording in which a tensor has other numbers."""
    path = tmp_path / "other.bpd"
    with ZipFile(RIGHT) as old, ZipFile(path, "w", ZIP_DEFLATED) as new:
        names = [one[0] for one in json.loads(old.read("program.json"))["values"]]
        for file in old.namelist():
            content = old.read(file)
            if file == f"v{names.index(name)}.npy":
                stream = io.BytesIO()
                np.save(stream, change(np.load(io.BytesIO(content))))
                content = stream.getvalue()
            new.writestr(file, content)
    return path


def test_two_recordings_of_one_step_agree(capsys):
    assert cli.main(["compare", str(GPT), str(GPT)]) == 0
    assert "every number agrees" in capsys.readouterr().out


def test_the_first_stage_that_computes_something_else_is_named(tmp_path, capsys):
    other = with_array(tmp_path, "unit", lambda unit: unit * np.float32(1.01))
    assert cli.main(["compare", str(RIGHT), str(other)]) == 1
    said = capsys.readouterr().out
    assert said.startswith("train.py:14: OFF unit = h / norm")
    assert "first off stage: unit = h / norm" in said
    assert "in the other recording no formula gives it, train.py:14" in said


def test_a_step_that_was_given_other_numbers_follows_them(tmp_path, capsys):
    assert cli.main(["compare", str(GPT), str(GPT_NAN)]) == 1
    said = capsys.readouterr().out
    assert "note: given other numbers: " in said
    assert "first stage that differs: pad = rows[:, :-1] == 0: relative error 1" in said
    assert "OFF" not in said
    arrays = tmp_path / "mine.npz"
    np.savez(arrays, h=np.zeros(3))
    assert cli.main(["compare", str(RIGHT), str(arrays)]) != 0
    assert cli.main(["compare", "xor", str(RIGHT)]) != 0
    assert "a recording is compared with" in capsys.readouterr().err


def test_other_files_are_no_recordings(tmp_path):
    empty, text, other = tmp_path / "a.bpd", tmp_path / "b.bpd", tmp_path / "c.bpd"
    empty.write_bytes(b"")
    text.write_text("network: {}")
    np.savez(tmp_path / "c.npz", v0=np.zeros(2))
    shutil.move(tmp_path / "c.npz", other)
    for path in (empty, text, other, tmp_path / "missing.bpd"):
        with pytest.raises(BpdebugError, match=r"recording|no such file"):
            load_scenario(path)
    pickled = tmp_path / "d.bpd"
    with ZipFile(RIGHT) as old, ZipFile(pickled, "w") as new:
        new.writestr("program.json", old.read("program.json"))
        stream = io.BytesIO()
        np.save(stream, np.array([{}], object), allow_pickle=True)
        new.writestr("v0.npy", stream.getvalue())
    with pytest.raises(BpdebugError, match="recording"):
        load_scenario(pickled)


def test_recording_without_torch_says_what_to_do(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "train.py").write_text("")
    assert cli.main(["record", "-o", str(tmp_path / "a.bpd"), str(tmp_path / "train.py")]) == 2
    assert "pip install 'bpdebug[torch]'" in capsys.readouterr().err
    assert cli.main(["record", "--step", "2", "--until-nan", "-o", "a.bpd", "train.py"]) == 2
    assert cli.main(["record", "-o", "a.txt", "train.py"]) == 2
    assert cli.main(["record", "-o", "a.bpd", "nosuch.py"]) == 2


def test_a_step_back_from_the_end_computes_nothing(monkeypatch):
    session = Session(load_scenario(RIGHT))
    session.execute("goto end")
    names = [stage.name for stage in session.program.stages]
    monkeypatch.setattr(Machine, "_execute", lambda *_: pytest.fail("a stage was computed"))
    session.execute("back")
    assert session.position.stage == names[-2]
    session.execute("goto loss")
    assert session.position.stage == "loss"


def test_what_an_edit_does_not_reach_keeps_the_recorded_bits_and_what_it_reaches_does_not():
    session, other = Session(load_scenario(RIGHT)), Session(load_scenario(RIGHT))
    session.execute("goto fc2.grad")
    session.execute("set fc2.grad[0,0] = 100")
    session.execute("goto end")
    session.execute("back")
    session.execute("back")
    for one in (session, other):
        one.execute("goto h.grad")
    assert (session.value("unit") == other.value("unit")).all()
    assert (session.value("h.grad") != other.value("h.grad")).any()
    session.execute("undo")
    session.execute("goto h.grad")
    assert (session.value("h.grad") == other.value("h.grad")).all()


def test_the_listing_says_which_formulas_give_torchs_numbers(tmp_path):
    session = Session(load_scenario(changed(tmp_path, lambda program: program["values"][0].__setitem__(4, False))))
    shown = session.execute("list").text
    assert " ≈  " in shown
    assert "≠" not in shown
    path = tmp_path / "wrong.bpd"
    with ZipFile(RIGHT) as old, ZipFile(path, "w") as new:
        program = json.loads(old.read("program.json"))
        place = next(place for place, value in enumerate(program["values"]) if value[0] == "unit")
        for name in old.namelist():
            array = np.load(io.BytesIO(old.read(name))) if name == f"v{place}.npy" else None
            if array is None:
                new.writestr(name, old.read(name))
            else:
                with new.open(name, "w") as stream:
                    np.save(stream, array + np.float32(0.25))
    result = Session(load_scenario(path)).execute("list")
    assert "recorded: ≠ 0.25" in next(line for line in result.text.split("\n") if "unit = h / norm" in line)
    assert {one["name"]: one.get("recorded") for one in result.data["stages"]}["unit"] == "≠ 0.25"
