"""Pictures of the app, compared byte for byte with those in ``screenshots/``.

After a change of what is drawn, ``BPDEBUG_REWRITE_SCREENSHOTS=1 python -m pytest tests/ui/test_screenshots.py`` writes them anew:
look at each before it is committed. Another version of Textual draws other bytes, and so they are compared on the pinned one only.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from scripts import WRONG, recorded
from ui_views import big, loaded

from bpdebug.ui.screenshot import picture

FOLDER = Path(__file__).parent.parent.parent / "screenshots"
REWRITE = os.environ.get("BPDEBUG_REWRITE_SCREENSHOTS") == "1"
PINNED = "8.2.8"
ENVIRONMENT = ("NO_COLOR", "FORCE_COLOR", "TEXTUAL_THEME", "TEXTUAL_COLOR_SYSTEM", "TEXTUAL_DISABLE_KITTY_KEY", "TEXTUAL_ANIMATIONS")

pytestmark = pytest.mark.skipif(version("textual") != PINNED, reason=f"the pictures are those of Textual {PINNED}")


class Picture(NamedTuple):
    """How a picture comes about: a shipped scenario's name or a function that makes one, commands, then keys.

    Numbers that depend on the last bits (long chaotic runs, Adam on gradients of rounding errors) have no place in it.
    """

    scenario: Any
    commands: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = (120, 36)
    theme: str = "bpdebug-dark"


STEPS = Path(__file__).parents[1] / "cases" / "torch"
PICTURES = {
    "xor-start-80x24": Picture("xor", size=(80, 24)),
    "xor-dW2": Picture("xor", ("update 200", "goto 120:dW2", "select dW2[3,0]", "sample 3")),
    "xor-dW2-80x24": Picture("xor", ("goto dW2",), size=(80, 24)),
    "xor-light-160x48": Picture("xor", ("update 200", "goto 120:dz1"), size=(160, 48), theme="bpdebug-light"),
    "xor-network-80x24": Picture("xor", ("goto 40:dz1",), ("2",), (80, 24)),
    "iris": Picture("iris", ("update 300", "goto 300:dW2")),
    "iris-answers": Picture("iris", ("goto end",), ("9",)),
    "deep-sigmoid-vanishing": Picture("deep_sigmoid", ("update 3", "goto 3:dz1")),
    "saturation-nan": Picture("saturation", ("continue",)),
    "residual-fan-out": Picture("residual", ("goto da1@z2", "step", "select da1[0,0]"), ("7",)),
    "tutorial-as-written": Picture("tutorial_as_written", ("goto 2:da2",)),
    "batch-norm": Picture("batch_norm", ("update 3", "goto 3:dvar")),
    "attention": Picture("attention", ("update 2", "goto 2:dk")),
    "chooser": Picture(None),
    "help-80x24": Picture("xor", keys=("question_mark",), size=(80, 24)),
    "breakpoint-hit": Picture(
        "xor", ("break dz2 if max(abs(dz2)) < 0.5", "display loss", "display norm(dW1)", "bookmark start", "continue", "set a2[0,0] = 0.9")
    ),
    "xor-equation": Picture("xor", ("goto 20:dW2", "select dW2[1,0]"), ("7",)),
    "xor-equation-80x24": Picture("xor", ("goto 20:dz2",), ("7",), (80, 24)),
    "xor-surface": Picture("xor", ("goto 999:a2",), ("9",)),
    "xor-columns-light": Picture("xor", ("goto 20:dz1", "notation partial", "convention columns"), ("7",), theme="bpdebug-light"),
    "deep-sigmoid-health": Picture("deep_sigmoid", ("goto 20:dW1",), ("8", "z")),
    "check-failed": Picture("xor", ("formula dz1 = da1 * z1 * (1 - z1)", "goto 0:dz1"), ("v",)),
    "check-failed-why": Picture("xor", ("formula dz1 = da1 * z1 * (1 - z1)", "goto 0:dz1", "check", "select dz1[1,3]"), size=(80, 24)),
    "tour": Picture("xor", ("step 5", "tour"), size=(80, 24)),
    "torch-nan": Picture(str(STEPS / "gpt-nan.bpd"), ("continue",)),
    "torch-modules": Picture(str(STEPS / "gpt.bpd"), ("goto blocks.1.attn.weights.grad",), size=(160, 48)),
    "own-code-wrong": Picture(lambda: recorded(*WRONG), ("goto 2:dz[1]", "break train.py:36", "check", "select dz[1]")),
    "own-code-80x24": Picture(lambda: recorded(*WRONG), ("goto 1:dz[1]", "check"), ("L",), (80, 24)),
    "own-code-function": Picture(
        lambda: recorded("lists", "return a * (1 - a)", "return a * (1 + a)"),
        ("goto 2:dz[1]", "check", "select dz[1]"),
        ("O",),
        theme="bpdebug-light",
    ),
    "big": Picture(big, ("goto dW1", "select dW1[400,60]"), size=(160, 48)),
}


async def drawn(made):
    source = made.scenario
    scenario = loaded(source) if isinstance(source, str) else source and source()
    return await picture(scenario, made.commands, made.keys, made.size, made.theme)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", PICTURES)
async def test_the_picture_is_the_one_committed(name):
    file = FOLDER / f"{name}.svg"
    svg = await drawn(PICTURES[name])
    if REWRITE:
        file.write_text(svg, "utf-8", newline="\n")
    if svg != file.read_text("utf-8"):
        pytest.fail(f"{file} differs: see the first lines of this file")


def test_every_committed_picture_is_in_the_table():
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(PICTURES)
