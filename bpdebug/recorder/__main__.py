"""The child process: ``python .../recorder FILE UPDATES train.py ARGUMENTS…``; only this package of bpdebug is found by it."""

import importlib.util
import os
import sys
from pathlib import Path


def _load(name: str, folder: Path) -> None:
    """Load a package from its folder, which is not put on ``sys.path``: what lies beside it may be of another Python."""
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec and spec.loader:
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


if __name__ == "__main__":
    here = Path(__file__).absolute().parent
    del sys.path[0]
    if importlib.util.find_spec("numpy") is None:
        print(f"bpdebug: there is no NumPy in {sys.executable}, the Python of the active environment", file=sys.stderr)
        sys.exit(3)
    _load("bpdebug", here.parent)
    _load("bpdebug.recorder", here)
    from bpdebug.recorder.running import run

    status = run(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
    sys.stdout.flush()
    os._exit(status)
