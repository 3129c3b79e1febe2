import numpy as np

np.random.seed(0)
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])
sizes = [2, 4, 1]
W = [np.random.randn(sizes[l], sizes[l + 1]) for l in range(2)]
b = [np.zeros((1, sizes[l + 1])) for l in range(2)]
lr = 0.1


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_derivative(a):
    return a * (1 - a)


for epoch in range(1000):
    a = [X]
    z = []
    for l in range(2):
        z.append(np.dot(a[l], W[l]) + b[l])
        a.append(sigmoid(z[l]))
    loss = np.sum(-y * np.log(a[2]) - (1 - y) * np.log(1 - a[2]))
    dW, db, dz = [None, None], [None, None], [None, None]
    da = -y / a[2] + (1 - y) / (1 - a[2])
    for l in (1, 0):
        dz[l] = da * sigmoid_derivative(a[l + 1])
        dW[l] = np.dot(a[l].T, dz[l])
        db[l] = np.sum(dz[l], axis=0, keepdims=True)
        da = np.dot(dz[l], W[l].T)
    for l in range(2):
        W[l] -= lr * dW[l]
        b[l] -= lr * db[l]
    if epoch % 100 == 0:
        print(epoch, loss)
print(a[2])
