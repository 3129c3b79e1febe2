from __future__ import annotations

import pytest
from turns import by_turns
from ui_views import NAMES, role_of, session, view

from bpdebug.ui.draw.bars import header_line
from bpdebug.ui.draw.spans import plain, width

SIZES = (80, 120, 160)
MOMENTS = ("goto start", "step", "goto 1:loss", "goto 2:backward", "goto end")


def header(columns, *moment):
    return plain(header_line(view(*moment), columns))


@pytest.mark.parametrize(("name", "columns"), by_turns(NAMES, SIZES))
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
    assert "loss 3.5128 → 3.2360 (−7.9 %)" in header(120, "xor", "goto loss", "update")
    assert "loss 3.5128 (update 0)" in header(120, "xor", "goto loss", "goto 1")
    shown = view("saturation", "continue")
    assert role_of(header_line(shown, 160), "nan") == "bad"


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
@pytest.mark.parametrize("moment", ["goto end", "goto 998:z1", "goto 3:dW1", "goto update 998"])
def test_the_loss_stays_in_sight_at_every_width(columns, moment):
    shown = view("xor", moment)
    known = shown.loss or shown.losses[1][-1]
    assert f"loss {known:.5g}" in header(columns, "xor", moment)


def test_the_files_name_goes_before_the_update_of_the_loss():
    assert "(update 999)" in header(80, "xor", "goto end")
    assert header(80, "xor", "goto end").startswith(" xor.yaml   update 1000/1000   training complete")
    assert header(50, "xor", "goto 3:dW1").startswith("update 3/1000   12/17 dW1   loss 2.9725")


@pytest.mark.parametrize("moment", ["continue", "goto 40:z1", "goto 40:dW1", "goto end"])
def test_since_when_the_loss_is_none_is_said_at_every_later_moment(moment):
    line = header_line(view("saturation", moment), 80)
    assert "loss nan since update 8" in plain(line)
    assert role_of(line, "since update 8") == "bad"


def test_before_the_first_nan_the_loss_is_what_it_was():
    shown = plain(header_line(view("saturation", "goto end", "goto 3:dW1"), 120))
    assert "nan" not in shown
    assert "loss 20.792" in shown


def test_values_that_are_not_finite_are_told_where_the_loss_still_is():
    line = header_line(view("xor", "goto 3:loss", "set b2[0,0] = inf"), 120)
    assert "since" not in plain(line)
    after = header_line(view("xor", "goto 3:loss", "formula db1 = sum(dz1, axis=0, keepdims=True) / 0", "finish", "finish"), 120)
    assert "loss 2.9725  not finite since update 4" in plain(after)


@pytest.mark.parametrize("name", ["tutorial_as_written", "two_outputs"])
def test_the_loss_has_room_at_80_columns(name):
    last = session(name).program.updates - 1
    shown = header(80, name, f"goto {last}:dW1").rstrip()
    assert not shown.endswith("…")
    assert shown.split("loss ")[1]
