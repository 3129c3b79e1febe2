import argparse
import numpy as np

def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=30)
    p.add_argument("--lr", type=float, default=0.3)
    p.add_argument("--hidden", type=int, default=6)
    return p.parse_args()

def main():
    args = parse()
    rng = np.random.default_rng(0)
    x = rng.random((40, 2))
    y = (x[:, :1] > x[:, 1:]).astype(np.float64)
    w_in = rng.standard_normal((2, args.hidden))
    w_out = rng.standard_normal((args.hidden, 1))
    for epoch in range(args.epochs):
        hidden = np.maximum(x @ w_in, 0)
        p = 1 / (1 + np.exp(-hidden @ w_out))
        bce = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
        g_logit = (p - y) / len(y)
        g_out = hidden.T @ g_logit
        g_hidden = g_logit @ w_out.T
        g_hidden[hidden == 0] = 0
        g_in = x.T @ g_hidden
        w_in, w_out = w_in - args.lr * g_in, w_out - args.lr * g_out
    print(epoch, bce)

if __name__ == "__main__":
    main()
