"""Every export of networks whose tensors are called otherwise."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from renamed import NONSENSE, in_print, in_words, renamed

from bpdebug.core.errors import BpdebugError
from bpdebug.export.formats import FORMATS, exported
from bpdebug.frontends import load_scenario, shipped
from bpdebug.session.session import Session

NAMES = [entry.name for entry in shipped()]


def written(scenario, form):
    """What is exported of the third update, or why not."""
    session = Session(scenario)
    session.execute("update 2")
    try:
        return exported(session.timeline, FORMATS[form])
    except BpdebugError as error:
        return str(error)


def told(text, names):
    """Under the other names, as they are in Python too; tables are as wide as their names."""
    names = {re.sub(r"\W", "_", old): re.sub(r"\W", "_", new) for old, new in names.items()} | names
    return re.sub(r"[ -]+", " ", in_words(in_print(text), names))


WAYS = [(name, form, naming) for name in NAMES for form in FORMATS for naming in NONSENSE]
ROUND = [way for number, way in enumerate(WAYS) if number % 23 == 0]
"""Of which each scenario, format and kind of names has some; the others are for the long run."""


@pytest.mark.parametrize(("name", "form", "naming"), [way if way in ROUND else pytest.param(*way, marks=pytest.mark.long) for way in WAYS])
def test_every_export_tells_the_same_of_other_names(name, form, naming):
    scenario = load_scenario(name)
    other, names = renamed(scenario, NONSENSE[naming])
    usual, found = written(scenario, form), written(other, form)
    if form in ("torch", "numpy") and "cannot be written" not in found:
        compile(found, "export.py", "exec")
    if form == "npz":
        ours, theirs = np.load(io.BytesIO(usual)), np.load(io.BytesIO(found))
        assert {in_words(key, names): ours[key].tobytes() for key in ours} == {key: theirs[key].tobytes() for key in theirs}
    elif naming == "neighbours" and form != "html" and (scenario.layers or form in ("npz", "jsonl")):
        assert told(found, names) == told(usual, names)
    else:
        assert abs(found.count("\n") - usual.count("\n")) <= 0.2 * usual.count("\n"), "longer names may break a line"
