"""What a command line asks for beside the script's name: how it is run, and what is told of it."""

from __future__ import annotations

from bpdebug.core.record import Record

CHECKED, RECORDED = 3, 0
"""Updates after which a script is ended that is checked, and one that is stepped through: that runs to its own end."""


class Asked(Record):
    """A script, how it is run, and what is told of it.

    Attributes:
        source: its path, or the name of a module.
        arguments: what it takes.
        updates: after how many it is ended; 0: it runs to its own end.
        at: an update that is wanted beside the first ones; 0: none.
        module: whether the source is a module's name, as in ``python -m pkg.train``.
        called: what the script is called, if not by its path.
        python: the Python that runs it, or the folder of its environment; "": that of the active environment, else ours.
        stdin: the file that it reads as its standard input; "": none.
        loop, loss: the line of the loop whose turns are the updates, and that of the loss: ``train.py:30``, ``:30``; "": they are found.
    """

    source: str
    arguments: tuple[str, ...] = ()
    updates: int = RECORDED
    at: int = 0
    module: bool = False
    called: str = ""
    python: str = ""
    stdin: str = ""
    loop: str = ""
    loss: str = ""
