"""A GRU that learns to add up a sequence of bits."""
import numpy as np

rng = np.random.default_rng(3)
T, N, H = 4, 6, 5


def sig(v):
    return 1.0 / (1.0 + np.exp(-v))


def init(rows, cols):
    return rng.normal(0, 1 / np.sqrt(cols), (rows, cols))


Wz, Wr, Wc = init(H, 1 + H), init(H, 1 + H), init(H, 1 + H)
bz, br, bc = np.zeros((H, 1)), np.zeros((H, 1)), np.zeros((H, 1))
Wo, bo = init(1, H), np.zeros((1, 1))

for step in range(60):
    seq = rng.integers(0, 2, (T, 1, N)).astype(float)
    target = seq.sum(axis=0)
    h, tape = np.zeros((H, N)), []
    for x in seq:
        xh = np.concatenate([x, h], axis=0)
        z = sig(Wz @ xh + bz)
        r = sig(Wr @ xh + br)
        xrh = np.concatenate([x, r * h], axis=0)
        c = np.tanh(Wc @ xrh + bc)
        tape.append((h, xh, z, r, xrh, c))
        h = (1 - z) * h + z * c
    out = Wo @ h + bo
    loss = np.mean((out - target) ** 2)

    dout = 2 * (out - target) / N
    gWo, gbo = dout @ h.T, dout.sum(axis=1, keepdims=True)
    dh = Wo.T @ dout
    gWz, gWr, gWc = np.zeros_like(Wz), np.zeros_like(Wr), np.zeros_like(Wc)
    gbz, gbr, gbc = np.zeros_like(bz), np.zeros_like(br), np.zeros_like(bc)
    for h_prev, xh, z, r, xrh, c in reversed(tape):
        dc = dh * z * (1 - c**2)
        dz = dh * (c - h_prev) * z * (1 - z)
        gWc += dc @ xrh.T
        gbc += dc.sum(axis=1, keepdims=True)
        dxrh = Wc.T @ dc
        dr = dxrh[1:] * h_prev * r * (1 - r)
        gWz += dz @ xh.T
        gbz += dz.sum(axis=1, keepdims=True)
        gWr += dr @ xh.T
        gbr += dr.sum(axis=1, keepdims=True)
        dxh = Wz.T @ dz + Wr.T @ dr
        dh = dh * (1 - z) + dxrh[1:] * r + dxh[1:]
    for p, g in zip((Wz, Wr, Wc, bz, br, bc, Wo, bo), (gWz, gWr, gWc, gbz, gbr, gbc, gWo, gbo)):
        p -= 0.1 * g
print(loss)
