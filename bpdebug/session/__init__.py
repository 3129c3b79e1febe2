"""The session: commands, and what they share. Importing this package fills the table of commands."""

import bpdebug.session.commands  # noqa: F401
