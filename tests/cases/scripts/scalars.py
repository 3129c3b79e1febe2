import math
import numpy as np

def sigmoid(x):
    return 1 / (1 + math.exp(-x))

data = [(-2.0, -1.0, 1), (25.0, 6.0, 0), (17.0, 4.0, 0), (-15.0, -6.0, 1)]
rng = np.random.RandomState(2)
w1, w2, w3, w4, w5, w6 = rng.normal(size=6)
b1 = b2 = b3 = 0.0
rate = 0.1
for epoch in range(20):
    for x1, x2, y in data:
        s1 = w1 * x1 + w2 * x2 + b1
        h1 = sigmoid(s1)
        s2 = w3 * x1 + w4 * x2 + b2
        h2 = sigmoid(s2)
        s3 = w5 * h1 + w6 * h2 + b3
        o = sigmoid(s3)
        loss = (y - o) ** 2
        do = -2 * (y - o)
        ds3 = do * o * (1 - o)
        dw5, dw6, db3 = ds3 * h1, ds3 * h2, ds3
        dh1, dh2 = ds3 * w5, ds3 * w6
        ds1 = dh1 * h1 * (1 - h1)
        ds2 = dh2 * h2 * (1 - h2)
        dw1, dw2, db1 = ds1 * x1, ds1 * x2, ds1
        dw3, dw4, db2 = ds2 * x1, ds2 * x2, ds2
        w1 -= rate * dw1; w2 -= rate * dw2; b1 -= rate * db1
        w3 -= rate * dw3; w4 -= rate * dw4; b2 -= rate * db2
        w5 -= rate * dw5; w6 -= rate * dw6; b3 -= rate * db3
