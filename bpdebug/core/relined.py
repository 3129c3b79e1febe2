"""Another forward line in a program, and the stages that are derived from all its lines then."""

from __future__ import annotations

from collections.abc import Iterator

from bpdebug.core.errors import FormulaError, ProgramError
from bpdebug.core.keeping import with_given
from bpdebug.core.lines import read_lines
from bpdebug.core.network import Network, Phase
from bpdebug.core.own_lines import with_own_lines
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.schedule import KEPT, backward_stages, forward_stages, update_stages


def relined(program: Program, name: str, formula: Formula) -> Program:
    """A program of lines with another formula for one of them; the user's own formulas stay, as far as their stages do.

    Raises:
        FormulaError: where the lines do not go together then.
    """
    scenario, later = program.scenario, (Phase.BACKWARD, Phase.UPDATE)
    edited = {stage.name: stage.formula for stage in program.stages if stage.edited and stage.phase in later}
    assert scenario.lines  # noqa: S101 - there are no lines without them
    lines = replace(scenario.lines, program="\n".join(_written(program.network, name, formula)), loss=program.loss)
    try:
        network = read_lines(replace(scenario, lines=lines), lines)[0]
        made = (*forward_stages(network), *backward_stages(network), *update_stages(network, program.rule, scenario.frozen))
        kept = [stage for stage in program.stages if stage.operation == KEPT]
        program = with_own_lines(replace(program, network=network, lines=made), lines.backward)
        for stage in kept:
            program = with_given(program, stage.name, stage.formula.text)
    except ProgramError as error:
        raise FormulaError(error.errors[0].message, formula.text, 1) from None
    for stage in program.stages:
        if (own := edited.get(stage.name, stage.formula)) != stage.formula:
            program = program.with_stage(stage.with_formula(own))
    return program


def _written(network: Network, name: str, formula: Formula) -> Iterator[str]:
    """The lines, and what is drawn between them."""
    drawn = [*network.draws]
    for place, node in enumerate(network.nodes):
        while drawn and drawn[0].place <= place:
            draw = drawn.pop(0)
            yield f"{draw.name} = {draw}" + f"   # {draw.comment}" * bool(draw.comment)
        value = formula if node.output == name else Formula.of(node.value)
        yield f"{node.output} = {Formula.of(value.tree).text}" + f"   # {node.comment}" * bool(node.comment)
