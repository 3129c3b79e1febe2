import numpy as np
np.random.seed(1)
R = np.random.rand(6, 5)
P = np.random.rand(6, 2)
Q = np.random.rand(5, 2)
alpha = 0.05
for step in range(20):
    E = R - P @ Q.T
    loss = np.sum(E ** 2)
    dP = -2 * E @ Q
    dQ = -2 * E.T @ P
    P = P - alpha * dP
    Q = Q - alpha * dQ
print(loss)
