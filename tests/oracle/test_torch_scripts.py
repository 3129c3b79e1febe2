"""Training scripts under ``bpdebug record``: which step is written, and where none is."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bpdebug import Session, cli, load_scenario
from bpdebug.core.network import Phase

torch = pytest.importorskip("torch", minversion="2.4")
writing = pytest.importorskip("bpdebug.torch_recorder.writing")
TRAIN = Path(__file__).parents[1] / "cases" / "torch" / "train.py"


@pytest.fixture
def record(tmp_path, monkeypatch, capsys):
    """``bpdebug record`` in this very process, since one of its own takes seconds to import torch: status, output, errors."""

    def run(*words):
        monkeypatch.chdir(tmp_path)
        with contextlib.ExitStack() as stack:
            stack.callback(torch.set_rng_state, torch.get_rng_state())
            status = cli.main(["record", *words])
        return (status, *capsys.readouterr())

    return run


def test_the_command_finds_the_step_of_a_script(tmp_path, record):
    (tmp_path / "train.py").write_text(TRAIN.read_text("utf-8"))
    status, said, _ = record("--until-nan", "--from", "3", "-o", "a.bpd", "train.py")
    assert status == 0
    assert "step 6 of train.py" in said
    assert "not finite: unit[0,0] = nan, train.py:14: unit = h / norm (12 of 12 numbers)" in said
    status, _, said = record("--step", "99", "-o", "b.bpd", "train.py")
    assert (status, (tmp_path / "b.bpd").exists()) == (1, False)
    assert "after 9 steps; there is no step 99" in said


def test_an_exception_writes_what_there_is(tmp_path, record):
    (tmp_path / "train.py").write_text(
        "import torch\nw = torch.ones(2, requires_grad=True)\nopt = torch.optim.SGD([w])\nz = w * 2\nz @ torch.ones(3)\n"
    )
    status, _, said = record("-o", "a.bpd", "train.py")
    assert status == 0
    assert "RuntimeError" in said
    assert "recorder" not in said
    program = load_scenario(tmp_path / "a.bpd").ready()
    assert [stage.name for stage in program.stages][:2] == ["no_loss", "z"]
    assert "RuntimeError" in program.scenario.ending


ASKED = """
import signal, torch
w = torch.ones(2, requires_grad=True)
opt = torch.optim.SGD([w])
try:
    for step in range(9):
        z = w * (1 + step)
        if step == 2:
            signal.raise_signal(signal.{signal})
        opt.zero_grad()
        z.sum().backward()
        opt.step()
except {caught}:
    print("test loss", (w * 7).sum().item())
"""


@pytest.mark.parametrize("signal_", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("caught", ["ZeroDivisionError", "KeyboardInterrupt"])
def test_who_asks_for_the_end_finds_what_there_is_also_where_the_script_goes_on_after_it(signal_, caught, tmp_path, record):
    (tmp_path / "train.py").write_text(ASKED.format(signal=signal_, caught=caught))
    assert record("--step", "3", "-o", "a.bpd", "train.py")[0] == 0
    program = load_scenario(tmp_path / "a.bpd").ready()
    assert program.scenario.ending == f"the script ended with {'SIGTERM' if signal_ == 'SIGTERM' else 'KeyboardInterrupt'}"
    assert {stage.name for stage in program.stages} >= {"z"}


def test_who_asks_for_the_end_while_the_file_is_written_waits_for_it(tmp_path, record, monkeypatch):
    def write(*given):
        for _ in range(2):
            signal.raise_signal(signal.SIGTERM)
        return writing.write(*given)

    monkeypatch.setattr("bpdebug.torch_recorder.running.write", write)
    (tmp_path / "train.py").write_text(TRAIN.read_text("utf-8"))
    status, said, _ = record("-o", "a.bpd", "train.py")
    assert (status, "opens it" in said) == (0, True)


HALF = """
import torch
w = torch.nn.Parameter(torch.ones(2, 3))
opt = torch.optim.SGD([w])
h = torch.relu(w * 2)
h[:, 0] = 1
h.var(1).sum().backward()
opt.step()
"""


@pytest.mark.parametrize("place", [*range(400, 2400, 249), *range(1706, 1760, 11)])
def test_whoever_comes_between_what_is_noted_of_an_operation_leaves_a_whole_file(place, tmp_path, record, monkeypatch):
    lines = iter(range(10**6))

    def trace(frame, event, _):
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        noted = "torch_recorder" in file and (("recorder.py" in file and name == "__torch_dispatch__") or frame.f_back.f_trace)
        if noted and event == "line" and next(lines) == place:
            raise KeyboardInterrupt
        return trace if noted else None

    monkeypatch.setattr("bpdebug.torch_recorder.running.examine", lambda: None)
    (tmp_path / "train.py").write_text(HALF)
    sys.settrace(trace)
    try:
        assert record("-o", "a.bpd", "train.py")[0] == 0
    finally:
        sys.settrace(None)
    assert load_scenario(tmp_path / "a.bpd").ready().stages


SCALED = """
import torch
w = torch.nn.Parameter(torch.ones(3))
opt = torch.optim.{optimizer}([w], lr=0.1{more})
scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
for step in range(5):
    opt.zero_grad()
    loss = (w * (1e38 if step < 1 else step)).sum()
    scaler.scale(loss).backward()
    scaler.step(opt)
    scaler.update()
"""


@pytest.mark.parametrize(("optimizer", "more"), [("SGD", ""), ("AdamW", ", fused=True")])
def test_a_step_that_a_scaler_skips_does_not_count_and_does_not_run_into_the_next_one(optimizer, more, tmp_path, record):
    (tmp_path / "train.py").write_text(SCALED.format(optimizer=optimizer, more=more))
    assert record("-o", "a.bpd", "train.py")[0] == 0
    program = load_scenario(tmp_path / "a.bpd").ready()
    assert float(program.recorded["loss"].value) == 3.0
    assert [one.name for one in program.stages if "'" in one.name and "loss" in one.name] == []  # there is one forward pass
    assert record("--until-nan", "-o", "b.bpd", "train.py")[0] == 1


PARALLEL = """
import torch
torch.distributed.init_process_group("gloo")
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
opt = torch.optim.SGD(model.parameters(), 0.1)
for step in range(9):
    opt.zero_grad()
    loss = model(torch.full((4, 2), 1.0 + torch.distributed.get_rank())).pow(2).mean()
    loss.backward()
    opt.step()
"""


def test_of_several_processes_each_writes_its_own_file_and_all_stop(tmp_path):
    (tmp_path / "train.py").write_text(PARALLEL)
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "bpdebug", "record", "--step", "2", "-o", "a.bpd", "train.py"]
    ranks = [subprocess.Popen(words, cwd=tmp_path, env={**os.environ, **where, "RANK": str(rank)}) for rank in range(2)]
    assert [one.wait(timeout=400) for one in ranks] == [0, 0]
    programs = [load_scenario(tmp_path / name).ready() for name in ("a.bpd", "a.rank1.bpd")]
    assert programs[0].recorded["weight"].value == pytest.approx(programs[1].recorded["weight"].value)
    assert float(programs[0].recorded["loss"].value) != float(programs[1].recorded["loss"].value)


BY_HAND = """
import torch
torch.manual_seed(0)
x, y = torch.randn(16, 3), torch.randn(16, 1)
w, v = torch.randn(3, 4, requires_grad=True), torch.randn(4, 1, requires_grad=True)
for step in range(4):
    batch = x[step::4]
    loss = (torch.relu(batch @ w) @ v - y[step::4]).pow(2).mean()
    {made}
print("loss", loss.item())
"""
MADE = {
    "in place": ["loss.backward()", "with torch.no_grad():", "    w -= 0.1 * w.grad", "    v -= 0.1 * v.grad", "w.grad = v.grad = None"],
    "data": ["loss.backward()", "for p in (w, v):", "    p.data.sub_(0.1 * p.grad)", "    p.grad.zero_()"],
    "other data": ["loss.backward()", "for p in (w, v):", "    p.data = p.data - 0.1 * p.grad", "    p.grad = None"],
    "new leaves": ["loss.backward()", "w, v = ((p - 0.1 * p.grad).detach().requires_grad_() for p in (w, v))"],
    "asked for": ["a, b = torch.autograd.grad(loss, [w, v])", "with torch.no_grad():", "    w -= 0.1 * a", "    v -= 0.1 * b"],
    "added up": ["loss.backward()", "if step % 2:", "    for p in (w, v):", "        p.data -= 0.1 * p.grad", "        p.grad.zero_()"],
}


@pytest.mark.parametrize("name", MADE)
def test_a_step_that_no_optimizer_makes_is_one_from_the_first_look_at_a_parameter_until_what_was_moved_is_read_again(
    name, tmp_path, record
):
    (tmp_path / "train.py").write_text(BY_HAND.format(made="\n    ".join(MADE[name])))
    passes = 2 if name == "added up" else 1
    for number in (1, 2):  # the second one ends with the script where gradients are added up
        assert record("--step", str(number), "-o", "a.bpd", "train.py")[0] == 0
        session = Session(load_scenario(tmp_path / "a.bpd"))
        update = [stage for stage in session.program.stages if stage.phase is Phase.UPDATE]
        assert len([stage for stage in update if "0.1" in stage.formula.text]) == 2
        found = session.execute("check").data["stages"]
        assert {one["status"] for one in found} <= {"good", "kink"}
        assert len(found) >= 5 * passes
    assert record("--step", "4", "-o", "b.bpd", "train.py")[0] == (passes > 1)


FUNCTIONAL = """
import torch
from torch.func import grad
torch.manual_seed(0)
x, params = torch.randn(16, 3), {"w": torch.randn(3, 1)}
def loss(params, x):
    return (x @ params["w"]).exp().mean()
for step in range(40):
    grads = grad(loss)(params, x)
    params = {key: p - (-9.0 if step == 3 else 0.1) * grads[key] for key, p in params.items()}
"""


def test_steps_of_functions_are_recorded_too(tmp_path, record):
    (tmp_path / "train.py").write_text(FUNCTIONAL)
    assert record("--step", "3", "-o", "a.bpd", "train.py")[0] == 0
    program = load_scenario(tmp_path / "a.bpd").ready()
    assert [stage.name for stage in program.stages if stage.phase is Phase.LOSS] == ["mean"]
    assert "grads.w" in {stage.name for stage in program.stages}
    assert record("--until-nan", "-o", "b.bpd", "train.py")[0] == 0


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


COMPILED = """
import torch
model = torch.compile(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1)))
opt = torch.optim.SGD(model.parameters(), 0.1)
opt.zero_grad()
model(torch.ones(4, 2)).sum().backward()
opt.step()
"""


def test_a_compiled_model_runs_as_it_is_written(tmp_path, record):
    (tmp_path / "train.py").write_text(COMPILED)
    status, _, said = record("-o", "a.bpd", "train.py")
    assert status == 0
    assert "torch.compile is off" in said
    program = load_scenario(tmp_path / "a.bpd").ready()
    assert not any(stage.formula.text.endswith(".torch") for stage in program.stages)
    assert {name.rpartition(".")[2] for name in program.parameters} == {"weight", "bias"}
    assert not any("_orig_mod" in name for name in program.parameters)
