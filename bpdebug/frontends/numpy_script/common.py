"""What a script computes twice, as in ``np.maximum(0.01 * (x @ W + b), x @ W + b)``: one value, so that it has one gradient."""

from __future__ import annotations

import numpy as np

from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.tree import Name, Tree, substitute
from bpdebug.frontends.numpy_script.recording import Recording, Statement


def with_common(recording: Recording) -> Recording:
    """The recording in which a value without a name that one line computes again is the one that was there."""
    known, same, left = dict[object, str](), dict[str, Tree](), list[Statement]()
    for read in recording.statements:
        again = read.formula and not same.keys().isdisjoint(read.formula.names)
        one = replace(read, formula=Formula.of(substitute(read.formula.tree, same))) if read.formula and again else read
        if one.inner and one.formula and np.ndim(recording.values[-1].get(one.name, 0.0)):
            first = known.setdefault((one.made, one.path, one.formula.text), one.name)
            if first != one.name:
                same[one.name] = Name(first)
                continue
        left.append(one)
    return replace(recording, statements=(*left,)) if same else recording


__all__ = ["with_common"]
