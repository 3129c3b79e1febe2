import numpy as np

np.random.seed(0)
text = "hello world, hello there"
chars = sorted(set(text))
index = {c: i for i, c in enumerate(chars)}
V, H, T = len(chars), 8, 4
Wxh = np.random.randn(H, V) * 0.1
Whh = np.random.randn(H, H) * 0.1
Why = np.random.randn(V, H) * 0.1
bh = np.zeros((H, 1))
by = np.zeros((V, 1))
mem = [np.zeros_like(w) for w in (Wxh, Whh, Why, bh, by)]


def loss_fun(inputs, targets, hprev):
    xs, hs, ys, ps = {}, {}, {}, {}
    hs[-1] = np.copy(hprev)
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((V, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
        ys[t] = np.dot(Why, hs[t]) + by
        ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
        loss += -np.log(ps[t][targets[t], 0])
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += np.dot(dy, hs[t].T)
        dby += dy
        dh = np.dot(Why.T, dy) + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw
        dWxh += np.dot(dhraw, xs[t].T)
        dWhh += np.dot(dhraw, hs[t - 1].T)
        dhnext = np.dot(Whh.T, dhraw)
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs) - 1]


n, p = 0, 0
hprev = np.zeros((H, 1))
while n < 12:
    if p + T + 1 >= len(text):
        hprev = np.zeros((H, 1))
        p = 0
    inputs = [index[c] for c in text[p : p + T]]
    targets = [index[c] for c in text[p + 1 : p + T + 1]]
    loss, dWxh, dWhh, dWhy, dbh, dby, hprev = loss_fun(inputs, targets, hprev)
    for param, dparam, m in zip([Wxh, Whh, Why, bh, by], [dWxh, dWhh, dWhy, dbh, dby], mem):
        m += dparam * dparam
        param += -0.1 * dparam / np.sqrt(m + 1e-8)
    p += T
    n += 1
print(loss)
