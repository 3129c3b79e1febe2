import re
import time

import numpy as np
import pytest
import yaml

from bpdebug.frontends import ScenarioError, load_scenario, nodes

HEAD = "network: {inputs: 1, layers: [{units: 1}]}\n"
FILES = {
    "ten megabytes of nesting": ("[" * 10_000_000, "more than 1 MiB"),
    "nested lists": ("[" * 1_000_000, "20 deep"),
    "nested block lists": ("- " * 500_000, "20 deep|not YAML"),
    "nested mappings": ("{a: " * 200_000, "20 deep|not YAML"),
    "nested keys": ("? " * 500_000, "expected a key|not YAML"),
    "a long flat list": ("x: [" + "1," * 500_000 + "]", "100,000 values"),
    "many keys": ("".join(f"{n}: 1\n" for n in range(100_000)), "100,000 values"),
    "an open quote": ("x: '" + "a" * 1_000_000, "this is not YAML"),
    "a bomb": ("a: &a [1, 1]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", "anchor"),
    "anchors": ("&a " * 300_000, "anchor"),
    "tags": ("!a " * 300_000, "tag"),
    "a long number": (HEAD + f"data: {{inputs: [{'9' * 900_000}], targets: [1]}}", "not finite"),
    "many columns": (f"network: {{inputs: [{', '.join(f'a{n}' for n in range(9000))}], layers: [{{units: 100000}}]}}", "'data' is missing"),
    "wide": ("network: {inputs: 1000000, layers: [{units: 1000000}]}\ndata: {inputs: [1], targets: [1]}", "parameters"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_quickly(tmp_path, name):
    text, words = FILES[name]
    path = tmp_path / "s.yaml"
    path.write_text(text)
    start = time.process_time()
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert time.process_time() - start < 2
    assert re.search(words, str(caught.value)), "our words; where the parser gives up first, no more than that it does"


@pytest.mark.parametrize(("text", "column"), [("[" * 500, 21), ("['[[[', \"{{{\", " + "{a: " * 500, 92)])
def test_a_parser_that_gives_up_on_the_depth_first_is_not_quoted(tmp_path, monkeypatch, text, column):
    class GivesUp:
        def __init__(self, text):
            self.mark = yaml.Mark("s", 400, 0, 400, None, 0)

        def get_event(self):
            raise yaml.scanner.ScannerError("while", self.mark, "some day it says this", self.mark)

    monkeypatch.setattr(nodes, "_PARSER", GivesUp)
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=rf"s.yaml:1:{column}: nested more than 20 deep"):
        load_scenario(path)


@pytest.mark.parametrize("parser", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_places_are_the_same_with_either_parser(tmp_path, monkeypatch, parser):
    monkeypatch.setattr(nodes, "_PARSER", parser)
    path = tmp_path / "s.yaml"
    path.write_text("# é\nname: 'ü'\nnetwork:\n  inputs: 1\n  layers: [{units: é1}]\ndata: {inputs: [1], targets: [é]}\n", "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert [(problem.line, problem.column) for problem in caught.value.problems] == [(5, 20), (6, 31)]


@pytest.mark.parametrize("parser", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_a_depth_of_twenty_is_read_and_one_more_refused(tmp_path, monkeypatch, parser):
    monkeypatch.setattr(nodes, "_PARSER", parser)
    path = tmp_path / "s.yaml"
    path.write_text("x: " + "[" * 19 + "]" * 19)
    with pytest.raises(ScenarioError, match="unknown key 'x'"):
        load_scenario(path)
    path.write_text("x: " + "[" * 20 + "]" * 20)
    with pytest.raises(ScenarioError, match=r"s.yaml:1:23: nested more than 20 deep"):
        load_scenario(path)


def test_a_batch_that_does_not_fit_is_refused_before_it_is_made(tmp_path):
    np.savez_compressed(tmp_path / "d.npz", x=np.zeros((2000, 1)), y=np.zeros(2000))
    path = tmp_path / "s.yaml"
    path.write_text("network: {inputs: 1, layers: [{units: 1000000}, {units: 1}]}\ndata: {file: d.npz}\ntraining: {epochs: 3}")
    with pytest.raises(ScenarioError, match=r"s.yaml:3:1: .* 2,000,002,000 intermediate values"):
        load_scenario(path)
    path.write_text(path.read_text().replace("epochs: 3", "batch_size: 10"))
    assert load_scenario(path).batches == 200


def test_nothing_in_a_scenario_is_run(tmp_path):
    path = tmp_path / "s.yaml"
    flag = tmp_path / "ran"
    path.write_text(f"{HEAD}data: {{inputs: [1], targets: [1]}}\nformulas: {{da1: \"open('{flag}', 'w')\"}}\n")
    with pytest.raises(ScenarioError, match="unknown function 'open'"):
        load_scenario(path)
    assert not flag.exists()
