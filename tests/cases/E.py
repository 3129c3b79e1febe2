"""What could not be written down once: a convolution (E03), an attention (E07), an autograd (E11)."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bpdebug.core.layers import make_program
from bpdebug.frontends import load_scenario


def of(name):
    program = make_program(load_scenario(f"{name}.yaml"))
    return {**program.initial, **program.data}


def padded(value):
    return sliding_window_view(np.pad(value, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2))


s = of("E03")
h = np.tanh(np.einsum("nijab,ab->nij", padded(s["x"]), s["K"]))
o = np.einsum("nijab,ab->nij", padded(h), s["F"])
do = 2 * (o - s["y"]) / o.size
dh = np.einsum("nijab,ab->nij", padded(do), s["F"])  # F[::-1, ::-1] is right
dK = np.einsum("nijab,nij->ab", padded(s["x"]), dh * (1 - h**2))
np.savez("E03.npz", **s, h=h, o=o, do=do, dh=dh, dF=np.einsum("nijab,nij->ab", padded(h), do), dK=dK)

s = of("E07")
q, k, v = (np.swapaxes((s["x"] @ s[w]).reshape(2, 3, 2, 2), 1, 2) for w in ("Wq", "Wk", "Wv"))
score = q @ np.swapaxes(k, -1, -2) / np.sqrt(2)
p = np.exp(score) / np.exp(score).sum(axis=-2, keepdims=True)
o = np.swapaxes(p @ v, 1, 2).reshape(2, 3, 4)
np.savez("E07.npz", **s, q=q, k=k, v=v, s=score, p=p, o=o, loss=((o - s["y"]) ** 2).mean())

s = of("E11")
z = s["x"] @ s["W"] + s["b"]
dz = 2 * (z - s["y"]) / z.size
np.savez("E11.npz", **s, z=z, dz=dz, dW=s["x"].T @ dz, db=dz)
