"""Euler steps of one shared vector field, backwards through time by the adjoint, with momentum."""
import numpy as np
rng = np.random.default_rng(5)
steps, dt, width = 6, 0.15, 8
theta1, c1 = rng.normal(0, .5, (2, width)), np.zeros((1, width))
theta2, c2 = rng.normal(0, .5, (width, 2)), np.zeros((1, 2))
x0 = rng.normal(size=(25, 2))
angle = 0.7
target = x0 @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

velocity = [np.zeros_like(p) for p in (theta1, c1, theta2, c2)]
for epoch in range(50):
    x, tape = x0, []
    for s in range(steps):
        pre = x.dot(theta1) + c1
        u = np.sin(pre)
        f = u.dot(theta2) + c2
        tape.append((x, pre, u))
        x = x + dt * f
    residual = x - target
    objective = 0.5 * np.einsum("ij,ij->", residual, residual) / len(x0)
    adj = residual / len(x0)
    g1, gc1, g2, gc2 = (np.zeros_like(p) for p in (theta1, c1, theta2, c2))
    for x_s, pre, u in tape[::-1]:
        df = dt * adj
        g2 += u.T.dot(df)
        gc2 += df.sum(axis=0, keepdims=True)
        dpre = df.dot(theta2.T) * np.cos(pre)
        g1 += x_s.T.dot(dpre)
        gc1 += dpre.sum(axis=0, keepdims=True)
        adj = adj + dpre.dot(theta1.T)
    for k, (p, g) in enumerate(zip((theta1, c1, theta2, c2), (g1, gc1, g2, gc2))):
        velocity[k] = 0.9 * velocity[k] + g
        p -= 0.2 * velocity[k]
    if epoch % 10 == 0:
        print(epoch, objective)
