"""What all tests have in common."""

from __future__ import annotations

import bpdebug

bpdebug.use_one_thread()  # before any test loads NumPy

from hypothesis import settings

settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.register_profile("random", deadline=None)
settings.load_profile("same")  # the same examples everywhere, today and in a year; `--hypothesis-profile random` looks for new ones
