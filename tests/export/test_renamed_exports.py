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
    """Under the other names; tables are as wide as their names."""
    return re.sub(r"[ -]+", " ", in_words(in_print(text), names))


@pytest.mark.parametrize("naming", NONSENSE)
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_every_export_tells_the_same_of_other_names(name, form, naming):
    scenario = load_scenario(name)
    other, names = renamed(scenario, NONSENSE[naming])
    usual, found = written(scenario, form), written(other, form)
    if form == "torch":
        compile(found, "export.py", "exec")
    if form == "npz":
        ours, theirs = np.load(io.BytesIO(usual)), np.load(io.BytesIO(found))
        assert {in_words(key, names): ours[key].tobytes() for key in ours} == {key: theirs[key].tobytes() for key in theirs}
    elif naming == "neighbours" and form != "html":
        assert told(found, names) == told(usual, names)
    else:
        assert abs(found.count("\n") - usual.count("\n")) <= 0.2 * usual.count("\n"), "longer names may break a line"
