"""What was there before is somewhere still, whoever comes in between while files are replaced."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from groupconv_cli import files, staging
from groupconv_cli.errors import UsageError
from groupconv_cli.files import REPLACED, Wanted, all_written_whole, written_whole

MARK = "saved_model.pb"


def write_folder(target: Path, text: str, *, force: bool = False) -> None:
    with all_written_whole([Wanted(target, force, MARK)]) as (temporary,):
        temporary.mkdir()
        (temporary / MARK).write_text(text)


def folders_with(text: str, below: Path) -> list[Path]:
    return [path.parent for path in below.rglob(MARK) if path.read_text() == text]


def test_a_folder_that_cannot_go_back_is_kept_and_said_where(tmp_path: Path, monkeypatch) -> None:
    target = tmp_path / "sm"
    write_folder(target, "old")
    place_new = files._FolderPlace._place_new

    def after_a_stranger(self: files._FolderPlace) -> None:
        target.mkdir()
        (target / "precious.txt").write_text("theirs")
        place_new(self)

    monkeypatch.setattr(files._FolderPlace, "_place_new", after_a_stranger)
    with pytest.raises(UsageError, match="while it was being replaced") as raised:
        write_folder(target, "new", force=True)
    monkeypatch.undo()
    assert (target / "precious.txt").read_text() == "theirs"
    (kept,) = folders_with("old", tmp_path)
    assert str(raised.value).endswith(f"the old folder is in {kept}")
    write_folder(tmp_path / "other", "x")  # which clears what runs have left
    assert folders_with("old", tmp_path) == [kept]
    target.rename(tmp_path / "theirs")
    write_folder(tmp_path / "another", "x")
    assert folders_with("old", tmp_path) == [target]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["another", "other", "sm", "theirs"]


def left_by_a_killed_run(parent: Path, *, placed: bool) -> None:
    """As it is after a kill between the two renames, or after both."""
    folder = parent / f".sm-abcd1234{staging.SUFFIX}"
    old = folder / REPLACED / "sm"
    for each in (old, parent / "sm" if placed else folder / "sm"):
        each.mkdir(parents=True)
        (each / MARK).write_text("old" if each == old else "new")


def test_what_a_killed_run_moved_away_outlives_a_folder_made_since(tmp_path: Path) -> None:
    left_by_a_killed_run(tmp_path, placed=False)
    (tmp_path / "sm").mkdir()
    write_folder(tmp_path / "other", "x")
    assert len(folders_with("old", tmp_path)) == 1


def test_what_a_killed_run_had_replaced_goes(tmp_path: Path) -> None:
    left_by_a_killed_run(tmp_path, placed=True)
    write_folder(tmp_path / "other", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "sm"]
    assert folders_with("new", tmp_path) == [tmp_path / "sm"]


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("has_links", [True, False])
def test_of_several_none_is_put_in_place_with_force_too(
    tmp_path: Path, monkeypatch, there: bool, has_links: bool
) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    if there:
        first.write_text("old")
    link = os.link

    def no_links(old: Path, new: Path) -> None:
        if new.parent.name == REPLACED:
            raise OSError(95, "Operation not supported")
        link(old, new)

    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    wanted = [Wanted(first, force=True), Wanted(second, force=False)]

    def write_both() -> None:
        with all_written_whole(wanted) as temporaries:
            for temporary in temporaries:
                temporary.write_text("new")
            second.write_text("theirs")

    with pytest.raises(UsageError, match=r"b\.txt exists already"):
        write_both()
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"b.txt": "theirs"} | ({"a.txt": "old"} if there else {})


@pytest.mark.parametrize("name", ["mine.gconv-tmp", ".mine.gconv-tmp", "a-abcd1234.gconv-tmp"])
def test_a_folder_of_somebodys_own_is_not_cleared(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "precious.txt").write_text("mine")
    with written_whole(tmp_path / "out", force=False) as temporary:
        temporary.write_text("x")
    assert (tmp_path / name / "precious.txt").read_text() == "mine"


def test_a_folder_that_another_run_is_clearing_is_not_used(tmp_path: Path, monkeypatch) -> None:
    locked, held = staging._locked, []

    def after_another(folder: Path) -> int | None:
        if not held:
            held.append(os.open(folder, os.O_RDONLY))
            fcntl.flock(held[0], fcntl.LOCK_EX)
            taken.append(folder)
        return locked(folder)

    taken: list[Path] = []
    monkeypatch.setattr(staging, "_locked", after_another)
    with written_whole(tmp_path / "out", force=False) as temporary:
        taken[0].rmdir()  # as the other run does
        temporary.write_text("x")
    os.close(held[0])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
