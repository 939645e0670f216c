"""Streams that are closed or full, odd widths, and files in folders that are no files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from running import clean_environment, in_bash, run_gconv, run_process
from specs import nightly_but


@pytest.mark.parametrize("columns", ["0", "-3", "", "wide", "9" * 30, "1"])
def test_a_width_that_means_nothing_hides_nothing(columns: str) -> None:
    env = {"COLUMNS": columns, "FORCE_COLOR": "1"}
    done = run_gconv("list", "resnet", env=env)
    assert done.status == 0
    assert "resnet50" in done.out
    done = run_gconv("summary", "nothing-there", env=env)
    assert done.status == 2
    assert "nothing-there" in done.err


def test_with_stderr_closed_libraries_write_to_nothing(tmp_path: Path) -> None:
    """A file in place of a library looks where its native code would write to, and fails."""
    found = "[os.path.samestat(os.fstat(2), os.stat(os.devnull)), sys.stderr.write('noise')]"
    (tmp_path / "matplotlib.py").write_text(
        f"import os, pathlib, sys\npathlib.Path('found').write_text(str({found}))\n1 / 0"
    )
    path = f"{tmp_path}{os.pathsep}{clean_environment()['PYTHONPATH']}"
    args = "summary", "basic", "--plot", "basic.svg"
    done = in_bash('"$@" 2>&-', *args, cwd=tmp_path, env={"PYTHONPATH": path})
    assert done.returncode == 3
    assert (tmp_path / "found").read_text() == "[True, 5]"
    assert not (tmp_path / "basic.svg").exists()


@pytest.mark.nightly
def test_with_stderr_closed_a_model_is_built_and_no_file_takes_its_place(tmp_path: Path) -> None:
    done = in_bash('"$@" 2>&-', "build", "basic", "-o", "a.keras", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Built basic")
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]
    import zipfile

    assert zipfile.is_zipfile(tmp_path / "a.keras")


@pytest.mark.parametrize(
    ("closed", "status"),
    nightly_but(
        [("<&- 2>&-", 2), ("<&- >&- 2>&-", 3)],
        [("2>&-", 2), ("<&-", 2), (">&-", 3), ("<&- 2>&-", 2), ("<&- >&- 2>&-", 3)],
    ),
)
def test_a_mistake_has_its_status_whatever_is_closed(tmp_path: Path, closed, status) -> None:
    done = in_bash(f'"$@" {closed}', "summary", "nothing-there", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (status, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "line",
    nightly_but(
        ["summary --nope", "summary nothing-there"],
        ["summary --nope", "summary nothing-there", "nope"],
    ),
)
def test_a_mistake_has_its_status_though_nobody_can_be_told(tmp_path: Path, line: str) -> None:
    done = in_bash('"$@" 2>/dev/full', *line.split(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "args", [["summary", "basic"], ["init"], ["schema"], ["list"], ["build", "basic"]], ids=" ".join
)
def test_a_name_that_ends_as_a_folders_is_no_files(tmp_path: Path, args: list[str]) -> None:
    name = "net.keras/" if args[0] == "build" else "newdir/"
    done = run_gconv(*args, "-o", name, cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert f"{name} names a folder" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_too_long_is_a_mistake(tmp_path: Path) -> None:
    for args in (["summary", "basic", "-o", "a" * 300 + ".md"], ["init", "-o", "a" * 300]):
        done = run_gconv(*args, cwd=tmp_path)
        assert (done.status, done.out) == (2, "")
        assert "a file's name has at most 255 here" in done.err


def test_stdout_by_name_is_not_replaced(tmp_path: Path) -> None:
    done = in_bash(
        '"$@" > out.txt', "summary", "basic", "-o", "/dev/stdout", "--force", cwd=tmp_path
    )
    assert done.returncode == 2
    assert "is a stream of this run" in done.stderr
    assert (tmp_path / "out.txt").read_text() == ""


# Folders of specs


def test_a_pipe_in_a_folder_is_passed_over_and_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "net.yaml").write_text("input: [8, 8, 4]\nlayers: [relu]\n")
    done = run_gconv("check", ".", cwd=tmp_path)
    assert done.status == 0
    assert done.out.splitlines()[-1] == "1 spec: all well"
    said = [line for line in done.err.splitlines() if "skipped" in line]
    assert len(said) == 3
    done = run_gconv("check", "*.yaml", cwd=tmp_path)
    assert done.status == 0
    assert done.err.count("skipped") == 3
    assert "gconv: skipped x.yaml (not a regular file)" in said


def test_a_pipe_that_is_named_is_read(tmp_path: Path) -> None:
    script = '"$@" <(printf "input: [8, 8, 4]\\nlayers: [relu]\\n")'
    done = in_bash(script, "summary", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.surroundings
@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everywhere")
def test_what_may_not_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "net.yaml").write_text("input: [8, 8, 4]\nlayers: [relu]\n")
    (tmp_path / "closed").chmod(0o000)
    done = run_process("summary", "closed/net.yaml", cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert done.err == "gconv: error: cannot read closed/net.yaml: Permission denied\n"
    done = run_process("check", ".", cwd=tmp_path)
    assert "skipped ./closed (Permission denied)" in done.err
    done = run_process("summary", "basic", "-o", "closed/a.md", cwd=tmp_path)
    assert done.status == 2
    assert "Permission denied" in done.err
    (tmp_path / "closed").chmod(0o755)
