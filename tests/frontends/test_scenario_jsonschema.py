import json
import re
from pathlib import Path

import pytest

from bpdebug.core.initializers import INITIALIZERS
from bpdebug.core.operations import ACTIVATIONS, LOSSES
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.frontends import json_schema, shipped
from bpdebug.frontends.nodes import Mapping, Scalar, parse, value_of
from bpdebug.frontends.report import Report

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": (int,),
    "number": (int, float),
}


def _is(value, kind):
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def valid(value, schema):
    """The part of JSON Schema that the scenario's schema uses; an unknown keyword fails loudly."""
    return all(CHECKS[key](value, rule, schema) for key, rule in schema.items())


def keys_of(value):
    """What a rule for objects looks at: of anything else, nothing."""
    return value.items() if isinstance(value, dict) else ()


CHECKS = {
    "type": lambda v, rule, s: any(_is(v, kind) for kind in ([rule] if isinstance(rule, str) else rule)),
    "enum": lambda v, rule, s: v in rule,
    "anyOf": lambda v, rule, s: any(valid(v, option) for option in rule),
    "minimum": lambda v, rule, s: v >= rule,
    "maximum": lambda v, rule, s: v <= rule,
    "exclusiveMaximum": lambda v, rule, s: v < rule,
    "minItems": lambda v, rule, s: len(v) >= rule,
    "uniqueItems": lambda v, rule, s: len(set(v)) == len(v),
    "items": lambda v, rule, s: all(valid(item, rule) for item in v),
    "required": lambda v, rule, s: all(key in v for key in rule),
    "pattern": lambda v, rule, s: re.search(rule, v) is not None,
    "properties": lambda v, rule, s: all(valid(item, rule[key]) for key, item in keys_of(v) if key in rule),
    "additionalProperties": lambda v, rule, s: all(
        key in s.get("properties", {}) or (rule is not False and valid(item, rule)) for key, item in keys_of(v)
    ),
    "dependentSchemas": lambda v, rule, s: all(valid(v, then) for key, then in rule.items() if key in dict(keys_of(v))),
    **dict.fromkeys(("description", "default", "title", "$schema"), lambda v, rule, s: True),
}


def plain(node):
    if isinstance(node, Scalar):
        return value_of(node)
    if isinstance(node, Mapping):
        return {name: plain(value) for name, (_, value) in node.entries.items()}
    return [plain(item) for item in node.items]


def read(text):
    return plain(parse(text, Report("s")))


@pytest.mark.parametrize("path", [entry.path for entry in shipped()], ids=lambda path: path.stem)
def test_the_shipped_files_are_valid(path):
    assert valid(read(Path(path).read_text()), json_schema())


SMALL = "network: {inputs: 1, layers: [{units: 1}]}\ndata: {inputs: [1, 2], targets: [3, 4]}\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("units: 1", "units: 0"),
        ("units: 1", "units: 1.5"),
        ("units: 1", "units: 1, slope: 2"),
        ("units: 1", "units: 1, activation: tahn"),
        ("{units: 1}", ""),
        ("data: ", "date: "),
        ("targets", "target"),
        ("[1, 2]", "[[1], x]"),
        ("network", "optimizer: {name: adam, momentum: 0.5}\nnetwork"),
        ("network", "optimizer: {momentum: 1}\nnetwork"),
        ("network", "loss: {delta: 1}\nnetwork"),
        ("network", "debug: {watches: a}\nnetwork"),
    ],
)
def test_what_the_loader_refuses_is_not_valid(old, new):
    assert valid(read(SMALL), json_schema())
    assert not valid(read(SMALL.replace(old, new)), json_schema())


def test_constants_are_allowed_with_their_row():
    text = SMALL.replace("units: 1", "units: 1, activation: leaky_relu, slope: 2") + "optimizer: {momentum: 0.5}\n"
    assert valid(read(text + "loss: {function: huber, delta: 1}\nparameters: {initializer: {name: normal, std: 2}}"), json_schema())


def test_it_names_what_the_engine_has():
    text = json.dumps(json_schema())
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert all(json.dumps(list(table)) in text for table in (ACTIVATIONS, LOSSES, OPTIMIZERS, INITIALIZERS))


def test_every_key_is_described():
    def undescribed(schema, where):
        for name, part in schema.get("properties", {}).items():
            if not part.get("description"):
                yield f"{where}.{name}"
            yield from undescribed(part, f"{where}.{name}")
        for part in [schema.get("items", {}), *schema.get("anyOf", [])]:
            yield from undescribed(part, where) if part else ()

    assert list(undescribed(json_schema(), "")) == []


def test_ranges_and_defaults_are_told():
    parts = json_schema()["anyOf"][1]["properties"]
    assert parts["training"]["properties"]["epochs"] | {"description": ""} == {
        "type": "integer",
        "minimum": 1,
        "maximum": 10**9,
        "default": 1000,
        "description": "",
    }
    rate, delta = parts["optimizer"]["properties"]["learning_rate"], parts["loss"]["properties"]["delta"]
    assert (rate["anyOf"][0]["minimum"], "default" in rate) == (0, False)  # it depends on the optimizer
    assert delta["default"] == 1
