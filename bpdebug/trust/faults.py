"""The catalogue of mistakes: one row a kind, and the formulas that have one of them.

Diagnosis looks for the row that gives a user's numbers; the hunt plants its faults out of the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Tree
from bpdebug.trust.generic import exchanges, paths, pieces, turns, undivided, versions
from bpdebug.trust.rules import activations, losses, written
from bpdebug.trust.site import Mistake, Site


class Fault(Record):
    """One row.

    Attributes:
        title: the mistake in a few words.
        general: whether it says little: it is named only where nothing else fits.
    """

    title: str
    general: bool = False


FAULTS: Mapping[str, Fault] = {
    "sum_for_mean": Fault("the sum where the mean belongs"),
    "mean_for_sum": Fault("the mean where the sum belongs"),
    "m_twice": Fault("divided by the number of samples twice"),
    "outputs_factor": Fault("the number of outputs as a factor"),
    "sign": Fault("a wrong sign"),
    "learning_rate": Fault("the learning rate in the wrong place"),
    "zero": Fault("a gradient of zeros"),
    "bias_missing": Fault("the bias left out"),
    "bias_not_summed": Fault("the bias's gradient not summed over the samples"),
    "not_summed": Fault("one value for each sample, not summed"),
    "activation_missing": Fault("the activation left out"),
    "activation_twice": Fault("the activation applied twice"),
    "activation_at_z": Fault("z where the activation's derivative wants a"),
    "activation_at_a": Fault("the activation's derivative taken at a"),
    "activation_part": Fault("a part of the activation's derivative left out"),
    "another_activation": Fault("another activation"),
    "another_loss": Fault("another loss"),
    "y_broadcast": Fault("a flat y, paired with everything"),
    "transposed": Fault("a transpose missing, or one too many"),
    "reshaped": Fault("reshaped where it should be transposed"),
    "pre_activation": Fault("z where a belongs"),
    "da_for_dz": Fault("da where dz belongs"),
    "wrong_layer": Fault("the wrong tensor of its kind"),
    "path_missing": Fault("one of several paths left out"),
    "l2_missing": Fault("the L2 penalty left out"),
    "l2_on_biases": Fault("the L2 penalty on the biases too"),
    "l2_factor": Fault("another factor of the L2 penalty"),
    "l2_unasked": Fault("a penalty that the loss does not have"),
    "updated_before_used": Fault("updated before it is used"),
    "stale": Fault("left over from the update before"),
    "accumulated": Fault("added to the gradient of the update before"),
    "sample_missing": Fault("not every sample counted"),
    "not_updated": Fault("not updated"),
    "momentum_missing": Fault("the momentum left out"),
    "another_optimizer": Fault("the step of another optimizer"),
    "correction_missing": Fault("the correction of the running means left out"),
    "wrong_axis": Fault("the wrong axis"),
    "gradient_missing": Fault("the arriving gradient left out"),
    "forward_changed": Fault("a changed forward formula, and the derivative of the old one"),
    "clipped": Fault("clipped", general=True),
    "one_cell": Fault("one cell alone"),
    "stray_factor": Fault("a stray factor"),
    "another_loss_sum": Fault("another loss, and not divided as this one is", general=True),
    "parentheses": Fault("parentheses left out", general=True),
    "term_missing": Fault("a term left out", general=True),
    "factor_missing": Fault("a factor left out", general=True),
}
"""In the order of plausibility."""


_MAKERS: tuple[Callable[[Site], Iterator[Mistake]], ...] = (
    undivided,
    written,
    paths,
    exchanges,
    versions,
    turns,
    pieces,
    activations,
    losses,
)


def mistakes(site: Site, general: bool | None = None) -> Iterator[Mistake]:
    """All mistakes in a stage, kind by kind; those kinds only that are general, or that are not. What a kind that says more has
    brought is not brought again by one that says less."""
    made: dict[str, list[Mistake]] = {kind: [] for kind in FAULTS}
    for maker in _MAKERS:
        for mistake in maker(site):
            made[mistake.kind].append(mistake)
    named: set[tuple[Tree, tuple[tuple[str, str], ...]]] = set()
    for kind, fault in FAULTS.items():
        if general in (None, fault.general):
            found = {(mistake.reading, mistake.evidence): mistake for mistake in made[kind]}
            known = {(site.tree, ()), *(named if fault.general else ())}
            yield from (mistake for mistake in found.values() if mistake.reading not in known)
            named |= set() if fault.general else {mistake.reading for mistake in made[kind]}


def candidates(program: Program, stage: Stage) -> Iterator[Mistake]:
    """The formulas of a stage that have one mistake, the likelier ones first; some may give the right numbers on a batch.

    Args:
        program: whose stage it is.
        stage: any stage; where a user has put in a formula of his own, the derived one counts as right.
    """
    yield from mistakes(Site(program, stage))
