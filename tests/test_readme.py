"""Every example in the documentation is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documents import COLUMNS, DOCUMENTS, blocks, is_shown, steps
from running import ROOT, run_code, run_gconv

from groupconv_cli import load
from groupconv_cli.errors import Source
from groupconv_cli.language.spec_file import SpecFile


def played(session: str, folder: Path) -> str:
    """The session as it goes now."""
    result = ""
    for step in steps(session):
        program, *args = step.args
        shown = step.shown
        if program == "cat":
            (folder / args[0]).write_text(shown, encoding="utf-8")
        else:
            assert program == "gconv", f"a program that no test runs: {step.command}"
            env = {"COLUMNS": str(COLUMNS)}
            shown = run_gconv(*args, cwd=folder, env=env, in_order=True).out
        result += f"$ {step.command}\n{shown}"
    return result


DEAR = "gconv build shufflenet_v1_g3", "--train mnist1d"
"""Commands of seconds, whose sessions run nightly: others build, and Python code trains."""


def sessions() -> list:
    """The sessions of all documents."""
    found = blocks("console")
    dear = [each for each in found if any(command in each.values[0] for command in DEAR)]
    assert len(dear) == len(DEAR)
    return [
        pytest.param(*each.values, id=each.id, marks=pytest.mark.nightly) if each in dear else each
        for each in found
    ]


@pytest.mark.parametrize("session", sessions())
def test_a_session_shows_what_the_program_prints(session: str, tmp_path: Path, request) -> None:
    """Lines after `$ ` are commands; what follows is all that they print, in 88 columns.

    A line of three dots stands for any lines. `cat FILE` shows a file that is written here for
    the commands after it. `--update-golden` writes sessions without dots anew.
    """
    now = played(session, tmp_path)
    if request.config.getoption("--update-golden") and "...\n" not in session:
        for path in DOCUMENTS:
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(session, now), encoding="utf-8")
    else:
        assert is_shown(session, now), now


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_spec_is_valid(text: str) -> None:
    """A block is a whole spec, or some items of one."""
    if text.startswith("- "):
        items = "".join(f"  {line}\n" for line in text.splitlines())
        text = f"input: [32, 32, 64]\nlayers:\n{items}"
    assert load(SpecFile(Source("example.yaml", text)), keep_open=True).layers


@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code: str, tmp_path: Path) -> None:
    done = run_code(code, cwd=tmp_path)
    assert done.status == 0, done.err
    expected = re.findall(r"# prints (.*)", code)
    assert done.out.split("\n")[:-1] == expected


def test_the_two_commands_are_the_first_two_blocks() -> None:
    """`.ci/run` takes them from here."""
    first, second = re.findall(r"```sh\n(.*?)\n```", (ROOT / "README.md").read_text("utf-8"))[:2]
    assert first.startswith("pip install . && gconv ")
    assert second == "pip install -e '.[test]' && python -m pytest"
