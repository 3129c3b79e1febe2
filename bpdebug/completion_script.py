"""Completion for shells, made from the same table as the command line."""

from __future__ import annotations

import argparse

from bpdebug.frontends import shipped
from bpdebug.subcommands import SUBCOMMANDS

SHELLS = ("bash", "zsh", "fish")


def completion(shell: str) -> str:
    """The script that a shell is to read, such as ``eval "$(bpdebug --print-completion bash)"``."""
    import shtab  # noqa: PLC0415

    parser = argparse.ArgumentParser("bpdebug")
    commands = parser.add_subparsers()
    for name, subcommand in SUBCOMMANDS.items():
        subcommand.arguments(commands.add_parser(name, help=subcommand.help))
    for entry in shipped():
        commands.add_parser(entry.name, help=entry.title)
    script: str = shtab.complete(parser, shell=shell)
    return script
