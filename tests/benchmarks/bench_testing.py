"""The judgement of a user's own layers: ten of a typical course, each by five forward calls where all its gradients are right."""

from __future__ import annotations

from statistics import median
from time import process_time

import numpy as np
from testing.layers import ten

from bpdebug.testing import check_backward


def test_ten_layers_of_a_course(measured):
    layers = ten(np.random.default_rng(0))
    totals: list[float] = []
    calls = 0
    for _ in range(15):
        begin = process_time()
        judgements = [check_backward(forward, backward, *inputs, **keywords) for _, forward, backward, inputs, keywords in layers]
        totals.append(1e3 * (process_time() - begin))
        calls = sum(verdict.piece.calls for judgement in judgements for verdict in judgement.verdicts)
    own = []
    for _ in range(15):
        begin = process_time()
        for _, forward, _, inputs, keywords in layers:
            forward(*inputs, **keywords)
        own.append(1e3 * (process_time() - begin))
    words = f"CPU {median(totals):.1f} ms, {calls} forward calls; one forward call of each {median(own):.1f} ms"
    measured("bpdebug.testing, ten layers of a course judged", words, "≤ 30 ms")
    assert all(judgement.ok for judgement in judgements)
