"""Arrays as other languages print them; a hostile text is refused, in no time and with a place."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from debugger_scenarios import xor
from test_names import computed
from turns import by_day

from bpdebug.arrays import read_arrays
from bpdebug.core.errors import BpdebugError
from bpdebug.printed import parse, read_printed
from bpdebug.session.commands.check import compared
from bpdebug.session.session import Session

TEXTS = {
    "JSON": '{"W1": [[1, 2], [3, 4]], "b1": [5, 6], "loss": 0.5, "name": "x"}',
    "print": "W1 [[1. 2.]\n [3. 4.]]\nb1: [5. 6.]\nloss = 0.5\n",
    "dict": "{'W1': array([[1., 2.],\n [3., 4.]]), 'b1': array([5., 6.], dtype=float32), 'loss': np.float64(0.5)}",
    "torch": "W1 = tensor([[1., 2.], [3., 4.]], grad_fn=<AddBackward0>)\nb1 = tensor([5., 6.], requires_grad=True)\nloss: tensor(0.5)",
    "Java": "double[][] W1 = {{1.0, 2.0}, {3.0, 4.0}};\ndouble[] b1 = new double[]{5, 6};\ndouble loss = 0.5;",
    "C++": "std::vector<std::vector<double>> W1 = {{1.0f, 2.f}, {3, 4}};\nfloat b1[2] = {5, 6}; // bias\nfloat loss = .5f;",
    "JavaScript": "const W1 = [[1, 2], [3, 4]];\nlet b1: number[] = [5, 6];\nvar loss = 5e-1",
    "Julia": "julia> W1\n2×2 Matrix{Float64}:\n 1.0  2.0\n 3.0  4.0\n\nb1 = Float64[5.0, 6.0]\nloss = 5.0f-1",
    "MATLAB": "W1 =\n\n   1.0e+00 *\n\n    1.0000    2.0000\n    3.0000    4.0000\n\nb1 = [5 6];\nloss =\n\n    0.5000\n",
    "Kotlin": "val W1 = arrayOf(doubleArrayOf(1.0, 2.0), doubleArrayOf(3.0, 4.0))\nval b1 = doubleArrayOf(5.0, 6.0)\nval loss = 0.5",
    "R": "$W1\n     [,1] [,2]\n[1,]    1    2\n[2,]    3    4\n\n$b1\n[1] 5\n[2] 6\n\n$loss\n[1] 0.5\n",
    "MATLAB, wide": "W1 =\n\n  Columns 1 through 1\n\n     1\n     3\n\n  Column 2\n\n     2\n     4\n\nb1 = [5 6]\nloss = 0.5",
    "Rust": "W1 = [[1.0, 2.0],\n [3.0, 4.0]], shape=[2, 2], strides=[2, 1], layout=Cc (0x5), const ndim=2\nb1 = [5.0, 6.0]\nloss = 0.5",
    "Mathematica": "W1 = {{1., 2.}, {3., 4.}}\nb1 = {5., 60.*^-1}\nloss = 5.*^-1",
    "a cell a line": "".join(f"W1[{i // 2}][{i % 2}] = {i + 1}\n" for i in range(4)) + "b1[1]: 5\nb1[2]: 6\nloss = 0.5",
    "Perl": "$VAR1 = {\n 'W1' => [\n [\n '1',\n '2'\n ],\n [\n '3.0',\n 4\n ]\n ],\n 'loss' => '0.5',\n 'b1' => [\n 5,\n 6\n ]\n };\n",
    "PHP": "Array\n(\n [W1] => Array\n (\n [0] => Array\n (\n [0] => 1\n [1] => 2\n )\n\n [1] => Array\n (\n [0] => 3\n [1] => 4\n )\n"
    "\n )\n\n [b1] => Array\n (\n [0] => 5\n [1] => 6\n )\n\n [loss] => 0.5\n)\n",
    "PHP, exported": "$W1 = array (\n 0 => \n array (\n 0 => 1.0,\n 1 => 2.0,\n ),\n 1 => \n array (\n 0 => 3.0,\n 1 => 4.0,\n ),\n);\n"
    "$b1 = array (\n 0 => 5.0,\n 1 => 6.0,\n);\n$loss = 0.5;\n",
    "PHP, dumped": "W1: array(2) {\n [0]=>\n array(2) {\n [0]=>\n float(1)\n [1]=>\n float(2)\n }\n [1]=>\n array(2) {\n [0]=>\n float(3)\n"
    " [1]=>\n float(4)\n }\n}\nb1: array(2) {\n [0]=>\n float(5)\n [1]=>\n float(6)\n}\nloss: float(0.5)\n",
    "Haskell": "W1 = (2><2)\n [ 1.0, 2.0\n , 3.0, 4.0 ]\nb1 = [5.0,6.0]\nloss = 0.5\n",
    "OCaml": "let W1 = [|[|1.; 2.|]; [|3.; 4.|]|]\nlet b1 = [|5.; 6.|]\nlet loss = 0.5\n",
    "decimal commas": "W1 =\n 1,000 2,000\n 3,000 4,000\nb1 = 5,000 6,000\nloss = 0,500\n",
    "decimal commas in braces": "W1 = {{1,0, 2,000}, {3,000, 4,000}};\nb1 = {5,000, 6,000};\nloss = 0,500;\n",
    "Go": "W1 := [][]float64{{1, 2}, {3, 4}}\nb1 := []float64{5, 6}\nloss := 0.5",
}


@pytest.mark.parametrize("language", TEXTS)
def test_an_array_is_read_as_any_language_prints_it(language):
    arrays = parse(TEXTS[language])
    assert {name: array.tolist() for name, array in arrays.items()} == {"W1": [[1, 2], [3, 4]], "b1": [5, 6], "loss": 0.5}


@pytest.mark.parametrize("indent", [None, 2])
def test_objects_in_a_list_have_the_numbers_of_their_places(indent):
    layers = [{"weights": [[1, 2]], "bias": [3]}, {"weights": [[4]], "bias": [5]}]
    arrays = parse(json.dumps({"layers": layers, "loss": 1, "gradients": [{"weights": [[6, 7]]}]}, indent=indent))
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "layers[0].weights": [[1, 2]],
        "layers[0].bias": [3],
        "layers[1].weights": [[4]],
        "layers[1].bias": [5],
        "loss": 1,
        "gradients[0].weights": [[6, 7]],
    }


def test_cells_that_are_no_whole_array_and_layers_of_one_unit_keep_their_own_names():
    alone = ["W[0]", "W[1]", "W1[0][0]", "W1[0][7]", "W1[0][1]", "W1[1][1]", "z1[2]"]
    assert [*parse("".join(f"{name} = 1\n" for name in alone))] == alone
    layers = parse("V[0][0][0] = 1\nV[0][0][1] = 2\nV[1][0][0] = 3\n")
    assert {name: array.tolist() for name, array in layers.items()} == {"V[0]": [[1, 2]], "V[1]": [[3]]}


def test_lists_without_a_shape_are_taken_as_they_come():
    arrays = parse("real(8) :: W1(2,2) = reshape((/ 1d0, 2.5D-1, 3.0_dp, 4d0 /), (/2,2/))\n")
    assert arrays["W1"].tolist() == [1, 0.25, 3, 4]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "text:1:1: this holds no arrays"),
        ("1 2 3", "text:1:1: expected a name before the number 1"),
        ("a = 1\nW1 = [[1, 2], [3]]", "text:2:6: expected rows of the same length"),
        ("W1 = [[1, 2]", "text:1:6: this [ is not closed"),
        ("W1 = [1 ... 2]", "text:1:9: numbers were left out"),
        ("W1 = [1]\nW1 = [2]", "text:2:6: W1 is there a second time"),
        ("W1 = " + "[" * 30 + "1", "deep"),
    ],
)
def test_what_is_no_array_is_told_with_line_and_column(text, words):
    with pytest.raises(BpdebugError) as caught:
        parse(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"), [(b"\x93NUMPY\x01", "as numpy.save writes it"), (b"\x80\x04.", "a pickle"), (b"\xff", "0xff")]
)
def test_a_file_of_another_kind_is_told_what_it_is_and_what_is_read(tmp_path, content, words):
    (tmp_path / "mine").write_bytes(content)
    with pytest.raises(BpdebugError, match=words) as caught:
        read_printed(tmp_path / "mine")
    assert "numpy.savez('mine.npz'" in str(caught.value)


@pytest.mark.parametrize(
    "piece", by_day(["'", "[", "/* ", "1", "W=[", "{'a':", "1 A{", "1x1", "\"'", "a->", "x['", "W=-", "1e9", "(", "😀"], 2)
)
def test_a_hostile_text_ends_at_once(piece):
    begin = time.process_time()
    with pytest.raises(BpdebugError):
        parse(piece * 100_000)
    assert time.process_time() - begin < 5


def test_files_in_json_and_in_text_agree_with_the_same_numbers(tmp_path):
    _, arrays = computed(xor())
    (tmp_path / "mine.json").write_text(json.dumps({name: array.tolist() for name, array in arrays.items()}))
    (tmp_path / "mine.txt").write_text("\n".join(f"{name} = {np.array2string(array, precision=17)}" for name, array in arrays.items()))
    flat = {name: array.T.reshape(-1).tolist() for name, array in arrays.items()}
    (tmp_path / "flat.txt").write_text("\n".join(f"{name}: {numbers}" for name, numbers in flat.items()))
    for file in ("mine.json", "mine.txt", "flat.txt"):
        result = compared(Session(xor()), read_arrays(tmp_path / file))
        assert result.data["ok"] is True, result.text
    assert "read column by column" in result.text


@pytest.mark.parametrize(
    "shape",
    ["dW1: shape (2, 2)", "dW1 shape=(2, 2):", "dW1.shape = (2, 2)\ndW1 =", "dW1 torch.Size([2, 2])", "dW1 size: torch.Size([2, 2])"],
)
@pytest.mark.parametrize("array", ["[[1, 2], [3, 4]]", "tensor([[1., 2.],\n        [3., 4.]])"])
def test_a_shape_that_is_printed_before_an_array_is_passed_over(shape, array):
    assert {name: value.tolist() for name, value in parse(f"{shape}\n{array}").items()} == {"dW1": [[1, 2], [3, 4]]}
