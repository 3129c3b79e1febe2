"""Reading data: time and memory for each value of a CSV file, by its rows and by its columns; and an npz file that promises too much."""

from __future__ import annotations

import tracemalloc
from time import process_time

import numpy as np
import pytest

from bpdebug.arrays import read_arrays
from bpdebug.core.errors import BpdebugError
from bpdebug.frontends.csvfile import read_csv

SIZES = [(1_000, 2), (10_000, 2), (100_000, 2), (10, 785), (100, 785), (1_000, 785), (10, 1_000), (10, 10_000), (10, 100_000)]


def written(path, rows, columns):
    """Grey values as in a file of digits, most of them 0, below a header; its columns."""
    generator = np.random.default_rng(0)
    names = [f"c{n}" for n in range(columns)]
    with path.open("w") as file:
        file.write(",".join(names) + "\n")
        for start in range(0, rows, 1000):
            some = generator.integers(0, 256, (min(1000, rows - start), columns)) * (generator.random(columns) < 0.2)
            file.writelines(",".join(map(str, row)) + "\n" for row in some.tolist())
    return names


def seconds_of(act):
    begin = process_time()
    act()
    return process_time() - begin


def peak_of(act):
    tracemalloc.start()
    act()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_a_value_of_a_csv_file(rows, columns, tmp_path, measured):
    names = written(tmp_path / "d.csv", rows, columns)
    values = rows * columns
    seconds = min(seconds_of(lambda: read_csv(tmp_path / "d.csv", names[1:], names[:1], False)) for _ in range(3))
    peak = peak_of(lambda: read_csv(tmp_path / "d.csv", names[1:], names[:1], False))
    took = f"{1e9 * seconds / values:,.0f} ns of CPU and {peak / values:.1f} bytes a value"
    measured(f"CSV, {rows:,} rows of {columns:,} columns", took, "≤ 24 bytes" if values > 10**5 else "")


def test_an_npz_file_that_promises_too_much(tmp_path, measured):
    np.savez_compressed(tmp_path / "d.npz", z1=np.zeros(20_000_000))

    def refuse():
        with pytest.raises(BpdebugError):
            read_arrays(tmp_path / "d.npz")

    milliseconds, peak = 1e3 * seconds_of(refuse), peak_of(refuse) / 2**20
    measured("npz, 160 MB packed into 0.16 MB, refused", f"{milliseconds:.1f} ms of CPU and {peak:.1f} MB", "≤ 1 MB")
