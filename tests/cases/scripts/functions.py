import numpy as np

rng = np.random.default_rng(3)


def init(n_in, n_hidden, n_out):
    W1 = rng.normal(0, 0.5, (n_in, n_hidden))
    b1 = np.zeros(n_hidden)
    W2 = rng.normal(0, 0.5, (n_hidden, n_out))
    b2 = np.zeros(n_out)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


def forward(X, params):
    Z1 = X.dot(params["W1"]) + params["b1"]
    A1 = np.tanh(Z1)
    Z2 = A1.dot(params["W2"]) + params["b2"]
    exp = np.exp(Z2 - np.max(Z2, axis=1, keepdims=True))
    P = exp / np.sum(exp, axis=1, keepdims=True)
    return P, {"Z1": Z1, "A1": A1, "P": P}


def cross_entropy(P, y):
    m = y.shape[0]
    return -np.sum(np.log(P[np.arange(m), y])) / m


def backward(X, y, params, cache):
    m = X.shape[0]
    dZ2 = cache["P"].copy()
    dZ2[np.arange(m), y] -= 1
    dZ2 /= m
    grads = {}
    grads["W2"] = cache["A1"].T.dot(dZ2)
    grads["b2"] = dZ2.sum(axis=0)
    dA1 = dZ2.dot(params["W2"].T)
    dZ1 = dA1 * (1 - cache["A1"] ** 2)
    grads["W1"] = X.T.dot(dZ1)
    grads["b1"] = dZ1.sum(axis=0)
    return grads


def update(params, grads, rate):
    for name in params:
        params[name] -= rate * grads[name]


def main():
    X = rng.normal(size=(30, 5))
    y = rng.integers(0, 3, 30)
    params = init(5, 8, 3)
    for epoch in range(20):
        P, cache = forward(X, params)
        cost = cross_entropy(P, y)
        grads = backward(X, y, params, cache)
        update(params, grads, 0.5)
        if epoch % 5 == 0:
            print("cost", cost)


if __name__ == "__main__":
    main()
