"""The process of a script: it ends with the debugger, ctrl+c stops it, and it reads nothing from the terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bpdebug.core.errors import BpdebugError
from bpdebug.frontends.numpy_script.script import load_script

HANGING = """
import os, subprocess, time
import numpy as np
rng = np.random.default_rng(0)
X, W = rng.normal(size=(8, 2)), np.zeros((2, 1))
y = X @ np.array([[1.0], [2.0]])
helper = subprocess.Popen(["sleep", "60"])
for step in range(9):
    p = X @ W
    loss = np.mean((p - y) ** 2)
    dW = 2 * X.T @ (p - y) / len(X)
    W -= 0.1 * dW
with open("pids.part", "w") as file:
    file.write(f"{os.getpid()} {helper.pid}")
os.replace("pids.part", "pids")
HANG
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def wait_until(holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    assert holds()


def lives(number):
    """Whether a process runs; one that has ended and that nobody has asked after does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def started(hang):
    """The debugger on a script that hangs, and the processes of the script."""
    Path("hanging.py").write_text(HANGING.replace("HANG", hang), "utf-8")
    command = [sys.executable, "-m", "bpdebug", "run", "hanging.py", "-x", "list"]
    debugger = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(Path("pids").is_file)
    return debugger, [*map(int, Path("pids").read_text("utf-8").split())]


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks at processes as Linux shows them")
@pytest.mark.parametrize("hang", ["time.sleep(60)", pytest.param("pow(3, 10**9)", marks=pytest.mark.long)])
def test_a_script_and_what_it_has_started_end_when_the_debugger_is_killed(hang):
    debugger, processes = started(hang)
    assert all(map(lives, processes))
    os.kill(debugger.pid, signal.SIGKILL)
    debugger.communicate()
    wait_until(lambda: not any(map(lives, processes)))


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks at processes as Linux shows them")
def test_ctrl_c_stops_the_script_and_keeps_what_was_recorded():
    debugger, processes = started("time.sleep(60)")
    debugger.send_signal(signal.SIGINT)
    out, told = debugger.communicate(timeout=30)
    assert debugger.returncode == 0
    assert "dW = 2 * X.T @ (p - y) / 8   # hanging.py:11" in out
    assert "ctrl+c stops it" in told
    assert "9 updates are kept; the script was stopped at hanging.py:16" in told
    assert "Traceback" not in told
    wait_until(lambda: not any(map(lives, processes)))


def test_the_standard_input_of_a_script_is_at_its_end():
    Path("asks.py").write_text("rate = float(input('rate? '))\n", "utf-8")
    with pytest.raises(BpdebugError, match="EOFError: EOF when reading a line"):
        load_script("asks.py", [], 3)
