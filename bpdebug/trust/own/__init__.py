"""A user's own forward and backward functions, judged from outside: by what goes in and what comes out."""
