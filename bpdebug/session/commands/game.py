"""Play: hunt a planted mistake, and predict what the next stage computes."""

from __future__ import annotations

import re

from bpdebug.core.cells import cell_name
from bpdebug.core.layers import make_program
from bpdebug.core.misfits import shape_text
from bpdebug.core.numbers import exact, short
from bpdebug.core.record import replace, values_of
from bpdebug.core.schedule import Stage
from bpdebug.look.rules import rule_of
from bpdebug.play.hunt import SEEDS, Hunt, disguised, game_of, task_lines
from bpdebug.play.predict import Question, is_right, question_of, read_answer, why_shape
from bpdebug.session.commands.edit import exact_row
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, Work, command
from bpdebug.time.moves import Move, by_stages
from bpdebug.time.results import Result


def _answered(session: Session, *lines: str, **data: object) -> Result:
    """Lines about the game, its state, and what a program wants to know besides; the fault itself when the hunt is over."""
    game, now = game_of(session.hunts), session.hunts[-1]
    state = {key: value for key, value in values_of(game).items() if key != "line"} if game else {}
    if now.over:
        lines += now.fault.told(), _score(session)
        data["fault"] = exact_row(values_of(now.fault))
    return Result("hunt", "\n".join(lines), state | data)


def _present(session: Session) -> Hunt:
    """The hunt that is on."""
    if not session.hunts:
        raise CommandError("no hunt is on; 'hunt' hides a mistake to find")
    if session.hunts[-1].over:
        raise CommandError("this hunt is over: 'hunt' begins the next one")
    return session.hunts[-1]


def _changed(session: Session, hunt: Hunt) -> Hunt:
    """The present hunt has come on; when it is over, the fault becomes visible."""
    session.hunts = (*session.hunts[:-1], hunt)
    if hunt.over:
        session.timeline.disguise = None
    return hunt


@command("hunt [SEED]", "play")
def hunt(session: Session, text: str = "") -> Work:
    """Start over with one hidden mistake in a backward formula: find its stage by the numbers, and accuse it."""
    import secrets  # noqa: PLC0415 - a start does without

    from bpdebug.play.planting import planting  # noqa: PLC0415 - as above

    if text and not re.fullmatch(r"\d{1,9}", text):
        raise CommandError(f"a seed from 0 is expected (the same seed hides the same mistake); found '{text}'")
    seed = int(text) if text else (session.hunts[-1].seed + 1) % 10**9 if session.hunts else secrets.randbelow(SEEDS)
    scenario = session.timeline.program_at(-1).scenario
    program = make_program(replace(scenario, formulas={}))
    fault, dropped = (yield from planting(program, seed)), [*map(str, session.timeline.edits)]
    dropped += [f"formula {name} = {text}" for name, text in scenario.formulas.items()]
    running, shown = disguised(program, fault.stage, fault.formula)
    session.begin(running)
    session.timeline.disguise = shown
    session.hunts += (Hunt(seed, fault),)
    lines = [*task_lines(session.hunts, program), *[f"dropped: {'; '.join(dropped)}"] * bool(dropped)]
    return _answered(session, *lines, scenario=scenario.name, dropped=dropped)


@command("accuse GRADIENT", "play", keys="a", asks="accuse a stage of the backward pass (dz1)")
def accuse(session: Session, name: str) -> Result:
    """Name the stage that does not compute what the listing shows; a wrong one costs one of three tries."""
    now = _present(session)
    if not name:
        raise CommandError("accuse needs a stage, e.g. accuse dz1")
    session.program.stage(name)
    if name in now.accused:
        raise CommandError(f"{name} has already been accused, and it computes what the listing shows")
    after = _changed(session, replace(now, accused=(*now.accused, name)))
    right = f"right: {name}" + ", but no point: the check has told" * after.checked
    text = right if after.found else f"wrong: {name} computes what the listing shows; {after.outcome}"
    return _answered(session, text, accused=name, right=after.found)


def _left(session: Session) -> Stage | None:
    """The stage here that is yours to fill in, or the next one; None in a hunt, and where there is none."""
    stages, here = session.timeline.machine.program.stages, max(session.position.done - 1, 0)
    left = [one for one in (*stages[here:], *stages[:here]) if one.left and not one.edited and one.name not in session.timeline.revealed]
    return left[0] if left and (not session.hunts or session.hunts[-1].over) else None


@command("hint", "play")
def hint(session: Session) -> Result:
    """Narrow the hunt down (stage, layer, mistake), or say the rule of the next line that is yours to fill in."""
    if stage := _left(session):
        program, shapes = session.timeline.machine.program, session.shapes
        return Result("hint", rule_of(program, replace(stage, left=False), session.cursor.style, shapes), {"name": stage.name})
    now = _present(session)
    hints = now.fault.hints(session.program)
    if now.hints == len(hints):
        raise CommandError(f"no more hints: {'; '.join(hints)}; 'reveal' gives up")
    after = _changed(session, replace(now, hints=now.hints + 1))
    return _answered(session, f"hint {after.hints} of {len(hints)}: {hints[now.hints]}", hint=hints[now.hints])


@command("reveal", "play")
def reveal(session: Session) -> Result:
    """Give up and reveal what was planted, or the formula of the next line that is yours to fill in."""
    if stage := _left(session):
        session.timeline.revealed |= {stage.name}
        return Result("value", str(stage), {"name": stage.name, "formula": stage.formula.text})
    _changed(session, replace(_present(session), revealed=True))
    return _answered(session)


@command("score", "play")
def score(session: Session) -> Result:
    """Show the hunts of this session, and how many were found without the check."""
    if not session.hunts:
        raise CommandError("no hunt has begun; 'hunt' hides a mistake to find")
    rows = list[str]()
    for number, hunt in enumerate(session.hunts, 1):
        outcome = hunt.outcome if hunt.over or number == len(session.hunts) else "left"
        where = f"in {hunt.fault.stage}, " * hunt.over
        rows.append(f"hunt {number}, seed {hunt.seed}: {outcome}, {where}{len(hunt.accused)} accused, {hunt.hints} hints")
    return _answered(session).also("\n".join([*rows, _score(session)]), rows=rows)


def _score(session: Session) -> str:
    game = game_of(session.hunts)
    return f"score {game.points}/{game.hunts}" if game else ""


@command("predict [on | off]", "play", keys="P")
def predict(session: Session, arguments: str = "") -> Result:
    """Ask about the next stage before each single step, or stop asking; without an argument, switch ('on 3/5' sets the tally)."""
    arguments = arguments or ("off" if session.predictions.on else "on")
    found = re.fullmatch(r"(on|off)(?:\s+(\d{1,9})/(\d{1,9}))?", arguments)
    if not found or int(found[2] or 0) > int(found[3] or 0):
        raise CommandError(f"'predict on', 'predict off', or with a tally 'predict on 3/5' is expected; found '{arguments}'")
    tally = {"right": int(found[2]), "answered": int(found[3])} if found[3] else {}
    session.predictions = replace(session.predictions, on=found[1] == "on", question=None, **tally)
    now = session.predictions
    text = f"predict is {'on: each single step first asks about the next stage' if now.on else 'off'}"
    text += f"; {now.right} of {now.answered} answers right" * bool(now.answered)
    return Result("info", text, {"predict": now.on, "right": now.right, "answered": now.answered})


def single_step(session: Session) -> Result | Move:
    """The next stage, or, where predicting is on, first the question about it; asked again, the stage without an answer."""
    position, predictions = session.position, session.predictions
    move = Move(by_stages(position, 1), "step")
    if not predictions.on or position.next is None:
        return move
    if session.question:
        session.predictions = replace(predictions, question=None)
        return replace(move, tell=lambda result: result.also(f"the question is skipped\n{result.text}"))
    stage = session.program.stages[position.done]
    question = question_of(stage, session.shapes[stage.name], session.program.scenario.seed, position.t)
    session.predictions = replace(predictions, question=question)
    text = f"{question.prompt}\n'answer …' runs the stage; 'step' skips the question"
    return Result("question", text, {"question": _data(question) | {"prompt": question.prompt}})


def _data(question: Question) -> dict[str, object]:
    return {"name": question.stage, "index": list(question.cell), "kind": question.kind}


@command("answer TEXT", "play")
def answer(session: Session, arguments: str) -> Move:
    """Answer the question about the next stage (a shape, a sign or a value), and run the stage to see."""
    question = session.question
    if question is None:
        raise CommandError("nothing is asked; after 'predict on' each single step asks about the next stage")
    given = read_answer(question.kind, arguments)

    def judged(result: Result) -> Result:
        """Whether that was right, and the shapes that go in, or where the number comes from."""
        machine, before = session.timeline.machine, session.predictions
        tensor, shapes = machine.tensor(question.stage), machine.shapes()
        right = is_right(question, given, tensor)
        session.predictions = replace(before, right=before.right + right, answered=before.answered + 1, question=None)
        if question.kind == "shape":
            said, actual = f"{question.stage} is {shape_text(tensor.shape)}", list(tensor.shape)
            formula = session.program.stage(question.stage).formula
            given_shapes = ", ".join(f"{name} {shape_text(shapes[name])}" for name in formula.names)
            why = [f"{given_shapes}: {why_shape(formula, shapes)}"]
        else:
            value = tensor[question.cell]
            said, actual = f"{cell_name(question.stage, question.cell)} = {short(float(value), 6)}", exact(value)
            why = session.explain(question.stage, question.cell).lines() if question.stage in machine.values() else []
        verdict = f"right: {said}" if right else f"wrong: {said}, not {arguments}"
        data = _data(question) | {"given": arguments, "right": right, "actual": actual}
        return result.also("\n".join([verdict, *why, result.text]), answer=data, tally=session.predictions.tally)

    return Move(by_stages(session.position, 1), "step", tell=judged)
