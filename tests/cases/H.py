"""More of them, from other threads: one network of two layers, in which each has the mistake of its author.

H01 smile 528 (Java): relu's slope overwrites what arrives. H02 convnetjs 70 (JavaScript): Adam's correction is multiplied. H03 stackoverflow 5695726
(Java): the weight's change lacks the input. H04 skynet 1 (JavaScript): the slope calls the sigmoid again. H05 RMSProp of Devinterview 1: (1 - alpha) is
missing. H06 attorch 13: Huber's threshold stands against the signed difference. H07 ML-From-Scratch 35: 1 - beta without its power. H08 center loss 9:
the loss is divided by the batch, the gradient is not. H09 nntrainer 2587 (C++): the step is made of the squares. H10 libraries whose last relu has no slope.
"""

import json

import numpy as np

X = np.array([[1, 2], [-1, 0.5], [0.3, -2], [2, 1]])
Y = np.array([[1.2, 0.3], [-0.4, 0.6], [0.1, 0.9], [0.5, -0.2]])
m = len(X)
START = {
    "W1": np.array([[0.5, -0.7, 0.2], [0.3, 0.4, -0.6]]),
    "b1": np.array([0.1, 0.05, 0.2]),
    "W2": np.array([[0.8, -0.3], [-0.5, 0.6], [0.9, 0.2]]),
    "b2": np.array([0.1, -0.2]),
}
SGD = "{name: sgd, learning_rate: 0.1}"


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def relu(v):
    return np.maximum(v, 0)


def tanh(v):
    return np.tanh(v)


def identity(v):
    return v


def scenario(name, hidden, out, loss="squared_error", optimizer=SGD, y=Y):
    values = {key: value.tolist() for key, value in START.items()}
    layers = [{"units": 3, "activation": hidden.__name__}, {"units": 2, "activation": out.__name__}]
    text = f"network: {json.dumps({'inputs': 2, 'layers': layers})}\nparameters: {json.dumps({'values': values})}\n"
    text += f"data: {json.dumps({'inputs': X.tolist(), 'targets': y.tolist()})}\nloss: {{function: {loss}, samples: mean}}\n"
    with open(f"{name}.yaml", "w", encoding="utf-8") as file:
        file.write(f"{text}optimizer: {optimizer}\ntraining: {{epochs: 20}}\n")


def forward(hidden, out, p=START):
    z1 = X @ p["W1"] + p["b1"]
    a1 = hidden(z1)
    z2 = a1 @ p["W2"] + p["b2"]
    return {"x": X, **p, "z1": z1, "a1": a1, "z2": z2, "a2": out(z2)}


def backward(f, dz2, slope):
    da1 = dz2 @ f["W2"].T
    dz1 = slope(da1)
    gradients = {"dW2": f["a1"].T @ dz2, "db2": dz2.sum(0), "dW1": X.T @ dz1, "db1": dz1.sum(0)}
    return {"y": Y, "dz2": dz2, "da1": da1, "dz1": dz1, **gradients}


def save(name, **arrays):
    np.savez(f"{name}.npz", **arrays)


def train(name, optimizer, slots, step):
    """Two updates."""
    scenario(name, tanh, identity, optimizer=optimizer)
    p, kept = START, {slot + key: np.zeros_like(value) for slot in slots for key, value in START.items()}
    for t in (1, 2):
        f = forward(tanh, identity, p)
        g = backward(f, 2 * (f["a2"] - Y) / m, lambda da, a=f["a1"]: da * (1 - a * a))
        before, p = {**f, **g, **kept}, {}
        for key in START:
            p[key], moved = step(f[key], g[f"d{key}"], t, *(kept[slot + key] for slot in slots))
            kept = kept | {slot + key: value for slot, value in zip(slots, moved, strict=True)}
        save(f"{name}-{t - 1}", **before, **{f"{key}_new": value for key, value in (p | kept).items()})


scenario("H01", relu, identity)
f = forward(relu, identity)
save("H01", **f, **backward(f, 2 * (f["a2"] - Y) / m, lambda da: (f["z1"] > 0) * 1.0))


def adam(first, second):
    def step(w, g, t, mean, square):
        mean, square = 0.9 * mean + 0.1 * g, 0.99 * square + 0.01 * g * g
        return w - 0.01 * first(mean, 0.9, t) / (np.sqrt(second(square, 0.99, t)) + 1e-8), (mean, square)

    return step


ADAM = "{name: adam, learning_rate: 0.01, beta1: 0.9, beta2: 0.99}"
train("H02", ADAM, "mv", adam(*[lambda value, beta, t: value * (1 - beta**t)] * 2))
train("H07", ADAM, "mv", adam(*[lambda value, beta, t: value / (1 - beta)] * 2))

scenario("H03", tanh, identity)
f = forward(tanh, identity)
right = backward(f, 2 * (f["a2"] - Y) / m, lambda da: da * (1 - f["a1"] ** 2))
save("H03", **f, **right | {"dW1": np.repeat(right["dz1"].sum(0, keepdims=True), 2, axis=0)})

scenario("H04", sigmoid, sigmoid)
f = forward(sigmoid, sigmoid)
again = {key: sigmoid(f[key]) * (1 - sigmoid(f[key])) for key in ("a1", "a2")}
save("H04", **f, **backward(f, (f["a2"] - Y) / m * again["a2"], lambda da: da * again["a1"]))


def rmsprop(share, top):
    def step(w, g, t, v):
        v = 0.9 * v + share * g * g
        return w - 0.01 * (v if top == "v" else g) / (np.sqrt(v) + 1e-8), (v,)

    return step


RMSPROP = "{name: rmsprop, learning_rate: 0.01, alpha: 0.9}"
train("H05", RMSPROP, "v", rmsprop(1.0, "g"))
train("H09", RMSPROP, "v", rmsprop(0.1, "v"))

far = 4 * Y
scenario("H06", tanh, identity, "huber", y=far)
f = forward(tanh, identity)
e = f["a2"] - far
loss, da2 = np.where(e < 1, e * e / 2, abs(e) - 0.5).sum() / m, np.where(e < 1, e, np.sign(e)) / m
save("H06", **f, **backward(f, da2, lambda da: da * (1 - f["a1"] ** 2)) | {"y": far, "da2": da2, "loss": loss})

scenario("H08", tanh, identity)
f = forward(tanh, identity)
e = f["a2"] - Y
save("H08", **f, **backward(f, e, lambda da: da * (1 - f["a1"] ** 2)), loss=(e * e).sum() / 2 / m)

scenario("H10", relu, relu, y=Y + 1)
f = forward(relu, relu)
save("H10", **f, **backward(f, (f["a2"] - Y - 1) / m, lambda da: da * (f["z1"] > 0)) | {"y": Y + 1})
