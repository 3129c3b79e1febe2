"""What tensors were at a moment, although the buffers are overwritten afterwards.

A copy is made when somebody looks at a tensor, or just before its buffer is overwritten, and it serves all moments until then:
what nobody looks at and nothing overwrites costs nothing, however large it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from weakref import WeakSet

from bpdebug.core.description import Array, Values


class Moment(Mapping[str, Array]):
    """Tensors by name, as they were; nobody can write to them, and of a tensor that stays what it is all moments have the same copy.

    Args:
        live: the buffers.
        copies: where copies of them are made.
        kept: what is a copy already.
    """

    def __init__(self, live: Values, copies: Copies, kept: Values) -> None:
        self._live, self._copies, self._kept = live, copies, dict(kept)

    def __getitem__(self, name: str) -> Array:
        if name not in self._kept:
            self._kept[name] = self._copies.of(self._live[name])
        return self._kept[name]

    def keep(self, name: str, buffer: Array) -> None:
        """Have a copy of what a buffer holds, if it is one of this moment's."""
        if self._live.get(name) is buffer:
            self[name]

    __eq__, __hash__ = object.__eq__, object.__hash__  # arrays have no single truth value

    def __contains__(self, name: object) -> bool:
        return name in self._live

    def __iter__(self) -> Iterator[str]:
        return iter(self._live)

    def __len__(self) -> int:
        return len(self._live)


class Copies:
    """The copies of a machine's buffers.

    Attributes:
        watched: whether somebody has to be told before a buffer is overwritten.
    """

    def __init__(self) -> None:
        self._made: dict[int, Array] = {}
        self._moments: WeakSet[Moment] = WeakSet()
        self.watched = False

    def moment(self, live: Values, kept: Values) -> Moment:
        """The buffers as they are now; ``kept`` are arrays that nobody writes to any more."""
        made = Moment({**live, **kept}, self, kept)
        self._moments.add(made)
        self.watched = True
        return made

    def of(self, buffer: Array) -> Array:
        """A copy of what a buffer holds now, the same as long as that is so."""
        if id(buffer) not in self._made:
            copy = buffer.copy()
            copy.setflags(write=False)
            self._made[id(buffer)], self.watched = copy, True
        return self._made[id(buffer)]

    def overwritten(self, name: str, buffer: Array) -> None:
        """Must be called before a buffer is written to."""
        for moment in self._moments:
            moment.keep(name, buffer)
        self._made.pop(id(buffer), None)

    def all_overwritten(self) -> None:
        """Must be called before all buffers are."""
        if not self.watched:
            return
        for moment in self._moments:
            for name in moment:
                moment[name]
        self._moments.clear()
        self._made.clear()
        self.watched = False
