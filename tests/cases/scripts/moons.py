import numpy as np
np.random.seed(0)
N = 100
theta = np.linspace(0, np.pi, N)
X = np.vstack([np.c_[np.cos(theta), np.sin(theta)], np.c_[1 - np.cos(theta), 0.5 - np.sin(theta)]]) + np.random.randn(200, 2) * 0.1
y = np.hstack([np.zeros(N), np.ones(N)]).astype(int)
num_examples = len(X)
epsilon = 0.01
reg_lambda = 0.01

def calculate_loss(model):
    W1, b1, W2, b2 = model['W1'], model['b1'], model['W2'], model['b2']
    z1 = X.dot(W1) + b1
    a1 = np.tanh(z1)
    z2 = a1.dot(W2) + b2
    exp_scores = np.exp(z2)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    corect_logprobs = -np.log(probs[range(num_examples), y])
    data_loss = np.sum(corect_logprobs)
    data_loss += reg_lambda / 2 * (np.sum(np.square(W1)) + np.sum(np.square(W2)))
    return 1. / num_examples * data_loss

def build_model(nn_hdim, num_passes=2000, print_loss=False):
    W1 = np.random.randn(2, nn_hdim) / np.sqrt(2)
    b1 = np.zeros((1, nn_hdim))
    W2 = np.random.randn(nn_hdim, 2) / np.sqrt(nn_hdim)
    b2 = np.zeros((1, 2))
    model = {}
    for i in range(0, num_passes):
        z1 = X.dot(W1) + b1
        a1 = np.tanh(z1)
        z2 = a1.dot(W2) + b2
        exp_scores = np.exp(z2)
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        delta3 = probs
        delta3[range(num_examples), y] -= 1
        dW2 = (a1.T).dot(delta3)
        db2 = np.sum(delta3, axis=0, keepdims=True)
        delta2 = delta3.dot(W2.T) * (1 - np.power(a1, 2))
        dW1 = np.dot(X.T, delta2)
        db1 = np.sum(delta2, axis=0)
        dW2 += reg_lambda * W2
        dW1 += reg_lambda * W1
        W1 += -epsilon * dW1
        b1 += -epsilon * db1
        W2 += -epsilon * dW2
        b2 += -epsilon * db2
        model = {'W1': W1, 'b1': b1, 'W2': W2, 'b2': b2}
        if print_loss and i % 1000 == 0:
            print("Loss after iteration %i: %f" % (i, calculate_loss(model)))
    return model
model = build_model(3, print_loss=True)
