"""Scenario files: YAML to a checked scenario, every error with its place."""
