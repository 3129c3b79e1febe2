"""What is said, in one place, so that it can be read as a whole and translated: by row, by function, by what is talked of.

Nothing here computes anything. Names in braces are filled in by whoever says it: names of tensors as the notation has them,
numbers as :mod:`bpdebug.core.numbers` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping

VALUES: Mapping[str, str] = {
    "affine": "Each unit's weighted sum of its inputs plus its bias.",
    "linear": "Each unit's weighted sum of its inputs, without a bias.",
    "add": "The layer's output plus its input (a residual connection).",
    "penalty": "The L2 penalty: the squares of the weights, times l2; biases are left out.",
    "line": "A line of the program.",
    "sum": "The loss of the data plus the penalty on the weights.",
    "identity": "The weighted sum itself.",
    "sigmoid": "The sigmoid squeezes each weighted sum into the range from 0 to 1.",
    "tanh": "The hyperbolic tangent squeezes each weighted sum into the range from −1 to 1.",
    "relu": "Positive sums pass, negative ones become 0.",
    "leaky_relu": "Positive sums pass, negative ones are scaled down.",
    "elu": "Positive sums pass, negative ones bend smoothly towards −alpha.",
    "softplus": "A smooth version of relu: log(1 + exp(z)), written so that it cannot overflow.",
    "silu": "The weighted sum times its own sigmoid (also called swish).",
    "gelu": "The weighted sum times the normal distribution's Φ(z).",
    "mish": "The weighted sum times the tanh of its own softplus.",
    "softmax": "Each sample's sums become probabilities that add up to 1; subtracting the row's maximum only prevents overflow.",
    "squared_error": "The squared distance between prediction and target.",
    "absolute_error": "The distance between prediction and target.",
    "huber": "Half the squared distance near the target, linear beyond delta.",
    "hinge": "How far the prediction falls short of 1 on the side of its target, which is −1 or 1; nothing beyond 1.",
    "binary_cross_entropy": "Minus the log-probability that the prediction gives to the target.",
    "categorical_cross_entropy": "Minus the log-probability that the prediction gives to the right class.",
    "binary_cross_entropy_from_logits": "Cross-entropy and sigmoid in one, from z itself, so that nothing overflows.",
    "categorical_cross_entropy_from_logits": "Cross-entropy and softmax in one, from z itself, so that nothing overflows.",
}
"""What an operation computes, by its row."""

_OF_PRODUCT = {
    "W": "Each weight gets its input times the arriving gradient, summed over the samples.",
    "b": "Each bias gets the arriving gradient, summed over the samples.",
    "x": "Each input gets the arriving gradients back, through the weights by which it went forward.",
}
DERIVATIVES: Mapping[str, str | Mapping[str, str]] = {
    "affine": _OF_PRODUCT,
    "linear": _OF_PRODUCT,
    "add": "A sum hands the arriving gradient unchanged to both of its terms.",
    "penalty": "The penalty pulls each weight towards zero, in proportion to the weight.",
    "line": "The chain rule: what arrives at the line's result, times the line's own derivative.",
    "sum": "A sum hands the arriving gradient unchanged to each of its terms.",
    "identity": "Nothing is bent, so the gradient passes unchanged.",
    "sigmoid": "The sigmoid's slope a(1 − a) is at most 1/4 and nearly 0 where the unit is saturated.",
    "tanh": "The slope 1 − a² is 1 at zero and nearly 0 where the unit is saturated.",
    "relu": "The gradient passes where z was positive and is stopped elsewhere (at exactly 0 the slope is taken as 0).",
    "leaky_relu": "The gradient passes where z was positive and is scaled down elsewhere, so that no unit dies.",
    "elu": "The slope is 1 for positive sums and decays exponentially for negative ones.",
    "softplus": "The slope of softplus is the sigmoid of z.",
    "silu": "The slope is a + σ(z)(1 − a), a little above 1 at most and negative for clearly negative sums.",
    "gelu": "The slope is Φ(z) + z·φ(z), with the normal distribution's density φ.",
    "mish": "The slope is tanh(s) + z·(1 − tanh²(s))·σ(z), s being the softplus of z: a little above 1 at most.",
    "softmax": "What comes back is a times how far its own gradient exceeds the mean of its sample's, weighted by a.",
    "squared_error": "The further off the prediction, the stronger the pull.",
    "absolute_error": "The pull has the same strength at any distance; only its sign tells the side.",
    "huber": "The pull grows with the distance up to delta and no further.",
    "hinge": "Predictions on the right side by 1 or more are left alone (at exactly 1 the slope is taken as 0), all others pulled alike.",
    "binary_cross_entropy": "A confident wrong prediction is pulled back the harder the closer it is to 0 or 1.",
    "categorical_cross_entropy": "Only the right class is pulled, and the harder the less probable it was held to be.",
    "binary_cross_entropy_from_logits": "Loss and sigmoid fused: the slopes a(1 − a) cancel and prediction minus target is left.",
    "categorical_cross_entropy_from_logits": (
        "Loss and softmax fused: the Jacobian cancels and prediction minus target is left (for targets that add up to 1)."
    ),
}
"""What its derivative does, by its row; where its arguments differ, by the argument."""

_VELOCITY = {"v": "The velocity remembers past gradients: a running sum that fades by the factor momentum."}
_ADAM = {"m": "The running mean of the gradient.", "v": "The running mean of the squared gradient."}
STEPS: Mapping[str, Mapping[str, str]] = {
    "sgd": {"w": "Each parameter takes a step against its gradient."},
    "momentum": _VELOCITY | {"w": "Each parameter takes a step against its velocity."},
    "nesterov": _VELOCITY | {"w": "The step looks ahead: it takes the gradient and the velocity that will follow."},
    "adagrad": {
        "v": "The sum of the squared gradients of all updates so far: it only grows.",
        "w": "Each parameter's step is divided by the root of that sum, so its steps become shorter as its gradients add up.",
    },
    "rmsprop": {
        "v": "The running mean of the squared gradient.",
        "w": "Each parameter's step is measured in units of its usual gradient.",
    },
    "adam": _ADAM | {"w": "A step of the mean gradient over the root of its mean square, both corrected for their start."},
    "adamw": _ADAM | {"w": "Adam's step, after the parameter has shrunk a little by itself."},
}
"""What an optimizer's step does, by its row and what it assigns."""

REASONS: Mapping[str, str] = {
    "@ left": "{second} is transposed: what went from unit i to unit j by a weight comes back from j to i by the same weight.",
    "@ right": "{first} is transposed so that each input meets the gradient of its own sample.",
    "stretched": "The samples share {name}, hence the sum.",
    "shared": "{name} is shared by {over}, hence the sum.",
    "fold sum": "Each of the {count} cells that are added up gets all that comes back.",
    "fold mean": "Each of the {count} cells that are averaged gets an equal share of what comes back.",
    "fold max": "Only the largest of the {count} cells gets what comes back; equal ones share it.",
    "fold min": "Only the smallest of the {count} cells gets what comes back; equal ones share it.",
    "laid out": "Each cell's gradient goes back to the place that the cell came from; where it came up several times, all are added up.",
    "cumsum": "Each cell counts in all running sums from its own place on, hence a running sum from the other end.",
    "cumprod": "Each cell is a factor of all running products from its own place on, and the product of the other factors is that "
    "divided by the cell; of a cell that is 0 it is that with 1 in its place.",
    "exp": "The exponential is its own derivative.",
    "cross_entropy": "Logarithm and softmax cancel: each probability is left, and of the right class 1 less, shared by the samples.",
    "maximum": "Only the larger of the two passes a gradient.",
    "minimum": "Only the smaller of the two passes a gradient.",
    "where": "Only the branch that is taken passes a gradient.",
    "abs": "At exactly 0, where there is a corner, the slope is taken as 0.",
}
"""Why a function's derivative is what it is, by the function; of a product of matrices, by the operand."""

OUTERMOST: Mapping[str, str] = {
    "@": "A product of matrices: of each row with each column, added up.",
    "+": "A sum, cell by cell.",
    "-": "A difference, cell by cell.",
    "*": "A product, cell by cell.",
    "/": "A quotient, cell by cell.",
    "//": "A quotient, rounded down, cell by cell.",
    "**": "A power, cell by cell.",
    "negative": "The opposite, cell by cell.",
    "minus": "{what}, with the opposite sign.",
    "cell by cell": "A comparison, cell by cell.",
    "function": "{name}, cell by cell.",
    "cross_entropy": "Minus the log-probability that softmax gives to each sample's right class, on average.",
    "laid out": "The same cells, laid out anew.",
    "cumsum": "A running sum: each cell is added to all before it.",
    "cumprod": "A running product: each cell is multiplied by all before it.",
    **dict.fromkeys(("einsum", "tensordot"), "Products of cells, added up along the axes that the result does not have."),
    "add_at": "Values added at places.",
    "softmax": "Probabilities that add up to 1: the exponentials, divided by their sum.",
    "log_softmax": "The logarithms of the probabilities that softmax gives.",
    "stop_gradient": "The same numbers; no gradient goes back through them.",
    "where": "A choice, cell by cell.",
    "clip": "Cut off at the bounds, cell by cell.",
    "one_hot": "For each class number a 1 in its place, and 0 elsewhere.",
    "outer": "Each cell of the one times each cell of the other.",
    "eye": "1 on the diagonal, and 0 elsewhere.",
    "arange": "Whole numbers in order.",
    **dict.fromkeys(("zeros", "zeros_like"), "Zeros."),
    **dict.fromkeys(("ones", "ones_like"), "Ones."),
    "fold": "The {name}{where}.",
    "along": " along axis {axis}",
    "along several": " along axes {axis}",
    "all": " of all cells",
    "max": "maximum",
    "min": "minimum",
    "prod": "product",
    "var": "variance",
    "std": "standard deviation",
    "norm": "root of the sum of squares",
    "logsumexp": "logarithm of the sum of exponentials",
    "argmax": "place of the largest cell",
}
"""What the value of a line is, by the outermost of what it does."""

PHRASES: Mapping[str, str] = {
    # what is said of stages that no row has made
    "count": "The number of this update, counted from 1.",
    "held": "What is kept for the next update; no optimizer changes it.",
    "schedule": "The learning rate of this update, by the schedule {name}.",
    "clip value": "Each cell of the gradient is cut off at the bound, on either side.",
    "clip length": "The length of all gradients together, as of one vector: the root of the sum of all their squares.",
    "clip factor": "By how much the gradients are shortened: 1 where together they are no longer than the bound.",
    "clip norm": "The gradient, shortened like all others: together they point where they did.",
    "several": "{name} is used by {users}: what comes back from each of them is added up.",
    "inner": "A part of {name} that its derivatives need.",
    "part": "what comes back to {part}, within the line of {name}",
    "helper": "A value of your own backward pass.",
    "of itself": "The loss rises as fast as itself: every gradient begins with this 1.",
    "own": "Your own formula, in the place of {derived}.",
    "own for blank": "Your own formula: v checks it.",
    "left": "Yours to fill in: y writes {name} here, a line for it below backward: in the file ('reload' reads it again); v checks it. "
    "'hint' says from which line it comes, 'reveal' what it is.",
    # where a cell belongs
    "input": "input {number}",
    "named": "{place} ({name})",
    "hidden": "hidden unit {number}",
    "unit": "unit {number} of layer {layer}",
    "output": "output {number}",
    "only output": "the output",
    "sample": "sample {number}",
    "weight": "from {source} to {unit}",
    "gradient": "the gradient of {place}",
    "bias": "the bias of {unit}",
    "z": "the weighted sum of {unit} for {sample}",
    "a": "what {unit} makes of {sample}",
    "answer": "the answer of {unit} to {sample}",
    "only answer": "the answer to {sample}",
    "carried": "{unit} and the layer's input together for {sample}",
    # a gradient
    "rate": "raise {cell} by {change} and the loss {moves} by {effect}",
    "about": "raise {cell} a little and the loss {moves}, at this rate by {effect} for each {change}",
    "told": "if this number is right, the loss {moves} by {effect} for each {change} that {cell} is raised, at this rate",
    "told 0": "if this number is right, the loss does not change with {cell}",
    "flat": "raise {cell} a little and the loss stays as it is",
    "refuted": "raise {cell} by {change} and the loss {moves} by {effect}, while by this gradient it {would}",
    "would rise": "would rise by {effect}",
    "would fall": "would fall by {effect}",
    "way": "by way of {through} alone, ",
    "rises": "rises",
    "falls": "falls",
    "too high": "the answer is too high",
    "too low": "the answer is too low",
    "so lowers": "so the update lowers it, by {step}",
    "so raises": "so the update raises it, by {step}",
    "yet lowers": "yet the update lowers it, by {step}",
    "yet raises": "yet the update raises it, by {step}",
    "leaves": "the update leaves it as it is",
    "frozen": "the update leaves it as it is, because it is frozen",
    "broken": "{value} says nothing about how the loss changes",
    "spreads": "{value} spreads to all that is computed with it",
    "zero": "0, because {reason}",
    "off": "{cell} is not above 0 (the unit is off)",
    "off everywhere": "the unit is off for every sample",
    "off in a line": "the condition on {cell} lets nothing pass",
    "off everywhere in a line": "the conditions let nothing pass",
    "no input": "{input} is 0 in every sample",
    "nothing arrives": "{name} is 0 for every sample, so that nothing comes back",
    "one or other": "in each of its terms one of the factors is 0",
    "cell is zero": "{cell} is 0",
    "cells are zero": "every cell of {name} that goes into it is 0",
    "cancel": "what is added up cancels",
    "unread": "that cell is not used on this path",
    "put there": "{value}, as the line puts it there",
    # a value
    "turns": "{function} makes {after} of {before}",
    "target": "the target is {target}",
    "most": "its largest part comes from {part}: {value}",
    "cost": "what the answers to these {count} samples cost together",
    "cost mean": "what the answers to these {count} samples cost on average",
    "cost one": "what the answer to this sample costs",
    "costs most": "{part} costs most, {value}",
    # an update
    "kept": "kept for {cell}",
    "lowered": "lowered by {step}",
    "raised": "raised by {step}",
    "unchanged": "left as it was",
    "takes": "at the rate of {gradient} that takes {effect} off the loss",
    "adds": "at the rate of {gradient} that adds {effect} to the loss",
    "ln": "log is the natural logarithm (ln).",
    # a rule
    "from": "From {line}: {facts}",
    "from alone": "From {line}",
    "so": "{facts}, so {gives}",
    "and": " and ",
    "step": "1 where {condition}, else 0",
    "slope": "∂{function}/∂{variable} = {slope}",
    "gives": "{term} gives {slope}",
    "times": ", times {arriving}, which arrives",
    "times inner": ", times {arriving}, which comes back to {part}",
    "several ways": "{name} stands in it more than once: what comes back on each way is added up.",
    "inside": "It is what comes back to {part}, within the line.",
    "forward is own": "The forward line is your own formula; this rule still belongs to {line}.",
    "rule is own": "This rule is your own formula, in the place of {derived}.",
    "cancels": "With {name} put in, factors cancel, and {stage} = {fused} is left{ones}.",
    "cancels on paper": "With {name} put in, factors cancel on paper: {stage} = {fused} would be {value} here.",
    "adding to 1": " (each row of {name} adds up to 1)",
    # the paths of a gradient
    "more paths": "  … and {count} more, together {value}",
    "added": "  added up: {numbers} {sign} {value}",
    "all added": "  all {count} added up: {value}",
    "no path": "  sample {samples} gives 0",
    "no paths": "  samples {samples} give 0",
    # an update that is complete
    "effect": "loss of these samples {losses}",
    "predicted": "predicted by the gradients {predicted}, really {real}",
    "moved": "most moved: {cells}",
}
"""All else, by what it is about."""


def value_of(row: str) -> str:
    """One sentence on a row's value; nothing for a row that has no text yet."""
    return VALUES.get(row, "")


def derivative_of(row: str, argument: str) -> str:
    """One sentence on a row's derivative with respect to an argument, or nothing."""
    told = DERIVATIVES.get(row, "")
    return told if isinstance(told, str) else told.get(argument, "")


def step_of(row: str, letter: str) -> str:
    """One sentence on an optimizer's step, or nothing."""
    return STEPS.get(row, {}).get(letter, "")
