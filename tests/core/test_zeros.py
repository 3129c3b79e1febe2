"""Gradients where a product has zeros in it, and where a length is 0: numbers, not NaN, and those of PyTorch."""

import numpy as np
import pytest

from bpdebug import Session, load_scenario

ROWS = [[2.0, -3.0, 0.5], [2.0, 0.0, 0.5], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]


def session_of(tmp_path, line):
    path = tmp_path / "zeros.yaml"
    path.write_text(f"program: |\n  {line}\n  loss = sum(r ** 2 + 3 * r)\nparameters: {{values: {{u: {ROWS}}}}}\ntraining: {{epochs: 1}}\n")
    session = Session(load_scenario(path))
    session.execute("until update")
    return session


def gradient(session):
    return np.array(session.execute("print du").data["value"], float)


def test_a_product_hands_back_the_product_of_the_others(tmp_path):
    session = session_of(tmp_path, "r = prod(u, axis=1)")
    others = [[np.prod([x for j, x in enumerate(row) if j != i]) for i in range(3)] for row in ROWS]
    arriving = [[2 * np.prod(row) + 3] for row in ROWS]
    np.testing.assert_allclose(gradient(session), np.array(arriving) * others, rtol=1e-14)


@pytest.mark.parametrize("text", ["cumprod(u, axis=1)", "cumprod(u, axis=0)", "cumprod(u)"])
def test_running_products_hand_back_those_of_the_others(tmp_path, text):
    axis = int(text[-2]) if "axis" in text else None
    running = np.cumprod(ROWS, axis=axis)
    found = np.zeros_like(ROWS)
    for cell in np.ndindex(found.shape):
        at = np.array(ROWS, complex)
        at[cell] += 1e-30j
        found[cell] = np.sum((2 * running + 3) * np.cumprod(at, axis=axis).imag) / 1e-30
    np.testing.assert_allclose(gradient(session_of(tmp_path, f"r = {text}")), found, rtol=1e-13)


@pytest.mark.parametrize("text", ["norm(u, axis=1)", "std(u, axis=1)"])
def test_of_a_length_of_0_nothing_comes_back(tmp_path, text):
    session = session_of(tmp_path, f"r = {text}")
    u, centred = np.array(ROWS), np.array(ROWS) - np.mean(ROWS, axis=1, keepdims=True) * text.startswith("std")
    r = np.sqrt(np.sum(centred**2, axis=1, keepdims=True) / (3 if text.startswith("std") else 1))
    slope = np.divide(centred, r * (3 if text.startswith("std") else 1), out=np.zeros_like(u), where=r > 0)
    np.testing.assert_allclose(gradient(session), (2 * r + 3) * slope, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        *("prod(u, axis=1)", "prod(u)", "norm(u, axis=1)", "norm(u)", "std(u, axis=1)", "norm(u, axis=1) * prod(u, axis=1)"),
        *("cumprod(u, axis=1)", "cumprod(u)"),
    ],
)
def test_nobody_is_accused_there_and_the_cells_that_are_explained_add_up(tmp_path, text):
    session = session_of(tmp_path, f"r = {text}")
    assert not {stage["status"] for stage in session.execute("check").data["stages"]} & {"wrong", "follows"}
    found = gradient(session)
    for cell in ("0,1", "1,1", "1,0", "2,0", "3,2"):
        at = tuple(map(int, cell.split(",")))
        assert session.execute(f"explain du[{cell}]").data["value"] == pytest.approx(found[at], rel=1e-12, abs=1e-300)


def test_a_gradient_that_is_wrong_at_a_corner_is_still_found(tmp_path):
    session = session_of(tmp_path, "r = norm(u, axis=1)")
    session.execute("formula du = 2 * u")
    assert session.execute("check").data["culprit"] == "du"
