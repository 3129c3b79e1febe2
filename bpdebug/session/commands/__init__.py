"""All commands: importing this package fills the table."""

from bpdebug.session.commands import (
    again,
    check,
    compare,
    copy,
    edit,
    export,
    frame,
    game,
    into,
    look,
    move,
    notation,
    number,
    sample,
    session,
    stop,
    tour,
    training,
)
from bpdebug.session.table import COMMANDS, GROUPS, Command, CommandError, find_command, in_order

MODULES = (
    move,
    into,
    look,
    frame,
    notation,
    number,
    sample,
    training,
    copy,
    check,
    compare,
    stop,
    edit,
    game,
    tour,
    session,
    again,
    export,
)
"""Each registers its commands when it is imported."""

__all__ = ["COMMANDS", "GROUPS", "MODULES", "Command", "CommandError", "find_command", "in_order"]
