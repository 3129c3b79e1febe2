"""Names as mathematics: tensors, their gradients in three notations, and their cells."""

from __future__ import annotations

from collections.abc import Mapping

from bpdebug.core.record import Record
from bpdebug.core.tensors import Naming, Role, Tensor

Places = tuple[int | str, ...]


class Lexicon(Record, eq=False):
    """What the names of a program stand for.

    Attributes:
        tensors: by name.
        sums: the layers' weighted sums, whose gradients are the deltas, with the number of the layer.
        naming: what a gradient is called.
    """

    tensors: Mapping[str, Tensor] = {}
    sums: Mapping[str, int] = {}
    naming: Naming = Naming()

    def gradient(self, name: str) -> Tensor | None:
        """The tensor, where it is a gradient or a part of one."""
        tensor = self.tensors.get(name)
        return tensor if tensor and tensor.role is Role.GRADIENT else None

    def setting(self, name: str) -> bool:
        """Whether a name may be that of a setting."""
        return name not in self.tensors or self.tensors[name].role is Role.CONSTANT


LETTERS = {
    "learning_rate": "η",
    "momentum": "μ",
    "weight_decay": "λ",
    "alpha": "α",
    "beta1": "β₁",
    "beta2": "β₂",
    "epsilon": "ε",
}
"""What a setting is called where its name has no room."""
_BELOW = str.maketrans("0123456789ijklpuv", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₚᵤᵥ")


def name_text(name: str, notation: str, lexicon: Lexicon) -> str:
    """``dz2``, ``δ2`` or ``∂L/∂z2``."""
    tensor = lexicon.gradient(name)
    if notation == "d" or not tensor:
        return name
    through = f"@{tensor.through}" if tensor.through else ""
    return gradient_text(tensor.of, notation, lexicon) + through


def gradient_text(of: str, notation: str, lexicon: Lexicon) -> str:
    """The gradient of a tensor, be there a stage for it or not."""
    if notation == "d":
        return lexicon.naming.gradient.format(of)
    return f"δ{lexicon.sums[of]}" if notation == "delta" and of in lexicon.sums else f"∂L/∂{of}"


def cell_text(text: str, index: Places, columns: bool) -> str:
    """``a1[i,1]``, or ``a1₁,ᵢ`` in the column convention, in which every tensor is the transpose of ours.

    Brackets are NumPy's and mean the same cell everywhere: ``a1[i,1]`` is what commands, conditions and files say, in either
    convention. Turned places are subscripts, as in mathematics, so that no text stands for two cells.
    """
    if columns and len(index) == 2:
        return text + f"{index[1]},{index[0]}".translate(_BELOW)
    return f"{text}[{','.join(map(str, index))}]" if index else text
