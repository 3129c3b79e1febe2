import numpy as np

rng = np.random.default_rng(1)
n_s, n_a, n_h, T = 4, 3, 16, 20
Wa1, ba1 = rng.normal(0, 0.3, (n_s, n_h)), np.zeros(n_h)
Wa2, ba2 = rng.normal(0, 0.3, (n_h, n_a)), np.zeros(n_a)
Wc1, bc1 = rng.normal(0, 0.3, (n_s, n_h)), np.zeros(n_h)
Wc2, bc2 = rng.normal(0, 0.3, (n_h, 1)), np.zeros(1)
lr_a, lr_c = 0.01, 0.02

for episode in range(200):
    states = rng.normal(size=(T, n_s))
    ha = np.tanh(states @ Wa1 + ba1)
    logits = ha @ Wa2 + ba2
    e = np.exp(logits - logits.max(1, keepdims=True))
    probs = e / e.sum(1, keepdims=True)
    actions = np.array([rng.choice(n_a, p=p) for p in probs])
    returns = states[:, 0] * (actions == 0) + states[:, 1] * (actions == 1)

    hc = np.maximum(0, states @ Wc1 + bc1)
    v = (hc @ Wc2 + bc2)[:, 0]
    adv = returns - v
    critic_loss = np.mean(adv**2)
    actor_loss = -np.mean(np.log(probs[np.arange(T), actions]) * adv)

    dv = (-2 * adv / T)[:, None]
    dWc2 = hc.T @ dv
    dbc2 = dv.sum(0)
    dhc = dv @ Wc2.T
    dhc[hc <= 0] = 0
    dWc1 = states.T @ dhc
    dbc1 = dhc.sum(0)

    dlogits = probs.copy()
    dlogits[np.arange(T), actions] -= 1
    dlogits *= adv[:, None] / T
    dWa2 = ha.T @ dlogits
    dba2 = dlogits.sum(0)
    dha = dlogits @ Wa2.T * (1 - ha**2)
    dWa1 = states.T @ dha
    dba1 = dha.sum(0)

    for p, g, lr in ((Wa1, dWa1, lr_a), (ba1, dba1, lr_a), (Wa2, dWa2, lr_a), (ba2, dba2, lr_a),
                     (Wc1, dWc1, lr_c), (bc1, dbc1, lr_c), (Wc2, dWc2, lr_c), (bc2, dbc2, lr_c)):
        p -= lr * g
    if episode % 50 == 0:
        print(episode, critic_loss, actor_loss)
