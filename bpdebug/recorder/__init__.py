"""The child's half of ``bpdebug train.py``: it runs the user's script and writes down what each gradient update computes.

It runs in whatever Python the script runs in, so it needs the standard library and NumPy only, and nothing else of bpdebug.
"""
