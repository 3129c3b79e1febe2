"""Names as mathematics: tensors, their gradients in three notations, cells, and the numbers that stand for cells in an explanation."""

from __future__ import annotations

import re

_GREEK = {
    "learning_rate": (r"\eta", "η"),
    "momentum": (r"\mu", "μ"),
    "weight_decay": (r"\lambda", "λ"),
    "alpha": (r"\alpha", "α"),
    "beta1": (r"\beta_1", "β₁"),
    "beta2": (r"\beta_2", "β₂"),
    "epsilon": (r"\epsilon", "ε"),
}
LETTERS = {name: letter for name, (_, letter) in _GREEK.items()}
"""What a setting is called where its name has no room."""
_WORDS = {name: latex for name, (latex, _) in _GREEK.items()} | {"l2": r"\lambda", "loss": "L", "data_loss": r"L_{\text{data}}"}
_CELL = re.compile(r"([^\[]+)\[([^,\]]+),([^,\]]+)\]")
_BELOW = str.maketrans("0123456789ijklpuv", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₚᵤᵥ")


def is_tensor(name: str) -> bool:
    """Whether a leaf is a whole tensor; an explanation also has leaves such as ``dz2[1,0]``, ``0.62`` and ``(−0.11)``."""
    return name[0].isalpha() and not name.endswith("]")


def turned_cell(name: str) -> str:
    """``a1[i,1]`` as the column convention has it, in which every tensor is the transpose of ours: ``a1[1,i]``."""
    found = _CELL.fullmatch(name)
    return f"{found[1]}[{found[3]},{found[2]}]" if found else name


def subscripted(name: str) -> str:
    """``a1₁,ᵢ`` for ``a1[1,i]``: how the cells of the column convention are written outside LaTeX.

    Brackets are NumPy's and mean the same cell everywhere: ``a1[i,1]`` is what commands, conditions and files say, in either
    convention. Turned places are subscripts, as in mathematics, so that no text stands for two cells.
    """
    found = _CELL.fullmatch(name)
    return found[1] + f"{found[2]},{found[3]}".translate(_BELOW) if found else name


def unicode_name(name: str, notation: str) -> str:
    """``dz2``, ``δ2`` or ``∂L/∂z2``."""
    if notation == "d" or not re.match(r"d[A-Za-z]+\d*([@\[]|$)", name):
        return name
    of, suffix = re.fullmatch(r"([A-Za-z]+\d*)(.*)", name[1:]).groups()  # type: ignore[union-attr]
    if notation == "delta" and of.startswith("z"):
        return f"δ{of[1:]}{suffix}"
    return f"∂L/∂{of}{suffix}"


def latex_name(name: str, notation: str) -> str:
    """The same in LaTeX; a cell's place is a subscript."""
    if not name[0].isalpha():
        return latex_number(name)
    whole, _, index = name.partition("[")
    place = index.removesuffix("]")
    if whole in _WORDS:
        return _WORDS[whole]
    of, _, through = whole.partition("@")
    gradient = re.fullmatch(r"d([A-Za-z]+\d*)", of)
    inner = _gradient(gradient[1], notation, place) if gradient else _letter(of, place)
    return rf"\left.{inner}\right\rvert_{{{_letter(through)}}}" if through else inner


def _gradient(of: str, notation: str, place: str) -> str:
    inner = _letter(of, place)
    if notation == "delta" and of.startswith("z"):
        return inner.replace("z", r"\delta", 1)
    return rf"\mathrm{{d}}{inner}" if notation == "d" else rf"\frac{{\partial L}}{{\partial {inner}}}"


def _letter(name: str, place: str = "") -> str:
    """A tensor's letter with its layer above, and, of a cell, its place below."""
    layered = re.fullmatch(r"([A-Za-z])([A-Za-z]*)(\d+)", name)
    below = f"_{{{place}}}" if place else ""
    if not layered:
        return (name if len(name) == 1 else rf"\mathrm{{{name}}}".replace("_", r"\_")) + below
    letter, tensor, layer = layered.groups()
    if len(tensor) == 1:
        return f"{letter}_{{{';'.join(filter(None, (tensor, place)))}}}^{{[{layer}]}}"
    word = rf"\mathrm{{{letter}{tensor}}}" if tensor else letter
    return f"{word}{below}^{{[{layer}]}}"


def latex_number(text: str) -> str:
    """A number's text in LaTeX; also the ellipsis of a long sum."""
    plain = text.replace("−", "-").replace("…", r"\dots").replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return re.sub(r"e(-?\d+)", r" \\cdot 10^{\1}", plain)
