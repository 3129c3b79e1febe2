"""Mean and spread of a regression, with GELU and Nesterov momentum."""
import math
import numpy as np

gen = np.random.default_rng(42)
xs = gen.uniform(-2, 2, 64)[:, None]
ys = np.sin(2 * xs) + gen.normal(size=xs.shape) * (0.1 + 0.2 * np.abs(xs))
sizes = [1, 12, 12, 2]
Ws, Bs = [], []
for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
    Ws.append(gen.normal(0, math.sqrt(2 / fan_in), (fan_in, fan_out)))
    Bs.append(np.zeros(fan_out))
vW, vB = [np.zeros_like(w) for w in Ws], [np.zeros_like(b) for b in Bs]
mom, eta, batch = 0.8, 0.005, 16

def gelu(z):
    inner = math.sqrt(2 / math.pi) * (z + 0.044715 * z ** 3)
    return 0.5 * z * (1 + np.tanh(inner))

def gelu_grad(z):
    c = math.sqrt(2 / math.pi)
    th = np.tanh(c * (z + 0.044715 * z ** 3))
    return 0.5 * (1 + th) + 0.5 * z * (1 - th ** 2) * c * (1 + 3 * 0.044715 * z ** 2)

for epoch in range(6):
    order = gen.permutation(len(xs))
    for start in range(0, len(xs), batch):
        idx = order[start:start + batch]
        x, y = xs[idx], ys[idx]
        acts, pres = [x], []
        for l in range(3):
            z = acts[-1] @ Ws[l] + Bs[l]
            pres.append(z)
            acts.append(gelu(z) if l < 2 else z)
        mu, raw = acts[-1][:, :1], acts[-1][:, 1:]
        sd = np.log1p(np.exp(raw)) + 0.05
        nll = np.mean(np.log(sd) + 0.5 * ((y - mu) / sd) ** 2)
        n = len(x)
        dmu = (mu - y) / sd ** 2 / n
        dsd = (1 / sd - (y - mu) ** 2 / sd ** 3) / n
        draw = dsd / (1 + np.exp(-raw))
        delta = np.hstack([dmu, draw])
        for l in range(2, -1, -1):
            gW = acts[l].T @ delta
            gB = delta.sum(axis=0)
            if l > 0:
                delta = (delta @ Ws[l].T) * gelu_grad(pres[l - 1])
            vW[l] = mom * vW[l] - eta * gW
            vB[l] = mom * vB[l] - eta * gB
            Ws[l] += mom * vW[l] - eta * gW
            Bs[l] += mom * vB[l] - eta * gB
    print(epoch, nll)
