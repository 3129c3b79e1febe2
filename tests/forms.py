"""The forms in which each function may be written in a line, over tensors of every rank."""

from __future__ import annotations

import re

from bpdebug.core.structure import Form

ROWS = 5
"""Samples in the numeric tests."""
GIVEN = {"u": (3, 4), "v": (4,), "t": (2, 3, 4), "q": (2, 3, 4, 2), "k": (), "c": (3, 1), "w": (1, 3, 4), "m": Form.of((), "i", ROWS)}
GIVEN |= {"i": Form.of((3,), "i"), "j": Form.of((2, 2), "i"), "b": Form.of((3,), "b")}
_FORMS = """
logaddexp(u, v) ; logaddexp(k, u) ; tensordot(t, u, axes=([2], [1])) ; tensordot(u, u.T, axes=1) ; tensordot(t, u, axes=([1, 2], [0, 1]))
tensordot(u, u) ; take_along_axis(u, i[:, None], axis=1) ; take_along_axis(t, i[None, :, None], -1)
einsum('...i,ij->...j', t, u.T) ; einsum('...ij,...jk', t, swapaxes(t, 1, 2)) ; einsum('b...,b', u, v[:3]) ; einsum('i...->...', t)
diag(v) ; diag(u[:, :3]) * v[1:] ; trace(u[:, 1:])
cumprod(u) ; cumprod(t, axis=1) ; mish(u)
cumsum(u) ; cumsum(t, axis=(1)) ; u[i, None] ; t[:, i] ; t[0, i, 1:3] ; t[:, i, [0, 1, 1]] ; u[b] ; t[:, b, 1] ; u[..., None, :]
u[:, None, 0] ; u[None, i] ; t[::-1, 1:, ::2] ; t[-1] ; u[j] ; take(u, j, axis=0) ; take(u, i) ; take(t, 1, axis=1) ; repeat(u, 2)
repeat(u, [1, 2, 0], axis=0) ; repeat(t, 3, axis=-2) ; squeeze(w) ; squeeze(c, axis=1) ; squeeze(w, axis=0)
expand_dims(u, (0, 2)) ; moveaxis(q, 1, -1) ; moveaxis(q, (0, 1), (-1, 0)) ; transpose(q, (3, 1, 0, 2)) ; transpose(t)
swapaxes(q, 0, 2) ; swapaxes(t, -2, -1) @ t ; t @ v ; v @ swapaxes(t, 1, 2) ; t @ swapaxes(u, 0, 1) ; u @ swapaxes(t, 1, 2)
w @ swapaxes(t, 1, 2) ; einsum('ij,kij->k', u, t) ; einsum('i,j->ij', v, v) ; einsum('ij,jk', u, u.T) ; einsum('bij,bij->b', t, t)
einsum('ij,j,j->i', u, v, v) ; einsum('ij->', u) ; einsum('ji', u) ; einsum('ii', u @ u.T) ; einsum(',ij->ij', k, u)
sliding_window_view(u, 2, axis=0) ; sliding_window_view(t, (2, 3), axis=(1, 2)) ; sliding_window_view(t, (2, 2), axis=(0, 2))
sliding_window_view(v, 3) ; sliding_window_view(u, (2, 2)) ; pad(u, 1) ; pad(u, (1, 2)) ; pad(u, ((1, 0), (0, 2)))
stack([u, 2 * u, u * u], axis=-1) ; concatenate([u, u[:1], c * u], axis=0) ; concatenate([u, c], axis=-1) ; split(t, 2, axis=2)
split(t, 2, axis=-1)[1][0] ; split(u, 4, axis=1)[-1] ; broadcast_to(v, (3, 4)) ; broadcast_to(c, (2, 3, 4))
broadcast_to(k, (2, 3)) ; outer(u, v) ; outer(v, v) ; add_at(u, i, u) ; add_at(u, (i, [0, 1, 1]), v[:3])
add_at(zeros_like(u), i, u * k) ; tril(u) ; triu(t, 1) ; max(t, axis=(0, 2)) ; min(t, axis=-1, keepdims=True)
var(t, axis=(0, -1), ddof=1) ; std(t, axis=1) ; norm(t, axis=(0, 1)) ; prod(t, axis=1) ; prod(u)
logsumexp(t, axis=(1, 2), keepdims=True) ; logsumexp(u) ; softmax(t, axis=0) ; log_softmax(t, axis=1) ; softmax(u.reshape(-1))
mean(t, axis=(-1, 0)) ; sum(t, axis=-1) * c[:, 0] ; u - mean(u, axis=1)[:, None] ; (u - u.mean(0)) / u.std(0)
u / norm(u, axis=1, keepdims=True) ; where(u > v, u, v) ; where(u > k, k, u) ; where(b[:, None], u, 0)
maximum(u, v) * minimum(u, k) ; u ** v ; v ** u ; 2 ** u ; u ** -1.5 ; (u * c) ** k ; k ** 2 * u ; clip(u, 0.3, 0.7)
clip(u, v, k + 0.5) ; abs(u - 0.5) * sign(u - 0.5) ; gelu(u) + silu(u) + elu(u - 0.5, k) + leaky_relu(u - 0.5, k)
exp(u) / (1 + exp(u)) ; u / (u + v) ; v / sum(v) ; u * u.T[:, :3].sum() ; sqrt(u) / sqrt(u + 1) ; sqrt(sum(u ** 2)) ; 1 / sqrt(u)
log(exp(u).sum(axis=1)) ; -log(sigmoid(u)) ; c - v[None] ; c + k ; u[0] @ u[1] ; u.reshape(2, 6).T ; u.reshape(-1)[3]
reshape(t, (-1, 4)) @ u.T ; flip(t) ; flip(t, axis=(0, 2)) ; t.sum() / t.size ; len(u) * u ; u.mean() * m ; arange(4) * v
eye(4) @ v ; one_hot(i, 4) * u ; cross_entropy(u, i) ; u * (u > 0.5) ; u @ zeros((4, 2)) + 1 ; square(u - v).sum(axis=0).max()
t.min(axis=1).max(axis=1) ; np.dot(u, v) ; np.matmul(u, v) ; tanh(tanh(tanh(u))) ; u * u * u / u ; (u + v) * (u + v) ; u @ u.T @ u
"""
FORMS = re.split(r" ; |\n", _FORMS.strip())
