"""Seeds for the generators that a script does not seed itself: run again, it computes the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

SEED = 0


class Seeds:
    """Gives a seed to the generators of NumPy and of Python, and knows which of them the script has drawn from without one of its own."""

    def __init__(self) -> None:
        self._drawn: dict[str, None] = {}
        np.random.seed(SEED)
        random.seed(SEED)
        self._looks: dict[str, Callable[[], Any]] = {"np.random": np.random.get_state, "random": random.getstate}
        self._first = {name: self._state(name) for name in self._looks}
        np.random.seed = self._seeding("np.random", np.random.seed)
        random.seed = self._seeding("random", random.seed)
        np.random.default_rng = self._made(np.random.default_rng)

    def _seeding(self, name: str, seed: Callable[..., None]) -> Callable[..., None]:
        """A function that seeds a generator: it has been the script's own from then on."""

        @wraps(seed)
        def seeding(*arguments: Any, **keywords: Any) -> None:
            self._look(name)
            given = any(one is not None for one in (*arguments, *keywords.values()))
            seed(*(arguments if given else (SEED,)), **(keywords if given else {}))
            self._first[name] = "" if given else self._state(name)

        return seeding

    def _made(self, make: Callable[..., np.random.Generator]) -> Callable[..., np.random.Generator]:
        @wraps(make)
        def made(seed: Any = None) -> np.random.Generator:
            if seed is None:
                self._drawn["default_rng()"] = None
            return make(SEED if seed is None else seed)

        return made

    def _state(self, name: str) -> str:
        with np.printoptions(threshold=1000):
            return repr(self._looks[name]())

    def _look(self, name: str) -> None:
        if self._first[name] and self._state(name) != self._first[name]:
            self._drawn[name] = None

    def told(self) -> list[str]:
        """The generators that were drawn from without a seed of the script's own."""
        for name in self._looks:
            self._look(name)
        return [*self._drawn]
