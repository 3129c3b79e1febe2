from __future__ import annotations

import bpdebug

bpdebug.use_one_thread()  # before any test loads NumPy
