"""The panes, a file each: whatever is in this folder is registered when the app starts."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from bpdebug.ui.pane import REGISTERED, Pane

for _found in iter_modules(__path__):
    import_module(f"{__name__}.{_found.name}")

PANES: dict[str, type[Pane]] = dict(sorted(REGISTERED.items(), key=lambda entry: entry[1].key))
"""All panes by name, in the order of their keys."""
