import io
import zipfile

import numpy as np
import pytest

from bpdebug.scenario import ScenarioError, load_scenario

CSV = 'a,b,kind,size\n1,2.5,red,1\n3,4e1,"blue",2\n5,6,red,1\n'


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load(data, inputs=2, units=1):
        (tmp_path / "s.yaml").write_text(f"network:\n  inputs: {inputs}\n  layers: [{{units: {units}}}]\ndata: {data}\n")
        return load_scenario("s.yaml")

    return load


@pytest.fixture
def refused(load):
    def refused(data, **shape):
        with pytest.raises(ScenarioError) as caught:
            load(data, **shape)
        return str(caught.value)

    return refused


@pytest.fixture
def csv(tmp_path):
    (tmp_path / "d.csv").write_text(CSV)


@pytest.mark.usefixtures("csv")
class TestCsv:
    def test_columns_are_chosen_by_name(self, load):
        scenario = load("{file: d.csv, inputs: [b, a], targets: size}")
        assert scenario.x.tolist() == [[2.5, 1], [40, 3], [6, 5]]
        assert scenario.y.tolist() == [[1], [2], [1]]
        assert (scenario.inputs, scenario.outputs) == (("b", "a"), ("size",))

    def test_texts_become_one_output_a_class(self, load):
        scenario = load("{file: d.csv, inputs: [a, b], targets: [kind]}", units=2)
        assert scenario.y.tolist() == [[0, 1], [1, 0], [0, 1]]
        assert scenario.outputs == ("blue", "red")

    def test_class_numbers_do_where_asked(self, load):
        scenario = load("{file: d.csv, inputs: [a, b], targets: [size], one_hot: true}", units=2)
        assert scenario.y.tolist() == [[1, 0], [0, 1], [1, 0]]
        assert scenario.outputs == ("1", "2")

    def test_targets_may_be_mixed(self, load):
        scenario = load("{file: d.csv, inputs: [a, b], targets: [size, kind]}", units=3)
        assert scenario.y.tolist() == [[1, 0, 1], [2, 1, 0], [1, 0, 1]]
        assert scenario.outputs == ("size", "blue", "red")

    def test_names_of_the_scenario_win(self, load):
        assert load("{file: d.csv, inputs: [a, b], targets: [size]}", inputs="[p, q]").inputs == ("p", "q")

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ("{file: d.csv, inputs: [a, B], targets: [size]}", "s.yaml:4:33: the file has no column 'B': did you mean 'b'?"),
            ("{file: d.csv, inputs: [a, b], targets: sise}", "s.yaml:4:46: the file has no column 'sise': did you mean 'size'?"),
            ("{file: d.csv, inputs: [a, kind], targets: [size]}", "d.csv:2:7: expected a finite number in the column 'kind'; found 'red'"),
            ("{file: d.csv, inputs: [a, b]}", "s.yaml:4:14: d.csv: a CSV file needs 'targets:"),
            ("{file: e.csv, inputs: [a, b], targets: [size]}", "s.yaml:4:14: the file e.csv does not exist: did you mean 'd.csv'?"),
            ("{file: d.txt, inputs: [a, b]}", "s.yaml:4:14: expected a file whose name ends in .csv or .npz; found 'd.txt'"),
            ("{file: d.csv, inputs: [a], targets: [size]}", "s.yaml:4:21: the network has 2 inputs; the data is 3×1"),
            ("{file: d.csv, inputs: [a, b], targets: [kind]}", "s.yaml:4:37: 2 outputs (blue, red) need as many units"),
            ("{file: d.csv, inputs: [a, a], targets: [size]}", "s.yaml:4:33: 'a' is given twice"),
            ("{file: d.csv, inputs: [a, b], targets: [size], onehot: true}", "unknown key 'onehot': did you mean 'one_hot'?"),
        ],
    )
    def test_a_wrong_choice_is_told_with_its_place(self, refused, data, words):
        assert words in refused(data)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,y\n1,2,3\n1,oops,3\n", "d.csv:3:3: expected a finite number in the column 'b'; found 'oops'"),
        ("a,b,y\n1,2,3\n10,,3\n", "d.csv:3:4: the value of 'b' is missing"),
        ("a,b,y\n1,nan,3\n", "d.csv:2:3: expected a finite number"),
        ("a,b,y\n1,1_0,3\n", "d.csv:2:3: expected a finite number"),
        ("a,b,y\n1,2\n", "d.csv:2:1: expected 3 values as the header has; found 2"),
        ("a,b,y\n1,2,3\n1,2,x\n", "d.csv:3:5: expected a finite number in the column 'y'; found 'x' (one_hot: true"),
        ("a,b,y\n1,2,p\n1,2,\n", "d.csv:3:5: the class of 'y' is missing"),
        ("a,b,y\n", "d.csv:1:1: expected a header and at least one row"),
        ("", "d.csv:1:1: expected a header and at least one row"),
        ("1,2,3\n4,5,6\n", "d.csv:1:1: expected a header with the columns' names in the first line; found numbers"),
        ("a,a,b,y\n1,2,3,4\n", "d.csv:1:3: two columns have the name 'a'"),
        ('a,b,y\n1,"2,3\n', "this is not CSV"),
    ],
)
def test_a_bad_cell_is_told_with_its_place(tmp_path, refused, text, words):
    (tmp_path / "d.csv").write_text(text)
    assert words in refused("{file: d.csv, inputs: [a, b], targets: [y]}")


def test_a_csv_file_that_is_no_text_is_told(tmp_path, refused):
    (tmp_path / "d.csv").write_bytes(b"a,b\xff\n1,2\n")
    assert "d.csv: expected UTF-8 text" in refused("{file: d.csv, inputs: [a], targets: [b]}")


def test_too_many_classes_are_refused(tmp_path, refused):
    (tmp_path / "d.csv").write_text("a,y\n" + "".join(f"1,name{n}\n" for n in range(2000)))
    assert "2,000 different values" in refused("{file: d.csv, inputs: [a], targets: [y]}", inputs=1)


def test_npz_arrays_are_read_by_name(tmp_path, load):
    np.savez(tmp_path / "d.npz", x=np.arange(6).reshape(3, 2), y=np.array([1.0, 2.0, 3.0]), flags=np.array([True, False, True]))
    scenario = load("{file: d.npz}")
    assert scenario.x.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert scenario.y.tolist() == [[1], [2], [3]]
    assert scenario.x.dtype == np.float64
    assert load("{file: d.npz, inputs: x, targets: [flags]}").y.tolist() == [[1], [0], [1]]


def test_npz_classes_become_one_output_each(tmp_path, load):
    np.savez(tmp_path / "d.npz", x=np.zeros((3, 2)), y=np.array([7, 5, 7]), names=np.array(["v", "u", "v"]))
    assert load("{file: d.npz, one_hot: true}", units=2).y.tolist() == [[0, 1], [1, 0], [0, 1]]
    named = load("{file: d.npz, targets: names}", units=2)
    assert (named.y.tolist(), named.outputs) == ([[0, 1], [1, 0], [0, 1]], ("u", "v"))


@pytest.mark.parametrize(
    ("arrays", "data", "words"),
    [
        ({"x": [[1.0, 2]], "Y": [1.0]}, "{file: d.npz}", "there is no array 'y': did you mean 'Y'?"),
        ({"x": [[1.0, np.nan]], "y": [1.0]}, "{file: d.npz}", "found nan in x[0, 1]"),
        ({"x": [[[1.0, 2]]], "y": [1.0]}, "{file: d.npz}", "shape (1, 1, 2)"),
        ({"x": [[1.0, 2]], "y": [1.0, 2]}, "{file: d.npz}", "'x' has 1 samples, 'y' has 2"),
        ({"x": [[1j, 2]], "y": [1.0]}, "{file: d.npz}", "holds complex128; expected numbers"),
        ({"x": [["a", "b"]], "y": [1.0]}, "{file: d.npz}", "holds text; expected numbers"),
        ({"x": [[1.0, 2]], "y": [[1.0, 2]]}, "{file: d.npz, one_hot: true}", "one class label a sample"),
        ({"x": [[1.0, 2]], "y": [1.0]}, "{file: d.npz, inputs: [x, y]}", "the name of one array"),
    ],
)
def test_an_array_that_does_not_fit_is_told(tmp_path, refused, arrays, data, words):
    np.savez(tmp_path / "d.npz", **arrays)
    told = refused(data)
    assert told.startswith("s.yaml:4:14: d.npz: ")
    assert words in told


def test_pickles_are_not_read(tmp_path, refused):
    np.savez(tmp_path / "d.npz", x=np.array([{}], dtype=object), y=[1.0])
    assert "holds object; expected numbers" in refused("{file: d.npz}")


def test_what_is_no_npz_file_is_told(tmp_path, refused):
    (tmp_path / "d.npz").write_text("hello")
    assert "this is not an npz file that can be read" in refused("{file: d.npz}")


def test_an_array_that_promises_more_than_it_holds_is_refused_before_it_is_made(tmp_path, refused):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 2)})
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue())
        archive.writestr("y.npy", header.getvalue())
    assert "more than the file holds" in refused("{file: d.npz}")


def test_inline_rows_may_be_written_as_blocks(load):
    assert load("\n  inputs:\n    - [1, 2]\n    - [3, 4]\n  targets:\n    - 5\n    - 6").y.tolist() == [[5], [6]]
