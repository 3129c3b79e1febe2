"""What recording a step of PyTorch costs, and the debugger on a long one."""

from __future__ import annotations

import runpy
from pathlib import Path
from time import process_time

import pytest
from bench_screen import work_of_a_key

import bpdebug
from bpdebug import load_scenario

torch = pytest.importorskip("torch", minversion="2.4")
ZOO = runpy.run_path(str(Path(__file__).parents[1] / "cases" / "torch" / "zoo.py"))


def large():
    torch.manual_seed(0)
    model, data = ZOO["GPT"](512, 256, 8, 6, 128, 0.1), torch.randint(0, 512, (8, 129))
    optimizer = torch.optim.AdamW(model.parameters())

    def step():
        model(data[:, :-1], data[:, 1:].contiguous())[1].backward()
        optimizer.step()
        optimizer.zero_grad()

    return model, optimizer, step


STEPS = {
    "MLP 20-32-16-3": (ZOO["mlp"], ""),
    "ResNet-like, 16 × 32²": (lambda: ZOO["cnn"](32, 32, 16, ((1, 1), (2, 2), (4, 2))), "≤ 3 ×"),
    "GPT, width 32": (ZOO["gpt"], ""),
    "GPT, width 128": (lambda: ZOO["gpt"](128, 4, 4, 8, 32), ""),
    "GPT, 4.9 M parameters": (large, "≤ 3 ×"),
}


def least(work, times):
    found = []
    for _ in range(times):
        begin = process_time()
        work()
        found.append(process_time() - begin)
    return min(found)


@pytest.mark.parametrize("name", STEPS)
def test_a_recorded_step(name, measured):
    from bpdebug.torch_recorder.recorder import Recorder

    torch.set_num_threads(1)
    make, most = STEPS[name]
    model, _, step = make()
    step()
    times = 3 if most else 9
    plain, kept = least(step, times), []

    def record():
        with Recorder(model) as one:
            step()
        kept[:] = [one]

    recorded = least(record, times)
    arrays = [value.array for value in kept[0].values.all if value.array is not None]
    copied, count = least(lambda: [array.copy() for array in arrays], 3), len(kept[0].operations)
    each = (recorded - plain - copied) / count * 1e6
    size = sum(array.nbytes for array in arrays) / 1e6
    said = f"{recorded / plain:.2f} × of {plain * 1e3:.1f} ms; {each:.0f} µs each of {count} operations beside a copy; {size:.3g} MB"
    measured(f"PyTorch, a recorded step: {name}", said, f"{most}{', ' * bool(most)}≤ 50 µs")


def test_a_long_step_in_the_debugger(measured, tmp_path):
    model, optimizer, step = ZOO["gpt"](layers=9)
    step()
    with bpdebug.record(model, optimizer, tmp_path / "a.bpd"):
        step()
    opened = least(lambda: load_scenario(tmp_path / "a.bpd").ready(), 5)
    count = len(load_scenario(tmp_path / "a.bpd").ready().stages)
    measured(f"PyTorch, {count} statements opened", f"{opened:.3f} s", "≤ 0.2 s for 2,000")
    usual, _ = work_of_a_key("XOR")
    work, memory = work_of_a_key(f"bpdebug.load_scenario({str(tmp_path / 'a.bpd')!r})")
    measured(f"PyTorch, {count} statements, CPU of a key to XOR's", f"{work / usual:.2f} × ({work:.0f} ms; {memory:.0f} MB)", "≤ 2 ×")
