"""What a user sees: his own test file, run by pytest, and the file that a failure leaves."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bpdebug.testing import GradientError, Untold, check_backward

ROOT = Path(__file__).parent.parent.parent
LAYERS = """
import numpy as np


def affine_forward(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout / len(x), dout
"""
TESTS = """
import numpy as np
from bpdebug.testing import check_backward
from layers import affine_backward, affine_forward


def test_affine():
    x = np.random.default_rng(0).standard_normal((4, 3))
    w = np.random.default_rng(1).standard_normal((3, 2))
    check_backward(affine_forward, affine_backward, x, w, np.zeros(2))
"""
SEEN = """\
affine_backward: dw and db are wrong
  dw[0,0]: yours 0.23384152, by central differences 0.93536606; 6 of 6 cells are off
    probably the mean where the sum belongs: every cell is 0.25 times the right value, and 0.25 is 1/4: axis 0 of out has 4
    probably a sum left out: db is (4, 2) and should be (2,): sum over axis 0, and it is right
  right: dx
  saved: .bpdebug/affine_backward.npz (what went in, dout, dw, dw_right); to see it again:
    s = numpy.load(".bpdebug/affine_backward.npz")
    out, cache = affine_forward(s["x"], s["w"], s["b"])
    print(affine_backward(s["dout"], cache)[1] - s["dw_right"])"""


@pytest.fixture
def project(tmp_path):
    """A user's directory."""
    (tmp_path / "layers.py").write_text(LAYERS)
    (tmp_path / "test_layers.py").write_text(TESTS)
    return tmp_path


def test_a_test_file_that_fails(project):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_layers.py"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    seen = [line.removeprefix("E").strip() for line in done.stdout.splitlines() if line.startswith("E ")]
    assert seen[0].startswith("bpdebug.testing.GradientError: affine_backward: dw and db are wrong")
    expected = [line.strip() for line in SEEN.splitlines()]
    assert seen[2:] == expected[2:]
    assert seen[1].startswith("dw[")
    assert "by central differences" in seen[1]
    assert "site-packages/bpdebug" not in done.stdout
    assert "trust/own" not in done.stdout, "no line of ours between the user's and the message"
    assert (project / ".bpdebug" / ".gitignore").read_text() == "*\n"


def test_the_three_lines_show_it_again(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(project)
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=project, capture_output=True, check=False)
    lines = "\n".join(line.strip() for line in SEEN.splitlines()[-3:])
    done = subprocess.run(
        [sys.executable, "-c", f"import numpy\nfrom layers import *\n{lines}"], cwd=project, capture_output=True, text=True, check=True
    )
    with np.load(project / ".bpdebug" / "affine_backward.npz") as saved:
        assert set(saved) == {"x", "w", "b", "dout", "out", "dx", "dw", "db", "dw_right", "db_right"}
        assert str((saved["dw"] - saved["dw_right"])[0, 0])[:6] in done.stdout


def test_the_example_of_the_readme(tmp_path):
    section = (ROOT / "README.md").read_text("utf-8").partition("## In your own tests")[2].partition("\n## ")[0]
    code, shown = (part.split("```")[0] for part in (section.split("```python\n")[1], section.split("$ pytest\n")[1]))
    (tmp_path / "test_readme.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    seen = [line.removeprefix("E ").strip() for line in done.stdout.splitlines() if line.startswith("E ")]
    expected = [line.strip() for line in shown.strip().splitlines()]
    assert len(seen) == len(expected)
    for line, pattern in zip(seen, expected, strict=True):
        assert re.fullmatch(re.escape(pattern).replace("…", ".*"), line), f"{line}\n{pattern}"


def wrong(dout, x):
    return 2 * dout


def forward(x):
    return x.copy(), x


def test_where_it_is_saved_is_the_user_s_choice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.array([[0.5, 2.0]])
    for save, file in (("here", "here/wrong.npz"), ("mine.npz", "mine.npz"), (tmp_path / "deep" / "er", "deep/er/wrong.npz")):
        with pytest.raises(GradientError) as failure:
            check_backward(forward, wrong, x, save=save)
        assert (tmp_path / file).exists()
        assert file in str(failure.value)
    with pytest.raises(GradientError) as failure:
        check_backward(forward, wrong, x, save=None)
    assert "saved" not in str(failure.value)
    (tmp_path / "taken").write_text("")
    with pytest.raises(GradientError, match="could not be saved"):
        check_backward(forward, wrong, x, save=tmp_path / "taken" / "a.npz")


def test_what_is_right_is_told_in_a_few_lines():
    assert str(check_backward(forward, lambda dout, x: dout, np.ones((2, 2)))).endswith("dx ok")


def test_the_1_by_m_of_a_loss_in_all_parameters_is_a_convention_and_in_one_of_them_a_mistake():
    x, w, b = np.random.default_rng(0).standard_normal((4, 3)), np.ones((3, 2)), np.zeros(2)

    def affine(x, w, b):
        return x @ w + b, (x, w)

    def divided(dout, cache):
        x, w = cache
        return dout @ w.T, x.T @ dout / len(x), dout.mean(axis=0)

    with pytest.warns(Untold, match="as some courses have it"):
        judgement = check_backward(affine, divided, x, w, b, save=None)
    assert [finding.status for finding in judgement.findings] == ["good", "convention", "convention"]
    with pytest.raises(GradientError):
        check_backward(affine, divided, x, w, b, save=None, strict=True)
    with pytest.raises(GradientError, match="the mean where the sum belongs"):
        check_backward(affine, lambda dout, cache: (*divided(dout, cache)[:2], dout.sum(axis=0)), x, w, b, save=None)
