"""What is no training, or breaks off: one clear answer each, the right status, and no traceback of ours."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bpdebug.frontends.numpy_script.lost import lost_steps

TRAINING = (Path(__file__).parents[1] / "cases" / "scripts" / "lists.py").read_text("utf-8")


def changed(old, new):
    assert old in TRAINING
    return TRAINING.replace(old, new, 1)


def encoded():
    return ("# -*- coding: latin-1 -*-\nname = 'é'\nassert len(name) == 1\n" + TRAINING).encode("latin-1")


LOOP = "for epoch in range(1000):\n"
"""The training's loop."""
CASES = {
    # what the file holds (None: there is none), status, and what is said of it
    "gone.py": (None, 2, "gone.py: the file does not exist"),
    "folder.py/": (None, 2, "folder.py: expected a script; this is a directory"),
    "notes.txt": ("hello", 2, "notes.txt:1"),
    "empty.py": ("", 1, "no loop was found"),
    "noloop.py": ("import numpy as np\nprint(np.ones(3) @ np.ones(3))\n", 1, "no loop was found"),
    "rebound.py": (
        "import numpy as np\nparams, x = [np.ones(3)], np.arange(3.0)\nfor step in range(9):\n    for p in params:\n"
        "        p = p - 0.1 * 2 * x * (p @ x)\n",
        1,
        "rebound.py:5: 'p = p - 0.1 * 2 * x * (p @ x)' makes p the name of another array, and what it is taken from stays as it was",
    ),
    "given.py": (
        "import numpy as np\nw = np.ones(3)\ndef step(w, g):\n    w = w - 0.1 * g\nfor n in range(9):\n    step(w, 2 * w)\n",
        1,
        "given.py:4: 'w = w - 0.1 * g' makes w the name of another array, and the caller's stays as it was; 'w -= …'",
    ),
    "sign.py": (
        "import numpy as np\nparams = [np.ones(3)]\nfor n in range(9):\n    for p in params:\n        p =- 0.1 * p\n",
        1,
        "sign.py:5: 'p =- 0.1 * p' keeps nothing of the old p; 'p -= …' would be a step",
    ),
    "asks.py": ("x = float(input('rate? '))\n", 1, "EOFError: EOF when reading a line"),
    "leaves.py": ("import sys\nsys.exit(3)\n", 1, "no loop was found"),
    "drops.py": ("import os\nos._exit(4)\n", 1, "ended with status 4, and nothing was recorded"),
    "deep.py": ("def f(n):\n    return f(n + 1)\n\n\nf(0)\n", 1, "RecursionError: maximum recursion depth exceeded"),
    "bad.py": ("x = = 3\n", 2, 'bad.py", line 1\n    x = = 3\n        ^\nSyntaxError: invalid syntax'),
    "indent.py": ("if 1:\nx = 1\n", 2, "IndentationError: expected an indented block after 'if' statement on line 1"),
    "bytes.py": (b"x = '\xff'\n", 2, "SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xff"),
    "null.py": (b"x = 1\0\n", 2, "source code string cannot contain null bytes"),
    "killed.py": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", 1, "ended with status -9, and nothing was recorded"),
    "latin.py": (encoded(), 0, "loop latin.py:23"),
    "bom.py": (b"\xef\xbb\xbf" + TRAINING.encode(), 0, "loop bom.py:20"),
    "windows.py": (TRAINING.replace("\n", "\r\n").encode(), 0, "loop windows.py:20"),
    "moves.py": (changed(LOOP, "import os\nos.makedirs('x')\nos.chdir('x')\n" + LOOP), 0, "loop moves.py:23"),
    "deletes.py": ("import os\nos.remove(__file__)\n" + TRAINING, 0, "loop deletes.py:22"),
    "forks.py": (changed(LOOP, "import os\nif os.fork() == 0:\n    os._exit(0)\nos.wait()\n" + LOOP), 0, "loop forks.py:24"),
    "exits.py": (changed("range(1000)", "range(3)") + "import sys\nsys.exit(3)\n", 0, "3 updates are kept"),
    "raises.py": (changed("range(1000)", "range(2)") + "1 / 0\n", 1, "ZeroDivisionError: division by zero"),
    "prints.py": (changed(LOOP, LOOP + "    print('x' * 1_000_000)\n"), 0, "loop prints.py:20"),
}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def checked(name, *more):
    return subprocess.run([sys.executable, "-m", "bpdebug", "check", name, *more], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (n % 3 > 0)) for n, name in enumerate(CASES)])
def test_a_broken_invocation_has_one_clear_answer(name):
    content, status, said = CASES[name]
    if name.endswith("/"):
        Path(name).mkdir()
    elif content is not None:
        Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    done = checked(name.rstrip("/"))
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr[-2000:]
    assert "bpdebug/recorder" not in done.stderr
    assert "bpdebug/frontends" not in done.stderr
    assert ("no derivative is wrong" in done.stdout) == (status == 0 or name == "raises.py")


def test_a_package_without_a_main_is_refused():
    Path("pkg").mkdir()
    Path("pkg/__init__.py").write_text("", "utf-8")
    assert checked("-m", "pkg").stderr.endswith("bpdebug: -m pkg: it is a package without a __main__\n")
    assert checked("pkg/__init__.py").returncode == 1


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_an_endless_loop_with_the_status_of_what_was_judged():
    Path("endless.py").write_text("print('now', flush=True)\nwhile True:\n    pass\n", "utf-8")
    with subprocess.Popen([sys.executable, "-m", "bpdebug", "check", "endless.py"], stderr=subprocess.PIPE, text=True) as process:
        while "now" not in process.stderr.readline():
            pass
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 1
    assert re.search(r"the script was stopped at endless\.py:[23], before anything was updated", rest)


def test_a_syntax_newer_than_the_python_that_runs_it_is_said_so():
    Path("old/bin").mkdir(parents=True)
    fake = "import runpy, sys\nsys.version_info = (3, 9, 0, '', 0)\nsys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], {}, '__main__')\n"
    Path("old/fake.py").write_text(fake, "utf-8")
    Path("old/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} {Path.cwd()}/old/fake.py "$@"\n', "utf-8")
    Path("old/bin/python").chmod(0o755)
    Path("train.py").write_text(TRAINING, "utf-8")
    done = checked("train.py", "--python", "old")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("is older than Python 3.10; --python PATH chooses another Python")


@pytest.mark.parametrize(
    "source",
    [
        "for p in params:\n    p -= 0.1\n",
        "for p in params:\n    p[...] = p - 0.1\n",
        "for p in params:\n    p = p - 0.1\n    new.append(p)\n",
        "for p in params:\n    while p > 1:\n        p = p - 1\n",
        "for p in params:\n    p = p - 0.1; new.append(p)\n",
        "def step(w, g):\n    w = w - 0.1 * g\n    return w\n",
        "def f(x, w):\n    x = x - w\n    return x ** 2\n",
        "w = -0.1 * g\nw =-1\nw = - g\n",
        "f(lr =- 1)\nfor p in (",
        "train(\n    rate =- 0.1,\n)\n",
        'def f():\n    """The typo\n    w =- lr * dw\n    is told."""\n',
    ],
)
def test_what_is_a_step_is_not_told_to_be_lost(source):
    assert lost_steps([("train.py", source)]) == []


def test_a_mistake_in_the_syntax_of_a_module_is_python_s_own_message_too():
    Path("parts.py").write_text("x = = 1\n", "utf-8")
    Path("train.py").write_text("import parts\n", "utf-8")
    done = checked("train.py")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "SyntaxError: invalid syntax"), done.stderr
    assert "parts.py" in done.stderr and "lost sys" not in done.stderr
