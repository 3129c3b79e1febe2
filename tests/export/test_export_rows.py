"""A PyTorch script is written from the rows of the tables: a row that is new is written too, or refused with a sentence."""

from __future__ import annotations

import ast
import builtins

import numpy as np
import pytest
from debugger_scenarios import X, Y, xor
from random_networks import COMBINATIONS, scenario_of

from bpdebug.core import operations, optimizers, texts
from bpdebug.core.description import Layer, Optimizer, Scenario, Training
from bpdebug.core.errors import BpdebugError
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.export.formats import FORMATS, exported
from bpdebug.export.torch_words import WORDS
from bpdebug.session.session import Session

MISH = (
    "mish_by_hand", "a = z * tanh(log1p(exp(z)))", {"z": "g * (a / z + z * (1 - (a / z) ** 2) / (1 + exp(-z)))"}, "by hand",
)  # fmt: skip
CUBIC = ("cubic_error", "loss = abs(a - y) ** 3", {"a": "3 * (a - y) ** 2 * sign(a - y)"}, "by hand")
ADAGRAD = (
    "adagrad_by_hand", "by hand",
    "v = v + g ** 2", "w = w - learning_rate * g / (sqrt(v) + epsilon)",
)  # fmt: skip


@pytest.fixture(autouse=True)
def sentences(monkeypatch):
    """What is said of the new rows."""
    for name in ("mish_by_hand", "cubic_error"):
        monkeypatch.setitem(texts.VALUES, name, "A value.")
        monkeypatch.setitem(texts.DERIVATIVES, name, "A slope.")
    monkeypatch.setitem(texts.STEPS, "adagrad_by_hand", {"v": "A sum of squares.", "w": "A step."})


def script_of(scenario, *commands):
    session = Session(scenario)
    for command in ("update 2", *commands):
        session.execute(command)
    return exported(session.timeline, FORMATS["torch"])


def undefined(script):
    """The names that a script reads and nothing in it defines."""
    nodes = list(ast.walk(ast.parse(script)))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    made = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    made |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)} | {node.arg for node in nodes if isinstance(node, ast.arg)}
    made |= {
        alias.asname or alias.name.partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return read - made - set(dir(builtins))


@pytest.mark.parametrize("number", range(0, len(COMBINATIONS), 29))
def test_a_script_defines_what_it_reads(number):
    assert undefined(script_of(scenario_of(number))) == set()


def test_a_new_activation_is_written_by_its_formula(monkeypatch):
    monkeypatch.setitem(OPERATIONS, "mish_by_hand", operations._row(*MISH))
    script = script_of(Scenario("new", ("a", "b"), (Layer(3, "mish_by_hand"), Layer(1, "sigmoid")), X, Y, training=Training(5)))
    assert "\na1 = z1 * tanh(log1p(exp(z1)))\n" in script
    assert "def log1p(x):" in script
    assert undefined(script) == set()


def test_a_new_loss_is_written_by_its_formula(monkeypatch):
    monkeypatch.setitem(OPERATIONS, "cubic_error", operations._row(*CUBIC))
    script = script_of(xor(loss=xor().loss.__class__("cubic_error", samples="mean", factor=0.5)))
    assert "\nloss = 0.5 * sum(abs(a2 - y)**3) / m\n" in script
    assert undefined(script) == set()


def test_a_new_optimizer_is_refused_with_a_sentence_until_it_has_a_name(monkeypatch, tmp_path):
    monkeypatch.setitem(OPTIMIZERS, "adagrad_by_hand", optimizers._rule(*ADAGRAD, learning_rate=0.1, epsilon=1e-10))
    scenario = xor(optimizer=Optimizer("adagrad_by_hand"))
    with pytest.raises(BpdebugError, match="no PyTorch name for adagrad_by_hand"):
        script_of(scenario)
    session = Session(scenario)
    with pytest.raises(BpdebugError):
        session.execute(f"export {tmp_path / 'step.py'}")
    assert list(tmp_path.iterdir()) == []
    named = optimizers._rule(
        *ADAGRAD, torch="Adagrad({p}, lr={learning_rate}, eps={epsilon})", state={"step": "t", "sum": "v"}, learning_rate=0.1, epsilon=1e-10
    )
    monkeypatch.setitem(OPTIMIZERS, "adagrad_by_hand", named)
    script = script_of(scenario)
    assert "torch.optim.Adagrad([W1, b1, W2, b2], lr=0.1, eps=1e-10)" in script
    assert 'optimizer.state[W1] = {"step": torch.tensor(2.0), "sum": torch.tensor([' in script
    assert undefined(script) == set()


def test_every_shipped_row_has_a_name_in_pytorch():
    assert WORDS.keys() <= FUNCTIONS.keys()
    assert [row.name for row in OPERATIONS.values() if not row.torch] == ["affine", "linear", "add"]  # these are Python as they stand
    assert all(row.torch for row in OPTIMIZERS.values())
    assert all(np.isin(letter, ("t", *row.slots)) for row in OPTIMIZERS.values() for letter in row.torch_state.values())
