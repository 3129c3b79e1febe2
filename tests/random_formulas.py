"""Random programs of formulas: any of the functions that the language has, ranks 0 to 4, names that are read again and again."""

from __future__ import annotations

from math import prod

import numpy as np

from bpdebug.core.derive import derived
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import parse_assignment
from bpdebug.core.shapes import infer

SMOOTH = """exp({} / 4); expm1({} / 4); log({}**2 + 1); log1p({}**2); sqrt({}**2 + 0.5); tanh({}); sin({}); cos({}); erf({}); {}**2
square({}); ({} / 3)**3; 1 / (1 + {}**2); -{}; 2 * {} - 1; ({}**2 + 1)**0.3; sinh({} / 4); cosh({} / 4);
0.3**{}; tan({} / 9); log2({}**2 + 1); log10({}**2 + 2)"""
KINKED = """abs({} + 0.011); maximum({}, 0.37); minimum(0.41, {}); where({0} > 0.13, {0}, 0.1 * {0}); sign({} + 0.013)
clip({}, -0.7, 0.6); relu({} - 0.2); leaky_relu({} + 0.017, 0.2); elu({} + 0.012)"""
COMPOSITE = "sigmoid({}); silu({}); gelu({}); mish({}); softplus({}); softmax({}, axis={a}); log_softmax({}, axis={a})"
TOGETHER = """{} + {}; {} - {}; {} * {}; {} / ({}**2 + 1); maximum({}, {} + 0.014); minimum({}, {} + 0.016)
where({0} > {1} + 0.015, {0}, {1}); logaddexp({}, {}); ({}**2 + 1)**({} / 5)"""
FOLDS = ["sum", "mean", "max", "min", "norm", "var", "std", "logsumexp"]
FINE = {"abs", "max", "min", "sign", "where", "maximum", "minimum", "clip", "relu", "leaky_relu", "elu", "softplus", "mish", "norm", "std"}
"""Functions of programs for which the complex step is no oracle."""


def forms(*texts):
    return [form.strip() for text in texts for form in text.replace("\n", ";").split(";")]


class Writer:
    """Writes one random program.

    Attributes:
        lines: the statements, the last one a loss.
        shapes: of every tensor.
        parameters: the tensors that the program starts from.
    """

    def __init__(self, seed, statements=None):
        self.random = np.random.default_rng(seed)
        self.lines, self.shapes, self.read = [], {}, set()
        self.parameters = [f"p{place}" for place in range(self.random.integers(1, 4))]
        for name in self.parameters:
            self.shapes[name] = tuple(map(int, self.random.integers(1, 4, self.random.integers(0, 5))))
        kinds = [kind for kind in dir(self) if kind.startswith("of_")]
        for place in range(statements or self.random.integers(2, 30)):
            while True:
                if text := getattr(self, self.random.choice(kinds))():
                    self.add(f"t{place} = {text}")
                    break
        rest = [name for name in self.shapes if name not in self.read]
        self.add("loss = " + " + ".join(f"{self.random.choice(['mean', 'sum'])}({name}{self.random.choice(['', '**2'])})" for name in rest))

    def add(self, line):
        """Take a line; of one that gives many numbers the mean."""
        target, formula = parse_assignment(line)
        if prod(infer(formula, self.shapes)) > 300:
            target, formula = parse_assignment(f"{target} = mean({formula.text})")
        self.shapes[target] = infer(formula, self.shapes)
        self.lines.append((target, formula))
        self.read |= {*formula.names}

    def pick(self, fits=lambda shape: True):
        """A tensor of a shape that fits, rather one of the latest; None where there is none."""
        fitting = [name for name, shape in self.shapes.items() if fits(shape)]
        return str(self.random.choice(fitting[-6:] if self.random.random() < 0.7 else fitting)) if fitting else None

    def one_of(self, texts):
        return str(self.random.choice(texts))

    def of_one(self):
        return self.one_of(forms(SMOOTH, KINKED)).format(self.pick())

    def of_composite(self):
        name = self.pick(lambda shape: shape)
        return name and self.one_of(forms(COMPOSITE)).format(name, a=self.axis(name))

    def of_two(self):
        first = self.pick()
        second = self.pick(lambda shape: spreads(shape, self.shapes[first]))
        pair = [first, second] if self.random.random() < 0.5 else [second, first]
        return self.one_of(forms(TOGETHER)).format(*pair)

    def axis(self, name, most=0):
        rank = len(self.shapes[name]) + most
        return int(self.random.integers(-rank, rank))

    def of_fold(self):
        name = self.pick(lambda shape: shape)
        if not name:
            return None
        rank = len(self.shapes[name])
        several = tuple(map(int, self.random.permutation(rank)[: self.random.integers(1, rank + 1)]))
        axis = self.one_of(["", f", axis={self.axis(name)}", f", axis={several if len(several) > 1 else several[0]}"])
        fold = self.one_of(FOLDS)
        inside = name
        if fold in ("std", "norm", "max", "min"):  # no corner: cells that differ, and are not all 0
            inside = f"{name} + 0.1 * sin(reshape(arange({name}.size), {name}.shape) + 0.3)"
        if fold == "std" and prod(self.shapes[name]) < 2:
            return None
        axis = "" if fold == "std" else axis
        return f"{fold}({inside}{axis}{self.one_of(['', ', keepdims=True'])})"

    def of_standard(self):
        name = self.pick(lambda shape: shape)
        return (
            name
            and f"({name} - mean({name}, axis={(a := self.axis(name))}, keepdims=True)) / sqrt(var({name}, axis={a}, keepdims=True) + 0.1)"
        )

    def of_product(self):
        left = self.pick(lambda shape: shape)
        if not left:
            return None
        shape = self.shapes[left]
        fits = [f"{left} @ {{}}", f"tanh({left}) @ {{}}"]
        right = self.pick(
            lambda other: other and other[-2:][0] == shape[-1] and (len(other) <= 2 or other[:-2] == shape[:-2] or len(shape) <= 2)
        )
        if right:
            return self.one_of(fits).format(right)
        return f"{left} @ swapaxes({left}, -1, -2)" if len(shape) > 1 else f"{left} @ {left}"

    def of_subscript(self):
        name = self.pick(lambda shape: shape)
        if not name:
            return None
        items = []
        for length in self.shapes[name][: self.random.integers(1, len(self.shapes[name]) + 1)]:
            place = int(self.random.integers(-length, length))
            items.append(self.one_of([":", "::-1", "None, :", str(place), f"{place}:", ":1", "::2"]))
        if self.random.random() < 0.3:
            items[int(self.random.integers(len(items)))] = str([int(self.random.integers(self.shapes[name][0])) for _ in range(3)])
            items = items[:1] if items[0].startswith("[") else [":"]
        return f"{name}[{', '.join(items)}]"

    def of_shape(self):
        name = self.pick(lambda shape: shape)
        if not name:
            return None
        shape, rank = self.shapes[name], len(self.shapes[name])
        axis, other = self.axis(name), self.axis(name)
        turned = [int(n) for n in self.random.permutation(rank)]
        wide = ", ".join(["(1, 0)", "(0, 2)", "(0, 0)"][int(self.random.integers(3))] for _ in shape)
        choices = [f"{name}.T", f"swapaxes({name}, {axis}, {other})", f"flip({name}, axis={axis})", f"moveaxis({name}, {axis}, {other})"]
        choices += [f"reshape({name}, {self.one_of(['-1', '(-1, 1)', f'({shape[0]}, -1)', '(1, -1)'])})"]
        choices += [f"transpose({name}, {tuple(turned) if rank > 1 else 0})", f"expand_dims({name}, {self.axis(name, 1)})"]
        choices += [f"concatenate([{name}, 2 * {name}], axis={axis})", f"stack([{name}, sin({name})], axis={self.axis(name, 1)})"]
        choices += [
            f"cumsum({name}{self.one_of(['', f', axis={axis}'])})",
            f"cumprod(1 + sin({name}) / 50{self.one_of(['', f', axis={axis}'])})",
            f"repeat({name}, 2, axis={axis})",
            f"prod({name} + 2, axis={axis})",
        ]
        choices += [f"pad({name}, ({wide},))", f"take({name}, arange(1), axis={axis})", f"broadcast_to({name}, {(2, *shape)})"]
        choices += [f"squeeze({name})"] * (1 in shape) + [f"tril({name})", f"triu({name}, 1)"] * (rank > 1)
        choices += [f"sliding_window_view({name}, {min(2, shape[axis])}, axis={axis})", f"split({name}, {shape[axis]}, axis={axis})[0]"]
        choices += [f"take_along_axis({name}, reshape(arange(1), {(1,) * rank}), axis={axis})", f"tensordot({name}, {name}, axes={rank})"]
        choices += [f"tensordot({name}, {name}, axes=([{axis}], [{axis}]))"] * (rank < 3) + [f"diag({name})"] * (rank == 1)
        choices += [f"diag({name} @ {name}.T)"] * (rank == 2) + [
            f"outer({name}, {name})",
            f"add_at({name}, 0, {name}[0])",
            f"einsum('{letters(rank)}->{letters(rank)[:-1]}', {name})",
        ]
        choices += [f"einsum('{letters(rank)},{letters(rank)}->{letters(rank)[::-1]}', {name}, {name})"]
        choices += [f"einsum('iij->j', {name} @ swapaxes({name}, -1, -2))"] * (rank == 3 and shape[0] == shape[1])
        choices += [f"einsum('ii->', {name} @ {name}.T)"] * (rank == 2)
        return self.one_of(choices)


def letters(rank):
    return "abcdef"[:rank]


def spreads(shape, other):
    """Whether a shape can be spread to another one."""
    return len(shape) <= len(other) and all(n in (1, there) for n, there in zip(shape[::-1], other[::-1], strict=False))


def values_of(writer, seed=0):
    """Numbers for the parameters."""
    random = np.random.default_rng([seed, 7])
    return {name: random.uniform(-1, 1, writer.shapes[name]) for name in writer.parameters}


def run(writer, values, dtype=float):
    """The values of all lines."""
    values = dict(values)
    for target, formula in writer.lines:
        values[target] = evaluate(formula, values, dtype)
    return values


def gradients(writer, values):
    """The gradient of the loss by each tensor that the loss depends on, by the chain rule over the derived passes of the lines."""
    values = run(writer, values) | {"m": np.array(1.0)}
    found = {writer.lines[-1][0]: np.array(1.0)}
    for target, formula in reversed(writer.lines):
        if target not in found:
            continue
        pass_back = derived(target, formula, writer.shapes, [name for name in formula.names if name in writer.shapes])
        own = values | {"g": found[target]}
        for name, helper in pass_back.inner:
            own[name] = evaluate(helper, own)
        for name, gradient in pass_back.gradients.items():
            part = np.asarray(evaluate(gradient, own), float)
            assert part.shape == values[name].shape, (
                f"d{name} of {target} = {formula.text}: {gradient.text} is {part.shape}, not {values[name].shape}"
            )
            found[name] = found.get(name, 0.0) + part
    return found
