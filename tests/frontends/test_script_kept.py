"""Which updates of a script are kept, and that recording them changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bpdebug.cli import main
from bpdebug.core.errors import BpdebugError
from bpdebug.frontends.numpy_script.script import load_script
from bpdebug.session.session import Session

LONG = """
import numpy as np

rng = np.random.default_rng(0)
X, y, mask = rng.normal(size=(8, 2)), rng.normal(size=(8, 1)), [rng.random(4) > 0.2 for _ in range(5)]
net = {"W1": rng.normal(size=(2, 4)), "W2": rng.normal(size=(4, 1))}
moved, turns = {name: np.zeros_like(one) for name, one in net.items()}, 0


def forward(x, hidden):
    global turns
    "a statement"
    turns += 1
    h = np.tanh(x @ net["W1"]) * hidden
    return h, h @ net["W2"]


relu = lambda value: np.maximum(value, 0)
for epoch in range(300):
    for rows in (slice(0, 4), slice(4, 8)):
        hidden = mask[turns % 5]
        h, p = forward(X[rows], hidden)
        if turns % 7 == 0:
            continue
        loss = np.mean((p - y[rows]) ** 2)
        dp = 2 * (p - y[rows]) / len(p)
        dW2 = h.T @ dp
        dh = dp @ net["W2"].T * hidden
        dW1 = X[rows].T @ (dh * (1 - h ** 2))
        for name, step in (("W1", dW1), ("W2", dW2)):
            moved[name] = 0.9 * moved[name] - 0.1 * step
            net[name] = net[name] + moved[name]
    if epoch % 100 == 0:
        print(epoch, loss, sum(float(relu(one).sum()) for one in net.values()))
print(turns, net["W1"].tobytes().hex(), net["W2"].tobytes().hex())
"""
PLAIN = """
import numpy as np

np.random.seed(1)
X, y, W = np.random.randn(6, 3), np.random.randn(6, 1), np.random.randn(3, 1)
COUNT
    p = X @ W
    loss = np.sum((p - y) ** 2) / 2
    dW = X.T @ (p - y)
    W = W - 0.001 * dW
print(W.tobytes().hex())
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def printed(text):
    """What a script prints without a recorder."""
    Path("plain.py").write_text(text, "utf-8")
    usual = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    return subprocess.run([sys.executable, "plain.py"], capture_output=True, text=True, check=True, env=os.environ | usual).stdout


def opened(text, updates=0):
    Path("train.py").write_text(text, "utf-8")
    return Session(load_script("train.py", [], updates))


@pytest.mark.parametrize("text", [LONG, PLAIN.replace("COUNT", "for step in range(1500):")], ids=["nested", "plain"])
def test_what_a_script_prints_and_computes_is_the_same_to_the_bit(text, capfd):
    due, session = printed(text), opened(text)
    assert capfd.readouterr().err.startswith(due)
    session.execute("goto end")  # what is stepped through is what it has computed: each update has the numbers that it was given
    values = session.timeline.machine.persistent
    assert all(values[name].tobytes().hex() in due for name in values if name in ("W", "net['W1']", "net['W2']"))


def test_the_first_and_the_last_updates_are_kept_and_the_others_are_told(capfd):
    session = opened(PLAIN.replace("COUNT", "for step in range(1500):"))
    assert "updates 0 to 2 and 1000 to 1499 are kept" in session.program.scenario.description
    for where in ("3", "400:dW", "999"):
        with pytest.raises(BpdebugError, match=f"updates 3 to 999 are not kept; 'reload --at {where.split(':')[0]}' runs the script again"):
            session.execute(f"goto {where}")
    seen = [session.execute(command).text.split(",")[0] for command in ("goto 2:W", "step", "back", "step 7", "goto 1000", "back")]
    assert seen == ["update 1000/1500", "update 1000/1500", "update 1000/1500", "update 1001/1500", "update 1000/1500", "update 2/1500"]
    session.execute("goto end")
    hexed = capfd.readouterr().err.split()
    assert session.timeline.machine.persistent["W"].tobytes().hex() in hexed  # what is stepped through is what the script has computed


def test_the_losses_of_all_updates_are_there():
    session = opened(PLAIN.replace("COUNT", "for step in range(1500):"))
    updates, losses = session.timeline.losses.points()
    assert updates.tolist() == [*range(1500)]
    session.execute("goto 1200:loss")
    assert float(session.timeline.machine.values()["loss"]) == losses[1200]
    other = opened(PLAIN.replace("COUNT", "for step in range(1500):").replace("loss =", "value ="))
    assert not len(other.timeline.losses.points()[0])


def test_where_the_end_of_the_loop_is_not_known_the_last_updates_are_kept(capfd):
    session = opened(PLAIN.replace("COUNT", "step = 0\nwhile step < 1200:\n    step += 1"))
    assert "updates 0 to 2 and 700 to 1199 are kept" in session.program.scenario.description
    session.execute("goto end")
    assert session.timeline.machine.persistent["W"].tobytes().hex() in capfd.readouterr().err.split()


def test_a_loop_that_ends_early_leaves_some_updates_of_its_middle():
    session = opened(PLAIN.replace("COUNT", "for step in range(9000):\n    if step == 100: break"))
    assert "updates 0 to 3, 8, 18, 38 and 78 are kept" in session.program.scenario.description
    session.execute("goto 78:dW")
    assert session.execute("check").text.startswith("ok      dW")


def test_reload_at_runs_the_script_again_and_goes_there(capfd):
    session = opened(PLAIN.replace("COUNT", "for step in range(1500):"))
    told = session.execute("reload --at 400").text
    assert "updates 0 to 2, 398 to 402 and 1000 to 1499 are kept" in session.program.scenario.description
    assert "update 400/1500, at its start" in told
    assert session.execute("until dW").text.startswith("update 400/1500")
    for wrong in ("reload 400", "reload --at x", "reload --at 12345678"):
        with pytest.raises(BpdebugError, match=r"expected 'reload'|is beyond the end of training: there are"):
            session.execute(wrong)


def test_check_goes_to_a_later_update_and_ends_the_script_there(capfd):
    wrong = PLAIN.replace("X.T @ (p - y)", "X.T @ (p - y) * (1 if step < 400 else W)").replace("COUNT", "for step in range(10**9):")
    Path("train.py").write_text(wrong, "utf-8")
    assert [main(["check", "train.py", *at]) for at in ([], ["--at", "400"])] == [0, 1]
    said = capfd.readouterr()
    assert "WRONG dW" in said.out
    assert "updates 400 to 402 are kept" in said.err
    assert main(["explain", "train.py", "loss", "--at", "399:loss"]) == 0
    assert "updates 0 to 2 and 397 to 399 are kept" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("drawn", "told"),
    [
        ("np.random.randn(3, 1)", "np.random had no seed: it is 0 here"),
        ("np.random.default_rng().normal(size=(3, 1))", "default_rng() had no seed"),
        ("np.full((3, 1), random.random())", "random had no seed"),
        ("np.random.default_rng(4).normal(size=(3, 1))", ""),
    ],
)
def test_a_generator_without_a_seed_gets_one_and_it_is_said(drawn, told, capfd):
    text = PLAIN.replace("import numpy as np", "import random\nimport numpy as np").replace("np.random.randn(3, 1)", drawn)
    text = text.replace("COUNT", "for step in range(3):")
    text = text if told != "np.random had no seed: it is 0 here" else text.replace("np.random.seed(1)", "")
    runs = [opened(text), opened(text)]
    assert {told in session.program.scenario.description for session in runs} == {True}
    assert told or "seed" not in runs[0].program.scenario.description
    assert len({*capfd.readouterr().err.split()}) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_in_workers_nothing_is_recorded(way, capfd):
    text = """
import multiprocessing
import numpy as np

def work(seed):
    W = np.ones((2, 1))
    for _ in range(20):
        W = W - 0.1 * W * seed
    assert "__bpdebug__" not in globals() or not __bpdebug__.on
    return float(W.sum())

if __name__ == "__main__":
    X, W = np.arange(6.0).reshape(3, 2), np.ones((2, 1))
    for step in range(4):
        p = X @ W
        loss = np.sum(p ** 2) / 2
        dW = X.T @ p
        W = W - 0.001 * dW
    with multiprocessing.get_context("WAY").Pool(2) as pool:
        print(pool.map(work, [1, 2]))
"""
    session = opened(text.replace("WAY", way))
    assert "loss = line 16; 4 updates are kept" in session.program.scenario.description
    assert capfd.readouterr().err.startswith(f"[{0.9**20 * 2}"[:8])


def test_what_a_framework_computes_is_said_not_to_be_recorded():
    Path("torch.py").write_text("", "utf-8")
    with pytest.raises(BpdebugError, match="what PyTorch computes is not recorded; 'bpdebug record' records a training step of it"):
        opened("import torch\n")
