"""All commands: importing this package fills the table, in the order of the help."""

from bpdebug.session.commands import (  # noqa: F401 - each registers its commands when it is imported
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

__all__ = ["COMMANDS", "GROUPS", "Command", "CommandError", "find_command", "in_order"]
