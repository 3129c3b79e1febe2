"""What is no mistake, but another place for a factor."""

from __future__ import annotations

from bpdebug.core.description import Array
from bpdebug.core.record import replace
from bpdebug.trust.finding import Finding
from bpdebug.trust.own.misshapen import same
from bpdebug.trust.own.pair import Pair


def divided(findings: list[Finding], value: Array, pair: Pair) -> list[Finding]:
    """The findings, where the 1/m of a loss stands in the gradients of all parameters instead of in what arrives: a convention.

    Args:
        findings: the input's first; one parameter alone that is so is a mistake.
        value: the input, whose first or last axis has the m samples.
        pair: which is told what has been understood.
    """
    wrong = [finding for finding in findings[1:] if finding.says.accuses]
    if len(wrong) < 2 or not findings[0].says.agrees or any(finding.says.agrees for finding in findings[1:]):
        return findings
    for m in {value.shape[0], value.shape[-1]} - {1} if value.ndim else ():
        if all(not found.misshapen and found.theirs is not None and same(found.theirs / m, found.ours) for found in wrong):
            names = " and ".join(finding.name for finding in wrong)
            where = f"{names} are 1/{m} of the derivative, and {findings[0].name} is not"
            pair.note(f"{where}: the 1/m of the loss is here, as some courses have it; right if it is nowhere else")
            return [found if found not in wrong else replace(found, status="convention", suspects=()) for found in findings]
    return findings
