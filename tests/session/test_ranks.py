"""Every command on programs of lines, of any rank and without data: it works, or says in a sentence why not."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from programs import PROGRAMS, program_in
from turns import by_day

from bpdebug import load_scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.core.network import Phase
from bpdebug.session.commands import COMMANDS, find_command
from bpdebug.session.session import Session
from bpdebug.time.results import to_json

SCRIPT = """
where; list; step; explain; into; into 2; reverse-into; finish; next; next; reverse-next; health; goto {gradient}; explain; operand; origin
return; paths {cell}; paths; predictions; surface {cell} {other}
surface; bt; up; up; down; frame 0; print {value}; print {tensor}.shape; select {first}; explain {cell}
sample; reverse-sample; sample 0; copy; copy {value}; copy {tensor} latex; copy {gradient} number; copy {gradient} why
copy {gradient} why markdown; copy {cell} why latex; notation; notation; notation d; convention; list; explain {cell}
convention rows; axes {tensor} 0 1; axes 0 -1; axes; format fixed 3; print {parameter}; format auto; scale log
display {loss}; info display
break {tensor}; break backward; tbreak {first}; watch {cell}
watch norm({parameter}) ratio 0.5; catch vanishing; catch exploding; catch dead; catch saturated; catch unchanged; catch small-update
catch large-update; catch rising; catch linear; catch no-bias; catch copies; catch shuffled; catch long-step; info; continue; continue
reverse-continue; condition 1 {loss} > 0; condition 1; ignore 1 1; disable 2; enable 2; info breakpoints
delete all; undisplay 1; update; health; health 3
history norm({parameter}) for 3; update 3; reverse-update; epoch; reverse-epoch; until {first}; reverse-step; reverse-finish; bookmark a
step 3; diff 'a; jump a; diff start, update 1; set {cell} = 0.25; explain {cell}; info edits; undo; formula {tensor} = 2 * ({formula})
explain {gradient}; undo; check; check all; check sweep; check slope
export a.npz; export a.jsonl; export a.py; export a.md; export a.tex; goto end; explain; health; goto 0:{loss}
predict on; step; answer 1; step; answer 1x1; answer +; step; predict off; hunt 1; hint; hint; accuse {tensor}; reveal; score
tour; tour off; save s.bp
run; source s.bp; reload; loop; loss; help; theme; hop; commands 1 where; quit
"""


def commands_for(program):
    """The script with what it names put in."""

    def last(name):
        shape = program.shapes(program.batches.largest)[name]
        return f"{name}[{','.join(str(length - 1) for length in shape)}]" if shape else name

    gradients = [stage for stage in program.stages if stage.of]
    names = {
        "value": program.stages[0].name,
        "parameter": next(iter(program.parameters)),
        "loss": program.loss,
        "tensor": gradients[-1].name,
        "formula": gradients[-1].formula.text,
        "gradient": last(gradients[-1].name),
        "first": last(gradients[0].name),
        "cell": last(next(iter(program.parameters))),
        "other": last(list(program.parameters)[-1]),
    }
    return [typed.strip().format(**names) for typed in SCRIPT.replace("\n", ";").split(";") if typed.strip()]


UNTRUE = re.compile(r"\blayer \d|\bsample -|\bunits? .*\bof layer|Traceback")
"""What cannot be true of a program without layers."""


@pytest.mark.parametrize("name", by_day(PROGRAMS, 3))
def test_every_command_works_on_any_program_or_says_why_not(name, tmp_path, monkeypatch):
    scenario = program_in(tmp_path, name)
    monkeypatch.chdir(tmp_path)
    session = Session(scenario)
    for typed in commands_for(session.program):
        try:
            answer = session.execute(typed)
        except BpdebugError as error:
            assert "\n" not in str(error) or typed.startswith("catch"), typed
            continue
        session.view({"health", "surface"})
        json.loads(to_json(typed, session.position, answer))
        assert typed.startswith(("help", "tour")) or not UNTRUE.search(answer.text), f"{typed}: {answer.text}"


def test_no_command_is_left_out(tmp_path):
    typed = {find_command(command)[0].name for command in commands_for(Session(program_in(tmp_path, "two lines")).program)}
    assert set(COMMANDS) - typed == {"compare", "fold", "unfold"}  # these programs have nothing that folds


def test_a_cell_is_called_a_samples_only_where_there_is_a_place_for_each(tmp_path):
    lines = "  f = reshape(h, (-1, 1))\n  t = concatenate([h, h])\n  d = h[1:]\n  loss = sum(f ** 2) + sum(t ** 3) + sum(d ** 4)\n"
    text = f"program: |\n  h = tanh(x @ W)\n{lines}parameters: {{seed: 1, shapes: {{W: [2, 3]}}}}\ndata: {{inputs: [[1, 2], [0.5, -1]]}}\n"
    (tmp_path / "s.yaml").write_text(text)
    session = Session(load_scenario(tmp_path / "s.yaml"))
    session.execute("goto 0:gradients")
    for stage in session.program.stages[: session.program.end_of(Phase.BACKWARD)]:
        for cell in np.ndindex(session.value(stage.name).shape):
            told = session.execute(f"explain {stage.name}[{','.join(map(str, cell))}]" if cell else f"explain {stage.name}").text
            assert bool(re.search(r"\bsample \d", told)) == (stage.name in ("h", "dh", "dh@f", "dh@t", "dh@d")), told
