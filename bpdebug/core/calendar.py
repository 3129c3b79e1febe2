"""Where each update begins and ends on the clock."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from bpdebug.core.record import Record


class Span(Record):
    """Updates that are equally long, until the stages change.

    Attributes:
        update: the first of them.
        clock: when it begins.
        index: the place of each stage in them.
    """

    update: int
    clock: int
    index: Mapping[str, int]


class Calendar(Record):
    """Where each update begins and ends on the clock, which is the number of stages that have run.

    Whoever goes between clocks and (update, stages done) asks here: updates are equally long, but for those after a line of the program has
    been changed so that other stages are derived from it.

    Attributes:
        updates: of the whole training.
        length: how many stages each has, in the version of the program whose calendar it is.
        spans: where they are not equally long, the stretches in which they are, from the first update on.
    """

    updates: int
    length: int
    spans: tuple[Span, ...] = ()

    @cached_property
    def end(self) -> int:
        """The clock when the training is complete."""
        return self.clock(self.updates)

    def clock(self, update: int, done: int = 0) -> int:
        """The clock when so many stages of an update have run; before the start of training, as after its end, it goes on evenly."""
        if not self.spans:
            return update * self.length + done
        span = self._span(update)
        return span.clock + (update - span.update) * len(span.index) + done

    def _span(self, update: int) -> Span:
        return next((span for span in reversed(self.spans) if span.update <= update), self.spans[0])

    def place(self, t: int) -> tuple[int, int]:
        """The update that a clock lies in, and how many of its stages have run; where one ends, the next one begins."""
        if not self.spans:
            return divmod(t, self.length)
        span = next((span for span in reversed(self.spans) if span.clock <= t), self.spans[0])
        update, done = divmod(t - span.clock, len(span.index))
        return span.update + update, done

    def moment(self, done: int) -> int:
        """So many stages done as a moment in an update: where all have run, the next one starts."""
        return done % self.length

    def update(self, t: int) -> int:
        """The update that a clock lies in."""
        return self.place(t)[0]

    def ran(self, t: int) -> tuple[int, int]:
        """The stage that ran last before a clock: its update, and its place in it."""
        return self.place(t - 1)

    def under_way(self, t: int) -> tuple[int, int]:
        """As :meth:`place`, but when training is complete all of the last update has run."""
        update, done = self.place(t)
        return (update, done) if update < self.updates else (self.updates - 1, self.clock(self.updates) - self.clock(self.updates - 1))

    def in_updates(self, t: int) -> float:
        """A clock in updates, the one under way counting by its stages."""
        if not self.spans:
            return t / self.length
        update, done = self.place(t)
        return update + done / (self.clock(update + 1) - self.clock(update))

    def index(self, update: int, usual: Mapping[str, int]) -> Mapping[str, int]:
        """The place of each stage in an update; ``usual`` where all have the same."""
        return self._span(update).index if self.spans else usual

    def before(self, update: int, name: str, usual: Mapping[str, int]) -> int | None:
        """The clock right after a stage has run for the last time before an update; None where it has not."""
        until = update
        for span in reversed(self.spans or (Span(0, 0, usual),)):
            if span.update < until and name in span.index:
                return self.clock(until - 1, span.index[name] + 1)
            until = min(until, span.update)
        return None

    def turn(self, t: int) -> int | None:
        """The next clock from which updates have other stages, where there is one ahead."""
        return next((span.clock for span in self.spans if span.clock > t), None)

    def follows(self, update: int) -> bool:
        """Whether an update has the stages of the one before it."""
        return all(span.update != update for span in self.spans[1:])


def spans_between(gaps: Mapping[int, int], index: Mapping[str, int]) -> tuple[Span, ...]:
    """The spans of a training of which not all updates are kept; nothing where all are.

    Args:
        gaps: the first update of each gap, and the first after it.
        index: the place of each stage in the others.
    """
    stretches = {0: index}
    for first, after in gaps.items():
        stretches |= {first: {}, after: index}
    return laid(stretches) if gaps else ()


def laid(stretches: Mapping[int, Mapping[str, int]]) -> tuple[Span, ...]:
    """The spans of stretches of updates, by the first update of each the places of its stages; those of a gap have none."""
    spans = list[Span]()
    for update, index in stretches.items():
        last = spans[-1] if spans else Span(0, 0, {})
        spans.append(Span(update, last.clock + (update - last.update) * len(last.index), index))
    return tuple(spans)
