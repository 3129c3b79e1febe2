"""The command ``bpdebug``, also as ``python -m bpdebug``."""

import gc
import sys

from bpdebug.cli import main as run


def main() -> int:
    """Start with the garbage collector at rest; the exit status.

    Hardly anything that a start makes is garbage: looking for it again and again costs a tenth of the time to the first
    picture, and afterwards every full collection would walk over all of it.
    """
    gc.disable()
    return run()


if __name__ == "__main__":
    sys.exit(main())
