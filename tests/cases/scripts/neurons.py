import random
from math import exp

random.seed(3)


def layer(inputs, units):
    return [{"w": [random.uniform(-1, 1) for _ in range(inputs + 1)]} for _ in range(units)]


def excite(w, x):
    total = w[-1]
    for i in range(len(w) - 1):
        total += w[i] * x[i]
    return 1 / (1 + exp(-total))


def forward(net, x):
    for one in net:
        out = []
        for neuron in one:
            neuron["out"] = excite(neuron["w"], x)
            out.append(neuron["out"])
        x = out
    return x


def backward(net, target):
    for n in reversed(range(len(net))):
        for j, neuron in enumerate(net[n]):
            if n == len(net) - 1:
                error = neuron["out"] - target[j]
            else:
                error = sum(after["w"][j] * after["delta"] for after in net[n + 1])
            neuron["delta"] = error * neuron["out"] * (1 - neuron["out"])


def update(net, x, rate):
    for one in net:
        for neuron in one:
            for j in range(len(x)):
                neuron["w"][j] -= rate * neuron["delta"] * x[j]
            neuron["w"][-1] -= rate * neuron["delta"]
        x = [neuron["out"] for neuron in one]


data = [([2.5, 1.5], 0), ([1.5, 2.5], 0), ([3.5, 4.5], 1), ([0.5, -1.0], 1)]
net = [layer(2, 2), layer(2, 2)]
for epoch in range(20):
    squares = 0
    for x, label in data:
        out = forward(net, x)
        target = [float(label == k) for k in range(2)]
        squares += sum((target[k] - out[k]) ** 2 for k in range(2))
        backward(net, target)
        update(net, x, 0.5)
    print(epoch, squares)
