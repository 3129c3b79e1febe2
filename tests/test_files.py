"""Every file that is read, and every file that is written, whatever stands in its place."""

from __future__ import annotations

import ast
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bpdebug import cli
from bpdebug.core.errors import BpdebugError
from bpdebug.frontends import load_scenario
from bpdebug.session.prompt_history import history_file, keep_history, load_history
from bpdebug.session.session import Session
from bpdebug.session.settings import load_settings
from bpdebug.session.state import keep_stops, restore_stops, state_file
from bpdebug.session.table import COMMANDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes, devices and links as POSIX has them")
GOOD = "network: {inputs: 1, layers: [{units: 1}]}\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A directory of its own to work in, and one for the user's files."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "bpdebug").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def told(act):
    """What an error says."""
    with pytest.raises(BpdebugError) as caught:
        act()
    return str(caught.value)


def listening(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def looped(path):
    path.symlink_to(path.name)


HOSTILE = {
    "a device": (lambda path: path.symlink_to("/dev/zero"), "this is a device; expected "),
    "a pipe that nobody writes": (os.mkfifo, "this is a pipe; expected "),
    "a directory": (os.mkdir, "this is a directory; expected "),
    "a socket": (listening, "this is a socket; expected "),
    "a link to itself": (looped, "this symbolic link leads round in a circle"),
    "too long": (lambda path: path.touch() or os.truncate(path, 2**40), "more than "),
    "nothing": (lambda path: None, "no such file"),
}


def source(path):
    return told(lambda: Session(load_scenario("xor")).execute(f"source {path}"))


def script(path, capsys):
    assert cli.main(["run", "xor", "--script", str(path)]) == 2
    return capsys.readouterr().err


def compare(path):
    return told(lambda: Session(load_scenario("xor")).execute(f"compare {path}"))


def scenario(path):
    return told(lambda: load_scenario(path))


def data(path):
    Path("s.yaml").write_text(f"{GOOD}data: {{file: {path.name}, inputs: [a], targets: [b]}}\n")
    text = told(lambda: load_scenario("s.yaml"))
    assert text.startswith("s.yaml:2:14: ")
    return text


READERS = {
    "source": (source, "commands.bp"),
    "--script": (script, "commands.bp"),
    "compare": (compare, "mine.npz"),
    "a scenario": (scenario, "mine.yaml"),
    "data as CSV": (data, "mine.csv"),
    "data as npz": (data, "mine.npz"),
    "settings": (lambda path: told(lambda: load_settings(path)), "settings.yaml"),
}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_to_read_is_told_before_it_is_read(reader, hostile, here, capsys):
    read, name = READERS[reader]
    if (reader, hostile) == ("settings", "nothing"):
        return
    make, words = HOSTILE[hostile]
    make(here / name)
    begin = time.process_time()
    text = read(here / name, capsys) if read is script else read(here / name)
    assert words in text.replace("does not exist", "no such file")
    assert name in text
    assert "did you mean" not in text
    assert time.process_time() - begin < 2


LONG = "n" * 300


@pytest.mark.parametrize("name", [LONG, "nul\0", "~nobody-is-called-so/x", "\udcff", "file/inside", f"{LONG}/x", "~/nothing"])
@pytest.mark.parametrize("command", ["source", "compare", "save", "export"])
def test_a_name_that_no_file_can_have_is_refused_by_every_command(command, name, here):
    Path("file").touch()
    if (command, name) not in {("save", "\udcff"), ("save", "~/nothing"), ("export", "\udcff"), ("export", "~/nothing")}:
        told(lambda: Session(load_scenario("xor")).execute(f"{command} {name}{'.npz' if command == 'export' else ''}"))


@pytest.mark.parametrize("name", [LONG, '"nul\\0"', "~nobody-is-called-so/x", "file/inside", f"{LONG}/x", "dangling"])
@pytest.mark.parametrize("ending", [".csv", ".npz"])
def test_a_data_file_that_cannot_be_opened_has_a_place(name, ending, here):
    Path("file").touch()
    Path("dangling").symlink_to("nowhere")
    name = f'{name[:-1]}{ending}"' if name.startswith('"') else f"{name}{ending}"
    Path("s.yaml").write_text(f"{GOOD}data: {{file: {name}, inputs: [a], targets: [b]}}\n")
    assert told(lambda: load_scenario("s.yaml")).startswith("s.yaml:2:")


def bpdebug(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "bpdebug", *arguments], capture_output=True, timeout=60, check=False, text=True, **options)


def test_scripts_come_through_the_pipes_of_the_process():
    reading, writing = os.pipe()
    os.write(writing, b"step 3\n")
    os.close(writing)
    done = bpdebug(
        "run", "xor", "--script", f"/dev/fd/{reading}", "--script", "/dev/stdin", "-x", "where", input="step\n", pass_fds=[reading]
    )
    os.close(reading)
    assert done.stderr == ""
    assert "stage 4/17" in done.stdout


@pytest.mark.parametrize("path", ["-", "/dev/stdin"])
def test_a_script_without_an_end_is_not_read_to_it(path):
    with Path("/dev/zero").open() as zeros:
        done = bpdebug("run", "xor", "--script", path, stdin=zeros)
    assert done.returncode == 2
    assert "more than" in done.stderr


STATE = {"stops": lambda: state_file(load_scenario("xor").source), "history": history_file}
BYTES = {
    "random bytes": bytes(range(255, 100, -1)),
    "another encoding": "break dz2 # é\n".encode("latin-1"),
    "far too long": b"break dz2\n" * 200_000,
}


@pytest.mark.parametrize("hostile", [*HOSTILE, *BYTES])
@pytest.mark.parametrize("kind", STATE)
def test_a_state_file_that_cannot_be_read_is_told_and_kept_aside(kind, hostile, here):
    path = STATE[kind]()
    if hostile in BYTES:
        path.write_bytes(BYTES[hostile])
    else:
        HOSTILE[hostile][0](path)
    before = os.lstat(path) if hostile != "nothing" else None
    session = Session(load_scenario("xor"))
    history = load_history()
    wrong = restore_stops(session)[1] if kind == "stops" else history.wrong
    aside = path.with_name(f"{path.name}.unread1")
    assert len(wrong) == (hostile != "nothing")
    assert all(str(path) in line and aside.name in line for line in wrong)
    if before:
        assert os.path.samestat(os.lstat(aside), before)
    session.execute("break dz1")
    history.add("step")
    keep_stops(session)
    keep_history(history)
    assert (restore_stops(Session(load_scenario("xor"))), load_history().lines) == ((1, []), ["step"])


def test_what_is_kept_aside_is_never_written_over():
    path = STATE["stops"]()
    for text in ("one", "two"):
        path.write_text(f"# {text}\nquit\n")
        restore_stops(Session(load_scenario("xor")))
    assert [path.with_name(f"{path.name}.unread{n}").read_text() for n in (1, 2)] == ["# one\nquit\n", "# two\nquit\n"]


# fmt: off
STRANGE = [
    "set W1[0,0] = 7", "save evil.bp", "sav evil.bp", "export evil.npz", "source other.bp", "quit", "goto end", "step", "5s", "check",
    "formula dz2 = a2", "undo", "delete 1", "hunt 3", "commands 1 print loss", "bookmark here", "not a command", "compare mine.npz",
    "disable all", "enable last",
]
# fmt: on


@pytest.mark.parametrize("line", STRANGE)
def test_of_a_state_file_only_stops_are_carried_out(line, here):
    path, session = STATE["stops"](), Session(load_scenario("xor"))
    Path("other.bp").write_text("save evil.bp\n")
    path.write_text(f"break dz2\n{line}\nwatch W1\n")
    before = session.position, session.value("W1").tobytes()
    done, wrong = restore_stops(session)
    assert done == 2
    assert wrong[0].startswith(f"{path}:2: {line}: ")
    assert (session.position, session.value("W1").tobytes()) == before
    assert [stop.text for stop in session.stops.all.values()] == ["dz2", "W1"]
    assert not Path("evil.bp").exists()
    assert not session.timeline.edits
    keep_stops(session)
    assert restore_stops(Session(load_scenario("xor"))) == (2, [])


ATTACHED = [
    "print loss", "explain", "where", "list", "health", "history loss for 3", "display loss", "info", "bt", "predictions", "paths W2[0,0]",
    "check dW1", "select W1[0,0]", "p loss",
]  # fmt: skip


def test_a_state_file_may_attach_to_a_stop_what_looks():
    path, session = STATE["stops"](), Session(load_scenario("xor"))
    path.write_text(f"break dz2\ncommands last {'; '.join(ATTACHED)}\n")
    assert restore_stops(session) == (2, [])
    assert keep_stops(session) == ""


@pytest.mark.parametrize("command", [command for command in COMMANDS.values() if command.group != "look"], ids=lambda command: command.name)
def test_a_state_file_attaches_nothing_to_a_stop_that_acts(command):
    if command.name in ("info", "display"):
        return
    path, session = STATE["stops"](), Session(load_scenario("xor"))
    path.write_text(f"break dz2\ncommands last {command.name} 1\n")
    done, wrong = restore_stops(session)
    assert (done, [stop.commands for stop in session.stops.all.values()]) == (1, [()])
    assert wrong[0] == f"{path}:2: commands last {command.name} 1: '{command.name} 1' is not carried out from here"


ACTING = [
    "save evil.bp", "sa evil.bp", "export evil.npz", "source other.bp", "quit", "commands 1 save evil.bp", "q", "set W1[0,0] = 7",
    "formula dz1 = da1", "goto 0", "hunt 3", "undo", "copy W1", "compare mine.npz", "5s", "set learning_rate = 9",
]  # fmt: skip


@pytest.mark.parametrize("attached", ACTING)
def test_what_a_state_file_attaches_to_a_stop_writes_nothing_and_does_not_leave(attached, here):
    path, session = STATE["stops"](), Session(load_scenario("xor"))
    Path("other.bp").write_text("save evil.bp\n")
    path.write_text(f"break dz2\ncommands last print loss; {attached}\nignore last 2\n")
    assert attached in restore_stops(session)[1][0]
    for _ in range(5):
        assert session.execute("continue").type == "stop"
    assert [(stop.text, stop.commands) for stop in session.stops.all.values()] == [("dz2", ())]
    assert sorted(entry.name for entry in here.iterdir()) == ["other.bp"]


def test_attached_commands_that_may_not_come_back_are_not_kept(here):
    session = Session(load_scenario("xor"))
    session.execute("break dz2")
    session.execute("commands last save here.bp; print loss; commands 1 quit")
    assert keep_stops(session).endswith("are not kept ('save' keeps them): save here.bp; commands 1 quit")
    fresh = Session(load_scenario("xor"))
    assert restore_stops(fresh) == (2, [])
    assert [stop.commands for stop in fresh.stops.all.values()] == [("print loss",)]


def texts():
    fresh = Session(load_scenario("xor"))
    restore_stops(fresh)
    return [stop.text for stop in fresh.stops.all.values()] + list(fresh.displays.values())


def test_two_sessions_on_one_file_keep_what_either_has_added_and_lose_what_either_has_removed():
    begun = Session(load_scenario("xor"))
    for command in ("break dz2", "watch W1", "display loss"):
        begun.execute(command)
    keep_stops(begun)
    first, second = Session(load_scenario("xor")), Session(load_scenario("xor"))
    restore_stops(first)
    restore_stops(second)
    for session, commands in ((first, ("delete 1", "break da1")), (second, ("break dz1", "display norm(W1)", "undisplay 1", "disable 2"))):
        for command in commands:
            session.execute(command)
    keep_stops(first)
    keep_stops(second)
    assert texts() == ["W1", "da1", "dz1", "norm(W1)"]
    keep_stops(first)
    assert texts() == ["W1", "da1", "dz1", "norm(W1)"], "what has not changed here is not written again"


def test_of_equal_stops_as_many_are_kept_as_there_are():
    session = Session(load_scenario("xor"))
    for command, left in (("break dz2", 1), ("break dz2", 2), ("break dz2", 3), ("delete 1", 2), ("delete 3", 1)):
        session.execute(command)
        keep_stops(session)
        assert texts() == ["dz2"] * left


def test_of_two_sessions_that_change_the_same_stop_the_later_one_is_right():
    begun = Session(load_scenario("xor"))
    begun.execute("break dz2")
    begun.execute("watch W1")
    keep_stops(begun)
    sessions = [Session(load_scenario("xor")) for _ in range(3)]
    for session, commands in zip(sessions, (("disable 1",), ("ignore 1 9",), ("commands 2 print loss", "break dz2")), strict=True):
        restore_stops(session)
        for command in commands:
            session.execute(command)
    for session in sessions:
        keep_stops(session)
    fresh = Session(load_scenario("xor"))
    restore_stops(fresh)
    found = [(stop.text, stop.enabled, stop.ignore, stop.commands) for stop in fresh.stops.all.values()]
    assert found == [("dz2", True, 9, ()), ("W1", True, 0, ("print loss",)), ("dz2", True, 0, ())]


@pytest.mark.parametrize("folder", ["a" * 100, "漢" * 80, "é" * 100, "x漢" * 60])
def test_a_long_path_is_kept_whatever_it_is_written_in(folder, here):
    place = here / folder / folder / folder
    place.mkdir(parents=True)
    (place / "mine.yaml").write_text(Path(load_scenario("xor").source).read_text())
    session = Session(load_scenario(str(place / "mine.yaml")))
    session.execute("break dz2")
    keep_stops(session)
    assert restore_stops(Session(session.program.scenario)) == (1, [])


def test_many_sessions_that_end_at_once_keep_the_stops_of_all():
    names = [stage.name for stage in Session(load_scenario("xor")).program.stages]
    sessions = []
    for name in names:
        sessions.append(Session(load_scenario("xor")))
        sessions[-1].execute(f"break {name}")
    threads = [threading.Thread(target=keep_stops, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(texts()) == sorted(names)


def test_a_name_with_a_line_end_adds_no_line_to_what_is_kept(here):
    Path("a\nbreak dz1\n.yaml").write_text((Path(load_scenario("xor").source)).read_text())
    session = Session(load_scenario("a\nbreak dz1\n.yaml"))
    session.execute("display loss")
    keep_stops(session)
    assert restore_stops(Session(load_scenario("a\nbreak dz1\n.yaml"))) == (1, [])
    session.execute("save s.bp")
    assert Session(load_scenario("xor")).execute("source s.bp").type == "script"


OPENING = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "touch", "unlink"}
ELSEWHERE = {
    "cli.py": "to the null device, where standard output is gone",
    "arrays.py": "a member of a zip file",
    "session/rescue.py": "an empty file, to take a name that nobody has",
    "session/state.py": "a directory, to lock it",
    "export/html.py": "a part of the program",
    "frontends/shipped.py": "a part of the program",
    "frontends/start.py": "a part of the program",
    "look/legend.py": "a part of the program",
    "recorder/__main__.py": "the null device, in the place of standard input",
    "recorder/sources.py": "the user's script, in its own process, which has nothing else of bpdebug",
    "recorder/watched.py": "where the script is, in the script's process",
    "frontends/numpy_script/child.py": "the file that asks the script's process to say where it is",
    "ui/running_screen.py": "the user's script as it is on the disk, to show it",
    "torch_recorder/writing.py": "a recording of PyTorch's, in the script's process, beside its name until it is whole",
    "recorder/stream.py": "the recording, in the script's process, into a directory that was made for it",
}


def test_files_are_opened_in_one_place():
    package, found = Path(cli.__file__).parent, set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and OPENING & {
                getattr(node.func, "attr", ""),
                "open" if ast.unparse(node.func) == "open" else "",
            }:
                found.add(path.relative_to(package).as_posix())
    assert found == {"files.py", *ELSEWHERE}


def save(path):
    Session(load_scenario("xor")).execute(f"save {path}")


def export(path):
    Session(load_scenario("xor")).execute(f"export {path}")


def transcript(path):
    session = Session(load_scenario("xor"))
    session.transcribe(path)
    session.execute("where")


def by_command(*arguments):
    def write(path):
        if cli.main([*arguments, str(path)]):
            raise BpdebugError("told on standard error")

    return write


WRITERS = {
    "save": (save, "kept.bp"),
    "export": (export, "kept.npz"),
    "bpdebug export": (by_command("export", "xor", "-o"), "kept.html"),
    "bpdebug screenshot": (by_command("screenshot", "xor", "--size", "80x24", "-o"), "kept.svg"),
    "--transcript": (transcript, "kept.txt"),
}


@pytest.fixture(params=WRITERS)
def writer(request, here):
    write, name = WRITERS[request.param]
    return write, here / name


def test_a_file_that_is_replaced_keeps_its_permissions_and_nothing_is_left_beside_it(writer):
    write, path = writer
    path.write_text("old")
    path.chmod(0o640)
    write(path)
    assert path.read_bytes() not in (b"old", b"")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("old", ["old", None])
def test_a_symbolic_link_is_followed(writer, old, here):
    write, path = writer
    (here / "elsewhere").mkdir()
    target = here / "elsewhere" / "target"
    if old:
        target.write_text(old)
    path.symlink_to(Path("elsewhere") / "target")
    write(path)
    assert path.is_symlink()
    assert target.read_bytes() not in (b"old", b"")
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("hostile", ["a directory", "a socket", "a link to itself", "a pipe that nobody writes"])
def test_what_is_no_file_to_write_is_left_as_it_is(writer, hostile):
    write, path = writer
    HOSTILE[hostile][0](path)
    before = os.lstat(path)
    told(lambda: write(path))
    assert os.path.samestat(os.lstat(path), before)
    assert list(path.parent.iterdir()) == [path]


def test_devices_are_written_to_and_stay_devices(writer, here):
    write, path = writer
    path.symlink_to("/dev/null")
    write(path)
    path.unlink()
    if Path("/dev/full").exists():
        path.symlink_to("/dev/full")
        told(lambda: write(path))
    assert all(stat.S_ISCHR(device.stat().st_mode) for device in (Path("/dev/null"), Path("/dev/full")) if device.exists())


def test_a_pipe_is_written_to_while_somebody_reads_it(writer):
    write, path = writer
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    while reader.is_alive():
        with suppress(BpdebugError):  # it may not have begun to read, or be done
            write(path)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_what_is_printed_to_is_written_in_its_turn(here):
    with Path("out").open("w") as out:
        command = [
            sys.executable,
            "-m",
            "bpdebug",
            "run",
            "xor",
            "-x",
            "where",
            "-x",
            "save /dev/stdout",
            "-x",
            "save out",
            "-x",
            "print m",
        ]
        assert subprocess.run(command, stdout=out, timeout=60, check=False).returncode == 0
    lines = Path("out").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["update", "epoch", "#", "goto", "saved", "#", "goto", "saved", "m"]


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everything")
def test_a_write_protected_file_is_not_replaced(writer):
    write, path = writer
    path.write_text("old")
    path.chmod(0o400)
    told(lambda: write(path))
    assert path.read_text() == "old"


@pytest.mark.parametrize("failing", ["os.fsync", "pathlib.Path.replace"])
def test_when_writing_fails_the_old_file_stays_and_nothing_is_left_beside_it(failing, writer, monkeypatch):
    write, path = writer
    path.write_text("old")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(failing, full)
        told(lambda: write(path))
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_name_as_long_as_a_name_can_be_is_written(here):
    Session(load_scenario("xor")).execute(f"save {'n' * 255}")
    assert [len(path.name) for path in here.iterdir()] == [255]


def test_a_transcript_that_cannot_go_on_ends_and_the_session_does_not(here):
    session = Session(load_scenario("xor"))
    session.transcribe(Path("notes.txt"))
    Path("notes.txt").unlink()
    Path("notes.txt").mkdir()
    assert "notes.txt: this is a directory" in told(lambda: session.execute("step"))
    assert session.position.t == 1
    session.execute("step")
