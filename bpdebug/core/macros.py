"""The layers that a line of a program may call, as the lines that they stand for: text, read and never run.

A layer reads like a function of Python's. Its lines are lines of a program, with what is said of each behind it; what they assign is
called by the line that calls the layer, ``h.mu`` for ``h = batch_norm(x)``, and what is returned is ``h`` itself. Beyond them there are:

- ``gamma: ones(mu[0].shape)``, a parameter, and how it starts: ``ones``, ``zeros``, or ``drawn`` by the scenario's initializer;
- ``x: axes(samples, units)``, how many axes an argument has, and what they are;
- ``y = a if heads > 1 else b``, of which one side is kept: what is asked is known before anything runs;
- ``for step in range(x.shape[1]):``, whose lines are written out, a group a step; ``[*state]`` are all values that a name has had there;
- ``y = x``, another name for the same value.
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


def dropout(x, p=0.5):
    """Srivastava et al., Dropout (2014), with the rescaling of inverted dropout."""
    mask = bernoulli(x, 1 - p)  # drawn anew in each update: 1 for what is kept
    kept = x * mask  # units that are off pass nothing, and nothing comes back to them
    return kept / (1 - p)  # what is left is scaled up, so that nothing is to be rescaled later


def embedding(x, words, units):
    """Bengio et al., A Neural Probabilistic Language Model (2003), section 2."""
    E: drawn((words, units))
    return E[x]  # each whole number picks its row; a row gets the gradients of all places where it was picked


def conv2d(x, channels, kernel=3, stride=1, padding=0):
    """LeCun et al., Gradient-Based Learning Applied to Document Recognition (1998)."""
    x: axes(samples, channels, rows, columns)
    W: drawn((channels, x.shape[1], kernel, kernel))
    b: zeros(W.shape[0])
    padded = pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding))) if padding else x  # a frame of zeros
    windows = sliding_window_view(padded, (W.shape[2], W.shape[3]), axis=(2, 3))  # each piece that a kernel is laid over
    patches = windows[:, :, ::stride, ::stride] if stride > 1 else windows  # only every so many
    products = einsum('ncijab,ocab->noij', patches, W)  # each kernel laid over each piece
    return products + b[:, None, None]  # each kernel has its bias


def max_pool(x, kernel=2, stride=kernel):
    """LeCun et al. (1998)."""
    x: axes(samples, channels, rows, columns)
    windows = sliding_window_view(x, (kernel, kernel), axis=(2, 3))  # each piece
    pieces = windows[:, :, ::stride, ::stride] if stride > 1 else windows  # those that do not overlap
    return max(pieces, axis=(4, 5))  # only the largest number of a piece gets a gradient


def attention(x, heads=1, causal=False):
    """Vaswani et al., Attention Is All You Need (2017), section 3.2."""
    x: axes(samples, positions, units)
    Wq: drawn((x.shape[-1], x.shape[-1]))
    Wk: drawn((x.shape[-1], x.shape[-1]))
    Wv: drawn((x.shape[-1], x.shape[-1]))
    Wo: drawn((x.shape[-1], x.shape[-1]))
    q = x @ Wq  # what each position asks for
    k = x @ Wk  # what each position offers
    v = x @ Wv  # what each position says
    qs = swapaxes(reshape(q, (x.shape[0], x.shape[1], heads, -1)), 1, 2) if heads > 1 else q  # samples, heads, positions, units
    ks = swapaxes(reshape(k, (x.shape[0], x.shape[1], heads, -1)), 1, 2) if heads > 1 else k  # the same of what is offered
    vs = swapaxes(reshape(v, (x.shape[0], x.shape[1], heads, -1)), 1, 2) if heads > 1 else v  # and of what is said
    s = qs @ swapaxes(ks, -1, -2) / sqrt(qs.shape[-1])  # how well question and offer fit
    seen = where(tril(ones((x.shape[1], x.shape[1]))) > 0, s, -inf) if causal else s  # no position looks ahead
    p = softmax(seen, axis=-1)  # each row adds up to 1
    o = p @ vs  # the mean of what was said, by attention
    joined = reshape(swapaxes(o, 1, 2), q.shape) if heads > 1 else o  # the heads beside each other
    return joined @ Wo  # what the heads have found, mixed once more


def rnn(x, units):
    """Elman, Finding Structure in Time (1990); all states are the answer."""
    x: axes(samples, steps, units)
    Wx: drawn((x.shape[2], units))
    Wh: drawn((units, units))
    b: zeros(Wx.shape[1])
    state = zeros((x.shape[0], Wx.shape[1]))  # the state before the first step
    for step in range(x.shape[1]):
        z = x[:, step] @ Wx + state @ Wh + b  # what comes in, and what was there
        state = tanh(z)  # the state after this step
    return stack([*state], axis=1)  # the states of all steps


def lstm(x, units):
    """Hochreiter and Schmidhuber, Long Short-Term Memory (1997), with the forget gate of Gers et al. (2000); all states are the answer."""
    x: axes(samples, steps, units)
    Wi: drawn((x.shape[2], units))
    Wf: drawn((x.shape[2], units))
    Wg: drawn((x.shape[2], units))
    Wo: drawn((x.shape[2], units))
    Ui: drawn((units, units))
    Uf: drawn((units, units))
    Ug: drawn((units, units))
    Uo: drawn((units, units))
    bi: zeros(Wi.shape[1])
    bf: zeros(Wi.shape[1])
    bg: zeros(Wi.shape[1])
    bo: zeros(Wi.shape[1])
    state = zeros((x.shape[0], Wi.shape[1]))  # the state before the first step
    cell = zeros((x.shape[0], Wi.shape[1]))  # the memory before the first step
    for step in range(x.shape[1]):
        now = x[:, step]  # what comes in
        i = sigmoid(now @ Wi + state @ Ui + bi)  # how much is written
        f = sigmoid(now @ Wf + state @ Uf + bf)  # how much is kept
        g = tanh(now @ Wg + state @ Ug + bg)  # what is written
        o = sigmoid(now @ Wo + state @ Uo + bo)  # how much is shown
        cell = f * cell + i * g  # the memory after this step
        state = o * tanh(cell)  # the state after this step
    return stack([*state], axis=1)  # the states of all steps


def gru(x, units):
    """Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014), as PyTorch has it; all states are the answer."""
    x: axes(samples, steps, units)
    Wr: drawn((x.shape[2], units))
    Wz: drawn((x.shape[2], units))
    Wn: drawn((x.shape[2], units))
    Ur: drawn((units, units))
    Uz: drawn((units, units))
    Un: drawn((units, units))
    br: zeros(Wr.shape[1])
    bz: zeros(Wr.shape[1])
    bn: zeros(Wr.shape[1])
    cn: zeros(Wr.shape[1])
    state = zeros((x.shape[0], Wr.shape[1]))  # the state before the first step
    for step in range(x.shape[1]):
        now = x[:, step]  # what comes in
        r = sigmoid(now @ Wr + state @ Ur + br)  # how much of the state the candidate sees
        z = sigmoid(now @ Wz + state @ Uz + bz)  # how much of the state is kept
        n = tanh(now @ Wn + bn + r * (state @ Un + cn))  # the candidate
        state = (1 - z) * n + z * state  # the state after this step
    return stack([*state], axis=1)  # the states of all steps
'''
