"""What a command line asks for beside the script's name: how it is run, and what is told of it."""

from __future__ import annotations

from bpdebug.core.record import Record

CHECKED, RECORDED = 3, 2000
"""Updates that are recorded to be checked, and to be stepped through, at most."""


class Asked(Record):
    """A script, how it is run, and what is told of it.

    Attributes:
        source: its path, or the name of a module.
        arguments: what it takes.
        updates: how many are recorded, at most.
        module: whether the source is a module's name, as in ``python -m pkg.train``.
        python: the Python that runs it, or the folder of its environment; "": that of the active environment, else ours.
        stdin: the file that it reads as its standard input; "": none.
        loop, loss: the line of the loop whose turns are the updates, and that of the loss: ``train.py:30``, ``:30``; "": they are found.
    """

    source: str
    arguments: tuple[str, ...] = ()
    updates: int = RECORDED
    module: bool = False
    python: str = ""
    stdin: str = ""
    loop: str = ""
    loss: str = ""
