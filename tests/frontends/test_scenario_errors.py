import pytest

from bpdebug.core.errors import BpdebugError
from bpdebug.frontends import ScenarioError, load_scenario

GOOD = """\
name: t
network:
  inputs: 2
  layers:
    - {units: 3, activation: tanh}
    - {units: 1, activation: sigmoid}
data:
  inputs: [[0, 0], [0, 1]]
  targets: [0, 1]
"""


@pytest.fixture
def problems(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load(text):
        (tmp_path / "s.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ScenarioError) as caught:
            load_scenario("s.yaml")
        return str(caught.value).splitlines()

    return load


def test_the_unbroken_file_loads(tmp_path):
    (tmp_path / "s.yaml").write_text(GOOD)
    assert load_scenario(tmp_path / "s.yaml").layers[0].units == 3


REPLACED = [
    ("units: 3", "units: '3'", "5:15", "expected a whole number from 1", "found '3'", "without quotes"),
    ("units: 3", "units: 0", "5:15", "whole number from 1", "found 0"),
    ("units: 3", "units: 3.5", "5:15", "whole number", "found 3.5"),
    ("units: 3", "units: true", "5:15", "whole number", "found true"),
    ("units: 3", "units: 1000000000", "5:15", "to 1,000,000", "found 1000000000"),
    ("units: 3", "units: " + "9" * 5000, "5:15", "whole number", "found 9999"),
    ("units: 3, ", "", "5:7", "'units' is missing"),
    ("tanh", "tahn", "5:30", "unknown name 'tahn': did you mean 'tanh'?"),
    ("tanh", "5", "5:30", "expected one of identity, sigmoid, tanh", "found 5"),
    ("tanh", "tanh, slope: 1", "5:36", "'slope' goes with activation leaky_relu", "found activation tanh"),
    ("tanh", "tanh, dropout: 0.5", "5:36", "unknown key 'dropout'; dropout is a layer", "h = dropout(…)", "writes a network as lines"),
    ("tanh", "tanh, type: conv2d", "5:36", "unknown key 'type'; conv2d is a layer"),
    ("tanh", "tanh, bias: yes", "5:42", "expected true or false", "found 'yes': did you mean true?"),
    ("tanh", "tanh, residual: true", "5:36", "2 wide", "3 wide", "same width"),
    ("[0, 1]]", "[0]]", "8:20", "expected a row of 2 numbers", "found 1"),
    ("[0, 1]]", "[0, .nan]]", "8:24", "expected a number; found .nan", "not finite"),
    ("[0, 1]]", "[0, -.inf]]", "8:24", "found -.inf", "not finite"),
    ("[0, 1]]", "[0, 1_0]]", "8:24", "found '1_0': did you mean 10?"),
    ("[0, 1]]", "[0, '1']]", "8:24", "found '1'", "without quotes"),
    ("[0, 1]]", "[0, ]]", "8:20", "expected a row of 2 numbers", "found 1"),
    ("[[0, 0], [0, 1]]", "[]", "8:11", "expected a list of numbers", "found an empty list"),
    ("[[0, 0], [0, 1]]", "[[], []]", "8:12", "expected a row", "found an empty list"),
    ("targets: [0, 1]", "targets: [0, 1, 1]", "9:3", "2 rows of inputs", "found 3"),
    ("targets: [0, 1]", "targets: [[0, 1], [1, 0]]", "9:3", "targets are 2×2", "2×1"),
    ("inputs: 2", "inputs: 3", "8:3", "3 inputs", "2×2"),
    ("inputs: 2", "inputs: [a, a]", "3:15", "'a' is given twice"),
    ("inputs: 2", "inputs: [a, b]\n  outputs: [p, q]", "4:3", "2 outputs (p, q)", "found 1"),
    ("data:", "date:", "7:1", "unknown key 'date': did you mean 'data'?"),
    ("name: t", "name: {a: 1}", "1:7", "expected a text; found {a: 1}"),
]


@pytest.mark.parametrize(("old", "new", "place", "words"), [(old, new, place, words) for old, new, place, *words in REPLACED])
def test_a_broken_value_is_told_with_its_place(problems, old, new, place, words):
    assert old in GOOD
    told = "\n".join(problems(GOOD.replace(old, new)))
    assert f"s.yaml:{place}: " in told
    assert [word for word in words if word not in told] == []


ADDED = [
    ("learing_rate: 0.1", "10:1", "unknown key 'learing_rate': did you mean 'learning_rate'?"),
    ("optimizer: {learing_rate: 0.1}", "10:13", "unknown key 'learing_rate': did you mean 'learning_rate'?"),
    ("optimizer: {learning_rate: 1,5}", "10:30", "point, not a comma"),
    ("optimizer: {learning_rate: -1e-3}", "10:28", "expected a number from 0; found -1e-3"),
    ("optimizer: {learning_rate: 1e999}", "10:28", "not finite"),
    ("optimizer: {learning_rate: 1e200}", "10:28", "found 1e200"),
    ("optimizer: {name: adam, beta1: 1}", "10:32", "from 0 to below 1; found 1"),
    ("optimizer: {name: adam, momentum: 0.9}", "10:25", "'momentum' goes with name sgd or momentum or nesterov; found name adam"),
    ("optimizer: [adam]", "10:12", "expected lines such as these; found a list of 1", "    optimizer:", "      learning_rate: 0.1"),
    ("optimizer: adan", "10:12", "unknown name 'adan': did you mean 'adam'?"),
    ("loss: {function: huber, delta: -1}", "10:32", "expected a number from 0"),
    ("loss: {delta: 1}", "10:8", "'delta' goes with function huber; found function squared_error"),
    ("loss: {function: hinge_loss}", "9:3", "hinge takes targets -1 and 1, the two sides; found 0"),
    ("loss: {samples: avg}", "10:17", "unknown name 'avg'; expected one of sum, mean"),
    ("loss: {from_logits: true}", "10:8", "no from_logits form"),
    ("training: {epochs: 0}", "10:20", "whole number from 1"),
    ("training: {epochs: 10000000000}", "10:20", "to 1,000,000,000"),
    ("training: {epochs: }", "10:20", "found nothing"),
    ("training: {shuffle: on}", "10:21", "found 'on': did you mean true?"),
    ("precision: float16", "10:12", "unknown name 'float16': did you mean 'float64'?"),
    ("parameters: {seed: -1}", "10:20", "whole number from 0"),
    ("parameters: {initializer: {name: normal, low: 3}}", "10:42", "'low' goes with name uniform"),
    ("parameters: {initializer: {name: uniform, low: 3}}", "10:14", "low (3) is above high (1)"),
    ("parameters: {initializer: {std: 3}}", "10:27", "'name' is missing"),
    ("parameters: {initializer: [normal]}", "10:27", "found a list of 1"),
    ("parameters: {frozen: [W1, w2]}", "10:27", "no parameter 'w2'; did you mean 'W2'?"),
    ("parameters: {values: {b1: [1, 2]}}", "10:23", "b1 is 1×3; this value is 1×2"),
    ("parameters: {values: {b3: [1, 2]}}", "10:23", "no tensor 'b3'"),
    ("parameters: {values: {W1: [[1, 2], [1]]}}", "10:36", "expected a row of 2 numbers"),
    ("precision: float32\nparameters: {values: {b1: [1e200, 1, 1]}}", "11:23", "1e+200 is more than float32 can hold"),
    ("debug: {watches: dz2}", "10:18", "expected a list of texts; found 'dz2'"),
    ("debug: {watches: [1]}", "10:19", "expected a text; found 1"),
    ("formulas: {da2: 'a2 - yy'}", "10:23", "unknown name 'yy'; did you mean 'y'?"),
    ("formulas:\n  da2:   a2 - yy", "11:15", "unknown name 'yy'"),
    ("formulas: {dz9: x}", "10:12", "no stage 'dz9'"),
    ("formulas: {dW1: a1}", "10:17", "dW1 is 2×3"),
    ("formulas: {da2: [1]}", "10:17", "expected a text"),
    ("formulas: {da2: __import__}", "10:17", "unknown name '__import__'"),
    ("name: again", "10:1", "duplicate key 'name'; it is given in line 1 already"),
    ("---\nname: x", "10:1", "a second document"),
    ("\tloss: {}", "10:1", "tab"),
    ("training:\n\tepochs: 3", "11:1", "tab"),
    ("loss: {function: huber", "11:1", "this is not YAML"),
    ("description: a: b", "10:15", "needs quotes"),
    ("description: @b", "10:14", "quotes"),
    ("loss: &anchor {}", "10:7", "anchor (&anchor) is not supported"),
    ("loss: *anchor", "10:7", "alias (*anchor) is not supported"),
    ("loss: !!python/object/apply:os.system [ls]", "10:7", "tag", "a scenario is data"),
    ("<<: {a: 1}", "10:1", "merge key"),
    ("? [a]\n: 1", "10:3", "expected a key"),
]


@pytest.mark.parametrize(("line", "place", "words"), [(line, place, words) for line, place, *words in ADDED])
def test_a_broken_line_is_told_with_its_place(problems, line, place, words):
    told = "\n".join(problems(f"{GOOD}{line}\n"))
    assert f"s.yaml:{place}: " in told
    assert [word for word in words if word not in told] == []


WHOLE = [
    ("", "1:1", "the file is empty"),
    ("# only a comment\n", "1:1", "the file is empty"),
    ("- 1\n", "1:1", "expected lines such as these; found a list of 1"),
    ("hello\n", "1:1", "expected lines such as these; found 'hello'"),
    ("name: 'a\x00b'\n", "1:9", "'\\x00' cannot stand"),
    (b"name: t\nx: \xff\n", "2:4", "expected UTF-8 text; found the byte 0xff"),
    (GOOD.encode("utf-16"), "1:1", "expected UTF-8"),
    (
        "network: {inputs: 1, layers: [{units: 10000}, {units: 10000}]}\ndata: {inputs: [1], targets: [1]}",
        "1:22",
        "100,030,000 parameters; expected at most 50,000,000",
    ),
]


@pytest.mark.parametrize(("text", "place", "words"), WHOLE)
def test_a_file_that_is_no_scenario_is_told(problems, text, place, words):
    told, *example = problems(text)
    assert told.startswith(f"s.yaml:{place}: ")
    assert words in told
    assert all(line.startswith("    ") for line in example)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(problems):
    text = GOOD.replace("units: 3", "units: 0").replace("sigmoid", "sigmod").replace("[0, 1]]", "[0, x]]")
    told = problems(text + "loss: {factr: 2, l2: -1}\nname: u\n")
    assert [line.split(": ")[0] for line in told] == [f"s.yaml:{p}" for p in ("5:15", "6:30", "8:24", "10:8", "10:22", "11:1")]


def test_all_formulas_are_checked(problems):
    told = problems(GOOD + "formulas: {da2: a2 -q, dz2: q, dW2: a1}\n")
    assert [line.split(":")[2] for line in told] == ["21", "29", "37"]


def test_a_message_is_one_line_that_a_terminal_can_show(problems):
    (told,) = problems(GOOD + 'loss: {function: "\\e[31m\\nhuber"}\n')
    assert "\\x1b[31m\\nhuber" in told


def test_the_error_carries_its_problems(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(GOOD.replace("units: 3", "units: 0"))
    with pytest.raises(BpdebugError) as caught:
        load_scenario(path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == (str(path), 5, 15)


def test_very_many_problems_are_counted(problems):
    told = problems(GOOD + "".join(f"key{n}: 1\n" for n in range(100)))
    assert len(told) == 51
    assert "50 more" in told[-1]


MISSING = [
    ("xr", "did you mean the shipped scenario 'xor'?"),
    ("xor.yml", "did you mean the shipped scenario 'xor'?"),
    ("nowhere/iris.yaml", "did you mean the shipped scenario 'iris'?"),
    ("nothing like it", "a shipped scenario: one_neuron, xor"),
    ("min.yaml", "did you mean mine.yaml?"),
    ("a" * 5000, "there is no such file"),
    ("a\0b", "there is no such file"),
    (".", "this is a directory"),
]


@pytest.mark.parametrize(("source", "words"), MISSING)
def test_a_file_that_is_not_there_gets_a_suggestion(tmp_path, monkeypatch, source, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(GOOD)
    with pytest.raises(ScenarioError, match=r"^[^:]+: ") as caught:
        load_scenario(source)
    assert words in str(caught.value)
