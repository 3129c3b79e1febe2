"""The command ``bpdebug``, also as ``python -m bpdebug``."""

import gc
import sys


def main() -> int:
    """Start with the garbage collector at rest; the exit status. Whoever interrupts this sees no traceback.

    Hardly anything that a start makes is garbage: looking for it again and again costs a tenth of the time to the first
    picture, and afterwards every full collection would walk over all of it.
    """
    try:
        from bpdebug.core import interruption  # noqa: PLC0415 - not before it can be interrupted

        interruption.heed(interruption.end)
        gc.disable()
        from bpdebug.cli import main as run  # noqa: PLC0415 - as above

        status = run()
        interruption.heed(interruption.end_at_once)
    except KeyboardInterrupt as interrupted:
        status = getattr(interrupted, "status", 130)
    return status


if __name__ == "__main__":
    sys.exit(main())
