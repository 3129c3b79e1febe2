import numpy as np
# logistic regression, andrew ng
np.random.seed(1)
X = np.random.randn(5, 50)
Y = (X[0:1] * 2 - X[1:2] + 0.3 * np.random.randn(1, 50) > 0).astype(int)

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = 1 / m * np.dot(X, (A - Y).T)
    db = 1 / m * np.sum(A - Y)
    return {"dw": dw, "db": db}, cost

def optimize(w, b, X, Y, num_iterations, learning_rate):
    costs = []
    for i in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        dw = grads["dw"]
        db = grads["db"]
        w = w - learning_rate * dw
        b = b - learning_rate * db
        if i % 100 == 0:
            costs.append(cost)
    return w, b, costs

w, b, costs = optimize(np.zeros((5, 1)), 0.0, X, Y, 400, 0.1)
print(costs)
