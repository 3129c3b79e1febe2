from __future__ import annotations

import pytest
from debugger_scenarios import xor
from renamed import NONSENSE, renamed

from bpdebug.export.formats import FORMATS
from bpdebug.frontends import load_scenario
from bpdebug.look.obstacles import OBSTACLES
from bpdebug.session.command_completion import complete_command, meant
from bpdebug.session.commands import COMMANDS, in_order
from bpdebug.session.completion import complete_path
from bpdebug.session.session import Session
from bpdebug.time.conditions import CONDITIONS

STAGES = ["z1", "a1", "z2", "a2", "loss", "da2", "dz2", "dW2", "db2", "da1", "dz1", "dW1", "db1", "W1", "b1", "W2", "b2"]


@pytest.fixture(scope="module")
def known():
    session = Session(xor())
    for command in ("bookmark here", "break dz2", "watch loss", "display norm(W1)"):
        session.execute(command)
    return session


def found(text, known, cursor=None):
    completion = complete_command(text, len(text) if cursor is None else cursor, known)
    return completion.start, [candidate.word for candidate in completion.found]


def words(text, known):
    return found(text, known)[1]


def test_an_empty_line_offers_every_command_in_the_order_of_the_help(known):
    assert [word.strip() for word in words("", known)] == [command.name for command in in_order()]


def test_a_command_has_a_blank_after_it_where_something_may_follow(known):
    assert words("cont", known) == ["continue"]
    assert words("got", known) == ["goto "]
    assert words("wh", known) == ["where"]


def test_other_names_are_offered_with_the_command_that_they_stand_for(known):
    completion = complete_command("rs", 2, known)
    assert completion.found[0].word == "rs "
    assert completion.found[0].note.startswith("reverse-step: ")
    assert "s " not in words("s", known), "step is offered by its own name"


def test_a_count_may_stand_before_the_command(known):
    assert found("5 st", known) == (2, ["step "])
    assert found("12upd", known) == (2, ["update "])


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("goto la", 5, ["layer 1", "layer 2"]),
        ("goto layer ", 5, ["layer 1", "layer 2"]),
        ("goto 40:dz", 8, ["dz2", "dz1"]),
        ("g up", 2, ["update", "update "]),
        ("until ba", 6, ["backward"]),
        ("break dz2 ", 10, ["if "]),
        ("break 40:dz2 i", 13, ["if "]),
        ("break dz2 if max(abs(dz", 21, ["dz1", "dz2"]),
        ("watch W1 ", 9, ["sign", "ratio "]),
        ("watch loss ratio ", 17, []),
        ("history loss ", 13, ["for "]),
        ("history loss for ", 17, []),
        ("check dz2 ", 10, ["all", "sweep", "slope"]),
        ("check all ", 10, []),
        ("check dW", 6, ["dW2", "dW1"]),
        ("accuse dW", 7, ["dW2", "dW1"]),
        ("formula da", 8, ["da2", "da1"]),
        ("formula dz2 ", 12, ["= "]),
        ("formula dz2 = da", 14, ["da1", "da2"]),
        ("set learn", 4, ["learning_rate"]),
        ("set W1[", 4, ["W1[0,", "W1[1,"]),
        ("set W1[1,", 4, ["W1[1,0]", "W1[1,1]", "W1[1,2]", "W1[1,3]"]),
        ("set W1[1,2", 4, ["W1[1,2]"]),
        ("set W1[0,0,", 11, []),
        ("set loss[", 9, []),
        ("explain dW2[3,", 8, ["dW2[3,0]"]),
        ("print a1 @ W2 + lo", 16, ["loss", "log(", "log2(", "log10(", "log1p("]),
        ("jump ", 5, ["here"]),
        ("diff 'h", 5, ["'here"]),
        ("diff 0:dz2, 40:dW2", 15, ["dW2"]),
        ("diff 0:dz2 up", 11, ["update", "update "]),
        ("delete ", 7, ["1", "2", "all"]),
        ("delete 1 2", 9, ["2"]),
        ("ignore 2", 7, ["2"]),
        ("condition 1 max(abs(dz", 20, ["dz1", "dz2"]),
        ("undisplay ", 10, ["1"]),
        ("commands 1 print loss; wh", 23, ["where"]),
        ("commands 1 goto 40:dz", 19, ["dz2", "dz1"]),
        ("help rev", 5, ["reverse-into", "reverse-step", "reverse-next", "reverse-finish", "reverse-update", "reverse-epoch"]),
        ("format f", 7, ["fixed ", "full"]),
        ("notation ", 9, ["d", "delta", "partial"]),
        ("predict o", 8, ["on", "off"]),
        ("nothing at all", 14, []),
        ("step 3", 6, []),
        ("continue ", 9, []),
    ],
)
def test_the_usage_tells_what_may_follow(known, text, start, expected):
    place, offered = found(text, known)
    assert (place, offered[: max(len(expected), 1)]) == (start, expected)


def test_every_stage_is_a_location_and_says_its_formula(known):
    completion = complete_command("goto ", 5, known)
    assert [candidate.word for candidate in completion.found][: len(STAGES)] == STAGES
    assert completion.found[0].note == "z1 = x @ W1 + b1"


def test_every_location_that_is_offered_is_one():
    session = Session(load_scenario("residual"))
    known = session
    for word in words("goto ", known):
        session.execute(f"goto {word}" if not word.endswith(" ") else f"goto {word}3")
    for word in words("goto 7:", known):
        session.execute(f"goto 7:{word}")
        assert session.position.t - 7 * session.position.stages in range(session.position.stages + 1)


def test_every_gradient_that_is_offered_can_be_checked_and_every_condition_caught(known):
    session = Session(xor())
    for word in words("check d", known):
        assert session.execute(f"check {word}").data["ok"]
    assert [word.strip() for word in words("catch ", known)] == [*CONDITIONS, *OBSTACLES, "rising", "wrong", "non-finite"]


def test_the_words_of_a_hunt_do_not_give_the_mistake_away():
    plain, hunted = Session(load_scenario("xor")), Session(load_scenario("xor"))
    hunted.execute("hunt 3")
    notes = [[candidate.note for candidate in complete_command("accuse ", 7, session).found] for session in (plain, hunted)]
    assert notes[0] == notes[1]


def test_the_cursor_may_stand_within_the_line(known):
    assert found("got 40:dz2", known, cursor=3) == (0, ["goto "])
    assert found("goto dz if", known, cursor=7) == (5, ["dz2", "dz1"])


def test_every_beginning_of_every_usual_command_is_completed_without_fail(known):
    for text in ("break 40:dz2 if max(abs(dz2)) > 1", "set W1[0, 1] = 0.5", "commands 1 print loss; goto 3:a1", "diff 'here, update 3"):
        for cursor in range(len(text) + 1):
            completion = complete_command(text, cursor, known)
            assert 0 <= completion.start <= completion.end == cursor


def test_the_command_that_is_meant_is_known_from_its_name_or_a_clear_beginning():
    assert meant("goto 40:dz2") is COMMANDS["goto"]
    assert meant("rs") is COMMANDS["reverse-step"]
    assert meant("r") is None
    assert meant("") is None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("numbers.npz", "notes.txt", "net.yaml", ".hidden.npz"):
        (tmp_path / name).write_text("")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "step.npz").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_are_offered_with_the_endings_that_the_command_takes(folder, known):
    assert words("compare ", known) == ["mine/", "notes.txt", "numbers.npz"]
    assert found("compare mine/", known) == (13, ["step.npz"])
    assert words("compare .h", known) == [".hidden.npz"]
    assert words("source n", known) == ["net.yaml", "notes.txt", "numbers.npz"]
    assert words("compare nowhere/", known) == []
    assert words("source ~nobody-of-that-name/", known) == []
    assert words("source \0/", known) == []


def test_a_file_that_is_to_be_written_is_offered_with_every_ending(folder, known):
    endings = dict.fromkeys(row.ending for row in FORMATS.values())  # two formats share .py
    assert words("export out", known) == [f"out{ending}" for ending in endings]
    assert words("export out.h", known) == ["out.html"]
    assert words("export numbers.", known)[0] == "numbers.npz"


def test_the_home_folder_is_looked_into(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert [candidate.word for candidate in complete_path("~/ne").found] == ["net.yaml"]


def test_names_with_dots_and_brackets_are_completed():
    known = Session(renamed(xor(), NONSENSE["dotted"])[0])
    assert words("select offs", known) == ["offset[1].grad[", "offset[2].grad[", "offset[1][", "offset[2]["]
    assert words("select offset[2][", known) == ["offset[2][0,"]
    assert words("print blocks.1.ker", known) == ["blocks.1.kernel.grad", "blocks.1.kernel"]
