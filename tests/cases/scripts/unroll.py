import numpy as np

rng = np.random.RandomState(0)
n_in, n_h, n_out, m = 5, 6, 3, 30
X = rng.rand(m, n_in)
labels = rng.randint(0, n_out, m)
Y = np.eye(n_out)[labels]


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def unpack(theta):
    t1 = theta[:n_h * (n_in + 1)].reshape(n_h, n_in + 1)
    t2 = theta[n_h * (n_in + 1):].reshape(n_out, n_h + 1)
    return t1, t2


def cost_and_grad(theta, X, Y, lam):
    m = X.shape[0]
    t1, t2 = unpack(theta)
    a1 = np.hstack([np.ones((m, 1)), X])
    z2 = a1.dot(t1.T)
    a2 = np.hstack([np.ones((m, 1)), sigmoid(z2)])
    z3 = a2.dot(t2.T)
    h = sigmoid(z3)
    J = np.sum(-Y * np.log(h) - (1 - Y) * np.log(1 - h)) / m
    J += lam / (2 * m) * (np.sum(t1[:, 1:] ** 2) + np.sum(t2[:, 1:] ** 2))

    d3 = h - Y
    d2 = d3.dot(t2)[:, 1:] * sigmoid(z2) * (1 - sigmoid(z2))
    g1 = d2.T.dot(a1) / m
    g2 = d3.T.dot(a2) / m
    g1[:, 1:] += lam / m * t1[:, 1:]
    g2[:, 1:] += lam / m * t2[:, 1:]
    return J, np.concatenate([g1.ravel(), g2.ravel()])


theta = (rng.rand(n_h * (n_in + 1) + n_out * (n_h + 1)) - 0.5) * 0.24
for i in range(200):
    J, grad = cost_and_grad(theta, X, Y, 0.5)
    theta -= 0.8 * grad
    if i % 50 == 0:
        print(i, J)
