"""The catalogue of mistakes: one row a kind, and the formulas that have one of them.

Diagnosis looks for the row that gives a user's numbers; the hunt plants its faults out of the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Tree
from bpdebug.trust.generic import exchanges, paths, slopes, squashed, undivided, versions
from bpdebug.trust.rewrites import protected, rewrites
from bpdebug.trust.rules import activations, losses, written
from bpdebug.trust.site import Mistake, Site


class Fault(Record):
    """One row.

    Attributes:
        title: the mistake in a few words.
        general: whether it says little: it is named only where nothing else fits.
    """

    title: str
    general: bool


_TITLES = {
    "sum_for_mean": "the sum where the mean belongs",
    "mean_for_sum": "the mean where the sum belongs",
    "m_twice": "divided by the number of samples twice",
    "outputs_factor": "the number of outputs as a factor",
    "sign": "a wrong sign",
    "learning_rate": "the learning rate in the wrong place",
    "zero": "a gradient of zeros",
    "bias_missing": "the bias left out",
    "bias_not_summed": "the bias's gradient not summed over the samples",
    "not_summed": "one value for each sample, not summed",
    "activation_missing": "the activation left out",
    "activation_twice": "the activation applied twice",
    "activation_at_z": "z where the activation's derivative wants a",
    "activation_at_a": "the activation's derivative taken at a",
    "activation_part": "a part of the activation's derivative left out",
    "another_activation": "another activation",
    "another_loss": "another loss",
    "y_broadcast": "a flat y, paired with everything",
    "transposed": "a transpose missing, or one too many",
    "reshaped": "reshaped where it should be transposed",
    "pre_activation": "z where a belongs",
    "da_for_dz": "da where dz belongs",
    "wrong_layer": "the wrong tensor of its kind",
    "path_missing": "one of several paths left out",
    "l2_missing": "the L2 penalty left out",
    "l2_on_biases": "the L2 penalty on the biases too",
    "l2_factor": "another factor of the L2 penalty",
    "l2_unasked": "a penalty that the loss does not have",
    "updated_before_used": "updated before it is used",
    "stale": "left over from the update before",
    "accumulated": "added to the gradient of the update before",
    "sample_missing": "not every sample counted",
    "not_updated": "not updated",
    "momentum_missing": "the momentum left out",
    "another_optimizer": "the step of another optimizer",
    "correction_missing": "the correction of the running means left out",
    "wrong_axis": "the wrong axis",
    "gradient_missing": "the arriving gradient left out",
    "forward_changed": "a changed forward formula, and the derivative of the old one",
    "epsilon_added": "a small number against division by zero",
    "epsilon_place": "epsilon in another place",
    "decay_after": "the decay taken after the step",
    "coefficient": "the coefficient at the other term",
    "miscounted": "the updates counted otherwise",
    "n_minus_one": "m − 1 where m belongs",
    "squashed_again": "softmax or sigmoid once more",
    "one_cell": "one cell alone",
    "stray_factor": "a stray factor",
    "complement": "a constant in the place of its complement",
    "value_for_slope": "the activation where its derivative belongs",
    "slope_for_value": "the derivative where the activation belongs",
    "another_slope": "the derivative of another activation multiplied in",
    "branches": "another branch",
    "exchanged": "another tensor in its place",
    "another_function": "another function",
    "inverted": "multiplied where it should be divided, or the other way",
    "counted_twice": "counted twice",
    "clipped": "clipped",
    "another_loss_sum": "another loss, and not divided as this one is",
    "parentheses": "parentheses left out",
    "term_missing": "a term left out",
    "factor_missing": "a factor left out",
}
"""In the order of plausibility."""
_GENERAL = list(_TITLES)[list(_TITLES).index("complement") :]
"""Those that say little: they are named only where nothing else fits."""

FAULTS: Mapping[str, Fault] = {kind: Fault(title, kind in _GENERAL) for kind, title in _TITLES.items()}
"""The catalogue, in the order of plausibility."""


_MAKERS = (undivided, written, paths, exchanges, versions, rewrites, protected, activations, losses, slopes, squashed)
_ANYWHERE = (undivided, exchanges, rewrites, slopes)
"""What can be made of any formula, be it of a mistake already."""


def mistakes(site: Site, only: Collection[str] = FAULTS, again: bool = False) -> Iterator[Mistake]:
    """All mistakes in a stage, or those of some kinds, kind by kind; of those that are the same formula, the likeliest.

    Args:
        site: where.
        only: the kinds.
        again: whether the formula has a mistake already, so that what an operation is meant to be tells nothing.
    """
    made: dict[str, list[Mistake]] = {kind: [] for kind in FAULTS}
    for maker in _ANYWHERE if again else _MAKERS:
        for mistake in maker(site):
            made[mistake.kind].append(mistake)
    known: set[tuple[Tree, tuple[tuple[str, str], ...]]] = {(site.tree, ())}
    for kind in (kind for kind in FAULTS if kind in only):
        found = {(mistake.reading, mistake.says): mistake for mistake in made[kind]}
        yield from (mistake for mistake in found.values() if mistake.reading not in known)
        known |= {mistake.reading for mistake in made[kind]}


def candidates(program: Program, stage: Stage) -> Iterator[Mistake]:
    """The formulas of a stage that have one mistake, the likelier ones first; some may give the right numbers on a batch.

    Args:
        program: whose stage it is.
        stage: any stage; where a user has put in a formula of his own, the derived one counts as right.
    """
    yield from mistakes(Site(program, stage))
