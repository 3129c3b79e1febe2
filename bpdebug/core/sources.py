"""The works that the tables cite by a short name."""

from __future__ import annotations

import re

WORKS = {
    "GBC": "Goodfellow, Bengio, Courville, Deep Learning (2016)",
    "RHW": "Rumelhart, Hinton, Williams, Learning representations by back-propagating errors (1986)",
    "Bishop": "Bishop, Pattern Recognition and Machine Learning (2006)",
}


def spelled_out(source: str) -> str:
    """A row's source with the short names replaced: ``[RHW] eq. 2`` becomes authors, title, year and equation."""
    return re.sub(r"\[(\w+)\]", lambda found: f"{WORKS[found[1]]},", source)
