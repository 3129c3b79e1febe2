"""The scenario file as JSON Schema, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from bpdebug.frontends.schema import ROOT


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario file, made from the same table that the loader checks with."""
    heading = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bpdebug scenario",
        "description": "A network, its data and how it is trained.",
    }
    return heading | ROOT.json()
