"""Scenario files: YAML to a checked scenario, every error with its place."""

from bpdebug.frontends.report import Problem, ScenarioError
from bpdebug.frontends.shipped import ShippedScenario, shipped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bpdebug.frontends.loader import load_scenario
    from bpdebug.frontends.schema import json_schema

__all__ = ["Problem", "ScenarioError", "ShippedScenario", "json_schema", "load_scenario", "shipped"]

_MODULES = {"load_scenario": "loader", "json_schema": "schema"}


def __getattr__(name: str) -> object:
    """What needs NumPy is imported when it is asked for: who only lists the shipped scenarios does without."""
    if name not in _MODULES:
        raise AttributeError(f"module 'bpdebug.frontends' has no attribute '{name}'")
    from importlib import import_module  # noqa: PLC0415 - as above

    return getattr(import_module(f"bpdebug.frontends.{_MODULES[name]}"), name)
