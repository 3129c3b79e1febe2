"""The debugger: moving through the program. No Textual, no Rich."""
