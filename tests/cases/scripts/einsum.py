import numpy as np
rng = np.random.default_rng(14)
B, T, D, E = 4, 3, 5, 6
x = rng.normal(size=(B, T, D))
y = rng.normal(size=(B, E))
A = rng.normal(size=(T,))
M = rng.normal(size=(D, E)) * .3
bias = np.zeros(E)
for n in range(50):
    mixed = np.einsum("btd,t->bd", x, A)
    z = np.einsum("bd,de->be", mixed, M) + bias
    out = np.sin(z)
    loss = np.einsum("be,be->", out - y, out - y) / B
    d_out = 2 * (out - y) / B
    d_z = d_out * np.cos(z)
    d_M = np.einsum("bd,be->de", mixed, d_z)
    d_bias = np.einsum("be->e", d_z)
    d_mixed = np.einsum("be,de->bd", d_z, M)
    d_A = np.einsum("btd,bd->t", x, d_mixed)
    A = A - .05 * d_A
    M = M - .05 * d_M
    bias = bias - .05 * d_bias
