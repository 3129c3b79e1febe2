"""The user's own script as the program: recorded once in a process of its own, then a program of lines like any other."""
