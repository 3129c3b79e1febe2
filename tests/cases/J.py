"""And as other languages print them, in other conventions, or with what is asked for again and again in courses' forums.

J01 R, deeplearning.ai's names in columns: no slope of layer 1. J02 JSON: 1/m is missing in one layer. J03 C, a cell a line: the
branches of leaky relu exchanged. J04 MATLAB's four decimals: the slope of tanh taken at z. J05 Julia: softmax's slope, multiplied into
a − y. J06 Java: biases summed over the units. J07 right, the rate in the gradients. J08 C++, six digits: W2 moves before it is used.
J09 a mean for a velocity. J10 Adam without its correction. J11 Adam's epsilon in the root. J12 penalised biases. J13 right, a mean over
the outputs too. J14 torch's names: z1 for a1. J15 R: all of it three times. J16 gradients of the last sample. J17 Rust: sums for means
in all, and the rate divided by m: right.
"""

import json
import runpy
from pathlib import Path

import numpy as np

H = runpy.run_path("H.py")
X, Y, START, m, scenario, save, train = (H[name] for name in ("X", "Y", "START", "m", "scenario", "save", "train"))
sigmoid, relu, tanh, identity, forward, backward = (H[name] for name in ["sigmoid", "relu", "tanh", "identity", "forward", "backward"])


def leaky_relu(v):
    return np.where(v > 0, v, 0.01 * v)


def softmax(v):
    e = np.exp(v)
    return e / e.sum(1, keepdims=True)


def spoken(arrays, number, between, row, array):
    """Each array in a language's brackets."""
    for name, value in arrays.items():
        rows = [between.join(number % cell for cell in line) for line in np.atleast_2d(value)]
        text = array % (row.join(rows)) if np.ndim(value) == 2 else array.replace("\n", "", 1) % rows[0]
        yield f"{name} = {text}\n"


def in_r(arrays):
    for name, value in arrays.items():
        table = np.atleast_2d(value)
        lines = [" ".join(f"{cell:.7g}" for cell in line) for line in table]
        head = " ".join(f"[,{i + 1}]" for i in range(table.shape[1])) + "\n"
        yield f"${name}\n" + (
            head + "".join(f"[{i + 1},] {line}\n" for i, line in enumerate(lines)) if np.ndim(value) == 2 else f"[1] {lines[0]}\n"
        )


def in_c(arrays):
    for name, value in arrays.items():
        yield "".join(f"{name}{''.join(f'[{i}]' for i in at)} = {cell:.9g}\n" for at, cell in np.ndenumerate(value))


def write(name, lines):
    Path(f"{name}.txt").write_text("".join(lines), "utf-8")


def moved(g, rate=0.1):
    return {f"{key}_new": value - rate * g[f"d{key}"] for key, value in START.items()}


def less(arrays, *names):
    return {name: value for name, value in arrays.items() if name not in names}


scenario("J01", sigmoid, sigmoid)
f = forward(sigmoid, sigmoid)
g = backward(f, 2 * (f["a2"] - Y) * f["a2"] * (1 - f["a2"]), lambda da: da)
columns = {name: (value / m if name[:2] in ("dW", "db") else value).T for name, value in less(f | g, "y", "da1").items()}
write("J01", in_r({name.translate(str.maketrans("xza", "XZA")): value for name, value in columns.items()}))

scenario("J02", tanh, identity)
f = forward(tanh, identity)
right = backward(f, 2 * (f["a2"] - Y), lambda da: da * (1 - f["a1"] ** 2))
mixed = {name: (value / m if name in ("dW2", "db2") else value).tolist() for name, value in less(f | right, "da1").items()}
Path("J02.json").write_text(json.dumps(mixed), "utf-8")

scenario("J03", leaky_relu, identity)
f = forward(leaky_relu, identity)
write("J03", in_c(less(f | backward(f, 2 * (f["a2"] - Y) / m, lambda da: da * np.where(f["z1"] > 0, 0.01, 1)), "da1")))

scenario("J04", tanh, identity)
f = forward(tanh, identity)
g = backward(f, (f["a2"] - Y) / m, lambda da: da * (1 - f["z1"] ** 2))
write("J04", spoken(f | g, "%.4f", "   ", "\n   ", "\n\n   %s\n"))

classes = np.eye(2)[[0, 1, 1, 0]]
scenario("J05", relu, softmax, "categorical_cross_entropy", y=classes)
f = forward(relu, softmax)
g = backward(f, (f["a2"] - classes) * f["a2"] * (1 - f["a2"]) / m, lambda da: da * (f["z1"] > 0)) | {"y": classes}
write("J05", spoken(less(f | g, "da1"), "%.17g", " ", "; ", "[%s]"))

scenario("J06", tanh, identity)
f = forward(tanh, identity)
right = backward(f, 2 * (f["a2"] - Y) / m, lambda da: da * (1 - f["a1"] ** 2))
write("J06", spoken(f | right | {f"db{i}": right[f"dz{i}"].sum(1) for i in (1, 2)}, "%.17g", ", ", "], [", "[[%s]]"))

scenario("J07", tanh, identity)
save("J07", **f, **right | {f"d{key}": 0.1 * right[f"d{key}"] for key in START}, **moved(right))

scenario("J08", tanh, identity)
early = backward(f | {"W2": START["W2"] - 0.1 * right["dW2"]}, right["dz2"], lambda da: da * (1 - f["a1"] ** 2))
write("J08", spoken(less(f | early, "da1") | moved(early), "%.6g", " ", "\n", "\n%s\n"))

train("J09", "{name: momentum, learning_rate: 0.01, momentum: 0.7}", "v", lambda w, g, t, v: (w - 0.01 * (v := 0.7 * v + 0.3 * g), (v,)))


def adam(correct, inside):
    def step(w, g, t, mean, square):
        mean, square = 0.9 * mean + 0.1 * g, 0.99 * square + 0.01 * g * g
        first, second = (mean / (1 - 0.9**t), square / (1 - 0.99**t)) if correct else (mean, square)
        return w - 0.01 * first / (np.sqrt(second + 1e-8) if inside else np.sqrt(second) + 1e-8), (mean, square)

    return step


train("J10", H["ADAM"], "mv", adam(False, False))
train("J11", H["ADAM"], "mv", adam(True, True))

scenario("J12", tanh, identity)
file = Path("J12.yaml")
file.write_text(file.read_text("utf-8").replace("samples: mean", "samples: mean, l2: 0.1"), "utf-8")
save("J12", **f, **right | {f"d{key}": right[f"d{key}"] + 0.2 * value for key, value in START.items()})

scenario("J13", tanh, identity)
halves = backward(f, (f["a2"] - Y) / m, lambda da: da * (1 - f["a1"] ** 2))
halves |= f | {"loss": np.mean((f["a2"] - Y) ** 2)}
Path("J13.json").write_text(json.dumps({name: value.tolist() for name, value in halves.items()}), "utf-8")

scenario("J14", tanh, identity)
layers = {
    f"fc{i}.{word}{end}": (f | right)[f"{d}{key}{i}"].T
    for i in "12"
    for key, word in (("W", "weight"), ("b", "bias"))
    for d, end in (("", ""), ("d", ".grad"))
}
save("J14", **layers | {"fc2.weight.grad": (f["z1"].T @ right["dz2"]).T})

scenario("J15", tanh, identity)
write("J15", in_r(START | {f"d{key}": 3 * right[f"d{key}"] for key in START}))

scenario("J16", tanh, identity)
save("J16", **f, **right | {"dW1": X[-1:].T @ right["dz1"][-1:], "db1": right["dz1"][-1]})

scenario("J17", tanh, identity)
sums = backward(f, 2 * (f["a2"] - Y), lambda da: da * (1 - f["a1"] ** 2))
write(
    "J17",
    spoken(f | sums | moved(sums, 0.1 / m), "%.17g", ", ", "],\n [", "[[%s]], shape=[1, 1], strides=[1, 1], layout=Cc (0x5), const ndim=2"),
)
