"""Programs of lines that cannot be read: what is said, and where, for each of them, and that all of a file is told at once."""

import pytest

from bpdebug.frontends import ScenarioError, load_scenario

GOOD = """\
program: |
  # two layers
  h = tanh(x @ W1 + b1)   # hidden
  o = (h @ W2
       + b2)
  loss = mean((o - y) ** 2)
parameters: {shapes: {W1: [2, 3], b1: [3], W2: [3, 1], b2: [1]}}
data: {inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: [[0], [1], [1], [0]]}
"""


@pytest.fixture
def told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load(text):
        (tmp_path / "s.yaml").write_bytes(text.encode())
        with pytest.raises(ScenarioError) as caught:
            load_scenario("s.yaml")
        return str(caught.value)

    return load


def test_the_unbroken_file_loads(tmp_path):
    (tmp_path / "s.yaml").write_text(GOOD)
    assert load_scenario(tmp_path / "s.yaml").lines


REPLACED = [
    ("tanh(x @ W1 + b1)", "tanh(x @ W3 + b1)", "3:16", "W3 is read but nowhere given: add W3 to parameters: shapes"),
    ("tanh(x", "tanh(X", "3:12", "X is read but nowhere given", "did you mean 'x'?"),
    ("tanh(x @ W1 + b1)", "tanh(x @ o)", "3:16", "o is read before line 3 of the program computes it"),
    ("tanh(x @ W1 + b1)", "tanh(x @ W1 + b1", "3:11", "nothing closes this '('"),
    ("tanh(x @ W1 + b1)", "tahn(x @ W1 + b1)", "3:7", "unknown function 'tahn'; did you mean 'tanh'?"),
    ("tanh(x @ W1 + b1)", "tanh(W1 @ x + b1)", "3:15", "W1 is 2×3", "x is 4×2"),
    ("+ b2)", "+ + * b2)", "5:12", "this is not a formula"),
    ("+ b2)", "+ b9)", "5:10", "b9 is read but nowhere given"),
    ("h = tanh", "h += tanh", "3:5", "+= changes a tensor in its place", "write h = h + …"),
    ("h = tanh", "h @= tanh", "3:5", "write h = h @ …"),
    ("h = tanh", "h[0] += tanh", "3:8", "write h = add_at(h, …)"),
    ("  # two layers", "  h == tanh(x @ W1)", "2:3", "a line is NAME = FORMULA", "found 'h == tanh(x @ W1)'"),
    ("h = tanh(x @ W1 + b1)", "h = ", "3:6", "a formula is expected behind '='"),
    ("  # two layers", "  tanh(x @ W1)", "2:3", "a line is NAME = FORMULA", "begin it with a name and ="),
    ("  # two layers", "  2h = tanh(x @ W1)", "2:3", "a tensor's name is expected before '='; found '2h'"),
    ("  # two layers", "  lambda = tanh(x @ W1)", "2:3", "'lambda' is a word of Python's own"),
    ("  # two layers", "  pi = tanh(x @ W1)", "2:3", "'pi' is the number 3.14159"),
    ("  # two layers", "  W1 = tanh(x @ W1)", "2:3", "W1 is a parameter: only the update may change it"),
    ("  # two layers", "  x[0] = tanh(x @ W1)", "2:3", "a line assigns a whole tensor, and x is one", "x = where(…)"),
    ("  # two layers", "  import numpy as np", "2:3", "leave it out: the functions of NumPy are there"),
    ("  # two layers", "  from numpy import tanh", "2:3", "leave it out: the functions of NumPy are there"),
    ("  # two layers", "  def forward(x):", "2:3", "leave the def out"),
    ("  # two layers", "  for i in range(3):\n    q = i\n", "2:3", "a program has no loops"),
    ("  # two layers", "  if x > 0:", "2:3", "write where(condition, a, b)"),
    ("  # two layers", "  return loss", "2:3", "the loss is the line called loss"),
    ("loss = mean((o - y) ** 2)", "loss = (o - y) ** 2", "6:3", "loss is 4×1", "write loss = mean(…) or sum(…)"),
    ("  loss = mean((o - y) ** 2)", "  + 3", "6:3", "to go on with the line above, put both in brackets"),
    ("  loss =", "  db1 = mean(h)\n  loss =", "6:3", "the gradient of b1 is called db1, and so is a tensor"),
    ("  loss =", "  h.1 = mean(h)\n  loss =", "6:3", "a part of h is called h.1, and so is a tensor"),
    ("b2: [1]", "b2: [1], db1: [3]", "7:65", "the gradient of b1 is called db1"),
    ("b2: [1]", "b2: [1], m: [3]", "7:65", "m is the number of samples in the batch already"),
    ("b2: [1]", "b2: [1], learning_rate: [3]", "7:65", "learning_rate is a constant of the optimizer already"),
    ("b2: [1]", "b2: [1], a-b: [3]", "7:65", "a tensor cannot be called 'a-b'"),
    ("b2: [1]", "b2: [1], V: [100000, 100000]", "7:65", "10,000,000,000 numbers", "at most 134,217,728"),
    ("tanh(x @ W1 + b1)", "tanh(x @ W1 + " + "b1 + " * 3000 + "b1)", "3:7", "characters; at most"),
    ("tanh(x @ W1 + b1)", "tanh(" + "-" * 200 + "b1)", "3:", "nested more than"),
    ("  # two layers", "  a = 1\n" * 5001, "5002:3", "at most 5,000 are read"),
    ("program: |", "loss: lost\nprogram: |", "1:1", "no line computes the loss 'lost'; did you mean 'loss'?"),
]


@pytest.mark.parametrize(("old", "new", "place", "words"), [(old, new, place, words) for old, new, place, *words in REPLACED])
def test_a_broken_line_is_told_with_its_place(told, old, new, place, words):
    assert old in GOOD
    found = told(GOOD.replace(old, new, 1))
    assert f"s.yaml:{place}" in found
    assert [word for word in words if word not in found] == []
    assert len(found.splitlines()) == 1  # whatever reads the broken line's tensor is not complained of


def test_all_that_is_wrong_is_told_at_once(told):
    found = told(GOOD.replace("tanh(x", "tanh(X").replace("b2)", "b9)").replace("b2: [1]", "b2: [1], m: [1]").replace("- y", "- z"))
    assert [line.split(" ")[0] for line in found.splitlines()] == ["s.yaml:3:12:", "s.yaml:5:10:", "s.yaml:6:20:", "s.yaml:7:65:"]


REST = "parameters: {shapes: {W: [2, 1]}}\ndata: {inputs: [[1, 2]]}\n"
STYLES = {
    "literal": ("program: |\n  a = x @ W\n  loss = sum(a - q)\n", "3:18"),
    "indented": ("program: |2\n    a = x @ W\n    loss = sum(a - q)\n", "3:20"),
    "stripped": ("program: |-   # a remark\n\n    a = x @ W\n\n    loss = sum(a - q)\n", "5:20"),
    "folded": ("program: >\n  a = x @ W\n\n  loss = sum(a\n  - q)\n", "5:5"),
    "plain": ("program: loss = sum(x @ W - q)\n", "1:29"),
    "plain over lines": ("program: loss = sum(x @ W\n  - q)\n", "2:5"),
    "single quotes": ("program: 'loss = sum(x @ W - q)'\n", "1:30"),
    "double quotes": ('program: "a = x @ W\\nloss = sum(a - \\x71)"\n', "1:37"),
    "double quotes over lines": ('program: "a = x @ W\n\n  loss = sum(a - \\\n  q)"\n', "4:3"),
}


@pytest.mark.parametrize("style", STYLES)
def test_columns_count_in_the_file_however_the_text_is_written(told, style):
    text, place = STYLES[style]
    assert told(text + REST).startswith(f"s.yaml:{place}: q is read")
