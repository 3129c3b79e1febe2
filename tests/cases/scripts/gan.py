import numpy as np

np.random.seed(0)
sigmoid = lambda z: 1 / (1 + np.exp(-z))
m, nz, nh, nx = 16, 3, 8, 2
G1, g1 = np.random.randn(nz, nh) * 0.5, np.zeros(nh)
G2, g2 = np.random.randn(nh, nx) * 0.5, np.zeros(nx)
D1, c1 = np.random.randn(nx, nh) * 0.5, np.zeros(nh)
D2, c2 = np.random.randn(nh, 1) * 0.5, np.zeros(1)
lr = 0.05


def generate(z):
    h = np.tanh(z @ G1 + g1)
    return h, h @ G2 + g2


def discriminate(x):
    h = np.maximum(0, x @ D1 + c1)
    return h, sigmoid(h @ D2 + c2)


for it in range(300):
    real = np.random.randn(m, nx) * 0.3 + np.array([1.0, -1.0])
    z = np.random.randn(m, nz)
    hg, fake = generate(z)

    hr, pr = discriminate(real)
    hf, pf = discriminate(fake)
    d_loss = -np.mean(np.log(pr)) - np.mean(np.log(1 - pf))

    dr = (pr - 1) / m
    df = pf / m
    dD2 = hr.T @ dr + hf.T @ df
    dc2 = dr.sum(0) + df.sum(0)
    dhr = dr @ D2.T * (hr > 0)
    dhf = df @ D2.T * (hf > 0)
    dD1 = real.T @ dhr + fake.T @ dhf
    dc1 = dhr.sum(0) + dhf.sum(0)
    D1 -= lr * dD1
    c1 -= lr * dc1
    D2 -= lr * dD2
    c2 -= lr * dc2

    z = np.random.randn(m, nz)
    hg, fake = generate(z)
    hf, pf = discriminate(fake)
    g_loss = -np.mean(np.log(pf))
    dp = (pf - 1) / m
    dh = dp @ D2.T * (hf > 0)
    dx = dh @ D1.T
    dG2 = hg.T @ dx
    dg2 = dx.sum(0)
    dhg = dx @ G2.T * (1 - hg**2)
    dG1 = z.T @ dhg
    dg1 = dhg.sum(0)
    G1 -= lr * dG1
    g1 -= lr * dg1
    G2 -= lr * dG2
    g2 -= lr * dg2
    if it % 100 == 0:
        print(it, d_loss, g_loss)
