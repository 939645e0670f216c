"""Files are written whole or not at all."""

from __future__ import annotations

import os

import pytest

from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.files import check_output, file_stem, written_whole

pytestmark = pytest.mark.surroundings


def test_a_file_appears_when_it_is_whole(tmp_path) -> None:
    target = tmp_path / "a.bin"
    with written_whole(target, force=False) as temporary:
        temporary.write_bytes(b"half")
        assert not target.exists()
        assert temporary.suffix == ".bin"
    assert target.read_bytes() == b"half"
    assert list(tmp_path.iterdir()) == [target]


def test_what_cannot_be_written_is_known_before_there_is_anything_to_write(tmp_path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone" / "a.bin")
    for name, said in (
        ("nowhere/a.bin", "there is no folder .*nowhere to write a.bin in"),
        ("link", "there is no folder .*gone to write a.bin in"),
        (".", "is a folder"),
        (f"{'a' * 300}", "has 300 bytes"),
    ):
        with pytest.raises(UsageError, match=said):
            check_output(tmp_path / name, force=True)
    check_output(tmp_path / "a.bin", force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_after_a_failure_the_old_file_is_intact_and_nothing_is_left(tmp_path, error) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")

    def fail() -> None:
        with written_whole(target, force=True) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_came_to_be_meanwhile_is_not_replaced(tmp_path) -> None:
    target = tmp_path / "a.bin"

    def collide() -> None:
        with written_whole(target, force=False) as temporary:
            temporary.write_bytes(b"new")
            target.write_bytes(b"other")

    with pytest.raises(UsageError, match="exists already"):
        collide()
    assert target.read_bytes() == b"other"
    assert list(tmp_path.iterdir()) == [target]


def write(target, text: str, *, force: bool) -> None:
    with written_whole(target, force=force) as temporary:
        temporary.write_text(text)


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_file_that_replaces_another_keeps_its_mode(tmp_path, mode: int) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    target.chmod(mode)
    write(target, "new", force=True)
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o7777 == mode


@pytest.mark.parametrize("force", [False, True])
def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path, force: bool) -> None:
    target = tmp_path / "a.txt"
    before = os.umask(0o027)
    try:
        write(target, "new", force=force)
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o7777 == 0o640


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_regular_file_is_refused_and_stays(tmp_path, force: bool) -> None:
    pipe, link, circle = tmp_path / "pipe", tmp_path / "link", tmp_path / "circle"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    circle.symlink_to(circle)
    for target in (pipe, link, circle):
        with pytest.raises(UsageError, match=rf"{target.name} is not a regular file"):
            write(target, "new", force=force)
    with pytest.raises(UsageError, match="is a folder"):
        write(tmp_path, "new", force=force)
    assert pipe.is_fifo()
    assert [link.is_symlink(), circle.is_symlink()] == [True, True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["circle", "link", "pipe"]


def test_what_a_link_leads_to_is_written_and_the_link_stays(tmp_path) -> None:
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "a.txt", tmp_path / "b.txt"
    link.symlink_to(file)
    write(link, "first", force=False)
    with pytest.raises(UsageError, match="exists already"):
        write(link, "second", force=False)
    write(link, "third", force=True)
    assert file.read_text() == link.read_text() == "third"
    assert link.is_symlink()
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "stem"), [("a/b", "a_b"), ("..", "network"), ("x y", "x_y"), ("ü-1.0", "ü-1.0")]
)
def test_stems(name: str, stem: str) -> None:
    assert file_stem(name) == stem


def test_a_failure_to_write_names_the_file(tmp_path) -> None:
    def fail() -> None:
        with written_whole(tmp_path / "a.bin", force=False):
            raise OSError(28, "No space left on device")

    with pytest.raises(EnvironmentProblem, match=r"cannot write .*a\.bin: No space left"):
        fail()
    assert list(tmp_path.iterdir()) == []
