"""All commands: importing this module fills the table."""

from bpdebug.debugger import edit_commands, look_commands, move_commands, session_commands, stop_commands
from bpdebug.debugger.table import COMMANDS, GROUPS, Command, CommandError, find_command, in_order

MODULES = (move_commands, look_commands, stop_commands, edit_commands, session_commands)
"""Each registers its commands when it is imported."""

__all__ = ["COMMANDS", "GROUPS", "MODULES", "Command", "CommandError", "find_command", "in_order"]
