"""Scenario files: YAML to a checked scenario, every error with its place."""

from bpdebug.frontends.loader import load_scenario
from bpdebug.frontends.report import Problem, ScenarioError
from bpdebug.frontends.schema import json_schema
from bpdebug.frontends.shipped import ShippedScenario, shipped

__all__ = ["Problem", "ScenarioError", "ShippedScenario", "json_schema", "load_scenario", "shipped"]
