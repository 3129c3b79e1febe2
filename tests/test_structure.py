from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bpdebug"
FILES = sorted(PACKAGE.rglob("*.py"))
LAYERS = ("core", "time", "frontends", "look", "trust", "play", "export", "session", "ui")
"""From the ground up: each may import those before it."""
SCREEN = {"textual", "rich"}


def imported(path):
    """The modules that a file imports, anywhere in it; but for type checking only, too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(module):
    """The part of the package that a module belongs to, or "" for what stands above all parts or outside."""
    parts = module.split(".")
    return parts[1] if parts[0] == "bpdebug" and len(parts) > 1 and parts[1] in LAYERS else ""


@pytest.mark.parametrize("name", LAYERS)
def test_imports_run_one_way(name):
    below = ("", *LAYERS[: LAYERS.index(name) + 1])
    for path in (PACKAGE / name).rglob("*.py"):
        upwards = {layer(module) for module in imported(path) if module.startswith("bpdebug")} - set(below)
        assert not upwards, f"{path.relative_to(ROOT)} imports {upwards}"


def test_the_recorder_needs_nothing_of_the_rest():
    """It runs in the Python of the user's script, where only NumPy is."""
    for path in (PACKAGE / "recorder").glob("*.py"):
        roots = {module.split(".")[0] for module in imported(path)} - sys.stdlib_module_names
        ours = {module for module in imported(path) if module.startswith("bpdebug") and not module.startswith("bpdebug.recorder")}
        assert roots <= {"numpy", "bpdebug"}, path
        assert not ours, path


def module_of(path):
    """The dotted name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def circles(imports):
    """The modules that, by way of others, import themselves."""
    left = dict(imports)
    while True:  # what imports nothing that is left, or is imported by nothing that is left, is in no circle
        used = set().union(*left.values())
        ends = {name for name, others in left.items() if name not in used or not others & left.keys()}
        if not ends:
            return set(left)
        left = {name: others - ends for name, others in left.items() if name not in ends}


def test_no_imports_run_in_a_circle_not_even_for_a_type():
    known = {module_of(path) for path in FILES}
    imports = {module_of(path): {name for name in imported(path) if name in known and name != module_of(path)} for path in FILES}
    packages = {name for name in known if any(other.startswith(f"{name}.") for other in known)}
    for name, others in imports.items():  # `from package import module` needs the module, not what else the package imports
        imports[name] = {other for other in others if other not in packages or not any(x.startswith(f"{other}.") for x in others)}
    assert circles(imports) == set()
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == {"b", "c"}


def test_only_the_screen_imports_textual_and_rich():
    for path in FILES:
        if path.is_relative_to(PACKAGE / "ui"):
            continue
        for module in imported(path):
            assert module.split(".")[0] not in SCREEN, f"{path.relative_to(ROOT)} imports {module}"


def loaded_after(code):
    """The modules in a fresh process after it has run the code."""
    report = "import sys, json; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import bpdebug.core.program, bpdebug.session.session, bpdebug.frontends, bpdebug.dispatch, bpdebug.cli",
        "from bpdebug.cli import main; assert main(['run', 'xor', '-x', 'step', '-x', 'explain z1[0,0]']) == 0",
        "from bpdebug.cli import main; assert main(['nosuch.yaml']) == 2",
    ],
)
def test_without_a_screen_neither_textual_nor_rich_is_loaded(code):
    modules = loaded_after(code)
    assert "bpdebug.cli" in modules
    assert not {name for name in modules if name.split(".")[0] in SCREEN}


def test_importing_the_package_changes_nothing_for_who_imports_it(monkeypatch):
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(variable, raising=False)
    code = "import bpdebug, bpdebug.cli, bpdebug.subcommands; bpdebug.Session, bpdebug.load_scenario"
    modules = loaded_after(f"import os; before = dict(os.environ); {code}; assert dict(os.environ) == before")
    assert "numpy" in modules


@pytest.mark.parametrize("module", ["__main__", "cli"])
def test_the_command_sets_one_blas_thread_before_numpy_loads(module, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    finder = "class Finder:\n    def find_spec(name, *rest): assert name != 'numpy' or 'OMP_NUM_THREADS' in os.environ"
    start = f"import os, sys\n{finder}\nsys.meta_path.insert(0, Finder)\nsys.argv = ['bpdebug', 'schema']"
    main = f"from bpdebug.{module} import main; assert main() == 0"
    assert "numpy" in loaded_after(f"{start}\n{main}; assert os.environ['OMP_NUM_THREADS'] == '1'")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    loaded_after(f"{start}\n{main}; assert os.environ['OMP_NUM_THREADS'] == '3'")


@pytest.mark.parametrize("option", ["--version", "--help", "-h", "--list"])
def test_what_the_program_is_is_told_without_loading_the_rest(option):
    modules = loaded_after(f"import sys; sys.argv = ['bpdebug', '{option}']; from bpdebug.__main__ import main; assert main() == 0")
    assert not modules & {"numpy", "textual", "bpdebug.session.session", *["yaml"] * (option != "--list")}


def test_files_stay_short():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert len(lengths) > 50
    assert {name: length for name, length in lengths.items() if length >= 320} == {}


def test_what_is_public_is_sorted_and_there():
    offering = [path for path in FILES if re.search(r"^__all__ = ", path.read_text("utf-8"), re.MULTILINE)]
    offering = [path for path in offering if "torch_recorder" not in path.parts or find_spec("torch")]
    assert PACKAGE / "__init__.py" in offering
    for path in offering:
        module = import_module(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"))
        assert module.__all__ == sorted(set(module.__all__), key=lambda name: (not name.isupper(), name[0].islower(), name))
        assert all(hasattr(module, name) for name in module.__all__)


def test_values_that_never_change_are_records():
    """A frozen dataclass costs at every start what a record costs once it is used; and dataclasses' functions do not know records."""
    for path in FILES:
        if path.name not in ("record.py", "tree.py"):
            assert "frozen=True" not in path.read_text("utf-8"), f"{path.relative_to(ROOT)}: derive from Record"
            assert not {"dataclasses.replace", "dataclasses.fields", "dataclasses.asdict"} & set(imported(path)), path


def test_what_tests_of_others_import_is_light():
    assert not {name for name in loaded_after("import bpdebug.testing") if name.split(".")[0] in {*SCREEN, "yaml", "torch", "scipy"}}
