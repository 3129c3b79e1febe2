"""All commands: importing this module fills the table."""

from bpdebug.debugger import (
    check_commands,
    compare_commands,
    copy_commands,
    edit_commands,
    export_commands,
    game_commands,
    into_commands,
    look_commands,
    move_commands,
    notation_commands,
    number_commands,
    sample_commands,
    session_commands,
    stop_commands,
    tour_commands,
    training_commands,
)
from bpdebug.debugger.table import COMMANDS, GROUPS, Command, CommandError, find_command, in_order

MODULES = (
    move_commands,
    into_commands,
    look_commands,
    notation_commands,
    number_commands,
    sample_commands,
    training_commands,
    copy_commands,
    check_commands,
    compare_commands,
    stop_commands,
    edit_commands,
    game_commands,
    tour_commands,
    session_commands,
    export_commands,
)
"""Each registers its commands when it is imported."""

__all__ = ["COMMANDS", "GROUPS", "MODULES", "Command", "CommandError", "find_command", "in_order"]
