"""The settings file: what it may say, and what is said of its mistakes."""

from __future__ import annotations

import pytest

from bpdebug.core.numbers import NumberStyle
from bpdebug.frontends.report import ScenarioError
from bpdebug.session.commands import COMMANDS
from bpdebug.session.settings import Settings, load_settings, settings_file
from bpdebug.session.table import rebind


def written(tmp_path, text):
    path = tmp_path / "settings.yaml"
    path.write_text(text, "utf-8")
    return path


def test_without_a_file_everything_is_as_usual(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings_file() == tmp_path / "bpdebug" / "settings.yaml"
    assert load_settings() == Settings()


def test_theme_notation_and_keys(tmp_path):
    text = (
        "theme: bpdebug-light\nnotation: delta\nconvention: columns\nformat: fixed 3\nkeys:\n  step: [space, s]\n  check: f5\n  next: '5'\n"
    )
    found = load_settings(written(tmp_path, text))
    assert found == Settings(
        "bpdebug-light", "delta", "columns", NumberStyle("fixed", 3), {"step": ("space", "s"), "check": ("f5",), "next": ("5",)}
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keys: {stepp: s}", "settings.yaml:1:8: there is no command 'stepp': did you mean 'step'?"),
        ("keys:\n  step: two keys", "settings.yaml:2:3: 'two keys' is no key"),
        ("keys:\n  step: v", "settings.yaml:2:3: the key v belongs to check already"),
        ("keys: {step: 'y', next: 'y'}", "the key y belongs to"),
        ("theme: pink", "settings.yaml:1:8: unknown name 'pink'"),
        ("them: bpdebug-dark", "unknown key 'them': did you mean 'theme'?"),
        ("format: fixd 3", "settings.yaml:1:9: there is no format 'fixd'; did you mean 'fixed'?"),
        ("theme: bpdebug-dark\nformat: full 3", "settings.yaml:2:9: full takes no number of digits"),
        ("keys: 3", "expected lines such as these; found 3\n    keys:\n      check: [v, f5]"),
        ("[", "settings.yaml:"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, text, message):
    with pytest.raises(ScenarioError, match=r".") as caught:
        load_settings(written(tmp_path, text))
    assert message in str(caught.value)


def test_a_command_with_other_keys_shows_them_in_the_help(monkeypatch):
    monkeypatch.setitem(COMMANDS, "step", COMMANDS["step"])
    rebind({"step": ("space",)})
    assert COMMANDS["step"].keys == ("space",)
