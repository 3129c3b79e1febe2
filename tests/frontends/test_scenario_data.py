import io
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from bpdebug.core.errors import BpdebugError
from bpdebug.frontends import ScenarioError, load_scenario
from bpdebug.frontends.csvfile import DataError, read_csv
from bpdebug.session.session import Session

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
        ("a,b,y\n1,2\n", "d.csv:2:1: expected 3 values, as many as the header has; found 2"),
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
        ({"x": [[1.0, 2]], "y": [[1.0, 2]]}, "{file: d.npz, one_hot: true}", "one class label per sample"),
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


def peak_of(act):
    """The most bytes that are held at a time meanwhile, and what comes of it."""
    tracemalloc.start()
    try:
        given = act()
        return tracemalloc.get_traced_memory()[1], given
    finally:
        tracemalloc.stop()


def packed(path, **arrays):
    """An npz file of headers, each over so many zeros: (kind, shape, bytes), or its raw bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, given in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                if isinstance(given, bytes):
                    stream.write(given)
                else:
                    kind, shape, size = given
                    np.lib.format.write_array_header_2_0(stream, {"descr": kind, "fortran_order": False, "shape": shape})
                    for _ in range(0, size, 10**6):
                        stream.write(bytes(min(size, 10**6)))


def not_compared(path):
    with pytest.raises(BpdebugError):
        Session(load_scenario("xor")).execute(f"compare {path}")


LONG_HEADER = b"\x93NUMPY\x02\x00" + (50_000_000).to_bytes(4, "little") + b" " * 50_000_000
BOMBS = {
    "texts": ({"x": ("<U200", (60_000,), 48 * 10**6), "y": ("<f8", (60_000,), 480_000)}, "holds text; expected numbers"),
    "more than is read": ({"x": ("<f8", (51 * 10**6,), 408 * 10**6), "y": ("<f8", (1,), 8)}, "take 408 MB, of which 'x' takes most"),
    "small numbers": ({"x": ("|i1", (51 * 10**6,), 51 * 10**6), "y": ("<f8", (1,), 8)}, "take 408 MB, of which 'x' takes most"),
    "zeros packed": ({"x": ("<f8", (20 * 10**6,), 160 * 10**6), "y": ("<f8", (1,), 8)}, "take 160 MB, packed into"),
    "a header": ({"x": LONG_HEADER, "y": ("<f8", (1,), 8)}, "the array 'x' cannot be read"),
    "nested brackets": ({"x": b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"(" * 9000, "y": ("<f8", (1,), 8)}, "cannot be read"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_an_npz_file_promises_is_bounded_before_it_is_read(bomb, tmp_path, refused):
    arrays, words = BOMBS[bomb]
    packed(tmp_path / "d.npz", **arrays)
    begin = time.process_time()
    peak, text = peak_of(lambda: refused("{file: d.npz}", inputs=1))
    assert words in text
    assert peak < (150e6 if bomb == "texts" else 4e6)
    if bomb != "texts":
        assert peak_of(lambda: not_compared(tmp_path / "d.npz"))[0] < 5e6
    assert time.process_time() - begin < 5


def test_texts_are_not_read_where_only_numbers_can_be_compared(tmp_path):
    packed(tmp_path / "d.npz", z1=("<U200", (60_000,), 48 * 10**6))
    assert peak_of(lambda: not_compared(tmp_path / "d.npz"))[0] < 5e6


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_only_what_numpy_writes_is_unpacked(method, tmp_path, refused):
    with zipfile.ZipFile(tmp_path / "d.npz", "w", method) as archive:
        for name in "xy":
            archive.writestr(f"{name}.npy", b"any")
    assert "is packed in a way that NumPy does not write" in refused("{file: d.npz}")


def numbers_file(path, rows, columns, ending="\n"):
    made = np.random.default_rng(0).integers(0, 256, (rows, columns))
    lines = [[f"c{n}" for n in range(columns)], *made.tolist()]
    path.write_text("".join(",".join(map(str, line)) + ending for line in lines), newline="")
    return made


@pytest.mark.parametrize(("rows", "columns"), [(40_000, 2), (2_000, 40), (40, 2_000)])
def test_a_csv_file_takes_little_more_memory_than_its_array(rows, columns, tmp_path):
    path = tmp_path / "d.csv"
    expected = numbers_file(path, rows, columns)
    names = [f"c{n}" for n in range(columns)]
    peak, data = peak_of(lambda: read_csv(path, names[1:], names[:1], False))
    assert (data.x == expected[:, 1:]).all()
    assert (data.y == expected[:, :1]).all()
    assert peak < 3 * 8 * rows * columns + 3e6


def test_a_csv_file_of_many_columns_takes_time_in_proportion(tmp_path):
    times = []
    for columns in (10_000, 80_000):
        numbers_file(tmp_path / "d.csv", 3, columns)
        begin = time.process_time()
        read_csv(tmp_path / "d.csv", [f"c{n}" for n in range(columns - 1)], [f"c{columns - 1}"], False)
        times.append(time.process_time() - begin)
    assert times[1] < 8 * 4 * times[0] + 0.2


@pytest.mark.parametrize("wrong", ["oops", "", "nan", "1_0", "inf", "1e999"])
@pytest.mark.parametrize(("column", "target"), [(1, False), (0, True)])
def test_a_bad_cell_far_down_has_its_place(wrong, column, target, tmp_path):
    lines = [["a", "b"], *(["7", "8"] for _ in range(8_000))]
    lines[7_000][column] = wrong
    (tmp_path / "d.csv").write_text("\n\n".join(map(",".join, lines)))
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path / "d.csv", ["b"], ["a"], False)
    assert caught.value.mark == (14_001, 1 + 2 * column)
    assert ("one_hot" in caught.value.message) == (target and wrong != "")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_anywhere(ending, tmp_path):
    expected = numbers_file(tmp_path / "d.csv", 5, 3, ending)
    assert (read_csv(tmp_path / "d.csv", ["c0", "c2"], ["c1"], False).x == expected[:, [0, 2]]).all()


@pytest.mark.parametrize(
    ("labels", "one_hot", "outputs"),
    [
        (["1", "1.0", "2"], True, ("1", "2")),
        (["a", "1", "b"], True, ("1", "a", "b")),
        (["1", "1e999", "2"], True, ("1", "1e999", "2")),
        (["a", " a", "b "], False, ("a", "b")),
        (["1", "x", "2"], False, "3:3: expected a finite number in the column 'y'; found 'x' (one_hot"),
        (["x", "1", "2"], False, "2:3: expected a finite number in the column 'y'; found 'x' (one_hot"),
        (["", "1", "2"], False, "2:3: the value of 'y' is missing"),
        (["x", "", "y"], False, "3:3: the class of 'y' is missing"),
        (["1", "", "2"], True, "3:3: the class of 'y' is missing"),
    ],
)
def test_classes_and_numbers_among_targets(labels, one_hot, outputs, tmp_path, load):
    (tmp_path / "d.csv").write_text("x,y\n" + "".join(f"1,{label}\n" for label in labels))
    data = f"{{file: d.csv, inputs: [x], targets: [y], one_hot: {str(one_hot).lower()}}}"
    if isinstance(outputs, tuple):
        assert load(data, inputs=1, units=len(outputs)).outputs == outputs
    else:
        with pytest.raises(ScenarioError) as caught:
            load(data, inputs=1)
        assert f"d.csv:{outputs}" in str(caught.value)


def test_a_line_of_more_columns_than_can_be_meant_is_refused(tmp_path, refused):
    (tmp_path / "d.csv").write_text("," * 1_100_000)
    assert "more than 1,000,000 values" in refused("{file: d.csv, inputs: [a], targets: [y]}", inputs=1)
