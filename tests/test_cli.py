from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bpdebug import cli, subcommands
from bpdebug.frontends import shipped
from bpdebug.overview import USAGES
from bpdebug.session.session import Session

ROOT = Path(__file__).parent.parent
XOR = str(ROOT / "scenarios" / "xor.yaml")


@pytest.fixture
def run(capsys):
    """The program in this process: its exit status, standard output and standard error."""

    def run(*arguments):
        status = cli.main(list(arguments))
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(Path(XOR).read_text("utf-8").replace("learning_rate", "learing_rate").replace("units: 4", "units: four"), "utf-8")
    return str(path)


def test_text_answers_come_in_the_order_of_the_commands(run, tmp_path):
    script = tmp_path / "two.bp"
    script.write_text("# comment\n\n  print learning_rate\n\nwhere\n", "utf-8")
    status, output, errors = run("run", XOR, "-x", "step", "--script", str(script), "-x", "print m")
    assert (status, errors) == (0, "")
    assert output.splitlines() == [
        "update 0/1000, stage 1/17: forward, layer 1: z1 = x @ W1 + b1",
        "learning_rate = 0.1",
        "update 0/1000, stage 1/17: forward, layer 1: z1 = x @ W1 + b1",
        "epoch 0, batch 1/1, t = 1",
        "m = 4",
    ]


def test_without_commands_a_run_says_where_it_is(run):
    assert run("run", "xor") == run("run", "xor", "-x", "where")


def test_quit_ends_a_run(run):
    assert run("run", "xor", "-x", "quit", "-x", "nonsense") == (0, "", "")


def test_a_failed_command_ends_a_run_with_its_place(run):
    status, output, errors = run("run", "xor", "-x", "step", "-x", "stpe", "-x", "step")
    assert (status, output.count("\n")) == (1, 1)
    assert errors.startswith("-x 2: \"stpe\": there is no command 'stpe'; did you mean 'step'?")


WRONG, RIGHT = "formula dz1 = da1 * z1 * (1 - z1)", "formula dz1 = da1 * a1 * (1 - a1)"


@pytest.fixture
def arrays(run, tmp_path):
    """Files with the numbers of XOR's first update: the right ones, and some with one wrong stage."""
    right, wrong = tmp_path / "right.npz", tmp_path / "wrong.npz"
    run("export", "xor", "-o", str(right))
    run("run", "xor", "-x", WRONG, "-x", f"export {wrong}")
    return {"RIGHT": str(right), "WRONG": str(wrong)}


@pytest.mark.parametrize(
    ("commands", "status"),
    [
        (["check"], 0),
        (["compare RIGHT"], 0),
        (["check slope"], 0),
        ([WRONG, "check"], 1),
        ([WRONG, "check dW1"], 1),
        ([WRONG, "check slope"], 1),
        ([WRONG, "check", RIGHT, "check"], 1),
        (["compare WRONG"], 1),
        (["compare WRONG", "compare RIGHT"], 1),
        (["set W1[0,0] = nan", "check"], 1),
        (["formula loss = 0 * sum(y)", "check"], 1),
        (["break da1 if 1 > 0", f"commands 1 {WRONG}; check; step", "until 3:dW1", "where"], 1),
        (["break da1 if 1 > 0", "commands 1 print nothing", "until 3:dW1", "where"], 1),
        (["break da1 if 1 > 0", "commands 1 check; step", "until 3:dW1", "where"], 0),
    ],
)
def test_a_run_in_which_something_is_found_wrong_ends_with_1_and_is_carried_out_to_its_end(run, arrays, commands, status, tmp_path):
    texts = [" ".join(arrays.get(word, word) for word in command.split()) for command in [*commands, "where"]]
    found, output, errors = run("run", "xor", *(word for text in texts for word in ("-x", text)))
    assert (found, errors) == (status, "")
    assert output.splitlines()[-1].startswith("epoch ")
    script, outer = tmp_path / "script.bp", tmp_path / "outer.bp"
    script.write_text("\n".join(texts), "utf-8")
    outer.write_text(f"source {script}\nwhere\n", "utf-8")
    assert run("run", "xor", "--script", str(script))[0] == run("run", "xor", "-x", f"source {outer}")[0] == status


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("print a3", "column 7: unknown name 'a3'"),
        ("  print   W1 + wW1", "column 14: unknown name 'wW1'"),
        ("print (W1", "column 7: '(' was never closed"),
        ("print a2", "a2 is not computed yet in update 0"),
        ("step x", "a count from 1 is expected; found 'x'"),
    ],
)
def test_a_formula_that_fails_knows_its_column(run, command, message):
    status, _, errors = run("run", "xor", "-x", command)
    assert status == 1
    assert errors.startswith(f'-x 1: "{command.strip()}": {message}')


def test_a_failed_line_of_a_script_names_file_line_and_column(run, tmp_path):
    script = tmp_path / "wrong.bp"
    script.write_bytes("\ufeff# ein Kommentar\r\nstep\r\n   print W1 + W9\r\nstep\r\n".encode())
    status, output, errors = run("run", "xor", "--script", str(script))
    assert (status, output.count("\n")) == (1, 1)
    assert errors.startswith(f"{script}:3:15: unknown name 'W9'")
    script.write_text("step\n  goto nowhere", "utf-8")
    assert run("run", "xor", "--script", str(script))[2].startswith(f"{script}:2:3: there is no location 'nowhere'")


def test_a_failed_command_is_a_json_line_too(run):
    status, output, errors = run("run", "xor", "-x", "step", "-x", "print a3", "-x", "step", "--json")
    lines = [json.loads(line) for line in output.splitlines()]
    assert status == 1
    assert [line["type"] for line in lines] == ["stop", "error"]
    assert lines[1]["command"] == "print a3"
    assert "unknown name 'a3'" in lines[1]["message"]
    assert lines[1]["t"] == 1
    assert errors.startswith("-x 2:")


def test_a_script_that_cannot_be_read_is_told_before_anything_runs(run, tmp_path):
    status, output, errors = run("run", "xor", "-x", "step", "--script", str(tmp_path / "none"))
    assert (status, output) == (2, "")
    assert errors == f"bpdebug: {tmp_path / 'none'}: there is no such file\n"
    (tmp_path / "binary").write_bytes(b"step\n\xff\xfe")
    assert "binary:2: expected UTF-8 text; found the byte 0xff" in run("run", "xor", "--script", str(tmp_path / "binary"))[2]
    assert run("run", "xor", "--script", str(tmp_path))[0] == 2


def test_a_script_from_standard_input(run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("step\nprint nothing\n"))
    status, output, errors = run("run", "xor", "--script", "-")
    assert (status, output.count("\n")) == (1, 1)
    assert errors.startswith("standard input:2:7: unknown name 'nothing'")


def test_explain_shows_a_cell_as_soon_as_it_is_computed(run):
    status, output, errors = run("explain", "xor", "dW2[0,0]")
    assert (status, errors) == (0, "")
    lines = output.splitlines()
    assert lines[0] == "dW2[0,0] = Σᵢ a1[i,0]·dz2[i,0]"
    assert lines[2].strip() == "= 0.73757"
    assert run("explain", "xor", "dW2[0,0]", "--at", "0:W2")[1] == output
    assert run("explain", "xor", "dW2[0,0]", "--at", "1:dW2")[1] != output


def test_explain_of_what_is_given_needs_no_moment(run):
    assert run("explain", "xor", "x[1,1]")[1] == "x[1,1] = 1\nGiven: input 1 (x2) of sample 1 of the data.\n"


def test_explain_as_json(run):
    status, output, _ = run("explain", "xor", "db2[0,0]", "--at", "40:db2", "--json")
    answer = json.loads(output)
    assert status == 0
    assert (answer["command"], answer["type"], answer["t"]) == ("explain db2[0,0]", "explanation", 40 * 17 + 9)
    assert (answer["name"], answer["index"]) == ("db2", [0, 0])
    assert sorted(operand["index"] for operand in answer["operands"]) == [[row, 0] for row in range(4)]
    assert {operand["name"] for operand in answer["operands"]} == {"dz2"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dW9[0,0]"], "there is no tensor 'dW9'; did you mean 'dW"),
        (["dW2[9,0]"], "dW2[9,0] is outside dW2, which is 4×1"),
        (["dW2 0"], "a cell such as dW2[1,0] is expected; found 'dW2 0'"),
        (["dW2[0,0]", "--at", "0:a1"], "dW2 is not computed yet in update 0"),
        (["dW2[0,0]", "--at", "dw2"], "there is no location 'dw2'; did you mean 'dW2'?"),
    ],
)
def test_what_cannot_be_explained_is_bad_usage(run, arguments, message):
    status, output, errors = run("explain", "xor", *arguments)
    assert (status, output) == (2, "")
    assert errors.startswith(f"bpdebug: {message}")


def test_the_list_of_shipped_scenarios_has_a_line_for_each(run):
    status, output, errors = run("--list")
    assert (status, errors) == (0, "")
    assert [line.split()[0] for line in output.splitlines()] == [entry.name for entry in shipped()]
    assert all(entry.title in line for entry, line in zip(shipped(), output.splitlines(), strict=True))


def test_the_schema_is_json(run):
    status, output, _ = run("schema")
    assert status == 0
    written, layered = json.loads(output)["anyOf"]
    assert "program" in written["properties"] and "network" in layered["properties"]


def test_the_help_fits_a_small_screen(run):
    for option in ("--help", "-h"):
        status, output, _ = run(option)
        assert status == 0
        assert len(output.splitlines()) <= 24
        assert max(map(len, output.splitlines())) <= 80
    assert subcommands.SUBCOMMANDS.keys() == USAGES.keys()
    for subcommand in subcommands.SUBCOMMANDS:
        assert f"\n  {subcommand} " in output
        status, own, _ = run(subcommand, "--help")
        assert status == 0
        assert own.startswith(f"usage: bpdebug {subcommand}")


def test_the_version(run):
    status, output, _ = run("--version")
    assert status == 0
    assert output.startswith("bpdebug ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["xro"], "there is no scenario or command 'xro'; did you mean 'xor'?"),
        (["rnu", "xor"], "there is no scenario or command 'rnu'; did you mean 'run'?"),
        (["explian", "xor", "x[0,0]"], "did you mean 'explain'?"),
        (["xor", "-x", "step"], "-x belongs to a run without a screen: bpdebug run xor -x step"),
        (["xor", "iris"], "found more than a scenario: iris"),
        (["nosuch.yaml"], "nosuch.yaml: there is no such file"),
        (["./run"], "./run: there is no such file"),
        (["run"], "the following arguments are required: SCENARIO"),
        (["run", "xro"], "did you mean the shipped scenario 'xor'?"),
        (["run", "xor", "--jsno"], "unrecognized arguments: --jsno"),
        (["run", "xor", "-x"], "argument -x: expected one argument"),
        (["explain", "xor"], "the following arguments are required: CELL"),
        (["run", "."], "this is a directory"),
        (["run", "x" * 5000], "x"),
        (["run", "a\0b"], "there is no such file"),
    ],
)
def test_bad_usage_ends_with_2_and_a_remedy(run, arguments, message):
    status, output, errors = run(*arguments)
    assert (status, output) == (2, "")
    assert message in errors
    assert "Traceback" not in errors


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def app(monkeypatch):
    """A stand-in for the app, which notes what it is given."""
    opened = []
    module = type(sys)("bpdebug.ui.app")
    module.run_app = lambda session, fresh, settings: opened.append((session and session.program.scenario, settings.wrong)) or 0
    monkeypatch.setitem(sys.modules, "bpdebug.ui.app", module)
    return opened


def test_on_a_terminal_the_app_opens(app, monkeypatch):
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stdout" if sys.platform == "win32" else "sys.stderr", Terminal())
    assert cli.main(["xor"]) == 0
    assert cli.main([]) == 0
    (scenario, _), chooser = app
    assert Session(scenario).program.index["dW2"] == 7
    assert chooser == (None, "")


def test_a_broken_scenario_is_told_before_the_app_opens(app, monkeypatch, broken):
    errors = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stderr", errors)
    assert cli.main([broken]) == 2
    assert errors.getvalue().startswith(f"{broken}:")
    assert app == []


@pytest.mark.parametrize("missing", ["stdin", "stdout" if sys.platform == "win32" else "stderr"])
@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_each_stream_that_the_screen_needs_must_be_a_terminal(app, monkeypatch, missing, stream):
    for name in ("stdin", "stdout" if sys.platform == "win32" else "stderr"):
        monkeypatch.setattr(f"sys.{name}", stream if name == missing else Terminal())
    assert cli.main(["xor"]) == 2
    assert app == []


def test_without_a_terminal_and_a_scenario_the_shipped_ones_are_listed(run, app):
    status, output, errors = run()
    assert (status, output) == (2, "")
    assert "bpdebug run xor" in errors
    assert all(entry.title in errors for entry in shipped())


def test_a_file_named_like_a_command_is_given_with_its_folder(tmp_path, monkeypatch, run):
    (tmp_path / "run").write_text(Path(XOR).read_text("utf-8"), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert "bpdebug run ./run -x" in run("./run")[2]
    assert run("run", "run")[0] == 0


def test_an_error_of_the_system_is_a_line(run, monkeypatch):
    def fail(asked):
        raise PermissionError(13, "Permission denied", asked.source)

    monkeypatch.setattr(subcommands, "opened", fail)
    assert run("run", "secret.yaml") == (2, "", "bpdebug: [Errno 13] Permission denied: 'secret.yaml'\n")


def test_the_users_settings_are_applied_and_their_mistakes_told(app, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stdout" if sys.platform == "win32" else "sys.stderr", Terminal())
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "bpdebug").mkdir()
    (tmp_path / "bpdebug" / "settings.yaml").write_text("them: dark", "utf-8")
    assert cli.main(["xor"]) == 0
    (tmp_path / "bpdebug" / "settings.yaml").write_text("theme: bpdebug-contrast", "utf-8")
    assert cli.main(["xor"]) == 0
    assert ["settings.yaml:1:1: unknown key 'them'" in wrong for _, wrong in app] == [True, False]


@pytest.mark.parametrize("error", [MemoryError(), MemoryError("Unable to allocate 3 GiB"), OSError(28, "No space left on device")])
def test_what_the_machine_cannot_do_is_said_in_words(error, monkeypatch, run):
    def fail(arguments):
        raise error

    monkeypatch.setattr(cli, "_carry_out", fail)
    status = 1 if isinstance(error, OSError) else 2
    assert run("xor") == (status, "", f"bpdebug: {str(error) or 'out of memory'}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_for_a_shell_knows_commands_and_scenarios(shell, capsys):
    assert cli.main(["--print-completion", shell]) == 0
    written = capsys.readouterr().out
    assert all(word in written for word in ("screenshot", "compare", "deep_sigmoid"))


def test_the_tour_opens_the_app_on_a_terminal_only(app, monkeypatch, capsys):
    assert cli.main(["tour"]) == 2
    assert "bpdebug run xor -x tour" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stdout" if sys.platform == "win32" else "sys.stderr", Terminal())
    assert cli.main(["tour"]) == 0
    assert len(app) == 1


def test_strictly_what_was_not_judged_is_a_failure(run, tmp_path):
    mine, part = str(tmp_path / "mine.npz"), str(tmp_path / "part.npz")
    run("run", "xor", "-x", f"export {mine}")
    arrays = dict(np.load(mine))
    np.savez(part, **{name: arrays[name] for name in ("x", "y", "z1", "a1")})
    status, told, _ = run("compare", "xor", part)
    assert status == 0
    assert told.splitlines()[-1].startswith("not judged: z2 a2 loss ")
    assert run("compare", "xor", part, "--strict")[0] == 1
    assert run("run", "xor", "--strict", "-x", f"compare {part}")[0] == 1
    assert run("check", "xor", "--strict")[0] == 0
