"""Where the cursor stands when nothing has been looked at before."""

from __future__ import annotations

import pytest
from debugger_scenarios import SCENARIOS
from turns import by_day

from bpdebug.session.session import Session


@pytest.mark.parametrize("opened", by_day(SCENARIOS, 2))
def test_the_first_number_is_no_0_where_there_is_another_one(opened):
    scenario = SCENARIOS[opened]
    for name in [stage.name for stage in Session(scenario).program.stages]:
        session = Session(scenario)
        session.execute(f"goto 0:{name}")
        if session.selected and session.selected[0] == name:
            value = session.value(name)
            assert value[session.selected[1]] or not value.any()
