import copy
import numpy as np
rng = np.random.RandomState(5)
sigmoid = lambda z: 1 / (1 + np.exp(-z))
Wx, Wo, Wh = rng.randn(2, 4), rng.randn(4, 1), rng.randn(4, 4)
total_x, total_o, total_h = np.zeros_like(Wx), np.zeros_like(Wo), np.zeros_like(Wh)
for turn in range(30):
    first, second = rng.randint(0, 2, 3), rng.randint(0, 2, 3)
    wanted, error_sum = first ^ second, 0
    states, deltas = [np.zeros((1, 4))], []
    for t in range(3):
        x = np.array([[first[t], second[t]]])
        state = sigmoid(x @ Wx + states[-1] @ Wh)
        out = sigmoid(state @ Wo)
        error = wanted[t] - out
        deltas.append(error * out * (1 - out))
        error_sum += np.abs(error[0])
        states.append(copy.deepcopy(state))
    later = np.zeros((1, 4))
    for t in reversed(range(3)):
        x, state, before = np.array([[first[t], second[t]]]), states[t + 1], states[t]
        later = (later @ Wh.T + deltas[t] @ Wo.T) * state * (1 - state)
        total_o += state.T @ deltas[t]
        total_h += before.T @ later
        total_x += x.T @ later
    Wx += 0.5 * total_x
    Wo += 0.5 * total_o
    Wh += 0.5 * total_h
    total_x *= 0
    total_o *= 0
    total_h *= 0
