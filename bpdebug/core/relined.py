"""Another forward line in a program, and the stages that are derived from all its lines then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpdebug.core.description import Scenario
from bpdebug.core.errors import FormulaError, ProgramError, SetupError
from bpdebug.core.lines import read_lines
from bpdebug.core.network import Network, Phase
from bpdebug.core.optimizers import Rule
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.schedule import Skipped, Stage, backward_stages, forward_stages, update_stages

Lines = Sequence[Stage | Skipped]


def relined(scenario: Scenario, network: Network, name: str, formula: Formula) -> Network:
    """The network of a program of lines with another formula for one of them.

    Raises:
        FormulaError: where the lines do not go together then.
    """
    assert scenario.lines  # noqa: S101 - there are no lines without them
    lines = replace(scenario.lines, program="\n".join(_written(network, name, formula)), loss=network.loss)
    try:
        return read_lines(replace(scenario, lines=lines), lines)[0]
    except ProgramError as error:
        raise FormulaError(error.errors[0].message, formula.text, 1) from None


def _written(network: Network, name: str, formula: Formula) -> Iterator[str]:
    """The lines, and what is drawn between them."""
    drawn = [*network.draws]
    for place, node in enumerate(network.nodes):
        while drawn and drawn[0].place <= place:
            draw = drawn.pop(0)
            yield f"{draw.name} = {draw}" + f"   # {draw.comment}" * bool(draw.comment)
        value = formula if node.output == name else Formula.of(node.value)
        yield f"{node.output} = {Formula.of(value.tree).text}" + f"   # {node.comment}" * bool(node.comment)


def stages_of(scenario: Scenario, network: Network, lines: Lines, rule: Rule, frozen: tuple[str, ...]) -> tuple[Stage | Skipped, ...]:
    """The lines of a changed network; the user's own formulas stay, as far as their stages do.

    Args:
        scenario: of the program.
        network: as it is now.
        lines: as they were.
        rule, frozen: of the update.

    Raises:
        SetupError: where the stages are others, which have no place in a backward pass of the user's own.
    """
    own = scenario.lines and scenario.lines.backward.strip()
    edited = {line.name: line for line in lines if isinstance(line, Stage) and line.edited and line.phase in (Phase.BACKWARD, Phase.UPDATE)}
    made = [*forward_stages(network), *backward_stages(network), *update_stages(network, rule, frozen)]
    if own and [line.name for line in made] != [line.name for line in lines]:
        raise SetupError("other stages are derived from this line, beside those under backward: change it in the file, and type reload")
    return tuple(line.with_formula(edited[line.name].formula) if isinstance(line, Stage) and line.name in edited else line for line in made)
