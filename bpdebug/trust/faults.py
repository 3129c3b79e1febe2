"""The catalogue of mistakes: one row a kind, and the formulas that have one of them.

Diagnosis looks for the row that gives a user's numbers; the hunt plants its faults out of the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial

from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Tree
from bpdebug.trust.chain import constants
from bpdebug.trust.others import activations, exchanges, losses, slopes, squashed, versions
from bpdebug.trust.rewrites import protected, rewrites, table
from bpdebug.trust.rules import written
from bpdebug.trust.site import Mistake, Site


class Fault(Record):
    """One row.

    Attributes:
        sort: what a player is told of it at last.
        title: the mistake in a few words.
        general: whether it says little: it is named only where nothing else fits.
    """

    sort: str
    title: str
    general: bool


_SORTS = {
    "size": "a factor or a sign is wrong",
    "left out": "something is left out",
    "another rule": "the derivative is that of something else",
    "added": "something is there that does not belong there",
}
_TELLING = """
sum_for_mean        | size         | the sum where the mean belongs
mean_for_sum        | size         | the mean where the sum belongs
m_twice             | size         | divided by the number of samples twice
outputs_factor      | size         | the number of outputs as a factor
sign                | size         | a wrong sign
learning_rate       | size         | the learning rate in the wrong place
zero                | left out     | a gradient of zeros
bias_missing        | left out     | the bias left out
bias_not_summed     | left out     | the bias's gradient not summed over the samples
not_summed          | left out     | one value for each sample, not summed
activation_missing  | left out     | the activation left out
activation_twice    | another rule | the activation applied twice
activation_at_z     | another rule | z where the activation's derivative wants a
activation_at_a     | another rule | the activation's derivative taken at a
activation_part     | left out     | a part of the activation's derivative left out
another_activation  | another rule | another activation
another_loss        | another rule | another loss
y_broadcast         | added        | a flat y, paired with everything
transposed          | added        | a transpose missing, or one too many
reshaped            | added        | reshaped where it should be transposed
kernel_turned       | another rule | a kernel the wrong way round
rows_shifted        | another rule | the rows of another sample
pre_activation      | added        | z where a belongs
da_for_dz           | added        | da where dz belongs
wrong_layer         | added        | the wrong tensor of its kind
path_missing        | left out     | one of several paths left out
held_constant       | left out     | a statistic held constant
l2_missing          | left out     | the L2 penalty left out
l2_on_biases        | added        | the L2 penalty on the biases too
l2_factor           | size         | another factor of the L2 penalty
l2_unasked          | added        | a penalty that the loss does not have
updated_before_used | added        | updated before it is used
stale               | added        | left over from the update before
accumulated         | added        | gradients never cleared
sample_missing      | left out     | not every sample counted
not_updated         | added        | not updated
momentum_missing    | added        | the momentum left out
mask_anew           | added        | another mask, drawn anew
mask_turned         | added        | the mask turned round
clip_missing        | left out     | the gradient not clipped
another_optimizer   | added        | the step of another optimizer
correction_missing  | added        | the correction of the running means left out
wrong_axis          | added        | the wrong axis
gradient_missing    | left out     | the arriving gradient left out
forward_changed     | added        | a changed forward formula, and the derivative of the old one
epsilon_added       | added        | a small number against division by zero
epsilon_place       | added        | epsilon in another place
decay_after         | added        | the decay taken after the step
coefficient         | added        | the coefficient at the other term
miscounted          | added        | the updates counted otherwise
n_minus_one         | size         | n − 1 where n belongs
squashed_again      | another rule | softmax or sigmoid once more
one_cell            | added        | one cell, row or column alone
stray_factor        | size         | a stray factor
"""
_GENERAL = """
complement          | added        | x where 1 - x belongs, or the other way
value_for_slope     | another rule | the activation where its derivative belongs
slope_for_value     | added        | the derivative where the activation belongs
another_slope       | added        | the derivative of another activation multiplied in
branches            | another rule | another branch
exchanged           | added        | another tensor in its place
another_function    | another rule | another function
inverted            | size         | multiplied where it should be divided, or the other way
counted_twice       | size         | counted twice
clipped             | added        | clipped
another_loss_sum    | another rule | another loss, and not divided as this one is
parentheses         | left out     | parentheses left out
term_missing        | left out     | a term left out
factor_missing      | left out     | a factor left out
one_part            | another rule | a slip in one part
"""
FAULTS: Mapping[str, Fault] = {
    kind: Fault(_SORTS[sort], title, rows is _GENERAL) for rows in (_TELLING, _GENERAL) for kind, sort, title in table(rows)
}
"""The catalogue, in the order of plausibility."""


_MAKERS = (written, constants, exchanges, versions, rewrites, protected, activations, losses, slopes, squashed)
_ANYWHERE = (partial(written, sizes=True), exchanges, rewrites, slopes)
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
        yield from (mistake for mistake in found.values() if mistake.reading not in known or kind == "stray_factor")
        known |= {mistake.reading for mistake in made[kind]}


def candidates(program: Program, stage: Stage) -> Iterator[Mistake]:
    """The formulas of a stage that have one mistake, the likelier ones first; some may give the right numbers on a batch.

    Args:
        program: whose stage it is.
        stage: any stage; where a user has put in a formula of his own, the derived one counts as right.
    """
    yield from mistakes(Site(program, stage))
