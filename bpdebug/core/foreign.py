"""What is written in other places, and what it is called here: hints for who pastes PyTorch, JAX, TensorFlow or plain Python."""

from __future__ import annotations

import re

import numpy as np

from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.macros import LAYERS
from bpdebug.core.words import suggestion

LAYER_NAMES = tuple(re.findall(r"^def (\w+)", LAYERS, re.MULTILINE))
"""The layers that a line of a program may call."""
_SAID = {
    "matmul mm bmm": "a product of matrices is written a @ b",
    "add sub mul div multiply": "write the sign itself: + - * /",
    "pow float_power": "a power is written x ** 2",
    "view": "it is written reshape(x, (2, -1))",
    "t permute": "it is written x.T, or transpose(x, (0, 2, 1))",
    "unsqueeze": "it is written expand_dims(x, 0), or x[None]",
    "cat vstack": "it is written concatenate([a, b], axis=0)",
    "hstack column_stack": "it is written concatenate([a, b], axis=1)",
    "tile": "it is written concatenate([x, x], axis=0)",
    "roll": "it is written concatenate([x[-1:], x[:-1]], axis=0)",
    "diff": "it is written x[:, 1:] - x[:, :-1]",
    "inner kron": "it is written einsum('ij,kj->ik', a, b); of two flat lists a @ b",
    "exp2": "it is written 2 ** x",
    "mod fmod remainder": "it is written x - n * floor(x / n)",
    "full_like": "it is written 0.5 * ones_like(x)",
    "round rint ceil trunc": "it is written floor(x + 0.5)",
    "heaviside": "it is written where(x > 0, 1, 0)",
    "count_nonzero": "it is written sum(x != 0)",
    "reduce_mean": "it is written mean(x, axis=0)",
    "reduce_sum": "it is written sum(x, axis=0)",
    "reduce_max amax": "it is written max(x, axis=0)",
    "size dim ndim": "it is written x.shape[0], x.size or len(x)",
    "pad2d": "it is written pad(x, ((0, 0), (1, 1)))",
    "item detach cpu numpy cuda clone contiguous requires_grad_ to float double int float32 float64": "leave it out",
    "backward zero_grad step grad": "leave it out: the backward pass is derived from the lines, and the optimizer updates the parameters",
    "randn rand random uniform normal seed choice": "parameters: shapes are drawn by the initializer; other arrays stand under tensors:",
    "tensor as_tensor Tensor Variable": "numbers stand under tensors:, or under parameters: where they are to be learnt",
    "gather": "it is written take_along_axis(x, places, axis=1)",
    "sort argsort topk argpartition median percentile quantile": "no line sorts: cells are chosen by max, argmax and comparisons",
    "mse_loss MSELoss mean_squared_error mse": "it is written mean((out - y) ** 2)",
    "l1_loss L1Loss mae": "it is written mean(abs(out - y))",
    "cross_entropy CrossEntropyLoss softmax_cross_entropy": "of class numbers it is written -mean(log_softmax(out)[arange(len(y)), y])",
    "nll_loss NLLLoss": "it is written -mean(out[arange(len(y)), y])",
    "binary_cross_entropy BCELoss bce": "it is written -mean(y * log(p) + (1 - y) * log(1 - p))",
    "binary_cross_entropy_with_logits BCEWithLogitsLoss": "it is written mean(softplus(z) - y * z)",
    "Linear Dense linear dense affine fc": "it is written x @ W + b, with W and b under parameters:",
    "ReLU": "it is written relu(x)",
    "Tanh": "it is written tanh(x)",
    "Sigmoid expit logistic": "it is written sigmoid(x)",
    "Softmax": "it is written softmax(x, axis=-1)",
    "GELU": "it is written gelu(x)",
    "BatchNorm BatchNorm1d batchnorm bn": "the layer is called batch_norm(x)",
    "BatchNorm2d": "the layer is called batch_norm(x, axis=(0, 2, 3))",
    "LayerNorm layernorm": "the layer is called layer_norm(x)",
    "Dropout": "the layer is called dropout(x, p=0.5)",
    "Embedding": "the layer is called embedding(x, words=10, units=4)",
    "Conv2d Conv2D conv": "the layer is called conv2d(x, channels=8, kernel=3)",
    "MaxPool2d MaxPooling2D max_pool2d maxpool": "the layer is called max_pool(x, kernel=2)",
    "MultiheadAttention MultiHeadAttention scaled_dot_product_attention self_attention": "the layer is called attention(x, heads=2)",
    "RNN": "the layer is called rnn(x, units=4)",
    "LSTM": "the layer is called lstm(x, units=4)",
    "GRU": "the layer is called gru(x, units=4)",
    "Sequential": "a program has a line for each step: h = relu(x @ W1), out = h @ W2",
    "inv solve pinv det": "inverses have no place here",
}
_SAYING = {name: said for names, said in _SAID.items() for name in names.split()}
MODULES = ("np", "numpy", "torch", "F", "nn", "jnp", "jax", "tf", "K", "keras", "math", "scipy", "special")
"""What stands before functions elsewhere."""
LIBRARIES = tuple(module for module in MODULES if len(module) > 1)
"""Those that nobody calls a tensor so."""
KEYWORDS = {"dim": "axis", "axes": "axis", "keepdim": "keepdims", "unbiased": "ddof", "correction": "ddof"}
"""What PyTorch calls an argument."""
UNASKED = dict.fromkeys(("mode", "constant_values"), ": it puts zeros there") | {
    "optimize": ": leave it out",
    "dtype": ": leave it out, or write a comparison such as ones((2, 2)) > 0 for truth values",
}
"""What is said of arguments that there is no need of."""
SIGNS = {"−": "-", "–": "-", "×": "*", "·": "*", "⊙": "*", "∙": "*", "÷": "/", "²": "** 2", "³": "** 3", "ᵀ": ".T"}
SIGNS |= {
    "√": "sqrt(…)",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "“": "no quotes",
    "”": "no quotes",
    "’": "no quotes",
    "Σ": "sum(…)",
    "∑": "sum(…)",
}
"""Signs of print, and what is typed for them."""


_BESIDE = re.compile(r"(\w+|[)\]])\s+(?=(\w+|\())")
_WORDS = {"and", "or", "not", "is", "in", "if", "else", "for", "lambda", "import", "from", "del", "return", "await", "yield"}


def instead_of(name: str, module: str = "", slips: bool = True) -> str:
    """What to write in the place of a function that there is not, or "" where nobody knows.

    Args:
        name: its own name.
        module: what stands before it, such as ``torch.nn.functional``.
        slips: whether it may be a slip for a name that is nearly its own.
    """
    if name in LAYER_NAMES:
        return f"{name} is a layer, which a line of program: calls: h = {name}(…)"
    if name in FUNCTIONS:
        return f"write {name}(…)" + f", without {module}." * bool(module)
    if said := _SAYING.get(name) or _SAYING.get(name.rstrip("_")):
        return said
    slips = slips and not hasattr(np, name)  # what NumPy has is no slip
    return suggestion(name, [*FUNCTIONS, *LAYER_NAMES]).removeprefix("; ") if slips else ""


def unreadable(text: str, error: SyntaxError) -> tuple[str, str, int]:
    """Why Python cannot read a formula, and what was meant: a message, the text, and the column."""
    column = min(max(error.offset or 1, 1), len(text) + 1)
    reason = (error.msg or "invalid syntax").replace("invalid syntax. ", "").replace("invalid syntax", "this is not a formula")
    sign = re.search(r"(?<![=!<>])=(?!=)", text)
    run_on = re.search(r"(?<=[\w)\]])\s+(?=[A-Za-z_][\w.]*\s*=(?!=))", text)
    strange = next((letter for letter in text if letter in SIGNS), "")
    if run_on and text.count("(", 0, run_on.start()) == text.count(")", 0, run_on.start()):
        column, reason = run_on.end() + 1, "lines have run together here: begin them with 'program: |'"
    elif sign and text.count("(", 0, sign.start()) == text.count(")", 0, sign.start()):
        column, reason = sign.start() + 1, "an expression is expected here, without '=': it stands once in a line"
    elif strange:
        column, reason = text.index(strange) + 1, f"'{strange}' is no sign of the language; write {SIGNS[strange]}"
    elif number := re.search(r"(?<![\w.])\d+(\.\d*)?(?=[A-Za-df-z_(])", text):
        column, reason = number.start() + 1, f"a product is written with its sign: {number[0]} * …"
    elif gap := next((found for found in _BESIDE.finditer(text) if not _WORDS & {found[1], found[2]}), None):
        column, reason = gap.start(2) + 1, f"this is not a formula: a sign such as * or @ is missing before '{gap[2]}'"
    elif reason.startswith("unmatched"):
        reason += ": nothing opens it"
    elif not error.offset:
        column = len(text) + 1
    return reason[0].lower() + reason[1:], text, column
