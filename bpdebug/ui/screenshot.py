"""Pictures of the app without a terminal, as SVG."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from bpdebug.core.description import Scenario
from bpdebug.session.session import Session
from bpdebug.ui.app import DebuggerApp
from bpdebug.ui.draw.roles import DARK


async def picture(
    scenario: Scenario | None,
    commands: Iterable[str] = (),
    keys: Iterable[str] = (),
    size: tuple[int, int] = (120, 36),
    theme: str = DARK.name,
) -> str:
    """The app as it looks after the commands and then the keys.

    Args:
        scenario: what to debug, or None for the list of shipped scenarios.
        commands: as typed at the prompt.
        keys: as Textual names them.
        size: columns and rows of the terminal.
        theme: ``bpdebug-dark``, ``bpdebug-light``, or one of Textual's.

    Raises:
        BpdebugError: where a command cannot be carried out.
    """
    app = DebuggerApp(Session(scenario) if scenario else None)
    app.theme = theme
    async with app.run_test(size=size) as pilot:
        for command in commands:
            if app.session:
                app.session.execute(command)
        app.show()
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        return app.export_screenshot(simplify=True)


def take_picture(scenario: Scenario, commands: Iterable[str], size: tuple[int, int], theme: str) -> str:
    """:func:`picture` for callers that are not asynchronous."""
    return asyncio.run(picture(scenario, commands, (), size, theme))
