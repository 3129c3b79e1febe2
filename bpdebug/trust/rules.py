"""Mistakes that people make in a rule: what belongs to a bias, an activation, a loss, a penalty or an optimizer, put otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial

from bpdebug.core.products import minus, product, without_ones
from bpdebug.core.tensors import Role
from bpdebug.core.tree import ONE, Binary, Name, Transpose, Tree, Unary, literal, names, substitute, total
from bpdebug.trust.rewrites import everywhere, parsed, rewritten, table
from bpdebug.trust.site import M, Mistake, Site

_TABLE = """
stray_factor       |                     | 0.5 * s           | a factor of 1/2 too many
stray_factor       |                     | 2 * s             | a factor of 2 too many
sum_for_mean       | mean                | s * m             | the loss is the mean over the m samples, and here it is not divided by m
sum_for_mean       | mean means          | s * k * m | the loss is the mean over samples and outputs, and here it is divided by neither
outputs_factor     | means               | s * k             | the loss is the mean over the {k} outputs, and here it is not divided by {k}
mean_for_sum       | !mean               | s / m | the loss is the sum over the samples, and here it is divided by their number m
mean_for_sum       | !mean sums          | s / (k * m) | the loss is a sum, and here it is divided by the m samples times the {k} outputs
m_twice            | mean                | s / m             | the loss is divided by m already, and here it is divided by m once more
outputs_factor     | means               | s / k | the loss is divided by the {k} outputs already, and here it is divided by {k} once more
outputs_factor     | sums                | s / k             | the loss is the sum over the {k} outputs, and here it is divided by {k}
learning_rate      | !loss               | whole_step        | the step is not multiplied by the learning rate
learning_rate      | !loss               | learning_rate * s | the gradient is multiplied by the learning rate, which belongs to the update
n_minus_one        | mean                | s * m / (m - 1)   | it is divided by m − 1, where the loss is divided by the number m of samples
zero               | gradient !db        | 0 * t             | it looks initialised and never computed
clipped            | gradient            | maximum(minimum(t, 1), -1) | every cell is cut off at −1 and 1
sample_missing     |                     | but_first         | the first sample is left out
sample_missing     |                     | but_last          | the last sample is left out
sample_missing     | !db                 | first             | only the first sample is counted
sample_missing     | !db                 | last              | only the last sample is counted
gradient_missing   |                     | unmoved           | {g}, the gradient that arrives, is left out: 1 stands in its place
factor_missing     |                     | unfed             | {x}, the layer's input, is left out: 1 stands in its place
bias_missing       | db                  | 0 * t             | the bias would never move
bias_not_summed    | db                  | g                 | there is a row for each sample; they are not summed
bias_not_summed    | db                  | first             | it is the row of the first sample alone
bias_not_summed    | db                  | last              | it is the row of the last sample alone
bias_not_summed    | db wide             | sum(g)            | everything is summed, over the units too
bias_not_summed    | db wide             | mean(g)           | the mean is taken over everything, over the units too
bias_not_summed    | db                  | sum(g, axis=1, keepdims=True) | the units are summed, not the samples
activation_missing | activation gradient | g                 | the derivative of {row} is left out
activation_missing | activation value    | z                 | {row} is left out
activation_at_a    | gradient            | slope_at_a        | the derivative of {row} is taken at {a}, not at {z}
activation_twice   | activation gradient | slope_again       | the derivative of {row} is multiplied in twice
activation_twice   | value               | value_twice       | {row} is applied twice
activation_twice   | !activation         | slope_again       | the fused derivative has that of {last} in it already
value_for_slope    | activation gradient | g * a             | {a} itself stands where the derivative of {row} belongs
slope_for_value    | value               | slope             | the derivative of {row} stands where {row} itself belongs
y_broadcast        | value               | pairs             | {flat}
y_broadcast        | value               | pairs / m         | {flat}
y_broadcast        | gradient            | pairs             | {flat}, in a table of all pairs
y_broadcast        | gradient            | sum(pairs, axis=1, keepdims=True) | {flat}; the table of all pairs is summed
y_broadcast        | gradient            | mean(pairs, axis=1, keepdims=True) | {flat}; the mean of the table of all pairs is taken
y_broadcast        | gradient            | sum(pairs.T, axis=1, keepdims=True) | {flat}; the table of all pairs is summed
y_broadcast        | gradient            | mean(pairs.T, axis=1, keepdims=True) | {flat}; the mean of the table of all pairs is taken
l2_on_biases       | db                  | t + 2 * l2 * b    | {b} is penalised too; the penalty is on the weights alone
l2_on_biases       | db                  | t + l2 * b        | {b} is penalised too; the penalty is on the weights alone
l2_on_biases       |                     | penalised         | the biases are penalised too; the penalty is on the weights alone
l2_missing         |                     | unpenalised       | {penalties}, the L2 penalty, is left out
l2_factor          | penalty             | 0.5 * t           | this is {of}half the penalty
l2_factor          | penalty             | t / m             | the penalty is divided by m, the number of samples
l2_factor          | penalty             | 0.5 * t / m       | this is {of}half the penalty, divided by m, the number of samples
l2_factor          | penalty             | 2 * t             | this is {of}twice the penalty
sign               | !update             | -t                | every sign is flipped
not_updated        | update              | w                 | it is what it was before the update
clip_missing       | update              | unclipped         | the gradient is taken as it is, not clipped
momentum_missing   | slot momentum       | dw                | what is left of the earlier velocity is not added
momentum_missing   | step momentum       | p - learning_rate * dw | {v} is left out: the step is that of plain gradient descent
another_optimizer  | step !sgd !momentum | p - learning_rate * dw | the step is that of plain gradient descent
another_optimizer  | step nesterov       | p - learning_rate * v | the step is that of plain momentum, without the look ahead
another_optimizer  | slot | momentum * v + (1 - momentum) * dw | the gradient is multiplied by 1 − momentum, as in a running mean
another_optimizer  | slot | shrinking | weight_decay * {p} is in the gradient, as with an L2 penalty; here the parameter shrinks by itself
correction_missing |                     | uncorrected       | the running means are not divided by 1 − beta ** t
wrong_axis         | update              | cell_mean         | the mean over all cells of {dw} is taken, so that all move alike
wrong_axis         | update              | cell_sum          | the sum over all cells of {dw} is taken, so that all move alike
wrong_axis         | update              | row_mean          | the mean over the rows of {dw} is taken, so that all rows move alike
wrong_axis         | update              | row_sum           | the sum over the rows of {dw} is taken, so that all rows move alike
inverted           |                     | multiplied        | the running means are multiplied by 1 − beta ** t, not divided
miscounted         |                     | unpowered         | 1 − beta stands where 1 − beta ** t belongs, as if t were always 1
miscounted         |                     | from_zero         | t counts the updates from 0, not from 1
miscounted         |                     | from_two          | t is one too many
"""
"""Kind, where it can be made (all these words are true of the place, those with ! are not, and there is all that the formula is made
of), the wrong formula, and what it is: over ``t``, the right formula, ``s``, what gives it its size, and what :func:`_known` has."""


@cache
def _rows() -> list[tuple[str, list[str], Tree, tuple[str, ...], str]]:
    return [(kind, where.split(), tree := parsed(text).tree, names(tree), says) for kind, where, text, says in table(_TABLE)]


def written(site: Site, sizes: bool = False) -> Iterator[Mistake]:
    """The rows that can be made in a stage, or those alone that change its size."""
    facts, known, node, penalties = _facts(site), _known(site), site.node, [name for name in site.reads if name in site.penalties]
    shown = {name: tree.name for name, tree in known.items() if isinstance(tree, Name)} | {
        "k": str(site.outputs),
        "row": (site.activation or node).operation.name if node else "",
        "last": site.program.layers[-1].layer.activation if site.program.layers else "",
        "of": "the derivative of " if site.stage.of else "",
        "flat": f"{site.program.target} has the shape (m,) and not (m, 1), so that each prediction meets each target",
        "penalties": " + ".join(penalties),
    }
    for kind, where, pattern, letters, says in _rows():
        sized = "s" in letters
        holds = ((word.removeprefix("!") in facts) != word.startswith("!") for word in where)
        if sized >= sizes and known.keys() >= {*letters} and all(holds):
            tree = site.scaled(partial(_sized, site, pattern, known)) if sized else _filled(pattern, known)
            if tree is not None:
                yield Mistake(kind, tree, says.format(**shown))


def _sized(site: Site, pattern: Tree, known: Mapping[str, Tree], tree: Tree) -> Tree:
    """A row's formula of another size; what a loss is divided by, and is not to be, is taken out of it."""
    if site.loss and isinstance(pattern, Binary) and pattern.operator == "*":
        for letter in names(pattern):
            less = everywhere(tree, partial(_undivided, known[letter]))
            tree, known = (less, {**known, letter: ONE}) if less != tree and letter != "s" else (tree, known)
    return _filled(pattern, {**known, "s": tree})


def _undivided(divisor: Tree, node: Tree) -> Tree:
    match node:
        case Binary("/", value, by) if by == divisor:
            return value
        case Binary("/", value, Binary("*", left, right)) if divisor in (left, right):
            return Binary("/", value, right if left == divisor else left)
    return node


def _filled(pattern: Tree, values: Mapping[str, Tree]) -> Tree:
    """A row's formula over these tensors; a product, or a quotient, as a person would write it."""
    tree = substitute(pattern, values)
    match pattern, tree:
        case Unary("-"), Unary("-", operand):
            return minus(operand)
        case Binary(), Binary("/", value, by):
            return product(value, over=by)
        case Binary(), Binary("*"):
            return product(tree)
    return tree


def _facts(site: Site) -> set[str]:
    """What is true of a stage, in words."""
    program, node, stage, (samples, outputs) = site.program, site.activation or site.node, site.stage, site.asked
    found = {"gradient" if stage.of else "value", stage.phase.value, program.rule.name, *program.constants}
    found |= {samples, f"{outputs}s" * (site.outputs > 1)}
    found |= {node.operation.name} | ({f"d{site.argument}"} if program.layers else set()) if node else set()
    found |= {"activation"} if site.activation else set()
    found |= {"step" if site.parameter == stage.name else "slot"} if site.parameter else set()
    return found | ({"wide"} if site.argument == "b" and program.layers and program.parameters[stage.of][1] > 1 else set())


def _known(site: Site) -> dict[str, Tree]:
    """The tensors, numbers and formulas that rows are written over, as far as a stage has them."""
    program, node, tree, of = site.program, site.activation or site.node, site.tree, site.stage.of
    known: dict[str, Tree] = {name: Name(name) for name in (*program.constants, M.name)}
    known |= {name: Name(tensor) for name, tensor in (node.arguments if node else {}).items() if isinstance(tensor, str)}
    known |= {"t": tree, "s": tree, "k": literal(site.outputs)}
    if of:
        known["g"] = site.arriving
    if site.affine and isinstance(site.arriving, Name):
        for word, letter in (("unmoved", "g"), *[("unfed", "x")] * (site.argument == "W")):
            ones = substitute(parsed("0 * A + 1").tree, {"A": known[letter]})
            known[word] = site.put(dict.fromkeys(names(known[letter]), ones))
    if site.sums_samples:
        parts = {"but_first": (1, None), "but_last": (None, -1), "first": (0, 1), "last": (-1, None)}
        known |= {part: site.of_samples(*rows) for part, rows in parts.items()}
    if site.outputs == 1 and program.target in site.reads:
        known["pairs"] = site.put({program.target: Transpose(Name(program.target))})
    if site.activation and node:
        rule, a = node.operation, Name(node.output)
        there = {**node.arguments, "z": a}
        known["value_twice"] = rule.value({**node.arguments, "z": tree})
        known["slope"] = substitute(rule.gradient("z", node.arguments, "", ONE), {"": node.value})
        if rule.name != "identity":
            known |= {"a": a, "slope_at_a": substitute(rule.gradient("z", there, "", site.arriving), {"": rule.value(there)})}
    if of and (site.activation or (site.loss and program.network.fused)):
        own = site.activation or next(one for one in program.network.nodes if one.output == program.prediction)
        known["slope_again"] = own.operation.gradient("z", own.arguments, own.output, tree)
    if site.stage.name == program.loss and site.penalties:
        biases = [Name(layer.bias) for layer in program.layers if layer.bias]
        known["penalised"] = total(tree, *(substitute(parsed("l2 * sum(b ** 2)").tree, {"b": bias}) for bias in biases))
        known["unpenalised"] = total(*(Name(name) for name in site.reads if name not in site.penalties))
    if "learning_rate" in site.reads:
        known["whole_step"] = without_ones(site.put({"learning_rate": ONE}))
    return known | (_known_to_updates(site, known) if site.updates else {})


def _known_to_updates(site: Site, known: Mapping[str, Tree]) -> dict[str, Tree]:
    """The same of what the optimizer alone has."""
    program, name, parameter, made = site.program, site.stage.name, site.parameter, dict[str, Tree]()
    if parameter:
        slots = [tensor.name for tensor in program.tensors.values() if (tensor.role, tensor.of) == (Role.SLOT, parameter)]
        raw, used = program.gradients[parameter], program.rule.letters(parameter, program.network.naming)["g"]
        g, p, decay = Name(used), Name(parameter), Name("weight_decay")
        made = {"p": p, "dw": g, "v": Name(next(iter(slots), ""))}
        axes = {"cell": "", "row": ", axis=0, keepdims=True"}
        folds = {f"{part}_{fold}": f"{fold}(g{axis})" for part, axis in axes.items() for fold in ("mean", "sum")}
        made |= {fold: site.put({g.name: substitute(parsed(text).tree, {"g": g})}) for fold, text in folds.items() if g.name in site.reads}
        made |= {"unclipped": site.put({used: Name(raw)})} if used in site.reads and used != raw else {}
        made |= {"shrinking": site.put({g.name: total(g, product(decay, p))})} if decay.name in known else {}
    if name in site.reads:
        made["w"] = Name(name)
    if program.rule.counts and "t" in site.reads:
        made |= {count: site.put({"t": parsed(text).tree}) for count, text in (("from_zero", "t - 1"), ("from_two", "t + 1"))}
        corrections = {"uncorrected": ("A / (B - F)", "A"), "multiplied": ("A / (B - F)", "A * (B - F)"), "unpowered": ("A ** B", "A")}
        for kind, (right, wrong) in corrections.items():
            made[kind] = everywhere(site.tree, partial(rewritten, parsed(right).tree, parsed(wrong).tree))
    return made
