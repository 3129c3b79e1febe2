"""Which modules are the user's own: those of his project and of paths that his script adds, nothing that is installed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bpdebug.frontends.numpy_script.script import load_script
from bpdebug.recorder.modules import Finder, root_of
from bpdebug.session.session import Session

SCRIPTS = Path(__file__).parents[1] / "cases" / "scripts"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A folder with modules in many places; the script's folder is ``work/train``."""
    places = (
        "work/train work work/src work/train/deep elsewhere env/lib/python3/site-packages work/.venv/lib/site-packages work/dist-packages"
    )
    for number, place in enumerate(places.split()):
        folder = tmp_path / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"module{number}.py").write_text("x = 1\n", "utf-8")
    monkeypatch.chdir(tmp_path / "work" / "train")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "work" / "train"), *sys.path])
    return tmp_path


def is_his(finder, name):
    """Whether a module is loaded with hooks."""
    spec = finder.find_spec(name)
    return spec is not None and type(spec.loader).__module__ == "bpdebug.recorder.modules"


def finder_of(project):
    return Finder(SimpleNamespace(files={}, sites=[]), project / "work" / "train")


@pytest.mark.parametrize("mark", ["pyproject.toml", "setup.py", ".git"])
def test_the_root_of_a_project_is_the_nearest_folder_with_a_sign_of_one(project, mark):
    deep = project / "work" / "train" / "deep"
    assert root_of(deep) == deep.parent, "without a sign, the folder above"
    (project / mark).mkdir()
    assert root_of(deep) == project
    (project / "work" / mark).mkdir()
    assert root_of(deep) == project / "work"


@pytest.mark.parametrize(
    ("added", "module", "his"),
    [
        ("", "module0", True),
        ("..", "module1", True),
        ("../src", "module2", True),
        ("deep", "module3", True),
        ("../../elsewhere", "module4", True),  # the script itself has added that path
        ("../../env/lib/python3/site-packages", "module5", False),
        ("../.venv/lib/site-packages", "module6", False),
        ("../dist-packages", "module7", False),
        ("", "argparse", False),
        ("", "numpy", False),
        ("", "json", False),
    ],
)
def test_modules_of_the_project_and_of_added_paths_are_his(project, monkeypatch, added, module, his):
    (project / "work" / "pyproject.toml").write_text("", "utf-8")
    finder = finder_of(project)
    monkeypatch.setattr(sys, "path", [*sys.path, *[added] * bool(added)])
    assert is_his(finder, module) is his


def test_a_path_that_was_there_before_is_his_within_the_project_only(project, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(project / "elsewhere"), str(project / "work" / "src")])
    finder = finder_of(project)
    assert not is_his(finder, "module4")
    assert is_his(finder, "module2"), "the folder above the script's own is the project, where nothing says otherwise"


def test_an_environment_in_the_project_is_installed(project, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(project / "work" / "src"))
    monkeypatch.setattr(sys, "path", [*sys.path, "../src"])
    assert not is_his(finder_of(project), "module2")


def test_nothing_that_is_rewritten_is_cached(project, monkeypatch):
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    text = (SCRIPTS / "lists.py").read_text("utf-8").replace("1000", "5")
    begin, end = text.index("def sigmoid(z)"), text.index("for epoch")
    (project / "work" / "net.py").write_text("import numpy as np\n\n\n" + text[begin:end], "utf-8")
    Path("train.py").write_text("import sys\nsys.path.append('..')\nfrom net import *\n" + text[:begin] + text[end:], "utf-8")
    session = Session(load_script("train.py", [], 3))
    assert any("../net.py:" in f"{stage.line} {stage.beside}" for stage in session.program.stages)
    assert not [*project.rglob("__pycache__")]
