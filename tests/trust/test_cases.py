"""Real bug reports, rebuilt with small numbers of our own (tests/cases): nothing right is accused, and what is wrong is named."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest

from bpdebug import cli

CASES = Path(__file__).parent.parent / "cases"
SAYS_NOTHING = "its numbers do not tell"
"""What is said of a mistake that is not recognised."""

TABLE = r"""
A01 | run -x "formula dz1 = da1 * (a1 > 0)" -x check | 0 | no derivative is wrong |
A01 | run -x "formula dz1 = da1 * (a1 >= 0)" -x check | 1 | first wrong stage: dz1; derivative of relu is left out | nothing
A05 | run -x "formula dz2 = da2 * (1 - a2)" -x check | 1 | first wrong stage: dz2; one factor of the derivative of sigmoid is left out | nothing
A05 | run -x "formula db2 = dz2" -x check | 1 | sum(s|med)? over the samples |
A05 | compare A05.npz | 1 | first off stage: dz2; one factor of the derivative of sigmoid is left out; db2 .* not summed; off.* dz1 | nothing
A06 | run -x "formula dz2 = a2 - y" -x check | 0 | no derivative is wrong |
A05 | run -x "formula dz2 = a2 - y" -x check | 1 | first wrong stage: dz2; derivative of sigmoid is left out | nothing
A07 | run -x "formula da1 = a2 @ W2.T" -x check | 1 | first wrong stage: da1; a2 stands where dz2 belongs | nothing
A07 | compare A07.npz | 1 | first off stage: da1; a2 stands where dz2 belongs | nothing
A08 | run -x "formula dW2 = sum(dz2 * W2, axis=0, keepdims=True)" -x check | 1 | first wrong stage: dW2; W2 stands where a1 belongs | nothing
A08 | compare A08scalars.npz | 1 | first off stage: dW2; W2 stands where a1 belongs |
A08 | compare A08.npz | 1 | first off stage: dW2; W2 stands where a1 belongs |
A10 | run -x "formula dz2 = -(y - a2)" -x "formula dW2 = (a1 * a1 * (1 - a1)).T @ dz2" -x check | 1 | first wrong stage: dz2; wrong by itself too: dW2; slope|derivative of sigmoid | nothing
A13 | run -x "formula dz2 = da2 * m" -x "formula dz1 = da1" -x check | 1 | first wrong stage: dz2; wrong by itself too: dz1; relu is left out; (divided|multiplied) by m | nothing
A14 | run -x check | 0 | no derivative is wrong |
A14 | run -x "formula dz2 = da2 * z2 * (1 - z2)" -x check | 1 | first wrong stage: dz2; z2 stands where the rule wants a2 | nothing
B01 | compare B01.npz | 1 | first off stage: da1; W2 is updated before use | nothing; also off
B01 | compare B01late.npz | 1 | first off stage: da1; W2 is updated before use | nothing; also off
B03 | compare B03-0.npz | 0 | every number agrees; first update cannot show |
B03 | compare B03-1.npz --at "update 1" | 1 | first off stage: dW2; 1\.3; update before | nothing
B03 | compare B03plain-1.npz --at "update 1" | 1 | first off stage: dW2; update before is still in it | nothing
B03 | compare B03plain-2.npz --at "update 2" | 1 | first off stage: dW2 | WRONG
B03 | compare B03-0.npz B03-1.npz | 1 | dW2; 1\.3 | nothing
B03 | compare B03plain-0.npz B03plain-1.npz B03plain-2.npz | 1 | dW2; update | nothing
C01 | run -x "formula da2 = y - a2" -x "formula dz2 = da2 * a2 * (1 - a2)" -x "formula dz1 = da1 * maximum(z1, 0)" -x check | 1 | first wrong stage: da2; too: dz2; too: dz1; only the diagonal of softmax's derivative | nothing
C02 | compare C02-0.npz | 1 | b1; one number|single number | first off stage: z1; mean belongs; samples twice
C02 | compare C02-1-without-b.npz --at "update 1" | 1 | earlier losses | samples twice
C02 | run -x "set learning_rate = 0.01" -x continue -x health | 0 | nan comes from |
C03 | run -x "formula a2 = exp(z2) / sum(exp(z2), axis=0, keepdims=True)" -x "formula dz2 = (a2 - y) / m" -x check | 1 | first wrong stage: a2; over the samples | nothing; WRONG +dz2
C03 | compare C03.npz | 1 | first off stage: a2; over the samples | nothing; also off
C03 | compare C03deltas.npz | 1 | first off stage: a2; over the samples | nothing; samples twice; also off
C04 | run -x check -x continue -x health -x predictions | 0 | hidden layer; 0 of 4 right|undecided |
C06 | compare C06.npz | 1 | first off stage: loss; softmax | nothing
C07 | check | 1 | first wrong stage: dW1; half the penalty; l2 \* W1 \+ dW1@z1 | update before@; nothing
C08 | compare C08.npz | 0 | every number agrees; 1/m | OFF
C08 | compare C08twice.npz | 1 | first off stage: dz1|dW1; m | OFF +dz2; OFF +dW2
C08 | compare C08columns.npz | 0 | every number agrees; 1/m | OFF; no name of this network
C10 | compare C10.npz | 1 | first off stage: dW1; dz1, the gradient that arrives, is left out|left out | nothing
C10 | run -x "formula dW1 = x.T @ (0 * dz1 + 1)" -x check | 1 | first wrong stage: dW1; left out | nothing; absolute error
D01 | check | 1 | first wrong stage: dz1; 0\.66666|1 / 1\.5|1\.5 | nothing
D02 | check | 0 | no derivative is wrong | WRONG
D03 | compare D03.npz | 0 | every number agrees | OFF
D04 | compare D04.npz | 1 | first off stage: dz1; mask | factor of 2 too many; nothing
D04 | compare D04ok.npz | 0 | mask | OFF
E01 | run -x "formula da1 = y - a1" -x check | 1 | first wrong stage: da1; sign | nothing
E04 | run -x "formula da2 = dz3 @ W3" -x "formula da1 = dz2 @ W2" -x check | 1 | first wrong stage: da2; transpose | nothing
E06 | compare E06.npz | 1 | dW1 | first off stage: z1
E06 | compare E06twice.npz | 1 | dW1 | first off stage: z1
E06 | compare E06tokens.npz | 0 or 1 | one-hot|token|classes |
E08 | check | 1 | first wrong stage: dW1 | first wrong stage: dW2
E08 | run -x "formula dW1 = x.T @ dz1 + dz2.T @ a1" -x check | 0 | no derivative is wrong | WRONG
F02 | compare F02-0.npz | 1 | first off stage: vW1; momentum | nothing
F02 | compare F02-1.npz --at "update 1" | 1 | first off stage: vW1; momentum | nothing
F02 | run -x "formula vW1 = vW1 + momentum * dW1" -x check | 1 | first wrong stage: vW1; momentum | no derivative is wrong; nothing
F04 | compare F04-1.npz --at "update 1" | 1 | first off stage: W1; sign|mixed up | nothing
F05 | compare F05-0.npz | 1 | first off stage: W1; decay | 0\.9995 times; nothing
F05 | compare F05-1.npz --at "update 1" | 1 | first off stage: W1; decay | 0\.9995 times; nothing
F06 | compare F06-0.npz | 1 | first off stage: W1; weight_decay | nothing
F06 | compare F06-1.npz --at "update 1" | 1 | first off stage: W1; weight_decay | nothing
F09 | compare F09-0.npz | 0 | every number agrees; learning.rate | OFF
F09 | compare F09-1.npz --at "update 1" | 0 | every number agrees; learning.rate | OFF
F10 | compare F10-0.npz | 1 | first off stage: W1; epsilon | transpose; nothing
F10 | compare F10-1.npz --at "update 1" | 1 | first off stage: W1; epsilon | transpose; nothing
G02 | run -x check -x continue -x health | 0 | no derivative is wrong; curvature; learning rate |
G03 | run -x check -x "catch dead" -x continue -x health | 0 | no derivative is wrong; dead |
G04 | run -x check -x continue -x health | 0 | no derivative is wrong; cop(y|ies)|equal |
G05 | run -x "formula dW1 = x.T * dz1" -x check | 1 | @ |
G05 | run -x "formula dW1 = x.T @ dz1" -x check | 0 | no derivative is wrong |
G06 | run -x "formula dz2 = a2 @ (1 - a2) @ (a2 - y)" -x check | 1 | \* | would fit
G06 | run -x "formula dz2 = matmul(a2, 1 - a2, a2 - y)" -x check | 1 | @ | maximum
G07 | run -x where | 2 | column |
H01 | compare H01.npz | 1 | first off stage: dz1; da1, the gradient that arrives, is left out | nothing; also off
H02 | compare H02-0.npz H02-1.npz | 1 | first off stage: W1; multiplied by 1 − beta \*\* t, not divided; b2_new .*the same mistake as in W1_new | nothing; also off
H03 | compare H03.npz | 1 | first off stage: dW1; x, the layer's input, is left out | nothing; cut off; also off
H04 | compare H04.npz | 1 | first off stage: dz2; taken at a2, not at z2; taken at a1, not at z1; may be your convention | nothing; outputs
H05 | compare H05-0.npz H05-1.npz | 1 | first off stage: vW1; 1 / \(1 - alpha\) | nothing; epsilon stands; also off
H06 | compare H06.npz | 1 | first off stage: loss; abs is left out; also off.* da2; the lower bound -1 is left out | nothing
H07 | compare H07-1.npz --at "update 1" | 1 | first off stage: W1; 1 − beta stands where 1 − beta \*\* t belongs | nothing; also off
H08 | compare H08.npz | 0 | every number agrees; m .*= 4 times the derivatives of your own loss | twice this loss
H09 | compare H09-0.npz H09-1.npz | 1 | first off stage: W1; vW1 stands where dW1 belongs | nothing; also off
H10 | compare H10.npz | 1 | first off stage: dz2; relu is left out; flat b1 b2 .*are read as rows | nothing; outputs
J01 | compare J01.txt | 1 | first off stage: dz1; sigmoid is left out; column convention; have the 1/m | nothing; also off
J02 | compare J02.json | 1 | first off stage: dW1; not divided by m; db1 .*same factor | nothing; OFF +d[az]
J03 | compare J03.txt | 1 | first off stage: dz1; two branches are exchanged | nothing; also off
J04 | compare J04.txt | 1 | first off stage: dz1; z1 stands where the rule wants a1; half this loss; 4 decimals | nothing; also off
J05 | compare J05.txt | 1 | first off stage: dz2; has that of softmax in it already | nothing; also off
J05 | run -x "formula dz2 = (a2 - y) * a2 * (1 - a2) / m" -x check | 1 | first wrong stage: dz2; has that of softmax in it already | nothing
J06 | compare J06.txt | 1 | first off stage: db2; the units are summed, not the samples; also off.* db1 | nothing
J07 | compare J07.npz | 0 | every number agrees; learning rate in them, which your step does not apply again | OFF
J08 | compare J08.txt | 1 | first off stage: dz1; W2 is updated before use; 6 digits | nothing; also off
J09 | compare J09-0.npz J09-1.npz | 1 | first off stage: vW1; as in a running mean | nothing; OFF +d
J10 | compare J10-1.npz --at "update 1" | 1 | first off stage: W1; not divided by 1 − beta | nothing; OFF +[dmv]
J11 | compare J11-1.npz --at "update 1" | 1 | epsilon is added inside the root | OFF +[dmv]
J12 | compare J12.npz | 1 | first off stage: db2; b2 is penalised too; also off.* db1 | nothing; OFF +dW
J13 | compare J13.json | 0 | every number agrees; mean over the outputs | OFF
J14 | compare J14.npz | 1 | first off stage: dW2; z1 stands where a1 belongs; as torch's Linear does | nothing; also off
J15 | compare J15.txt | 1 | all your gradients are 3 times ours | nothing; also off
J16 | compare J16.npz | 1 | first off stage: dW1; only the last sample is counted; also off.* db1 | nothing
J17 | compare J17.txt | 0 | every number agrees; m .*= 4 times ours.*your step divides by it again | OFF
E03 | compare E03.npz | 1 | first off stage: dh; kernel the wrong way round | nothing; also off
E07 | compare E07.npz | 1 | first off stage: p; axis 2, where it should be over axis -1 | nothing; also off
E11 | compare E11.npz | 1 | first off stage: db; not summed | nothing; also off
K01 | compare K01.npz | 1 | first off stage: da1; da2 stands where dz2 belongs; column convention; other sign | nothing; also off
K02 | compare K02.npz | 1 | first off stage: dW2; W2 stands where a1 belongs; learning rate in them | nothing; also off
K03 | compare K03.npz | 1 | first off stage: dz2; da2 stands where a2 belongs | nothing; also off
K04 | compare K04-0.npz | 0 | every number agrees | OFF
K04 | compare K04-0.npz K04-1.npz | 1 | first off stage: vW1; earlier velocity is not added | nothing; also off
K05 | compare K05-0.npz K05-1.npz | 0 | every number agrees; the step itself, which is added | OFF
K06 | compare K06-0.npz | 1 | first off stage: W1; not multiplied by the learning rate; are off, and do not show it | nothing; also off; file holds no
K07 | compare K07-0.npz K07-1.npz | 1 | first off stage: W1; it is not updated | OFF +[dv]; also off
K08 | compare K08.npz | 1 | first off stage: dh; dh@left, what comes back on the path through left, is left out | nothing; also off
K09 | compare K09-0.npz | 1 | first off stage: W1; epsilon is added inside the root | nothing; also off
K10 | compare K10.txt | 1 | first off stage: dW2; penalty.*times W2 more; also off.* dW1; Theta2_grad | nothing
K11 | compare K11.txt | 1 | first off stage: dz1; sigmoid is left out; 12 decimals | nothing; also off
K12 | compare K12.txt | 1 | first off stage: dW1; only dW1\[:, 0\] is off, which is 0 there; also off.* db1 | nothing
K13 | compare K13.txt | 0 | every number agrees; this loss divided by the number of samples | OFF
K14 | compare K14.npz | 0 | every number agrees | OFF
"""
"""Case, command, status, what the answer says (expressions, each to be found), and what it does not."""


def rows():
    for line in TABLE.strip().splitlines():
        case, command, status, said, not_said = (part.strip() for part in f"{line} ".split(" | "))
        yield pytest.param(case, command, status, said, not_said, id=f"{case} {command}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The scenarios, and the files that their reporters would have saved."""
    path = tmp_path_factory.mktemp("cases") / "cases"
    shutil.copytree(CASES, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        for maker in sorted(path.glob("*.py")):
            runpy.run_path(str(maker))
    return path


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("case", "command", "status", "said", "not_said"), [*rows()])
def test_a_real_case_is_judged_rightly(folder, monkeypatch, capsys, case, command, status, said, not_said):
    monkeypatch.chdir(folder)
    name, *rest = shlex.split(command)
    found = cli.main([name, f"{case}.yaml", *rest])
    answer = "".join(capsys.readouterr())
    assert str(found) in status.split(" or "), answer
    for expected in filter(None, said.split("; ")):
        assert re.search(expected, answer), f"{expected} is missing in\n{answer}"
    for refused in filter(None, not_said.split("; ")):
        assert not re.search(SAYS_NOTHING if refused == "nothing" else refused, answer), f"{refused} is in\n{answer}"
