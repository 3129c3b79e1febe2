"""All commands: importing this package fills the table, in the order of the help."""

from bpdebug.session.commands import (
    again,
    check,
    copy,
    edit,
    frame,
    game,
    look,
    move,
    notation,
    paths,
    scales,
    session,
    stop,
    training,
)
from bpdebug.session.table import COMMANDS, GROUPS, Command, CommandError, find_command, in_order

MODULES = (again, check, copy, edit, frame, game, look, move, notation, paths, scales, session, stop, training)
"""Each registers its commands when it is imported."""

__all__ = ["COMMANDS", "GROUPS", "MODULES", "Command", "CommandError", "find_command", "in_order"]
