"""What is copied is what is there."""

from __future__ import annotations

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, program_of

from bpdebug.core.errors import BpdebugError
from bpdebug.frontends import load_scenario
from bpdebug.session.commands.copy import as_numpy
from bpdebug.session.session import Session


@pytest.mark.parametrize("name", SCENARIOS)
def test_numpy_reads_every_bit_again(name):
    session = Session(program_of(name).scenario)
    session.execute("step 9")
    for tensor, value in session.values().items():
        text = session.execute(f"copy {tensor}").data["text"]
        known = {"np": np}
        exec(text, known)
        again = known[tensor.replace("@", "_")]
        assert again.tobytes() == value.tobytes()
        assert (again.dtype, again.shape) == (value.dtype, value.shape)


def test_a_cell_is_copied_as_its_number_with_every_bit():
    session = Session(load_scenario("xor"))
    session.execute("goto dW2")
    exact = session.value("dW2")[2, 0]
    given = session.execute("copy dW2[2,0]")
    assert float(given.text) == exact
    assert given.data["copied"] == "dW2[2,0] as a number"
    assert session.execute("copy number").text == repr(float(session.value("dW2")[0, 0])), "the selected one"
    assert session.execute("copy dW2[2,0] numpy").data["name"] == "dW2"
    with pytest.raises(BpdebugError, match="outside dW2, which is 4×1"):
        session.execute("copy dW2[4,0]")
    with pytest.raises(BpdebugError, match="2 axes"):
        session.execute("copy dW2 number")


def test_what_is_not_finite_is_read_again_too():
    value = np.array([[np.nan, np.inf, -np.inf, 1e-320, -0.0]])
    known = {"np": np}
    exec(f"again = {as_numpy(value)}", known)
    assert np.array_equal(known["again"], value, equal_nan=True)


def test_a_formula_as_latex_in_the_notation_that_is_shown():
    session = Session(load_scenario("xor"))
    plain = session.execute("copy dW2 latex").text
    assert plain == r"\mathrm{d}W^{[2]} = {a^{[1]}}^{\top} \, \mathrm{d}z^{[2]}"
    session.execute("notation delta")
    assert session.execute("copy dW2 latex").text != plain
    assert r"\delta" in session.execute("copy dW2 latex").text


def test_without_a_name_it_is_the_selected_tensor():
    session = Session(load_scenario("xor"))
    with pytest.raises(BpdebugError, match="copy what"):
        session.execute("copy")
    session.execute("step")
    assert session.execute("copy").data["name"] == "z1"
    with pytest.raises(BpdebugError, match="not computed yet"):
        session.execute("copy a2")


def test_an_explanation_is_copied_as_text_as_markdown_and_as_latex():
    session = Session(load_scenario("xor"))
    session.execute("goto dW1")
    session.execute("step")
    told = session.execute("explain dW1[1,0]").text
    copied = session.execute("copy dW1[1,0] why")
    assert (copied.text, copied.data["copied"]) == (told, "dW1[1,0] as text")
    markdown, latex = (session.execute(f"copy dW1[1,0] why {form}").text for form in ("markdown", "latex"))
    formula = r"&= 0 \cdot (-0.018623) + 1 \cdot 0.003712 + 0 \cdot 0.0022073"
    assert "```math" in markdown and formula in markdown
    assert r"\begin{align*}" in latex and formula in latex and "documentclass" not in latex
    for text in (markdown.replace("\\", ""), latex):
        assert "raise W1[1,0] by 0.01 and the loss rises by 0.000016" in text
    assert "Given: input 0" in session.execute("copy x[1,0] why markdown").text
    session.execute("select dz2[1,0]")
    assert session.execute("copy why").text.startswith("dz2[1,0] = ")
    with pytest.raises(BpdebugError, match="a name and a form, such as"):
        session.execute("copy dW1 number markdown")
