"""Scenario files: YAML to a checked scenario, every error with its place."""

from bpdebug.scenario.jsonschema import json_schema
from bpdebug.scenario.loader import load_scenario
from bpdebug.scenario.report import Problem, ScenarioError
from bpdebug.scenario.shipped import ShippedScenario, shipped

__all__ = ["Problem", "ScenarioError", "ShippedScenario", "json_schema", "load_scenario", "shipped"]
