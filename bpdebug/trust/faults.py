"""The catalogue of faults: one row a kind, with the formulas that have that mistake.

Diagnosis looks for the row that gives a user's numbers; the hunt plants its faults out of the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field

from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Tree
from bpdebug.trust import of_operands as operands
from bpdebug.trust import of_rules as rules
from bpdebug.trust import of_scale as scale
from bpdebug.trust.fault_site import Rewrite, Site


class Candidate(Record):
    """A stage's formula with one mistake in it.

    Attributes:
        kind: the row of the catalogue.
        formula: the wrong formula.
        evidence: what the mistake is, in a clause.
        overrides: tensor to the version of it that is read: ``after`` the update, of the ``previous`` one, or ``reshaped`` where
            it should be transposed.
    """

    kind: str
    formula: Formula
    evidence: str
    overrides: Mapping[str, str] = field(default_factory=dict)


def _nothing(site: Site) -> Iterator[Rewrite]:
    """For kinds that only the numbers show."""
    return iter(())


class Fault(Record):
    """One row.

    Attributes:
        title: the mistake in a few words.
        make: the formulas with that mistake in a stage.
        general: whether it says little: it is named only where nothing else fits.
    """

    title: str
    make: Callable[[Site], Iterator[Rewrite]] = _nothing
    general: bool = False


FAULTS: Mapping[str, Fault] = {
    "sum_for_mean": Fault("the sum where the mean belongs", scale.sum_for_mean),
    "mean_for_sum": Fault("the mean where the sum belongs", scale.mean_for_sum),
    "m_twice": Fault("divided by the number of samples twice", scale.m_twice),
    "outputs_factor": Fault("the number of outputs as a factor", scale.outputs_factor),
    "sign": Fault("a wrong sign", scale.sign),
    "learning_rate": Fault("the learning rate in the wrong place", scale.learning_rate),
    "zero": Fault("a gradient of zeros", scale.zero),
    "bias_missing": Fault("the bias left out", rules.bias_missing),
    "bias_not_summed": Fault("the bias's gradient not summed over the samples", rules.bias_not_summed),
    "not_summed": Fault("one value for each sample, not summed"),
    "activation_missing": Fault("the activation left out", rules.activation_missing),
    "activation_twice": Fault("the activation applied twice", rules.activation_twice),
    "activation_at_z": Fault("z where the activation's derivative wants a", rules.activation_at_z),
    "activation_at_a": Fault("the activation's derivative taken at a", rules.activation_at_a),
    "activation_part": Fault("a part of the activation's derivative left out", rules.activation_part),
    "another_activation": Fault("another activation", rules.another_activation),
    "another_loss": Fault("another loss", rules.another_loss),
    "y_broadcast": Fault("a flat y, paired with everything", rules.y_broadcast),
    "transposed": Fault("a transpose missing, or one too many", operands.transposed),
    "reshaped": Fault("reshaped where it should be transposed", operands.reshaped),
    "pre_activation": Fault("z where a belongs", operands.pre_activation),
    "da_for_dz": Fault("da where dz belongs", operands.da_for_dz),
    "wrong_layer": Fault("the wrong tensor of its kind", operands.wrong_layer),
    "path_missing": Fault("one of several paths left out", operands.path_missing),
    "l2_missing": Fault("the L2 penalty left out", rules.l2_missing),
    "l2_on_biases": Fault("the L2 penalty on the biases too", rules.l2_on_biases),
    "l2_factor": Fault("another factor of the L2 penalty", rules.l2_factor),
    "l2_unasked": Fault("a penalty that the loss does not have"),
    "updated_before_used": Fault("updated before it is used", operands.updated_before_used),
    "stale": Fault("left over from the update before", operands.stale),
    "accumulated": Fault("added to the gradient of the update before", operands.accumulated),
    "sample_missing": Fault("not every sample counted", operands.sample_missing),
    "not_updated": Fault("not updated", rules.not_updated),
    "momentum_missing": Fault("the momentum left out", rules.momentum_missing),
    "another_optimizer": Fault("the step of another optimizer", rules.another_optimizer),
    "correction_missing": Fault("the correction of the running means left out", rules.correction_missing),
    "wrong_axis": Fault("the wrong axis", operands.wrong_axis),
    "gradient_missing": Fault("the arriving gradient left out", operands.gradient_missing),
    "forward_changed": Fault("a changed forward formula, and the derivative of the old one"),
    "clipped": Fault("clipped", scale.clipped, general=True),
    "one_cell": Fault("one cell alone"),
    "stray_factor": Fault("a stray factor", scale.stray_factor),
    "another_loss_sum": Fault("another loss, and not divided as this one is", rules.another_loss_sum, general=True),
    "parentheses": Fault("parentheses left out", operands.parentheses, general=True),
    "term_missing": Fault("a term left out", operands.term_missing, general=True),
    "factor_missing": Fault("a factor left out", operands.factor_missing, general=True),
}
"""In the order of plausibility."""


_Mark = tuple[Tree, tuple[tuple[str, str], ...]]


def rewrites(site: Site, general: bool | None = None) -> Iterator[tuple[str, Rewrite]]:
    """Each kind with each of its mistakes in a stage, as trees; those kinds only that are general, or that are not. What a
    kind that says more has brought is not brought again by one that says less."""
    plain = (site.tree, ())
    named: set[_Mark] = {plain}
    for kind, fault in FAULTS.items():
        if general in (None, fault.general):
            found = dict.fromkeys((made.tree, tuple(made.overrides.items()), made.evidence) for made in fault.make(site))
            known = named if fault.general else {plain}
            for tree, overrides, evidence in found:
                if (tree, overrides) not in known:
                    yield kind, Rewrite(tree, evidence, dict(overrides))
            named |= {mark[:2] for mark in found if not fault.general}


def candidates(program: Program, stage: Stage) -> Iterator[Candidate]:
    """The formulas of a stage that have one mistake, the likelier ones first; some may give the right numbers on a batch.

    Args:
        program: whose stage it is.
        stage: any stage; where a user has put in a formula of his own, the derived one counts as right.
    """
    for kind, made in rewrites(Site(program, stage)):
        yield Candidate(kind, Formula.of(made.tree), made.evidence, made.overrides)
