"""The session: a cursor, moves, the command table, scripts and what is kept. No Textual, no Rich."""
