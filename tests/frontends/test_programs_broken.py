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


def test_lines_that_do_not_fit_each_batch_are_told_so(told):
    text = GOOD.replace("tanh(x @ W1 + b1)", "reshape(tanh(x @ W1 + b1), (3, 3))") + "training: {batch_size: 3}\n"
    words = (
        "s.yaml:3:7: tanh(x @ W1 + b1) is 1×3; reshape(tanh(x @ W1 + b1), (3, 3)) cannot hold its 3 numbers (batches of 3 samples and of 1"
    )
    assert words in told(text)


def test_a_shape_and_a_value_that_contradict_each_other_are_told(told):
    text = GOOD.replace("b2: [1]}", "b2: [1]}, values: {b1: [1, 2]}")
    assert told(text) == "s.yaml:7:75: b1 is 3 under shapes:, and this value is 2: leave one of them out"


def test_a_name_that_is_given_twice_is_told(told):
    text = GOOD + "constants: {c: 2}\ntensors: {c: [1]}\n"
    assert "c is given under constants: already: choose another name" in told(text)


REPLACED = [
    ("tanh(x @ W1 + b1)", "tanh(x @ W3 + b1)", "3:16", "W3 is read but nowhere given: add W3 to parameters: shapes"),
    ("tanh(x", "tanh(X", "3:12", "X is read but nowhere given", "did you mean 'x'?"),
    ("tanh(x @ W1 + b1)", "tanh(x @ o)", "3:16", "o is read before line 3 of the program computes it"),
    ("tanh(x @ W1 + b1)", "tanh(x @ W1 + b1", "3:11", "nothing closes this '('"),
    ("tanh(x @ W1 + b1)", "tahn(x @ W1 + b1)", "3:7", "unknown function 'tahn'; did you mean 'tanh'?"),
    ("tanh(x @ W1 + b1)", "tanh(W1 @ x + b1)", "3:15", "W1 is 2×3", "x is 4×2"),
    ("+ b2)", "+ + * b2)", "5:12", "this is not a formula"),
    ("+ b2)", "+ b9)", "5:10", "b9 is read but nowhere given"),
    ("tanh(x @ W1 + b1)", "torch.max(x @ W1)", "3:7", "'torch.max' cannot be called here; write max(…), without torch."),
    ("tanh(x @ W1 + b1)", "tril(ones((3, 3), dtype=bool))", "3:12", "ones takes no argument 'dtype': leave it out, or write a comparison"),
    ("tanh(x @ W1 + b1)", "einsum('bij,jk->bik', x, W1)", "3:7", "bij stands for 4×2: a letter an axis is needed"),
    ("tanh(x @ W1 + b1)", "einsum('bi->b', x, W1)", "3:7", "its subscripts stand for 1, and 2 arrays are given"),
    ("h = tanh", "h %= tanh", "3:5", "%= changes a tensor in its place", "write h = h % …"),
    ("h = tanh", "h += tanh", "3:3", "h reads itself"),
    ("h = tanh", "x -= 1\n  h = tanh", "3:3", "NumPy changes the array of x here, too: write x = x …"),
    ("h = tanh", "h = x.T[0]\n  h += 1\n  h = tanh", "4:3", "the array of x here"),
    ("h = tanh", "h = x + 1\n  k = h[0]\n  h *= 2\n  h = tanh", "5:3", "the array of k here"),
    ("h = tanh", "h = x + 1\n  h *= 2 + wrong\n  h = tanh", "4:12", "wrong is read but nowhere given"),
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
    # what comes from other places
    ("tanh(x @ W1 + b1)", "torch.matmul(x, W1)", "3:7", "'torch.matmul' cannot be called here; a product of matrices is written a @ b"),
    ("tanh(x @ W1 + b1)", "F.relu(x @ W1)", "3:7", "write relu(…), without F."),
    ("tanh(x @ W1 + b1)", "jax.nn.relu(x @ W1)", "3:7", "write relu(…), without jax.nn."),
    ("tanh(x @ W1 + b1)", "torch.sofmax(x @ W1)", "3:7", "did you mean 'softmax'?"),
    ("tanh(x @ W1 + b1)", "os.system(x)", "3:7", "'os.system' cannot be called here; what may follow a value is"),
    ("mean((o - y) ** 2)", "tf.reduce_mean((o - y) ** 2)", "6:10", "it is written mean(x, axis=0)"),
    ("mean((o - y) ** 2)", "mse_loss(o, y)", "6:10", "unknown function 'mse_loss'; it is written mean((out - y) ** 2)"),
    ("mean((o - y) ** 2)", "sum(mean(o - y, dim=0))", "6:14", "mean takes no argument 'dim'; it is called axis here"),
    ("mean((o - y) ** 2)", "(o - y).pow(2).mean()", "6:10", "a power is written x ** 2"),
    ("tanh(x @ W1 + b1)", "nn.Linear(2, 3)(x)", "3:7", "'nn.Linear' cannot be called here; it is written x @ W + b"),
    ("tanh(x @ W1 + b1)", "(x @ W1).view(4, 3)", "3:7", "it is written reshape(x, (2, -1))"),
    ("tanh(x @ W1 + b1)", "np.random.randn(4, 3)", "3:7", "parameters: shapes are drawn by the initializer"),
    ("tanh(x @ W1 + b1)", "nn.BatchNorm1d(3)(x)", "3:7", "the layer is called batch_norm(x)"),
    ("tanh(x @ W1 + b1)", "x @ self.W1", "3:11", "'.W1' is not in the language, and there is no tensor self.W1"),
    # slips of the pen
    ("tanh(x @ W1 + b1)", "x * W1", "3:9", "a product of matrices is x @ W1"),
    ("(o - y) ** 2", "(o - y) ^ 2", "6:23", "there is no ^; write ** for a power"),
    ("(o - y)", "(o − y)", "6:18", "'−' is no sign of the language; write -"),
    ("tanh(x @ W1", "tanh(2x @ W1", "3:12", "a product is written with its sign: 2 * …"),
    ("tanh(x @ W1", "tanh(x W1", "3:14", "a sign such as * or @ is missing before 'W1'"),
    ("tanh(x @ W1 + b1)", "tanh(x @ W1 + b1))", "3:24", "unmatched ')': nothing opens it"),
    ("loss = mean", "λ = mean", "6:3", "a tensor's name is written in letters from a to z; found 'λ'"),
    ("h = tanh", "h = h2 = tanh", "3:10", "it stands once in a line"),
    ("loss = mean", "loss == mean", "6:3", "begin it with a name and =, a single one"),
    ("tanh(x @ W1 + b1)", "tanh(h @ W1 + b1)", "3:12", "h reads itself, and no line above gives it a value"),
    ("tanh(x @ W1 + b1)", "(z := x @ W1)", "3:8", "there is no :="),
    ("tanh(x @ W1 + b1)", "[x[i] for i in range(4)]", "3:7", "a program has no loops"),
    ("tanh(x @ W1 + b1)", "(lambda z: z)(x @ W1)", "3:8", "a formula has no lambda"),
    ("tanh(x @ W1 + b1)", "'hidden'", "3:7", "a number is expected; found 'hidden' (a text stands in einsum alone)"),
    ("mean((o - y) ** 2)", "sum(mean(o - y, axis=2))", "6:14", "there is no axis 2: o - y is 4×1"),
    # places that there are not
    (
        "tanh(x @ W1 + b1)",
        "tanh(x @ W1 + b1)[:, [0, 1, 5]]",
        "3:7",
        "index 5 is out of range for axis 1 of tanh(x @ W1 + b1), which is 4×3",
    ),
    ("tanh(x @ W1 + b1)", "tanh(x @ W1 + b1 * W1[2, 0])", "3:26", "index 2 is out of range for axis 0 of W1, which is 2×3"),
    ("mean((o - y) ** 2)", "mean(h[arange(len(x)), x[:, 0] + 3])", "6:15", "index 3 is out of range for axis 1 of h, which is 4×3"),
    ("mean((o - y) ** 2)", "cross_entropy(h, 3 * y[:, 0])", "6:10", "index 3 is out of range for axis 1 of h, which is 4×3"),
    ("mean((o - y) ** 2)", "cross_entropy(h, y[:, 0] - 1)", "6:10", "index -1 is out of range for axis 1 of h, which is 4×3"),
    ("mean((o - y) ** 2)", "mean(take(W1, y + 2, axis=0))", "6:15", "index 2 is out of range for axis 0 of W1, which is 2×3"),
    # what NumPy itself refuses, or means otherwise
    ("tanh(x @ W1 + b1)", "where((x @ W1 > 0) & b1, 1, 0)", "3:26", "'&' takes truth values, and b1 is a number: write b1 > 0"),
    ("tanh(x @ W1 + b1)", "where(~W1[0], 1, 0)", "3:13", "'~' takes truth values, and W1[0] is a number: write W1[0] > 0"),
    ("tanh(x @ W1 + b1)", "swapaxes(x, 0, 2)", "3:7", "there is no axis 2: x is 4×2"),
    ("tanh(x @ W1 + b1)", "transpose(W1, (0, 1, 2))", "3:7", "W1 is 2×3; as many axes are named as there are, each once"),
    ("tanh(x @ W1 + b1)", "sliding_window_view(W1, 5, axis=1)", "3:7", "W1 is 2×3; a window is no larger than what it slides over"),
    ("tanh(x @ W1 + b1)", "repeat(W1, -1, axis=0)", "3:7", "that would be -2×3; a length is 0 or more"),
    # the sections of the file
    ("program: |", "programm: |", "1:1", "unknown key 'programm': did you mean 'program'?"),
    ("[0, 1], [1, 0]", "[0, .nan], [1, 0]", "8:29", "expected a number; found .nan (not finite)"),
    ("data:", "constants: {x: 3}\ndata:", "8:13", "x is what data: gives already: choose another name"),
    ("b1: [3]", "b1: [300000, 300000]", "7:35", "90,000,000,000 numbers; a tensor has at most"),
    ("data: {", "data: {file: no.csv} #", "8:14", "the file no.csv does not exist"),
    ("data:", "network: {layers: [3, 1]}\ndata:", "8:1", "'network' belongs to another kind of scenario", "keep one of the two"),
    ("data:", "layers: [3, 1]\ndata:", "8:1", "'layers' belongs to another kind of scenario, and does not go with 'program'"),
    ("W1: [2, 3]", "W1: 6", "7:27", "expected a list such as [2, 3]; found 6"),
    ("inputs: [[0, 0], [0, 1]", "inputs: [[0, 0], [0]", "8:25", "expected as many numbers as before, 2; found 1"),
    ("targets: [[0], [1], [1], [0]]", "targets: [[0], [1]]", "8:50", "4 samples of inputs need as many targets; found 2"),
    ("{inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: [[0], [1], [1], [0]]}", "no.npz", "8:7", "the file no.npz does not exist"),
    ("b2: [1]", "b2: [1]}, values: {c: {file: no.npz}", "7:85", "no.npz: there is no such file"),
]


def test_what_a_program_is_not(told):
    for text in ("[h = x]", "3", "{h: x}"):
        found = told(f"program: {text}\n{GOOD.partition('b2)')[2].partition(chr(10))[2].partition(chr(10))[2]}")
        assert "expected a text; found" in found and "loss = mean((h @ W2 - y) ** 2)" in found
    assert "a parameter stands under 'shapes' or 'values'" in told(
        GOOD.replace("shapes: {W1: [2, 3], b1: [3], W2: [3, 1], b2: [1]}", "W1: [2, 3]")
    )
    assert "the key 'program' is missing" in told("parameters: {shapes: {W1: [2, 3]}}\ndata: {inputs: [[1, 2]], targets: [[1]]}\n")
    assert "'backward' belongs to another kind of scenario, and goes with 'program'" in told("backward: dh = 1\nnetwork: [2, 1]\n")


def test_lines_may_stand_beside_each_other(tmp_path):
    (tmp_path / "s.yaml").write_text(GOOD.replace("  # two layers\n", "  a = x[:, 0]; k = 'x' + 1; q = sum(a, axis=0)  # three\n"))
    with pytest.raises(ScenarioError, match="2:20: a number is expected"):
        load_scenario(tmp_path / "s.yaml")
    (tmp_path / "s.yaml").write_text(GOOD.replace("  # two layers\n", "  a = x[:, 0]; q = sum(a, axis=0)  # a; sum\n"))
    assert load_scenario(tmp_path / "s.yaml").lines


def test_places_of_some_samples_are_not_looked_for_in_others(tmp_path):
    text = GOOD.replace("mean((o - y) ** 2)", "-mean(log_softmax(h)[arange(len(x)), x[:, 0]])") + "training: {batch_size: 2}\n"
    (tmp_path / "s.yaml").write_text(text)
    assert load_scenario(tmp_path / "s.yaml").lines


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


def test_lines_that_have_run_together_are_told_so(told):
    assert (
        told(f"program:\n  a = x @ W\n  loss = sum(a)\n{REST}") == "s.yaml:3:3: lines have run together here: begin them with 'program: |'"
    )
