"""The core: what a training step is, in pure NumPy."""
