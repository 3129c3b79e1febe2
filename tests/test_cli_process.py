from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from turns import by_day

ROOT = Path(__file__).parent.parent
XOR = str(ROOT / "scenarios" / "xor.yaml")
A2 = [0.06192353, 0.93050246, 0.94005384, 0.08835896]


def bpdebug(*arguments, **options):
    """The program in a process of its own, without a terminal."""
    command = [sys.executable, "-m", "bpdebug", *arguments]
    usual = {"cwd": ROOT, "capture_output": True, "stdin": subprocess.DEVNULL, "text": True, "encoding": "utf-8", "timeout": 60}
    return subprocess.run(command, check=False, **(usual | options))


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(Path(XOR).read_text("utf-8").replace("learning_rate", "learing_rate").replace("units: 4", "units: four"), "utf-8")
    return str(path)


def test_the_tutorials_prediction():
    done = bpdebug("run", "scenarios/xor.yaml", "-x", "goto 999:a2", "-x", "print a2", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    moved, printed = map(json.loads, done.stdout.splitlines())
    assert (moved["type"], moved["stage"], moved["t"]) == ("stop", "a2", 999 * 17 + 4)
    common = {"command": "print a2", "t": 999 * 17 + 4, "update": 999, "stage": "a2", "type": "value", "name": "a2", "shape": [4, 1]}
    assert {key: printed[key] for key in common} == common
    assert [round(row[0], 8) for row in printed["value"]] == A2


def test_a_broken_scenario_names_every_place_and_shows_no_traceback(broken):
    done = bpdebug("run", broken)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{broken}:") for line in lines)
    assert "did you mean 'learning_rate'?" in done.stderr


def test_without_a_terminal_the_app_says_so_at_once():
    done = bpdebug("xor")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not a terminal" in done.stderr
    assert "bpdebug run xor -x" in done.stderr


def test_commands_from_standard_input_are_answered_as_they_come():
    command = [sys.executable, "-m", "bpdebug", "run", "xor", "--script", "-", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        process.stdin.write("step\n")
        assert json.loads(process.stdout.readline())["stage"] == "z1"
        process.stdin.write("step\n")
        assert json.loads(process.stdout.readline())["stage"] == "a1"
        process.stdin.write("quit\nstep\n")
        process.stdin.close()
        assert json.loads(process.stdout.readline())["type"] == "quit"
        assert process.stdout.read() == ""
    assert process.returncode == 0


def test_a_reader_who_leaves_is_no_error():
    command = f"{sys.executable} -m bpdebug run xor {'-x help ' * 300} | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_full_disk_is_told_in_a_line():
    with Path("/dev/full").open("w") as full:
        done = bpdebug("run", "xor", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "No space left" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_a_long_run_with_130(tmp_path):
    endless = tmp_path / "endless.yaml"
    endless.write_text(Path(XOR).read_text("utf-8").replace("epochs: 1000", "epochs: 100000000"), "utf-8")
    command = [sys.executable, "-m", "bpdebug", "run", str(endless), "-x", "where", "-x", "continue"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("update 0/")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, errors) == (130, "interrupted\n")


def test_any_encoding_of_the_terminal_will_do():
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = bpdebug("explain", "xor", "dW2[0,0]", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("dW2[0,0] = \\u03a3")
    done = bpdebug("explain", "xor", "dW2[0,0]", "--json", env=environment)
    assert json.loads(done.stdout)["symbolic"].startswith("Σ")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("name", by_day(["SIGINT", "SIGTERM"], 2))
def test_the_last_line_of_an_interrupted_run_is_whole(name):
    command = [sys.executable, "-m", "bpdebug", "run", "xor", *(["-x", "help"] * 400), "--json"]
    for moment in range(4):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            lines = [process.stdout.readline() for _ in range(1 + 10 * moment)]
            process.send_signal(getattr(signal, name))
            out, errors = process.stdout.read(), process.stderr.read()
        assert (process.returncode, errors) == (128 + getattr(signal, name), b"interrupted\n")
        assert (b"".join(lines) + out).endswith(b"\n")
        assert all(json.loads(line) for line in (*lines, *out.splitlines()))
