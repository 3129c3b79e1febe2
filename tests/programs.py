"""Programs of lines, of any rank: for tests that everything works on all of them."""

from __future__ import annotations

from bpdebug.frontends import load_scenario

BATCH_NORM = """
program: |
  h = x @ W1 + b1
  mu = mean(h, axis=0)
  xc = h - mu
  var = mean(xc ** 2, axis=0)
  xhat = xc / sqrt(var + eps)
  out = gamma * xhat + beta
  loss = mean((tanh(out) @ W2 - y) ** 2)
parameters:
  seed: 3
  shapes: {W1: [3, 4], b1: [4], W2: [4, 2]}
  values: {gamma: [1, 0.5, 2, 1.5], beta: [0.1, 0, -0.2, 0.3]}
constants: {eps: 1.0e-5}
data:
  inputs: [[0.1, -0.3, 0.7], [1.2, 0.4, -0.5], [-0.6, 0.9, 0.2], [0.3, 0.8, -1.1], [-0.9, -0.2, 0.4]]
  targets: [[0, 1], [1, 0], [0.5, 0.2], [0.1, 0.9], [0.7, 0.3]]
"""

PROGRAMS = {
    "two lines": """
        program: |
          h = tanh(x @ W1 + b1)   # the hidden units
          loss = sum((h @ W2 - y) ** 2)
        parameters: {seed: 1, shapes: {W1: [2, 3], b1: [3], W2: [3, 1]}}
        data: {inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: [[0], [1], [1], [0]]}
        training: {epochs: 20, batch_size: 2}
    """,
    "scalars": """
        program: |
          q = x + y
          f = q * z
        loss: f
        parameters: {values: {x: -2, y: 5, z: -4}}
        training: {epochs: 20}
    """,
    "class numbers": """
        program: |
          z = x @ W + b
          p = 1 / (1 + exp(-z))
          loss = mean(where(y > 0, -log(p), -log(1 - p)))
        parameters: {seed: 2, shapes: {W: [2, 1], b: [1]}}
        data: {inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: [[0], [1], [1], [1]]}
        training: {epochs: 20}
    """,
    "four axes": """
        program: |
          u = relu(x * K)
          v = mean(u)
          loss = (v - t) ** 2
        parameters: {seed: 2, values: {K: [[[0.5, -1, 0.2]], [[0.1, 0.3, -0.6]]]}}
        tensors: {t: 0.25}
        data: {inputs: [[[[1, 2, 3], [4, 5, 6]], [[-1, 2, 3], [4, -5, 6]]], [[[1, 2, 0.3], [0.4, 5, 6]], [[-1, 2, 3], [4, -5, 6]]]]}
        training: {epochs: 20}
    """,
    "statistics": """
        program: |
          h    = x @ W1 + b1
          mu   = mean(h, axis=0)
          xc   = h - mu
          var  = mean(xc ** 2, axis=0)
          xhat = xc / sqrt(var + eps)
          out  = gamma * xhat + beta
          loss = mean((out @ W2 - y) ** 2)
        parameters:
          shapes: {W1: [3, 4], b1: [4], W2: [4, 1]}
          values: {gamma: [1, 1, 1, 1], beta: [0, 0, 0, 0]}
        constants: {eps: 1.0e-5}
        data: {inputs: [[1, 2, 3], [0, 1, 0], [1, 1, 2], [0.5, -2, 3], [0, 1, 0], [1, -1, 2]], targets: [[1], [0], [1], [0], [1], [0]]}
        training: {epochs: 20}
    """,
    "three axes": """
        program: |
          h = tanh(x * W + b)
          s = mean(h, axis=0)
          on = s > -0.2
          e = where(on & given, s - c, 0)
          loss = mean(e ** 2) + 0.1 * mean(W ** 2)
        parameters: {seed: 1, shapes: {W: [3, 4]}, values: {b: [0.1, 0.2, 0.3, 0.4]}}
        constants: {c: 0.5}
        tensors: {given: [[true, false, true, true], [true, true, true, true], [false, true, true, true]]}
        data: {inputs: [[[1, 2, 3, 4], [0, 1, 0, 1], [1, 1, 2, 2]], [[0.5, -2, 3, 1], [0, 1, 0, -1], [1, -1, 2, -2]]]}
        training: {epochs: 20}
    """,
    "chosen": """
        program: |
          z = x @ W
          picked = log_softmax(z)[arange(m), y]
          ratio = exp(picked - old)
          least = minimum(ratio * good, clip(ratio, 0.5, 1.5) * good)
          loss = -sum(least * kept) / sum(kept) + cross_entropy(z, arange(m))
        parameters: {seed: 1, shapes: {W: [2, 3]}}
        tensors: {old: [-1, -2, -0.5], good: [1, -0.5, 2], kept: [true, false, true]}
        data: {inputs: [[0.1, -0.2], [0, 1], [-0.5, 0.4]], targets: [0, 2, 1]}
        training: {epochs: 20}
    """,
    "batched": """
        program: |
          h = x @ W + b
          a = softmax(h, axis=-1)
          q, k = split(a, 2, axis=-1)
          s = q @ k.transpose(0, 2, 1)
          loss = mean(s ** 2) + mean(h[:, 0, :]) + sum(take(W, idx, axis=0))
        parameters: {seed: 1, shapes: {W: [4, 6], b: [6]}}
        tensors: {idx: [0, 2, 2]}
        data: {inputs: [[[1, 2, 3, 4], [0, 1, 0, 1], [1, 1, 2, 2]], [[0.5, -2, 3, 1], [0, 1, 0, -1], [1, -1, 2, -2]]]}
        training: {epochs: 20}
    """,
    "masked": """
        program: |
          before = zeros((len(x), 2))
          e = E[x] + einsum('nt,td->ntd', one_hot(x[:, 0], 2), P) + before[:, None, :]
          s = where(tril(ones((2, 2))) > 0, e @ swapaxes(e, 1, 2), -inf)
          o = softmax(s) @ e
          loss = sum(sum(o[:, -1] ** 2, axis=1))
        parameters: {seed: 1, shapes: {E: [3, 2], P: [2, 2]}}
        data: {inputs: [[1, 2], [0, 1], [1, 0]]}
        optimizer: {clip: {norm: 0.5}}
        training: {epochs: 20}
    """,
}


def program_in(folder, name):
    """The scenario of a program, read from a file."""
    path = folder / "program.yaml"
    text = PROGRAMS[name]
    margin = len(text.splitlines()[1]) - len(text.splitlines()[1].lstrip())
    path.write_text("".join(f"{line[margin:]}\n" for line in text.splitlines()), "utf-8")
    return load_scenario(str(path))
