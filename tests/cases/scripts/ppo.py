import numpy as np

rng = np.random.default_rng(2)
S, A = 5, 3
theta = rng.normal(size=(S, A)) * 0.1
phi = np.zeros(S)
clip, ent_coef, vf_coef, lr = 0.2, 0.01, 0.5, 0.5


def policy(theta, s):
    z = theta[s]
    z = z - z.max(axis=-1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


for iteration in range(10):
    s = rng.integers(0, S, 40)
    p_old = policy(theta, s)
    a = np.array([rng.choice(A, p=p) for p in p_old])
    reward = (a == s % A).astype(float)
    adv = reward - phi[s]
    old = p_old[np.arange(40), a]
    for epoch in range(3):
        p = policy(theta, s)
        pa = p[np.arange(40), a]
        ratio = pa / old
        clipped = np.clip(ratio, 1 - clip, 1 + clip)
        surr = np.minimum(ratio * adv, clipped * adv)
        entropy = -np.sum(p * np.log(p), axis=1)
        v = phi[s]
        loss = -np.mean(surr) - ent_coef * np.mean(entropy) + vf_coef * np.mean((v - reward) ** 2)

        active = (ratio * adv <= clipped * adv).astype(float)
        dratio = -active * adv / 40
        dlogp = dratio * ratio
        dz = -p * dlogp[:, None]
        dz[np.arange(40), a] += dlogp
        dent = p * (np.log(p) + entropy[:, None])
        dz += ent_coef * dent / 40
        dtheta = np.zeros_like(theta)
        np.add.at(dtheta, s, dz)
        dphi = np.zeros_like(phi)
        np.add.at(dphi, s, 2 * vf_coef * (v - reward) / 40)
        theta -= lr * dtheta
        phi -= lr * dphi
    print(iteration, reward.mean())
