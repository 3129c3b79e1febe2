"""What all tests have in common."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import Counter

import pytest
from hypothesis import settings

import bpdebug

gc.disable()  # until everything is loaded
sys.dont_write_bytecode = False  # else pytest translates the assertions of all files in every process, each time
bpdebug.use_one_thread()  # before any test loads NumPy
settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.register_profile("random", deadline=None)
settings.load_profile("same")  # the same examples everywhere, today and in a year; `--hypothesis-profile random` looks for new ones

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a suite in the background ignores ctrl+c, and so would all that it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory):
    """The programs that tests start keep what they have compiled, for all of them, also where the environment wants no such files."""
    base = tmp_path_factory.getbasetemp()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "compiled")


def pytest_addoption(parser):
    parser.addoption("--share", type=int, default=1, help="of the cases of each test every so many alone, the first one included")


@pytest.hookimpl(trylast=True)  # once the long ones have gone
def pytest_collection_modifyitems(config, items):
    """Keep a share: under other versions of what bpdebug stands on, that every law holds is asked, and not in how many cases."""
    met = Counter()
    for item in items:
        item.turn = met[item.parent.nodeid, item.originalname] % config.option.share
        met[item.parent.nodeid, item.originalname] += 1
    items[:] = [item for item in items if not item.turn]


def pytest_collection_finish():
    """What is loaded by now stays, and is not looked through for garbage again and again, which takes long where there is an app."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def pytest_terminal_summary(terminalreporter):
    """Say what was not compared with anybody else's numbers, and how to have it."""
    missing = {
        name for report in terminalreporter.stats.get("skipped", []) for name in ("torch", "sklearn") if name in str(report.longrepr)
    }
    if missing:
        text = "not compared with {}, which are not installed: pip install -e '.[dev,oracle]' && pytest tests/oracle"
        terminalreporter.write_line(text.format(" and ".join(sorted(missing))))
