import random
random.seed(1)
points = [(x, 1.5 * x + random.gauss(0, 0.3)) for x in [0.5 * k for k in range(1, 7)]]
def step(slope, offset, rate):
    slope_gradient = 0
    offset_gradient = 0
    n = float(len(points))
    for x, y in points:
        slope_gradient += -(2 / n) * x * (y - (slope * x + offset))
        offset_gradient += -(2 / n) * (y - (slope * x + offset))
    return [slope - rate * slope_gradient, offset - rate * offset_gradient]
total = 0
for x, y in points:
    total += y * 0.5
slope, offset = 0, 0
for i in range(40):
    slope, offset = step(slope, offset, 0.02)
