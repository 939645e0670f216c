"""Folders are put in place as files are; what killed runs leave is cleared, and nothing else."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import clean_environment

from groupconv_cli import files, staging
from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.files import Wanted, all_written_whole, written_whole

MARK = "saved_model.pb"


def write_folder(target: Path, text: str, *, force: bool = False, meanwhile=lambda: None) -> None:
    """Writes a folder with one file; `meanwhile` happens before it is put in its place."""
    with all_written_whole([Wanted(target, force, MARK)]) as (temporary,):
        temporary.mkdir()
        (temporary / MARK).write_text(text)
        meanwhile()


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_folder_is_written_and_replaced_with_force_only(tmp_path: Path) -> None:
    target = tmp_path / "sm"
    write_folder(target, "old")
    with pytest.raises(UsageError, match="exists already; --force replaces it"):
        write_folder(target, "new")
    assert content(target) == {MARK: "old"}
    write_folder(target, "new", force=True)
    assert content(target) == {MARK: "new"}
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("made", [{"precious.txt": "mine"}, {MARK: "another build's"}, {}])
def test_a_folder_that_came_to_be_meanwhile_is_not_replaced(tmp_path: Path, made) -> None:
    target = tmp_path / "sm"

    def meanwhile() -> None:
        target.mkdir()
        for name, text in made.items():
            (target / name).write_text(text)

    with pytest.raises(UsageError, match=r"sm exists already|sm is a folder of other things"):
        write_folder(target, "new", meanwhile=meanwhile)
    assert content(target) == made
    assert list(tmp_path.iterdir()) == [target]


def test_with_force_too_a_folder_of_other_things_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "sm"
    write_folder(target, "old")

    def meanwhile() -> None:
        (target / MARK).unlink()
        (target / "precious.txt").write_text("mine")

    with pytest.raises(UsageError, match="a folder of other things"):
        write_folder(target, "new", force=True, meanwhile=meanwhile)
    assert content(target) == {"precious.txt": "mine"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
@pytest.mark.parametrize("fails_at", [1, 2])
def test_whatever_is_raised_between_the_two_renames_the_old_folder_is_there(
    tmp_path: Path, monkeypatch, error, fails_at: int
) -> None:
    target = tmp_path / "sm"
    write_folder(target, "old")
    rename, calls = Path.rename, 0

    def failing(self: Path, to: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise error
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises((KeyboardInterrupt, EnvironmentProblem)):
        write_folder(target, "new", force=True)
    monkeypatch.undo()
    assert content(target) == {MARK: "old"}
    assert list(tmp_path.iterdir()) == [target]


def test_a_signal_during_the_renames_waits_until_they_are_done(tmp_path: Path, monkeypatch) -> None:
    target = tmp_path / "sm"
    write_folder(target, "old")
    rename = Path.rename

    def signalled(self: Path, to: Path) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        return rename(self, to)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(Path, "rename", signalled)
    try:
        with pytest.raises(KeyboardInterrupt):
            write_folder(target, "new", force=True)
    finally:
        signal.signal(signal.SIGINT, handler)
    monkeypatch.undo()
    assert content(target) in ({MARK: "old"}, {MARK: "new"})
    assert list(tmp_path.iterdir()) == [target]


def test_of_several_all_are_put_in_place_or_none(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("a.txt", "b.txt", "sm"))
    first.write_text("old a")
    write_folder(third, "old")

    def write_all() -> None:
        wanted = [Wanted(first, True), Wanted(third, True, MARK), Wanted(second, False)]
        with all_written_whole(wanted) as (a, c, b):
            a.write_text("new a")
            b.write_text("new b")
            c.mkdir()
            (c / MARK).write_text("new")
            second.write_text("somebody else's")

    with pytest.raises(UsageError, match=r"b\.txt exists already"):
        write_all()
    assert first.read_text() == "old a"
    assert second.read_text() == "somebody else's"
    assert content(third) == {MARK: "old"}
    assert sorted(tmp_path.iterdir()) == sorted([first, second, third])


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_that_replaces_another_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    target.chmod(mode)
    with written_whole(target, force=True) as temporary:
        temporary.write_text("new")
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert target.read_text() == "new"


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    before = os.umask(0o027)
    try:
        with written_whole(target, force=True) as temporary:
            temporary.write_text("new")
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


KILLED = """
import os, sys, time
from pathlib import Path
from groupconv_cli.files import Wanted, all_written_whole
target, move = Path(sys.argv[1]), sys.argv[2]
with all_written_whole([Wanted(target, True, "saved_model.pb")]) as (temporary,):
    temporary.mkdir()
    if move:
        (temporary.parent / ".gconv-replaced").mkdir()
        target.rename(temporary.parent / ".gconv-replaced" / target.name)
    print("there", flush=True)
    time.sleep(60)
"""


def begun(target: Path, move: str = "") -> subprocess.Popen[str]:
    """A run that has begun to write the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, target, move],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    return process


def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    target = tmp_path / "sm"
    process = begun(target)
    process.kill()
    process.wait()
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(staging.SUFFIX)
    write_folder(tmp_path / "other", "x")
    assert list(tmp_path.iterdir()) == [tmp_path / "other"]


def test_a_folder_that_a_killed_run_had_moved_away_is_put_back(tmp_path: Path) -> None:
    target = tmp_path / "sm"
    write_folder(target, "precious")
    process = begun(target, "move")
    process.kill()
    process.wait()
    assert not target.exists()
    write_folder(tmp_path / "other", "x")
    assert content(target) == {MARK: "precious"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "sm"]


def test_a_folder_of_a_run_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    process = begun(tmp_path / "sm")
    try:
        write_folder(tmp_path / "other", "x")
        assert len(list(tmp_path.iterdir())) == 2
    finally:
        process.kill()
        process.wait()


def test_only_temporary_folders_are_cleared(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "precious.txt").write_text("mine")
    named = {kind: f".{kind}-abcd1234{staging.SUFFIX}" for kind in ("link", "file", "folder")}
    assert all(map(staging.OWN.fullmatch, named.values()))
    (tmp_path / named["link"]).symlink_to(tmp_path / "there")
    (tmp_path / named["file"]).write_text("mine")
    (tmp_path / named["folder"]).mkdir()
    (tmp_path / f"folder{staging.SUFFIX}").mkdir()
    write_folder(tmp_path / "other", "x")
    assert content(tmp_path / "there") == {"precious.txt": "mine"}
    assert (tmp_path / named["file"]).read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [named["file"], named["link"], f"folder{staging.SUFFIX}", "other", "there"]
    )


def test_a_temporary_folder_of_another_user_is_left_alone(tmp_path: Path, monkeypatch) -> None:
    theirs = tmp_path / f".folder-abcd1234{staging.SUFFIX}"
    theirs.mkdir()
    me = os.geteuid()
    monkeypatch.setattr(staging.os, "geteuid", lambda: me + 1)
    write_folder(tmp_path / "other", "x")
    assert theirs.is_dir()
    monkeypatch.undo()
    write_folder(tmp_path / "another", "x")
    assert not theirs.exists()


def test_of_two_runs_to_one_name_one_wins(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from groupconv_cli.errors import UsageError\n"
        "from groupconv_cli.files import Wanted, all_written_whole\n"
        "try:\n"
        "    with all_written_whole([Wanted(Path(sys.argv[1]), False, sys.argv[2])]) as (new,):\n"
        "        if sys.argv[2]:\n"
        "            new.mkdir(); new = new / sys.argv[2]\n"
        "        new.write_text(sys.argv[3])\n"
        "        time.sleep(max(0, float(sys.argv[4]) - time.time()))\n"
        "except UsageError as error:\n"
        "    sys.exit(2)\n"
    )
    for known_by in (MARK, ""):
        target = tmp_path / f"target{known_by}"
        together = str(time.time() + 1)
        runs = [
            subprocess.Popen(
                [sys.executable, "-c", script, target, known_by, str(number), together],
                env=clean_environment(),
            )
            for number in range(4)
        ]
        ended = [run.wait() for run in runs]
        assert sorted(ended) == [0, 2, 2, 2]
        written = (target / known_by if known_by else target).read_text()
        assert written == str(ended.index(0))


def test_streams_are_no_files(tmp_path: Path) -> None:
    for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        link = tmp_path / "link"
        link.unlink(missing_ok=True)
        link.symlink_to(name)
        for path in (Path(name), link):
            with pytest.raises(UsageError, match="is a stream of this run, not a file"):
                with written_whole(path, force=True):
                    raise AssertionError


def test_a_name_that_is_too_long_is_said(tmp_path: Path) -> None:
    for length in (250, 255):
        with written_whole(tmp_path / ("a" * length), force=False) as temporary:
            temporary.write_text("x")
    with pytest.raises(UsageError, match="has 260 bytes; a file's name has at most 255"):
        files.check_name(tmp_path / ("ü" * 130))
