"""Runs that end before they are done: signals, full disks, streams and folders that are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest
from running import GCONV, clean_environment, in_bash, run_gconv, run_here, run_process
from specs import nightly_but

pytestmark = pytest.mark.surroundings

WRITING = {
    "summary": ["summary", "basic", "-o"],
    "compare": ["compare", "basic", "-g", "1,4", "-o"],
    "list": ["list", "basic", "-o"],
    "schema": ["schema", "-o"],
    "init": ["init", "-o"],
}
writing = pytest.mark.parametrize("args", WRITING.values(), ids=WRITING)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Signals


def interrupted(args: list[str], number: int, cwd: Path, until: str) -> tuple[int, str]:
    """The end of a run that gets a signal as soon as a file of that pattern is there."""
    process = subprocess.Popen(
        [*GCONV, *args],
        cwd=cwd,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while not list(cwd.glob(until)) and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert out == ""
    return process.returncode, err


ENDED = [
    (signal.SIGINT, 130, "gconv: interrupted\n"),
    (signal.SIGTERM, 143, ""),
    (signal.SIGHUP, 129, ""),
]


@pytest.mark.parametrize(("number", "status", "said"), ENDED)
def test_a_signal_while_tensorflow_loads_leaves_everything_as_it_was(
    tmp_path, number: int, status: int, said: str
) -> None:
    (tmp_path / "basic.keras").write_bytes(b"precious")
    ended = interrupted(["build", "basic", "--force"], number, tmp_path, until=".basic-*")
    assert ended == (status, said)
    assert files(tmp_path) == ["basic.keras"]
    assert (tmp_path / "basic.keras").read_bytes() == b"precious"


PLACES = ["a native module", "a callback"]


@pytest.mark.parametrize(
    ("ended", "where"),
    nightly_but([*zip(ENDED, [*PLACES, PLACES[0]], strict=True)], [*product(ENDED, PLACES)]),
)
def test_a_signal_that_a_library_takes_for_its_own(
    tmp_path, ended: tuple[int, int, str], where: str
) -> None:
    """Native modules report an import that ends as one that fails; callbacks drop exceptions."""
    number, status, said = ended
    (tmp_path / "basic.keras").write_bytes(b"precious")
    took = {
        "a native module": "try:\n    os.kill(os.getpid(), NUMBER); time.sleep(9)\n"
        "except BaseException as error:\n    raise ImportError('initialization failed') from error",
        "a callback": "class Key: pass\n"
        "def call(_): os.kill(os.getpid(), NUMBER); time.sleep(0.1)\n"
        "key = Key(); kept = weakref.ref(key, call); del key\nraise ImportError('no TensorFlow')",
    }[where].replace("NUMBER", str(int(number)))
    (tmp_path / "tensorflow.py").write_text(f"import os, time, weakref\n{took}")
    path = f"{tmp_path}{os.pathsep}{clean_environment()['PYTHONPATH']}"
    done = in_bash('"$@"', "build", "basic", "--force", cwd=tmp_path, env={"PYTHONPATH": path})
    assert (done.returncode, done.stdout, done.stderr) == (status, "", said)
    assert (tmp_path / "basic.keras").read_bytes() == b"precious"


def test_an_interrupt_while_the_program_itself_loads(tmp_path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    path = f"{tmp_path}{os.pathsep}{clean_environment()['PYTHONPATH']}"
    done = in_bash('"$@"', "list", cwd=tmp_path, env={"PYTHONPATH": path})
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "gconv: interrupted\n")


# Files and folders


@pytest.mark.parametrize("command", nightly_but(["summary", "init"], WRITING))
def test_a_file_that_grows_too_large_is_not_written(tmp_path, command: str) -> None:
    args = WRITING[command]
    (tmp_path / "file.md").write_text("precious")
    done = in_bash('ulimit -f 0; "$@" | cat', *args, "file.md", "--force", cwd=tmp_path)
    assert done.stderr == "gconv: error: cannot write file.md: File too large\n"
    assert files(tmp_path) == ["file.md"]
    assert (tmp_path / "file.md").read_text() == "precious"


@writing
def test_what_is_no_file_is_no_place_for_a_result(tmp_path, args: list[str]) -> None:
    os.mkfifo(tmp_path / "pipe.md")  # not a device of the machine, which root could replace
    done = run_gconv(*args, "pipe.md", "--force", cwd=tmp_path)
    assert done == (2, "", "gconv: error: pipe.md is not a regular file\n")
    assert (tmp_path / "pipe.md").is_fifo()


@writing
@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path, args: list[str]) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    done = run_gconv(*args, "closed/file.md", cwd=tmp_path)
    assert done.status == 2
    assert done.err == "gconv: error: cannot write in the folder closed: Permission denied\n"


@pytest.mark.skipif(not Path("/proc/sys").exists(), reason="no /proc here")
def test_a_folder_that_takes_no_files_even_from_root(tmp_path) -> None:
    done = run_gconv("summary", "basic", "-o", "/proc/file.md", cwd=tmp_path)
    assert done.status == 2
    assert done.err.startswith("gconv: error: ")
    assert "/proc" in done.err


@pytest.mark.nightly
def test_a_folder_that_goes_while_a_model_is_built(tmp_path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    process = subprocess.Popen(
        [*GCONV, "build", "basic", "-o", "there/basic.keras"],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while not (inside := files(folder)) and time.monotonic() < end:
        time.sleep(0.02)
    (folder / inside[0]).rmdir()
    folder.rmdir()
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (3, "")
    assert err.startswith("gconv: error: cannot write there/basic.keras: ")
    assert err.count("\n") == 1


def test_a_working_folder_that_is_gone(tmp_path, monkeypatch) -> None:
    """The first run begins where it is gone; from the others it goes then."""
    script = 'mkdir gone; cd gone; rmdir ../gone; "$@"'
    done = in_bash(script, "summary", "basic", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "folder"

    def main() -> None:
        from groupconv_cli.__main__ import main

        folder.rmdir()
        main()

    for line, status in (
        ("summary basic", 0),
        ("summary", 0),
        ("summary net.yaml", 2),
        ("summary basic -o file.md", 2),
        ("init", 2),
    ):
        folder.mkdir()
        monkeypatch.setattr(sys, "argv", ["gconv", *line.split()])
        found = run_here(main, cwd=folder)
        assert found.status == status, line
        assert ("error: " in found.err) == (status == 2)
        assert "Traceback" not in found.err


# Streams


def test_with_no_home_nothing_is_missed(tmp_path) -> None:
    done = in_bash('unset HOME; "$@"', "summary", "basic", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("there.md", "there.md exists already; --force replaces it"),
        ("x.sarif", "unknown format '.sarif'; use .md, .json"),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_any_work(tmp_path, name: str, message) -> None:
    (tmp_path / "there.md").write_text("old")
    for args in (["summary", "nothing"], ["compare", "nothing"], ["diff", "a", "b"], ["check"]):
        done = run_gconv(*args, "-o", name, cwd=tmp_path)
        assert (done.status, done.out) == (2, "")
        assert message in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["there.md"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["report", "basic", "-o", "page.pdf"], "a page is written as .html or .htm; 'page.pdf'"),
        (["report", "basic", "-o", "page.txt"], "a page is written as .html or .htm; 'page.txt'"),
        (["search", "basic", "--max-macs", "50%", "-o", "a.json"], "a spec is written as .yaml or"),
    ],
    ids=lambda value: " ".join(value[:1]) if isinstance(value, list) else "",
)
def test_a_name_of_another_kind_of_file_is_refused(tmp_path, args: list[str], message) -> None:
    done = run_gconv(*args, cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_format_that_is_named_needs_no_ending(tmp_path) -> None:
    done = run_gconv("list", "alexnet", "-o", "nets.data", "-f", "csv", cwd=tmp_path)
    assert done.status == 0
    assert (tmp_path / "nets.data").read_text().startswith("name,")


@pytest.mark.parametrize("ending", nightly_but(["md", "txt"], ["md", "csv", "json", "txt"]))
def test_a_file_is_utf_8_whatever_the_locale(tmp_path, ending: str) -> None:
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert run_gconv("summary", "basic", "-o", f"here.{ending}", cwd=tmp_path).status == 0
    done = run_process("summary", "basic", "-o", f"ascii.{ending}", cwd=tmp_path, env=env)
    assert (done.status, done.err) == (0, "")
    ours, theirs = (tmp_path / f"{name}.{ending}" for name in ("here", "ascii"))
    assert ours.read_bytes() == theirs.read_bytes()
    assert ours.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "line",
    nightly_but(
        ["summary resnet50", "--help"], ["summary resnet50", "schema", "--help", "list --help"]
    ),
)
def test_a_pipe_that_nobody_reads_is_status_141(tmp_path, line: str) -> None:
    # The reader is gone before gconv begins, so that no buffer can take all in.
    script = 'exec 3> >(exit); wait $!; "$@" >&3'
    done = in_bash(script, *line.split(), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "line",
    nightly_but(
        ["--help", "init -o -"], ["list alexnet", "schema", "--help", "--version", "init -o -"]
    ),
)
def test_a_full_disk_behind_stdout_is_status_3(tmp_path, line: str) -> None:
    done = in_bash('"$@" > /dev/full', *line.split(), cwd=tmp_path)
    assert done.returncode == 3
    assert "No space left on device" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_result_in_a_file_is_kept_when_nobody_can_be_told(tmp_path) -> None:
    done = in_bash('"$@" 2>&-', "summary", "basic", "-o", "file.md", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "file.md").read_text(encoding="utf-8").startswith("### basic")
