from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bpdebug.core.calendar import Calendar, Span


@given(st.integers(1, 50), st.integers(1, 20), st.data())
def test_clocks_and_places_say_the_same(updates, length, data):
    calendar = Calendar(updates, length)
    t = data.draw(st.integers(0, calendar.end))
    update, done = calendar.place(t)
    assert 0 <= done < length
    assert (calendar.clock(update, done), calendar.update(t)) == (t, update)
    assert calendar.clock(update) <= t < calendar.clock(update + 1)
    assert (calendar.moment(done), calendar.moment(length)) == (done, 0)
    assert calendar.in_updates(t) == (update * length + done) / length
    assert calendar.under_way(t) == ((updates - 1, length) if t == calendar.end else (update, done))
    if t:
        ran, stage = calendar.ran(t)
        assert calendar.clock(ran, stage + 1) == t


def test_the_first_update_of_a_stretch_has_the_stages_of_that_stretch():
    before, after = {"a": 0, "b": 1}, {"a": 0, "b": 1, "c": 2}
    calendar = Calendar(5, 2, (Span(0, 0, before), Span(3, 6, after)))
    assert [calendar.index(update, before) for update in (2, 3)] == [before, after]
    assert [calendar.clock(update) for update in (2, 3, 4)] == [4, 6, 9]
