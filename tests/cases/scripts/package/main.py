"""doc"""
from __future__ import annotations
import sys, numpy as np
from lib import Dense, relu
counter = 0
def batches(X, Y, n):
    for i in range(0, len(X), n):
        yield X[i:i + n], Y[i:i + n]
def count():
    "doc"
    global counter
    counter += 1
    return counter
def main(*args, lr=0.05, **kw):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3)); Y = rng.normal(size=(20, 2))
    net = [Dense(3, 6), Dense(6, 2)]
    first, *rest = net
    for epoch in range(3):
        for xb, yb in batches(X, Y, 5):
            h = first(xb)
            a = relu(h)
            if (out := rest[0](a)) is None: return
            loss = ((out - yb) ** 2).mean()
            try:
                g = 2 * (out - yb) / out.size
            finally:
                pass
            ga = rest[0].grad(g)
            gh = np.where(h > 0, ga, 0.)
            first.grad(gh)
            for layer in net: layer.step(lr)
            match count():
                case 1: print("one", file=sys.stderr)
                case _: pass
        print(f"{epoch} {loss:.4f} {[round(float(v), 2) for v in net[0].W[0]]}")
if __name__ == "__main__":
    main(*sys.argv[1:])
