"""The engine: what a training step is, in pure NumPy."""
