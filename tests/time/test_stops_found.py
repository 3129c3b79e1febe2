"""Stops are found exactly where the plainest loop finds them, forwards, back, and from any moment on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from debugger_scenarios import classes, history, line, xor
from hypothesis import given, settings
from hypothesis import strategies as st
from turns import by_day

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.evaluate import evaluate
from bpdebug.core.layers import make_program
from bpdebug.session.session import Session
from bpdebug.time.conditions import Counted

X = np.linspace(-2, 2, 6).reshape(6, 1)
SCENARIOS = {
    "xor": xor(12),
    "short last batch": classes(5, shuffle=False),
    "shuffled adam float32": classes(4, shuffle=True, precision="float32", optimizer=Optimizer("adam", {"learning_rate": 0.2})),
    "relu": Scenario("relu", ("x",), (Layer(3, "relu"), Layer(1)), X, abs(X), optimizer=Optimizer("sgd", {"learning_rate": 0.09}),
                     loss=Loss(samples="mean"), training=Training(15, 4)),
    "rising": line(9, rate=0.41),
    "frozen": xor(6, frozen=("W1", "b1", "W2", "b2")),
}  # fmt: skip
PROGRAMS = {name: make_program(scenario) for name, scenario in SCENARIOS.items()}
STATES = {name: list(history(program)) for name, program in PROGRAMS.items()}


class Loop:
    """The history of a program, and at which of its clocks each stop strikes."""

    def __init__(self, name):
        self.program, self.states = PROGRAMS[name], STATES[name]
        self.length = len(self.program.stages)

    def value(self, text, t):
        return np.array(evaluate(self.program.parse(text), self.states[t], self.program.dtype))

    def clocks(self, kind, what):
        return [t for t in range(len(self.states)) if getattr(self, kind)(t, *what)] if kind == "breakpoint" else getattr(self, kind)(*what)

    def just_run(self, t):
        return self.program.stages[t % self.length - 1].name if t else ""

    def next(self, t):
        return self.program.stages[t % self.length] if t < len(self.states) - 1 else None

    def breakpoint(self, t, location, condition=""):
        update, _, place = location.rpartition(":")
        if place.startswith("update "):
            here = t == int(place.split()[1]) * self.length
        elif place in self.program.index:
            here, update_of = self.just_run(t) == place, (t - 1) // self.length
        else:
            starts = [at for at, stage in enumerate(self.program.stages) if place in (stage.phase, f"layer {stage.layer}")]
            here, update_of = self.next(t) is self.program.stages[starts[0]], t // self.length
        if not here or (update and int(update) != update_of):
            return False
        return not condition or bool(self.value(condition, t))

    def watchpoint(self, text, mode="change", ratio=0.0):
        reads = set(self.program.parse(text).names)
        staged, found, last = reads & set(self.program.index), [], None
        given = reads & {"x", "y", "m"}
        for t, values in enumerate(self.states):
            begins = t % self.length == 0 and (t == 0 or bool(given) or not staged)
            if not reads <= set(values) or not (self.just_run(t) in staged or begins):
                continue
            new = self.value(text, t)
            if last is not None and self.differ(last, new, mode, ratio):
                found.append(t)
            last = new
        return found

    @staticmethod
    def differ(old, new, mode, ratio):
        if old.shape != new.shape:
            return True
        kind = np.dtype(float) if old.dtype == bool else old.dtype
        cells = list(zip(old.ravel().astype(kind), new.ravel().astype(kind), strict=True))
        if mode == "sign":
            return any(int(a > 0) - int(a < 0) != int(b > 0) - int(b < 0) for a, b in cells)
        if mode == "ratio":
            return any(abs(b - a) > ratio * abs(a) for a, b in cells)
        return old.tobytes() != new.tobytes()

    def condition(self, stage, holds, lasting=1):
        """The last of so many updates in a row in which something holds when a stage has just run."""
        return self.row_of(stage, holds, lasting) if lasting > 1 else self.row_of(stage, holds, 0)

    def row_of(self, stage, holds, lasting):
        found, row = [], 0
        for update in range(self.program.updates):
            t = update * self.length + self.program.index[stage] + 1
            row = row + 1 if holds(self.states[t]) else 0
            found += [t] if row and row == (lasting or row) else []
        return found

    def catchpoint(self, name, threshold, lasting=None):
        layers = [names.layer for names in self.program.layers]
        depth, relus = len(layers), [f"a{n}" for n, layer in enumerate(layers, 1) if layer.activation == "relu"]
        norm, loss = np.linalg.norm, float("inf")
        if name == "rising":

            def rises(values):
                nonlocal loss
                before, loss = loss, float(values["loss"])
                return loss > before

            return self.row_of("loss", rises, threshold)
        holds = {
            "vanishing": ("dz1", lambda v: norm(v["dz1"]) < threshold * norm(v[f"dz{depth}"])),
            "exploding": ("dz1", lambda v: norm(v["dz1"]) > threshold * norm(v[f"dz{depth}"])),
            "dead": ("loss", lambda v: sum((v[name] <= 0).all(axis=0).sum() for name in relus) > threshold),
        }  # fmt: skip
        stage, test = holds[name]
        return self.condition(stage, test, lasting or (3 if name == "dead" else 1))


@st.composite
def stops(draw, name):
    """A command, and what the loop needs to know of it."""
    program = PROGRAMS[name]
    updates, last = program.updates, program.stages[-1].name
    stage = draw(st.sampled_from([stage.name for stage in program.stages[:-1]]))
    kind = draw(st.sampled_from(("break", "break if", "place", "watch", "watch", "catch")))
    if kind == "break":
        location = draw(
            st.sampled_from((stage, last, f"{draw(st.integers(0, updates - 1))}:{stage}", f"update {draw(st.integers(1, updates))}"))
        )
        return f"break {location}", "breakpoint", (location,)
    if kind == "place":
        location = draw(st.sampled_from(("forward", "loss", "backward", "layer 1", f"layer {len(program.layers)}", "3:backward")))
        return f"break {location}", "breakpoint", (location,)
    if kind == "break if":
        shape = f"{draw(st.sampled_from(('max', 'mean', 'norm', 'sum')))}({stage})"
        limit = draw(st.sampled_from(("-1", "0.001", "0.05", "0.3", "1", "2.5")))
        text = f"{shape} {draw(st.sampled_from(('<', '>', '>=')))} {limit}"
        return f"break {stage} if {text}", "breakpoint", (stage, text)
    if kind == "watch":
        texts = [stage, f"{stage}[0,0]" if stage not in ("loss", "t") else stage, f"max({stage}) > 0.1", "x[0,0]", "sum(x * 1) * W1[0,0]"]
        texts += ["W1", f"norm({stage}) * norm(W1)", "learning_rate", "W1[0,0] - b1[0,0]", "norm(z1) - norm(a1)", "max(dW1) > min(W1)"]
        if last in program.persistent:
            texts += [last, f"max({last}) * 2", f"{last} > 0"]
        text = draw(st.sampled_from(texts))
        mode = draw(st.sampled_from((("change", 0.0), ("sign", 0.0), ("ratio", 0.0), ("ratio", 0.05), ("ratio", 0.5))))
        suffix = {"change": "", "sign": " sign", "ratio": f" ratio {mode[1]}"}[mode[0]]
        return f"watch {text}{suffix}", "watchpoint", (text, *mode)
    count = draw(st.integers(1, 4))
    rows = [(f"catch rising {count}", ("rising", count))]
    if len(program.layers) > 1:
        threshold = draw(st.sampled_from((0.05, 0.3, 1.0)))
        rows += [(f"catch {which} {threshold}", (which, threshold)) for which in ("vanishing", "exploding")]
        rows += [(f"catch {which} {threshold} for {count}", (which, threshold, count)) for which in ("vanishing", "exploding")]
    if name == "relu":
        rows += [("catch dead", ("dead", 0)), (f"catch dead 1 for {count}", ("dead", 1, count))]
    text, what = draw(st.sampled_from(rows))
    return text, "catchpoint", what


def expected(loop, chosen):
    """Every clock at which something stops, with the numbers of what does."""
    struck = {}
    for number, (_, kind, what) in enumerate(chosen, 1):
        for t in loop.clocks(kind, what):
            if t:
                struck.setdefault(t, set()).add(number)
    return sorted((t, frozenset(numbers)) for t, numbers in struck.items())


def found(session, command):
    """The stops of one command after the other, until there are no more."""
    list_of = []
    while (answer := session.execute(command)).data["reason"] not in ("end", "start"):
        list_of.append((session.timeline.clock, frozenset(answer.stops)))
        assert len(list_of) <= len(STATES["xor"]) * 4, "it does not move"
    return list_of


@pytest.mark.parametrize("name", by_day(SCENARIOS, 2))
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_stops_are_found_where_the_loop_finds_them(name, data):
    loop = Loop(name)
    chosen = data.draw(st.lists(stops(name), min_size=1, max_size=3))
    session = Session(SCENARIOS[name], budget=data.draw(st.sampled_from((1, 10**6))))
    for command, _, _ in chosen:
        session.execute(command)
    wanted = expected(loop, chosen)
    assert found(session, "continue") == wanted
    end = session.timeline.end
    assert found(session, "reverse-continue") == [stop for stop in reversed(wanted) if stop[0] < end]
    here = data.draw(st.integers(0, end))
    session.timeline.seek(here)
    assert found(session, "continue") == [stop for stop in wanted if stop[0] > here]
    session.timeline.seek(here)
    assert found(session, "reverse-continue") == [stop for stop in reversed(wanted) if stop[0] < here]


def test_a_loss_that_stays_the_same_does_not_rise():
    session = Session(SCENARIOS["frozen"])
    session.execute("catch rising 1")
    assert session.execute("continue").data["reason"] == "end"
    assert len({float(values["loss"]) for values in STATES["frozen"] if "loss" in values}) == 1


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_programs_stay_finite(name):
    assert all(np.isfinite(value).all() for values in STATES[name] for value in values.values())
    assert PROGRAMS[name].batches.sizes


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_count_to_ignore_skips_that_many_of_the_moments(data):
    chosen, skipped = data.draw(stops("short last batch")), data.draw(st.integers(0, 5))
    session = Session(SCENARIOS["short last batch"])
    session.execute(chosen[0])
    session.execute("break dz2 if loss < 0")
    session.execute("break 3:dz2 if loss < 0")
    session.execute(f"ignore 1 {skipped}")
    wanted = expected(Loop("short last batch"), [chosen])
    assert found(session, "continue") == wanted[skipped:]
    assert session.stops.find(1).hits == len(wanted)


def test_updates_that_a_recording_left_out_are_not_counted_in_a_row():
    class Always(Counted):
        def holds(self, machine):
            return True

        def told(self, machine):
            return f"update {machine.update}"

    stop = Always(number=1, text="always", lasting=3)
    assert [stop.strikes(SimpleNamespace(update=update)) for update in (0, 1, 500, 501, 502)] == ["", "", "", "", "update 502"]


def test_a_watch_on_a_gradient_and_its_parameter_looks_when_either_has_changed():
    session = Session(xor())
    session.execute("watch sum(dW1 * W1)")
    [stop] = session.stops.all.values()
    assert stop.moments(session.program) == {session.program.index[name] + 1 for name in ("dW1", "W1")}
