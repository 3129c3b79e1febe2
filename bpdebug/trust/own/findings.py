"""A finding on a gradient of a user's: of the same record as those of a check."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Name
from bpdebug.trust.finding import Finding
from bpdebug.trust.own.pair import Answer, gradient_name


def finding_of(name: str, answer: Answer, status: str, **more: Any) -> Finding:
    """A finding without numbers to stand beside, or with what is given besides."""
    ours = np.asarray(answer.gradients.get(name, np.zeros(0)))
    unknown = np.full(ours.shape, np.nan)
    gradient = gradient_name(name)
    formula = Formula("backward(dout)", Name("backward(dout)"))
    stage = Stage(gradient, formula, Phase.BACKWARD, 0, f"What backward gives for {name}.", "", "", name)
    return replace(Finding(stage, gradient, status, 0.0, (), ours, None, unknown, method="dot product"), **more)


def flat(shape: tuple[int, ...]) -> list[int]:
    """A shape without its axes of length 1."""
    return [length for length in shape if length != 1]
