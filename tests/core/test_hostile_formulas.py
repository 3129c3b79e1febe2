"""Formulas that do not fit, or hardly: each is refused with a message before it runs, or gives what was foretold."""

from __future__ import annotations

import numpy as np
import pytest

from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import parse
from bpdebug.core.shapes import infer
from bpdebug.core.structure import Unknown, form_of

TENSORS = {
    "x": np.ones((2, 3)),
    "T": np.ones((2, 3, 4)),
    "n": np.array([0, 2]),
    "b": np.array([True, False]),
    "s": np.array(1.5),
    "k": np.array(3),
}
FORMS = {name: form_of(value) for name, value in TENSORS.items()}
TEXTS = """
reshape(x, 5); reshape(x, (2, 0)); reshape(x, s); reshape(x, (k, -1)); reshape(x, "a"); reshape(x, (-1, -1)); reshape(x, ())
transpose(x, (0, 0)); transpose(x, (0, 1, 2)); swapaxes(x, 0, 5); squeeze(x, axis=0); expand_dims(x, axis=7); sum(x, axis=5)
sum(x, axis=(0, 9)); sum(s, axis=0); softmax(s); x[5]; x[0, 0, 0]; x[..., ...]; x[b, b]; x[T]; x[s]; x[[0, 5]]; x[[[0, 1], [0]]]; x[[]]
x[()]; x[b]; x[b, 0]; x[:, b]; x[1:s]; x[::0]; T @ x; x @ T; x @ s; T @ T; concatenate([x, T]); concatenate([]); concatenate(x)
concatenate([s, s]); stack([x, n]); stack([]); split(x, 2, axis=1); split(x, [1]); split(x, 2); split(x, 0); pad(x, (1, 2, 3))
pad(x, -1); pad(x, ((1,),)); repeat(x, -1); repeat(x, (1, 2, 3), axis=0); repeat(x, (1, 2), axis=0); take(x, s)
take(x, [0, 9], axis=1); take(x, n, axis=4); einsum("ij,jk", x, T); einsum("ij->kk", x); einsum("", x); einsum("ij", T)
einsum("i...j", T); einsum(x, x); add_at(x, n, x); add_at(x, s, x); add_at(x, (n, n, n), x); add_at(x, s_[:, 0:2], n); one_hot(x, 3)
one_hot(n, s); one_hot(n, -1); arange(s); arange(0); arange(1, 5, 0); arange(-3); arange(10000000000); zeros((-1, 2))
zeros((100000, 100000)); ones((99999999, 9999999)); eye(-2); eye(10000000); repeat(x, 100000000); broadcast_to(x, (3, 3))
broadcast_to(x, 5); sliding_window_view(x, 9, axis=0); sliding_window_view(x, (2, 2)); sliding_window_view(x, 2); tril(n); tril(s)
flip(x, axis=3); moveaxis(x, 0, 4); cumsum(x, axis=2); var(x, ddof=9); var(s); argmax(x, axis=(0, 1)); n ** -1; b - b; -b; sign(b)
b + b; ~x; x & b; x | x; x.shape; x.shape[5]; x.size; len(s); x.shape + 1; n[b]; clip(x, T, 0); outer(T, x); leaky_relu(x, T)
max(x[0:0]); prod(x[0:0]); logsumexp(x[0:0]); where(x, b, n); "a"; (x, x); [1, 2]; x[1.5]; x["a"]; s_[0]; newaxis; None
x[newaxis, None]; np.newaxis; 9999999999999999999999 * x; 2 ** 10000; 2 ** 3 ** 4 ** 5; 10 ** 400; -(2 ** 63); n * 9223372036854775807
x ** 10000; k / 0; isnan(n); any(x, axis=0); argmax(s); norm(T, axis=(0, 1, 2)); norm(n); mean(b); std(b); prod(b); max(b); exp(b)
erf(n); erf(b); sqrt(b); b ** 2; abs(b); maximum(b, b); b @ b; n @ n; x.T.T[0].T; split(x, 2)[1]; split(x, 2)[2]
x.flatten().reshape(3, 2).sum(axis=0).max(); x.transpose(1, 0); x.reshape(); x.sum(0, 1); x.swapaxes(0); x.take(0); x.take([0, 1], 1)
x.clip(0, 1); x.repeat(2); x.astype(int); x.copy(); np.linalg.norm(x, axis=0); np.add.at(x, n, 1); np.dot(T, T); np.zeros(3) + n[0:0]
"""
ONLY_THE_RUN_KNOWS = ("x[[0, 5]]", "take(x, [0, 9], axis=1)", "split(x, 2)[2]", "add_at(x, n, x)")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("text", [text.strip() for text in TEXTS.replace("\n", ";").split(";") if text.strip()])
def test_it_is_refused_before_it_runs_or_gives_what_was_foretold(text):
    try:
        formula = parse(text)
        form = infer(formula, FORMS)
    except FormulaError as refused:
        assert 1 <= refused.column <= len(text) + 1
        assert "remapped" not in refused.message
        return
    try:
        value = evaluate(formula, TENSORS)
    except FormulaError:
        assert text in ONLY_THE_RUN_KNOWS
        return
    assert value.ndim == len(form)
    assert value.dtype.kind == form.kind
    assert all(isinstance(n, Unknown) or n == own for n, own in zip(form, value.shape, strict=True))
