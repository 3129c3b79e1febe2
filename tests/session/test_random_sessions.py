"""Thousands of commands at random, right and slightly wrong: nothing but a clear refusal, which changes nothing, and a script that
leads a fresh session to the same place."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from turns import by_turns

from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.frontends.shipped import shipped
from bpdebug.session.commands import COMMANDS, find_command
from bpdebug.session.script import session_script
from bpdebug.session.session import Session
from bpdebug.time.results import to_json

LENGTH = 100
NAMES = [entry.name for entry in shipped()]
TYPED: Counter[str] = Counter()
OWN = ("nothing", "'a", "x y", "9:9", "-1", "1e999", "if", "W1[", "a1@", "all", "last", "5 5", "=", "nan")


class Typist:
    """Types commands that fit the session as it stands, most of the time."""

    def __init__(self, session, seed):
        self.session, self.choose = session, random.Random(seed)  # noqa: S311

    def one(self, *texts):
        return self.choose.choice(texts)

    def number(self, most):
        return str(self.choose.randrange(most))

    def tensor(self):
        return self.choose.choice([*self.session.timeline.machine.shapes()])

    def cell(self):
        name = self.tensor()
        shape = self.session.timeline.machine.shapes()[name]
        return f"{name}[{','.join(self.number(length) for length in shape)}]" if shape else name

    def expression(self):
        name = self.tensor()
        texts = (
            name,
            self.cell(),
            f"norm({name})",
            f"max(abs({name})) * 2",
            f"{name} > 0",
            f"argmax({name})",
            f"{name} / (W1[0,0] - W1[0,0])",
        )
        return self.one(*texts)

    def condition(self):
        return f"{self.one('norm', 'max', 'sum')}({self.tensor()}) {self.one('<', '>', '==')} {self.one('0', '0.1', '1e-6', '3')}"

    def location(self):
        program = self.session.program
        stage, update = self.one(*program.index), self.number(min(program.updates, 300))
        places = (stage, f"{update}:{stage}", self.one("forward", "loss", "backward", "update"), "layer 1", f"update {update}", "start")
        return self.one(*places, stage, stage, f"epoch {int(update) // program.batches.each_epoch}", "end")

    def stop(self):
        return self.one(*map(str, self.session.stops.all), "last", self.number(9))

    def catch(self):
        name = self.one("vanishing", "exploding", "dead", "saturated", "unchanged", "small-update", "large-update", "rising", "non-finite")
        return name + self.one("", " 0.1", " 3", " for 2", " 0.01 for 3", " on", " off")

    def value(self):
        return self.one("0.5", "-1", "1e-3", "0", "2", "1e30", "nan", "-inf")

    def formula(self):
        stage = self.one(*self.session.program.stages)
        return (
            f"{stage.name} = {self.one((stage.derived or stage.formula).text, f'{stage.formula.text} * 0.5', 'W1', f'{self.tensor()} * 1')}"
        )

    def arguments(self, name):
        """What may follow a command's name."""
        name = name.removeprefix("reverse-")
        if name in ("step", "next", "finish", "update", "epoch", "operand", "into"):
            return self.one("", "", self.number(9))
        rows = {
            "until": self.location,
            "goto": self.location,
            "print": self.expression,
            "explain": self.cell,
            "select": self.cell,
            "origin": lambda: self.one("", "", self.cell()),
            "break": lambda: self.one("", self.location(), f"{self.location()} if {self.condition()}"),
            "tbreak": lambda: self.one(self.location(), f"{self.location()} if {self.condition()}"),
            "watch": lambda: self.expression() + self.one("", " sign", " ratio 0.1"),
            "catch": self.catch,
            "delete": lambda: self.one(self.stop(), "all", f"{self.stop()} {self.stop()}"),
            "enable": lambda: self.one(self.stop(), "all"),
            "disable": lambda: self.one(self.stop(), "all"),
            "ignore": lambda: f"{self.stop()} {self.number(4)}",
            "condition": lambda: f"{self.stop()} {self.one('', self.condition())}",
            "commands": lambda: f"{self.stop()} {self.one('', 'where', 'print W1; info', 'list; print learning_rate')}",
            "display": self.expression,
            "history": lambda: self.one("loss", "norm(dW1) for 3", self.expression()),
            "undisplay": lambda: self.one(*map(str, self.session.displays), "1"),
            "set": lambda: f"{self.cell()} = {self.value()}",
            "formula": self.formula,
            "bookmark": lambda: self.one("", "a", "b-2"),
            "jump": lambda: self.one(*self.session.bookmarks, "a"),
            "diff": lambda: self.one(self.location(), f"{self.location()}, {self.location()}", "'a"),
            "format": lambda: self.one("", "auto", "full", f"fixed {self.number(9)}", f"scientific {self.number(20)}"),
            "help": lambda: self.one("", "step"),
            "save": lambda: "kept.bp",
            "source": lambda: "kept.bp",
            "check": lambda: self.one("", "", "anyway", "x", "dW1 sweep", "slope"),
            "paths": lambda: self.one("", self.cell()),
            "copy": lambda: self.one("", "W1", "W1 latex"),
            "notation": lambda: self.one("", "delta"),
            "tour": lambda: self.one("", "next", "off"),
            "sample": lambda: self.one("", "0"),
            "hunt": lambda: self.one("", self.number(9)),
            "accuse": lambda: self.one(*self.session.program.index),
            "predict": lambda: self.one("", "on", "off", "on 1/2"),
            "answer": lambda: self.one("4x4", "+", "0.5", "0"),
        }
        return rows.get(name, lambda: "")()

    def command(self):
        name = self.one(
            *(name for name in COMMANDS if name not in ("quit", "run", "reload", "help", "list", "reverse-epoch")),
            "help",
            "list",
            "reverse-epoch",
            *["condition"] * 8 * bool(self.session.stops.all),  # what can seldom be carried out is typed often when it can
            *["return"] * 8 * bool(self.session.cursor.trail),
        )
        text = f"{name} {self.arguments(name)}".strip()
        wrong = self.choose.random()
        if wrong < 0.1 and name not in ("commands", "save"):
            at = self.choose.randrange(len(text))
            text = text[:at] + self.choose.choice("[]()=.,'0-9xW;#@é") + text[at + self.choose.randrange(2) :]
        elif wrong < 0.15 and name not in ("commands", "save"):
            text = f"{name} {self.choose.choice(OWN)}"
        return text


def stops_of(session, numbered=True):
    """The stops, as they would have to be set again."""
    kept = [
        (s.number * numbered, s.kind, s.text, s.enabled, s.temporary, s.hits * numbered, s.ignore, s.commands)
        for s in session.stops.all.values()
    ]
    return kept, session.stops.catch_nonfinite, list(session.displays.values()), dict(session.bookmarks)


def state_of(session):
    """The moment with all its bits, except the sign of NaN, which no operation of IEEE 754 defines."""
    values = {name: np.where(np.isnan(value), np.nan, value).tobytes() for name, value in session.timeline.machine.values().items()}
    played = session.hunts, session.predictions.on, session.predictions.tally, session.question
    return session.position, values, list(map(str, session.timeline.edits)), *played, session.selected


def play(session, seed):
    """Type commands, and see that each is carried out or refused without a trace."""
    typist = Typist(session, seed)
    for _ in range(LENGTH):
        text = typist.command()
        before = state_of(session), stops_of(session)
        try:
            result = session.execute(text)
        except BpdebugError as error:
            assert str(error)
            if text.startswith("origin"):
                session.cursor.selected = before[0][-1]  # see the test below
            assert text.startswith("so") or (state_of(session), stops_of(session)) == before, text  # a script may get half-way
        else:
            assert "\n" not in to_json(text, session.position, result)
            TYPED[find_command(text)[0].name] += 1
        session.view()


@pytest.mark.parametrize(("name", "seed"), by_turns(NAMES, range(16), every=2))
def test_any_commands_at_random_and_the_script_of_what_they_led_to(name, seed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scenario = load_scenario(name)
    scenario = replace(scenario, training=replace(scenario.training, epochs=min(scenario.training.epochs, 300)))
    session = Session(scenario, budget=(1, 20_000, 10**6)[seed % 3])
    play(session, f"{name} {seed}")
    script = session_script(session)
    fresh = Session(scenario)
    for line in script.splitlines()[1:]:
        fresh.execute(line)
    assert state_of(fresh) == state_of(session)
    assert stops_of(fresh, numbered=False) == stops_of(session, numbered=False)
    assert session_script(fresh) == script


def test_every_command_was_carried_out_at_random(pytestconfig):
    if sum(TYPED.values()) < 100 or pytestconfig.option.share > 1:
        pytest.skip("the sessions at random have not been played")
    others = {
        "quit",
        "compare",
        "export",
        "answer",
        "down",
        "run",
        "reload",
        "hop",
        "fold",
        "unfold",
        "paths",
    }  # these have tests of their own
    assert set(TYPED) >= set(COMMANDS) - others
    assert sum(TYPED.values()) > 500


def test_an_origin_that_is_refused_selects_nothing():
    session = Session(load_scenario("xor"))
    with pytest.raises(BpdebugError, match="not computed yet"):
        session.execute("origin dz2[0,0]")
    assert session.selected is None
