"""The layers that a line of a program may call, as the lines that they stand for: text, read and never run.

A layer reads like a function of Python's. Its lines are lines of a program, with what is said of each behind it; what they assign is
called by the line that calls the layer, ``h.mu`` for ``h = batch_norm(x)``, and what is returned is ``h`` itself. Beyond them there are:

- ``gamma: ones(mu[0].shape)``, a parameter, and how it starts: ``ones``, ``zeros``, or ``drawn`` by the scenario's initializer;
- ``y = a if heads > 1 else b``, of which one side is kept: what is asked is known before anything runs;
- ``for step in range(x.shape[1]):``, whose lines are written out, a group a step; ``[*state]`` are all values that a name has had there;
- ``now = start``, another name for the same value.
"""

LAYERS = '''
def batch_norm(x, axis=0, eps=1e-5):
    """Ioffe and Szegedy, Batch Normalization (2015), algorithm 1."""
    mu = mean(x, axis=axis, keepdims=True)  # of each unit over the batch
    xc = x - mu  # centred
    var = mean(xc ** 2, axis=axis, keepdims=True)  # the biased variance, as in the paper
    xhat = xc / sqrt(var + eps)  # mean 0 and variance 1 over the batch
    gamma: ones(mu[0].shape)
    beta: zeros(mu[0].shape)
    return gamma * xhat + beta  # a scale and a shift that are learnt


def layer_norm(x, eps=1e-5):
    """Ba, Kiros and Hinton, Layer Normalization (2016), eq. 3."""
    mu = mean(x, axis=-1, keepdims=True)  # of each sample over its units
    xc = x - mu  # centred
    var = mean(xc ** 2, axis=-1, keepdims=True)  # the biased variance
    xhat = xc / sqrt(var + eps)  # mean 0 and variance 1 in each sample
    gamma: ones(x.shape[-1])
    beta: zeros(x.shape[-1])
    return gamma * xhat + beta  # a scale and a shift that are learnt
'''
