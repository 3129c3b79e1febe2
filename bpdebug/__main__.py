"""``python -m bpdebug``."""

import sys

from bpdebug.cli import main

if __name__ == "__main__":
    sys.exit(main())
