"""The shipped programs of lines: their listings, as files to be read, what they learn, and the ninja's exercise done line by line.

Rewrite the listings with ``PYTHONPATH=tests/frontends python tests/frontends/test_programs_shipped.py``, and look at each difference.
"""

from pathlib import Path

import numpy as np
import pytest

from bpdebug.core.layers import make_program
from bpdebug.frontends import load_scenario, shipped
from bpdebug.session.session import Session

LISTINGS = Path(__file__).parent / "listings"
PROGRAMS = [entry.name for entry in shipped() if load_scenario(entry.name).lines]
NINJA = """\
dlogprobs = -one_hot(y, 5) / len(x)
dprobs = dlogprobs / probs
dcounts_sum_inv = sum(counts * dprobs, axis=1, keepdims=True)
dcounts_sum = -(counts_sum ** -2) * dcounts_sum_inv
dcounts = counts_sum_inv * dprobs
dcounts = dcounts + dcounts_sum   # each count is in its sum
dnorm_logits = counts * dcounts
dlogit_maxes = (-dnorm_logits).sum(axis=1, keepdims=True)
dlogits = dnorm_logits + one_hot(logits.argmax(axis=1), logits.shape[1]) * dlogit_maxes
dh = dlogits @ W2.T
dW2 = h.T @ dlogits
db2 = dlogits.sum(axis=0)
dhpreact = (1.0 - h ** 2) * dh
dbngain = (bnraw * dhpreact).sum(axis=0)
dbnraw = bngain * dhpreact
dbnbias = dhpreact.sum(axis=0)
dbndiff = bnvar_inv * dbnraw
dbnvar_inv = (bndiff * dbnraw).sum(axis=0)
dbnvar = -0.5 * (bnvar + 1e-5) ** -1.5 * dbnvar_inv
dbndiff2 = (1.0 / (len(x) - 1)) * ones_like(bndiff2) * dbnvar
dbndiff = dbndiff + 2 * bndiff * dbndiff2
dhprebn = dbndiff - dbndiff.sum(axis=0) / len(x)
dembcat = dhprebn @ W1.T
dW1 = embcat.T @ dhprebn
db1 = dhprebn.sum(axis=0)
demb = dembcat.reshape(emb.shape)
dC = add_at(zeros_like(C), x, demb)
"""
"""The whole backward pass as the exercise's answer has it, with new values in place of changes within a tensor."""


def listing(name):
    return Session(load_scenario(name)).execute("list").text.replace(">", " ", 1) + "\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_listing_is_what_stands_in_the_file(name):
    assert listing(name) == (LISTINGS / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_derivative_is_right_and_it_learns(name):
    session = Session(load_scenario(name))
    assert session.execute("check").data["ok"]
    last, loss = session.position.updates - 1, session.program.loss
    losses = []
    for update in (0, last):
        session.execute(f"goto {update}:{loss}")
        losses.append(session.value(loss).item())
    assert losses[1] < (losses[0] if name == "exam_graph" else 0.6 * losses[0]), losses


def ninja(tmp_path, lines):
    text = Path(load_scenario("ninja").source).read_text("utf-8")
    before, rest = text.split("backward: |\n")
    path = tmp_path / "mine.yaml"
    path.write_text(before + "backward: |\n" + "".join(f"  {line}\n" for line in lines) + rest[rest.index("parameters:") :])
    return Session(load_scenario(path))


def test_the_ninja_fills_in_the_whole_backward_pass(tmp_path):
    session = ninja(tmp_path, NINJA.splitlines())
    report = session.execute("check").data
    assert report["ok"], report
    own = {stage.name for stage in session.program.stages if stage.edited}
    assert len(own) >= 12  # the others are written as they were derived
    derived, here = make_program(load_scenario("ninja")), session.program
    values = {**here.initial, **here.batch(0)}
    ours, theirs = here.run(values), derived.run(values)
    for name in derived.gradients.values():
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-11, atol=1e-16, err_msg=name)


def test_what_is_left_to_the_ninja_is_told_nowhere_before_he_asks(tmp_path):
    session, derived = Session(load_scenario("ninja")), "dlogprobs / probs"
    left = [stage.name for stage in session.program.stages if str(stage) == f"{stage.name} = ..."]
    assert set(left) == {name for name in session.program.gradients.values() if name in session.program.index}
    session.execute("goto 1:dprobs")
    for command in ("list", "explain dprobs[0,0]", "formula dprobs", "info", "backtrace"):
        said = session.execute(command)
        assert derived not in f"{said.text} {said.data}", command
    for form in ("md", "tex", "html", "py", "yaml"):
        session.execute(f"export {tmp_path / f'ninja.{form}'}")
        text = (tmp_path / f"ninja.{form}").read_text("utf-8")
        assert derived not in text and ("Yours to fill in" in text or "dprobs = ..." in text), form
    assert session.execute("check").data["ok"]
    assert "logprobs = log(probs)" in session.execute("hint").text and str(session.program.stage("dprobs")) == "dprobs = ..."
    assert session.execute("reveal").text == f"dprobs = {derived}" == str(session.program.stage("dprobs"))
    session.execute("formula dcounts_sum_inv = sum(counts, axis=1, keepdims=True)")
    assert "axis=1" in str(session.program.stage("dcounts_sum_inv")) and session.program.stage("dcounts_sum_inv").derived.text == "..."


WRONG = [
    ("dcounts_sum = -(counts_sum ** -2) * dcounts_sum_inv", "dcounts_sum = counts_sum ** -2 * dcounts_sum_inv", "dcounts_sum"),
    ("dcounts = dcounts + dcounts_sum   # each count is in its sum", "", "dcounts"),
    ("dhprebn = dbndiff - dbndiff.sum(axis=0) / len(x)", "dhprebn = dbndiff + 0", "dhprebn"),
]


@pytest.mark.parametrize(("right", "wrong", "stage"), WRONG)
def test_the_first_wrong_line_is_named(tmp_path, right, wrong, stage):
    assert right in NINJA
    session = ninja(tmp_path, NINJA.replace(right, wrong).splitlines())
    report = session.execute("check").data
    assert not report["ok"] and report["culprit"] == stage


if __name__ == "__main__":
    LISTINGS.mkdir(exist_ok=True)
    for program in PROGRAMS:
        (LISTINGS / f"{program}.txt").write_text(listing(program), "utf-8")
