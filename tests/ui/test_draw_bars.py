from __future__ import annotations

import pytest
from ui_views import NAMES, role_of, session, view

from bpdebug.ui.draw.bars import header_line
from bpdebug.ui.draw.spans import plain, width

SIZES = (80, 120, 160)
MOMENTS = ("goto start", "step", "goto 1:loss", "goto 2:dW1", "goto end")


def header(columns, *moment):
    return plain(header_line(view(*moment), columns))


@pytest.mark.parametrize("columns", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_the_header_takes_exactly_the_columns(name, columns):
    for command in MOMENTS:
        shown = view(name, command)
        assert width(header_line(shown, columns)) == columns


def test_the_header_says_where_we_are():
    assert header(120, "xor", "goto 3:dW2").split("   ")[:6] == [
        " bpdebug xor.yaml",
        "update 3/1000",
        "epoch 3",
        "batch 1/1",
        "stage 8/17 backward dW2",
        "loss 2.9725",
    ]
    assert "epoch 30   batch 3/10   stage 8/26" in header(120, "iris", "goto 302:dW2")


def test_a_narrow_header_leaves_out_batch_and_epoch_first():
    shown = header(80, "xor", "goto 999:dW2")
    assert "batch" not in shown
    assert "epoch" not in shown
    for part in ("bpdebug xor.yaml", "update 999/1000", "stage 8/17 backward dW2", "loss 0.29028"):
        assert part in shown


def test_the_headers_stage_at_the_ends_of_an_update_and_of_the_training():
    assert "stage 0/17 start" in header(120, "xor")
    assert "stage 5/17 loss " in header(120, "xor", "goto loss")
    assert "stage 16/17 update W2" in header(120, "xor", "goto 0:W2")
    assert "training complete" in header(120, "xor", "goto end")


def test_the_headers_loss_is_the_latest_known_and_says_of_when():
    assert "loss 3." not in header(120, "xor")
    assert "loss 3.5128" in header(120, "xor", "goto loss")
    assert "loss 3.5128 (update 0)" in header(120, "xor", "goto loss", "update")
    shown = view("saturation", "continue")
    assert role_of(header_line(shown, 160), "nan") == "bad"


@pytest.mark.parametrize("name", ["tutorial_as_written", "two_outputs"])
def test_the_loss_has_room_at_80_columns(name):
    last = session(name).program.scenario.updates - 1
    shown = header(80, name, f"goto {last}:dW1").rstrip()
    assert not shown.endswith("…")
    assert shown.split("loss ")[1]
