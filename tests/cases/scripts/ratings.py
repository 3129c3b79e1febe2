import numpy as np
rng = np.random.RandomState(4)
R, P, Q = rng.rand(4, 5), rng.rand(4, 3), rng.rand(5, 3)
users, items, mean = 0.1 * rng.rand(4), 0.1 * rng.rand(5), 0.3
alpha, beta = 0.05, 0.02
for step in range(3):
    for i in range(4):
        for j in range(5):
            e = R[i, j] - (mean + users[i] + items[j] + P[i] @ Q[j])
            users[i] += alpha * (e - beta * users[i])
            items[j] += alpha * (e - beta * items[j])
            row = P[i].copy()
            P[i] += alpha * (e * Q[j] - beta * P[i])
            Q[j] += alpha * (e * row - beta * Q[j])
