"""And more that people asked or reported, in their words for things.

K01 stackoverflow 46395467: the hidden error is W.T @ error, without the output's slope; columns, y - a, added. K02 stats 464262: W2 for
a1 in a chain of single units, the rate in it. K03 datascience 20139: the slope is (1 - error). K04 gigarocket 44724 (JavaScript): the
momentum remembers the last gradient alone. K05 deep-learning-with-python 289: right, Nesterov's. K06 MatrixSlow 17: the first velocity
lacks the rate. K07 mdenil/dropout 4: the step takes the old mean, and (1 - momentum) twice. K08 Paddle 1805 (C++): of two branches the
last one overwrites the gradient. K09 keras 4356: epsilon inside the root. K10 Coursera's ex4 (Octave): the penalty is not divided by m.
K11 primen.dk (PHP): "the neglected term", no slope. K12 primen.dk (C#, decimal commas): "off by one", the first unit is never trained.
K13 Haskell: the mean over the samples twice. K14 ai 35741: right, softmax by its Jacobians.
"""

import json
import runpy
from pathlib import Path

import numpy as np

H, J = runpy.run_path("H.py"), runpy.run_path("J.py")
X, Y, START, m, scenario, save, train = (H[name] for name in ("X", "Y", "START", "m", "scenario", "save", "train"))
sigmoid, relu, tanh, identity, forward, backward = (H[name] for name in ["sigmoid", "relu", "tanh", "identity", "forward", "backward"])
less, softmax, write, moved = (J[name] for name in ("less", "softmax", "write", "moved"))

scenario("K01", sigmoid, sigmoid)
f = forward(sigmoid, sigmoid)
error = Y - f["a2"]
g = backward(f, error * f["a2"] * (1 - f["a2"]), lambda da: (error @ f["W2"].T) * f["a1"] * (1 - f["a1"]))
step = {f"{key}_new": value + 0.1 * g[f"d{key}"] for key, value in START.items()}
save("K01", **{name: value.T for name, value in (f | g | {"da1": error @ f["W2"].T} | step).items()})

one = {"W1": [[0.6]], "b1": [0.1], "W2": [[-0.8]], "b2": [0.3]}
layers = [{"units": 1, "activation": "sigmoid"}] * 2
text = f"network: {json.dumps({'inputs': 1, 'layers': layers})}\nparameters: {json.dumps({'values': one})}\n"
Path("K02.yaml").write_text(
    f"{text}data: {{inputs: [0.37], targets: [0.9]}}\nloss: squared_error\noptimizer: {{learning_rate: 0.1}}\n", "utf-8"
)
p = {key: np.array(value) for key, value in one.items()}
a1 = sigmoid(0.37 * p["W1"] + p["b1"])
a2 = sigmoid(a1 * p["W2"] + p["b2"])
d2 = 2 * (a2 - 0.9) * a2 * (1 - a2)
d1 = d2 * p["W2"] * a1 * (1 - a1)
changes = {"W1": d1 * 0.37, "b1": d1[0], "W2": d2 * p["W2"], "b2": d2[0]}
changes = {key: 0.1 * value for key, value in changes.items()}
save(
    "K02",
    x=0.37,
    y=0.9,
    **p,
    a1=a1,
    a2=a2,
    **{f"d{k}": v for k, v in changes.items()},
    **{f"{k}_new": p[k] - v for k, v in changes.items()},
)

scenario("K03", sigmoid, sigmoid)
f = forward(sigmoid, sigmoid)
e = 2 * (f["a2"] - Y) / m
save("K03", **f, da2=e, **backward(f, e * (1 - e), lambda da: da * f["a1"] * (1 - f["a1"])))


def last_alone(w, g, t, v):
    return w - 0.01 * (0.7 * v + g), (g,)


def nesterov(w, g, t, v):
    v = 0.7 * v - 0.01 * g
    return w + 0.7 * v - 0.01 * g, (v,)


def first_without_rate(w, g, t, v):
    v = -g if t == 1 else 0.7 * v - 0.01 * g
    return w + v, (v,)


def stale_mean(w, g, t, v):
    return w - 0.3 * 0.01 * v, (0.7 * v + 0.3 * g,)


MOMENTUM = "{name: momentum, learning_rate: 0.01, momentum: 0.7}"
train("K04", MOMENTUM, "v", last_alone)
train("K05", MOMENTUM.replace("momentum,", "nesterov,"), "v", nesterov)
train("K06", MOMENTUM, "v", first_without_rate)
train("K07", MOMENTUM, "v", stale_mean)
train("K09", H["RMSPROP"], "v", lambda w, g, t, v: (w - 0.01 * g / np.sqrt((v := 0.9 * v + 0.1 * g * g) + 1e-8), (v,)))

Path("K08.yaml").write_text(
    f"""program: |
  h = tanh(x @ W1 + b1)
  left = h @ W2 + b2
  right = h * c
  loss = mean((left + right @ V - y) ** 2)
parameters: {json.dumps({"values": {k: v.tolist() for k, v in START.items()} | {"c": [0.5, -0.4, 0.7], "V": [[1, 0], [0, 1], [1, 1]]}})}
data: {json.dumps({"inputs": X.tolist(), "targets": Y.tolist()})}
""",
    "utf-8",
)
h = np.tanh(X @ START["W1"] + START["b1"])
c, V = np.array([0.5, -0.4, 0.7]), np.array([[1, 0], [0, 1], [1, 1]])
out = h @ START["W2"] + START["b2"] + (h * c) @ V
do = (out - Y) / m  # twice this over two outputs
dz1 = (do @ V.T * c) * (1 - h**2)
both = (do @ V.T * c + do @ START["W2"].T) * (1 - h**2)
last = {"dh": do @ V.T * c, "dW1": X.T @ dz1, "db1": dz1.sum(0), "dW2": h.T @ do, "db2": do.sum(0), "dV": (h * c).T @ do}
save("K08", x=X, y=Y, **START, c=c, V=V, **last, dc=(do @ V.T * h).sum(0))

scenario("K10", tanh, identity)
file = Path("K10.yaml")
file.write_text(file.read_text("utf-8").replace("samples: mean", "samples: mean, l2: 0.05"), "utf-8")  # lambda / 2m
f = forward(tanh, identity)
right = backward(f, 2 * (f["a2"] - Y) / m, lambda da: da * (1 - f["a1"] ** 2))
octave = f | right | {f"d{key}": right[f"d{key}"] + 0.4 * START[key] for key in ("W1", "W2")}
names = {"dW1": "Theta1_grad", "dW2": "Theta2_grad", "W1": "Theta1", "W2": "Theta2"}
write(
    "K10", J["spoken"]({names.get(name, name): value for name, value in less(octave, "da1").items()}, "%.5f", "   ", "\n   ", "\n\n   %s\n")
)


def php(name, array):
    text = np.array(array)
    inner = [f"[{i}] => {cell:.12g}" if np.ndim(cell) == 0 else php(f"[{i}] =>", cell) for i, cell in enumerate(text)]
    return f"{name} Array\n(\n" + "\n".join(inner) + "\n)\n"


scenario("K11", sigmoid, identity)
f = forward(sigmoid, identity)
g = less(backward(f, 2 * (f["a2"] - Y) / m, lambda da: da), "da1")
write("K11", [php(f"{name} =", value) for name, value in (f | g).items()])

scenario("K12", tanh, identity)
f = forward(tanh, identity)
late = {"W1": right["dW1"] * [0, 1, 1], "b1": right["db1"] * [0, 1, 1]}
arrays = less(f | right, "da1") | {f"d{key}": value for key, value in late.items()}
write(
    "K12",
    [
        f"{name}:\n" + "\n".join("\t".join(f"{v:.8f}".replace(".", ",") for v in row) for row in np.atleast_2d(value)) + "\n"
        for name, value in arrays.items()
    ],
)


def hmatrix(name, value):
    rows = [", ".join(f"{v!r}" for v in row.tolist()) for row in np.atleast_2d(value)]
    return f"{name} = ({len(rows)}><{np.shape(value)[-1]})\n [ " + "\n , ".join(rows) + " ]\n"


scenario("K13", tanh, identity)
twice = right | {key: right[key] / m for key in ("dW1", "db1", "dW2", "db2")}
write("K13", [hmatrix(name, value) for name, value in less(f | twice, "da1").items()])

classes = np.eye(2)[[0, 1, 1, 0]]
scenario("K14", tanh, softmax, "categorical_cross_entropy", y=classes)
f = forward(tanh, softmax)
da2 = -classes / f["a2"] / m
dz2 = np.array([(np.diag(p) - np.outer(p, p)) @ d for p, d in zip(f["a2"], da2, strict=True)])
save("K14", **f, **backward(f, dz2, lambda da: da * (1 - f["a1"] ** 2)) | {"y": classes, "da2": da2})
