"""A training as a scenario file of lines: layers spelled out as the formulas that they are, a program of lines as itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.description import Array, Lines, Loss, Optimizer, Scenario, Values
from bpdebug.core.errors import BpdebugError
from bpdebug.core.layers import make_program
from bpdebug.core.network import Phase
from bpdebug.core.optimizers import OPTIMIZERS, RATE
from bpdebug.core.parser import Formula
from bpdebug.core.products import without_ones
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.schedule import KEPT, Stage
from bpdebug.core.tensors import Naming, Role
from bpdebug.core.tree import ONE, Name, Tree, substitute
from bpdebug.export.update import WorkedUpdate
from bpdebug.frontends.loader import MAXIMUM_BYTES
from bpdebug.time.stop_text import breakpoint_of, watchpoint_of

MOST_NUMBERS = 40_000
"""Numbers that such a file may hold: with its lists they are as many nodes as the reader takes."""
_LARGEST = 1e300
"""No number of a scenario file is larger."""
_WIDTH = 120
_SPECIAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
"""What a block of text in YAML does not keep as it is."""
_EARLY = (Phase.FORWARD, Phase.LOSS)


def to_yaml(worked: WorkedUpdate) -> str:
    """The text of the file: the training from its beginning, whichever update is the present one, with the formulas of this one.

    Raises:
        BpdebugError: with the name of what such a file cannot say.
    """
    program = replace(worked.program, lines=tuple(step.stage for step in worked.stages))
    text = "\n".join([*_sections(in_lines(program)), ""])
    if (size := len(text.encode())) > MAXIMUM_BYTES:
        message = f"the file would hold {size:,} bytes; a scenario file has at most {MAXIMUM_BYTES:,}"
        raise BpdebugError(f"{message} (an npz file can hold more)")
    return text


def left_out(worked: WorkedUpdate) -> tuple[str, ...]:
    """The numbers that the user has set by hand, but for those of the data as they were when the update began."""
    edits = [edit for edit in (*worked.earlier, *worked.edits) if not worked.program.takes(edit.name)]
    edits += [edit for step in worked.stages for edit in step.edits]
    return tuple(dict.fromkeys(str(edit) for edit in edits if edit.value is not None))


def in_lines(program: Program) -> Scenario:
    """The scenario of lines that computes the same bits.

    A gradient that layers compute by a rule of their own, and that is not what is derived from the lines, stands under ``backward:``.

    Raises:
        BpdebugError: with the name of what lines cannot say.
    """
    scenario = program.scenario
    naming = scenario.naming
    x, y = (program.data.get(name, values) for name, values in ((naming.input, scenario.x), (naming.target, scenario.y)))
    scenario = replace(scenario, x=x, y=y, formulas={}, read_again=None)
    if scenario.lines:
        scenario = replace(scenario, lines=replace(scenario.lines, given=program.fixed))
        fresh = make_program(scenario)
        edited = (stage for stage in program.stages if stage.edited and stage.formula != fresh.stage(stage.name).formula)
        own = {stage.name: stage.formula.text for stage in (*edited, *(one for one in program.stages if one.operation == KEPT))}
    else:
        scenario, own = _restated(program, scenario)
    made = make_program(replace(scenario, formulas=own))
    for read, texts in ((breakpoint_of, scenario.debug.breakpoints), (watchpoint_of, scenario.debug.watches)):
        for text in texts:
            try:
                read(made, text.strip())
            except BpdebugError as error:
                raise BpdebugError(f"the stop '{text}' cannot be said of lines: {error}") from None
    return replace(scenario, formulas=own)


def _restated(program: Program, scenario: Scenario) -> tuple[Scenario, dict[str, str]]:
    """The scenario of lines for a program of layers, and the user's own formulas for the update."""
    if strange := [name for name in scenario.values if name not in program.parameters and name not in program.rule.constants]:
        raise BpdebugError(f"{strange[0]} starts at a value of its own, which no scenario of lines can say: only parameters do")
    names = {old: Name(new) for old, new in _names(program).items()}

    def said(stage: Stage) -> tuple[str, Tree]:
        name = names[stage.name].name if stage.name in names else stage.name
        return name, substitute(stage.formula.tree, names)

    forward = list[str]()
    for stage in (stage for stage in program.stages if stage.phase in _EARLY):
        comment = "your own formula" if stage.edited else " ".join(stage.meaning.split())
        forward.append(f"{stage.name} = {Formula.of(said(stage)[1]).text}   # {comment}")
    optimizer = {name: float(scenario.values.get(name, program.constants[name])) for name in program.rule.constants}
    lines = Lines(
        "\n".join(forward),
        program.parameters,
        {"l2": scenario.loss.l2} if scenario.loss.l2 else {},
        {},
        "" if program.loss == Naming().loss else program.loss,
    )
    made = replace(
        scenario,
        inputs=(),
        layers=(),
        outputs=(),
        loss=Loss(),
        naming=Naming(),
        values={name: program.initial[name] for name in program.parameters},
        optimizer=replace(scenario.optimizer, name=program.rule.name, constants=optimizer),
        lines=lines,
    )
    derived = _derived(make_program(made))
    backward = [said(stage) for stage in program.stages if stage.phase is Phase.BACKWARD]
    own = [f"{name} = {Formula.of(tree).text}" for name, tree in backward if derived.get(name) != tree]
    update = [said(stage) for stage in program.stages if stage.phase is Phase.UPDATE and (stage.edited or stage.operation == KEPT)]
    return replace(made, lines=replace(lines, backward="\n".join(own))), {name: Formula.of(tree).text for name, tree in update}


def _derived(program: Program) -> dict[str, Tree]:
    """What is derived for each gradient, without the factors that are 1."""
    stages = [stage for stage in program.stages if stage.phase is Phase.BACKWARD]
    ones = {stage.name: ONE for stage in stages if stage.formula.tree == ONE}
    return {
        stage.name: without_ones(tree) if (tree := substitute(stage.formula.tree, ones)) != stage.formula.tree else tree for stage in stages
    }


def _names(program: Program) -> dict[str, str]:
    """What a file calls the data, the gradients and the optimizer's slots, where this program does otherwise."""
    own, usual = program.network.naming, Naming()
    names = {own.input: usual.input, own.target: usual.target}
    for name, tensor in program.tensors.items():
        if tensor.role is Role.GRADIENT:
            names[name] = usual.partial.format(tensor.of, tensor.through) if tensor.through else usual.gradient.format(tensor.of)
    for name in program.free:
        names |= zip(program.rule.letters(name, own).values(), program.rule.letters(name, usual).values(), strict=True)
    return {old: new for old, new in names.items() if old != new}


def _sections(scenario: Scenario) -> Iterator[str]:
    """The lines of the file."""
    lines, training = scenario.lines, scenario.training
    assert lines  # noqa: S101 - it is made so
    given = {"inputs": scenario.x, "targets": scenario.y}
    given = {side: values for side, values in given.items() if values.size}
    _refuse({**given, **scenario.values, **lines.given})
    yield f"name: {_quoted(scenario.name)}"
    if scenario.description:
        yield f"description: {_quoted(scenario.description)}"
    if scenario.precision != Scenario.precision:
        yield f"precision: {scenario.precision}"
    yield from _block("program", lines.program)
    if lines.backward.strip():
        yield from _block("backward", lines.backward)
    if lines.loss:
        yield f"loss: {_quoted(lines.loss)}"
    yield from _parameters(scenario, lines)
    if lines.constants:
        yield f"constants: {_flow(lines.constants)}"
    if lines.given:
        yield from ("tensors:", *(f"  {_quoted(name)}: {_array(value, 4)}" for name, value in lines.given.items()))
    if given:
        yield from ("data:", *(f"  {side}: {_array(values, 4)}" for side, values in given.items()))
    yield f"optimizer: {_flow(_optimizer(scenario.optimizer))}"
    batches = {"batch_size": training.batch_size, "shuffle": training.shuffle}
    yield f"training: {_flow({'epochs': training.epochs} | {key: value for key, value in batches.items() if value})}"
    if scenario.formulas:
        yield from ("formulas:", *(f"  {_quoted(name)}: {_quoted(text)}" for name, text in scenario.formulas.items()))
    stops = {"breakpoints": scenario.debug.breakpoints, "watches": scenario.debug.watches}
    if any(stops.values()):
        yield from ("debug:", *(f"  {kind}: {_flow(texts)}" for kind, texts in stops.items() if texts))


def _optimizer(optimizer: Optimizer) -> dict[str, object]:
    """The section of the update rule."""
    made: dict[str, object] = {"name": optimizer.name, **optimizer.constants}
    if optimizer.schedule:
        name, constants = optimizer.schedule
        start = optimizer.constants.get(RATE, OPTIMIZERS[optimizer.name].constants[RATE])
        made[RATE] = {"start": start, "schedule": name, **constants}
    return made | ({"clip": optimizer.clip} if optimizer.clip else {})


def _parameters(scenario: Scenario, lines: Lines) -> Iterator[str]:
    """The section of what the update changes."""
    shapes = {name: shape for name, shape in lines.parameters.items() if name not in scenario.values}
    yield from ("parameters:", f"  seed: {scenario.seed}")
    if scenario.generator != Scenario.generator:
        yield f"  generator: {scenario.generator}"
    if shapes:
        yield f"  initializer: {_flow({'name': scenario.initializer.name, **scenario.initializer.constants})}"
        yield from ("  shapes:", *(f"    {_quoted(name)}: {[*shape]}" for name, shape in shapes.items()))
    if scenario.values:
        yield from ("  values:", *(f"    {_quoted(name)}: {_array(value, 6)}" for name, value in scenario.values.items()))
    if scenario.frozen:
        yield f"  frozen: {_flow(scenario.frozen)}"


def _refuse(arrays: Values) -> None:
    """Refuse numbers that no such file can hold.

    Raises:
        BpdebugError: with the tensor.
    """
    for name, value in arrays.items():
        array = np.asarray(value)
        if array.dtype.kind in "iu" and array.dtype != np.int64:
            raise BpdebugError(f"{name} holds numbers of the kind {array.dtype}; whole numbers in a scenario file are int64")
        if array.dtype.kind == "f" and (wrong := array[~(np.abs(array) <= _LARGEST)]).size:
            raise BpdebugError(f"{name} holds {wrong[0]:g}; a scenario file takes finite numbers up to {_LARGEST:g}")
    count = sum(np.size(value) for value in arrays.values())
    if count > MOST_NUMBERS:
        largest = max(arrays, key=lambda name: np.size(arrays[name]))
        message = f"the file would hold {count:,} numbers, {np.size(arrays[largest]):,} of them {largest}"
        raise BpdebugError(f"{message}; at most {MOST_NUMBERS:,} are written into a scenario file (an npz file can hold more)")


def _block(key: str, text: str) -> Iterator[str]:
    """A text of several lines."""
    if _SPECIAL.search(text):
        yield f"{key}: {_quoted(text)}"
        return
    yield f"{key}: |" + "2" * (text.lstrip("\n")[:1] == " ")
    yield from (f"  {line}" if line else "" for line in text.rstrip("\n").split("\n"))


def _quoted(text: str) -> str:
    """A text in one line; in quotes, but for the name of a tensor that is read as one without."""
    if re.fullmatch(r"[A-Za-z]\w*", text) and text.lower() not in ("true", "false", "null"):
        return text
    return _SPECIAL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _flow(value: object) -> str:
    """Texts and numbers, in braces or brackets."""
    match value:
        case str():
            return _quoted(value)
        case bool():
            return str(value).lower()
        case Mapping():
            return f"{{{', '.join(f'{key}: {_flow(item)}' for key, item in value.items())}}}"
        case tuple() | list():
            return f"[{', '.join(map(_flow, value))}]"
        case _:
            return repr(value)


def _array(value: Array, indent: int) -> str:
    """An array in brackets, a row a line where they do not fit into one."""
    text = repr(np.asarray(value).tolist()).lower()
    return text if len(text) <= _WIDTH else text.replace("], ", "],\n" + " " * indent)
