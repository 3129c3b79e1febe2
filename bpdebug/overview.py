"""What the command tells of the whole program: its help and the scenarios that come with it. Neither needs NumPy."""

from __future__ import annotations

from typing import TextIO

USAGES = {
    "tour": ("tour [FILE]", "a guided tour in five steps, or your own"),
    "run": ("run SCENARIO -x COMMAND", "the same debugger without a screen, for scripts"),
    "explain": ("explain SCENARIO CELL", "where one number comes from"),
    "check": ("check SCENARIO", "check every derivative; status 1 if one is wrong"),
    "compare": ("compare SCENARIO FILE …", "your own numbers (npz, JSON, text), by stage"),
    "hunt": ("hunt [SCENARIO]", "find a mistake that is planted and not shown"),
    "export": ("export SCENARIO -o FILE", "one update worked out, in a file"),
    "record": ("record -o FILE.bpd train.py", "a training step of PyTorch, to be opened anywhere"),
    "new": ("new FILE", "a commented scenario of your own, to edit"),
    "screenshot": ("screenshot SCENARIO -o FILE", "a picture of the screen as SVG"),
    "schema": ("schema", "the scenario file's JSON Schema, for editors"),
}
"""The subcommands by name: how each is written with its main arguments, and in a few words what it does."""

_HELP = """\
usage: bpdebug [SCENARIO | SCRIPT [-- ARGUMENTS]]   or   bpdebug COMMAND ...

A step-through debugger for back-propagation. SCENARIO is a file or the name of
one that comes with bpdebug; SCRIPT, your train.py, nb.ipynb or -m pkg.train, is
run as a program with your rights (by run, explain, check, screenshot, too).

commands, each with its own --help:
{commands}
options:
  --list (scenarios that come with bpdebug), --fresh (without saved stops),
  --transcript FILE, --memory MB, --print-completion bash|zsh|fish, --version;
  of a script --python PATH, --stdin FILE, --loop and --loss train.py:LINE
example: bpdebug run xor -x "goto 999:a2" -x "print a2"
exit status: 0 success, 1 failed or wrong, 2 bad usage or file, 130 interrupted
"""


def help_text() -> str:
    """The help of the whole program, which fits a screen."""
    width = max(len(usage) for usage, _ in USAGES.values())
    return _HELP.format(commands="\n".join(f"  {usage:<{width}}  {text}" for usage, text in USAGES.values()))


def list_shipped(stream: TextIO) -> None:
    """The scenarios that come with the program, a line each."""
    from bpdebug.frontends.shipped import shipped  # noqa: PLC0415 - the help does without

    width = max((len(entry.name) for entry in shipped()), default=0)
    for entry in shipped():
        print(f"{entry.name:<{width}}  {entry.title}: {entry.description}", file=stream)
