"""A recorded step of PyTorch as a program: read from its file, without torch."""
