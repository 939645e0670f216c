"""What commands leave on a terminal: what the documents show, nothing of others, nothing torn.

Every session of the documents and every example of the help runs at several widths, all in one
process. Of what takes long, and of what needs TensorFlow, one of each kind runs always at one
width, and everything nightly at all.
"""

from __future__ import annotations

import os
import pty
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from documents import COLUMNS, Step, blocks, is_shown, steps
from running import ROOT, read_all
from terminal import VERY_WIDE, Play, Shown, played

FOREIGN = ("Traceback", "--- Logging error", "WARNING", "tensorflow:", "absl", "retracing", "I0000")
"""What TensorFlow's and absl's loggers and Python write, and gconv never."""

MANY_GROUPED = """\
$ cat net.yaml
input: [8, 8, 8]
layers:
  - conv: {filters: 8, kernel: 3, groups: 2}
    repeat: 6
$ gconv build net.yaml -o net.keras
...
$ gconv build net.keras -o net.tflite -o net.onnx
...
$ gconv accelerate net.keras -o fast.keras
...
$ gconv compare net.yaml --groups 1,2 --measure --runs 1
...
"""
"""Enough grouped convolutions for TensorFlow to warn of functions that are traced anew."""

BROKEN = """\
$ cat a_folder_of_mine_whose_name_is_long.yaml
name: broken
input: [32, 32, 64]
layers:
  - conv: {filters: 128, kernel: 3, groups: 7, activation: relu66, padding: same, strides: 2}
  - dense: {units: $what}   # a remark that goes on for longer than any terminal is wide, on and on
$ gconv summary a_folder_of_mine_whose_name_is_long.yaml
...
$ gconv check a_folder_of_mine_whose_name_is_long.yaml
...
$ gconv compare resnext50_32x4d --groups 3,5
...
$ gconv diff basic block --fail-if-larger 1%
...
$ gconv build
...
$ gconv compare --groups a,b
...
$ gconv summary no/such/file/in/a/folder/that/is/not/there/at/all/really/not/net.yaml
...
"""
"""Mistakes of many kinds."""

SESSIONS = [block.values[0] for block in blocks("console")]
HEAVY = [text for text in SESSIONS if any(step.takes_tensorflow for step in steps(text))]
KINDS = "--plot", "--equal", "gconv report"
"""Commands that take long and show no more than others: they draw, or search for widths."""

LONG = [text for text in SESSIONS if text not in HEAVY and any(each in text for each in KINDS)]
ONE_OF_EACH = [next(text for text in LONG if each in text) for each in KINDS]

HELP = re.findall(
    r"^    (gconv [^|>\n]+)$", (ROOT / "docs" / "commands.md").read_text("utf-8"), re.MULTILINE
)
"""The examples of the help, but those with other programs."""

EXAMPLES = "".join(f"$ {example}\n...\n" for example in HELP)
SPEC = """\
$ cat net.yaml
input: [32, 32, 16]
vars: {groups: 4}
layers:
  - conv: {filters: 64, kernel: 3, groups: $groups, norm: batch, activation: relu}
  - conv: {filters: 64, kernel: 3, groups: $groups}
  - residual: {body: [conv: {filters: 64, kernel: 3, groups: 8}]}
"""
IN_SESSIONS = {step.command for text in SESSIONS if text not in HEAVY for step in steps(text)}
LIGHT = [
    f"$ {step.command}\n...\n"
    for step in dict.fromkeys(steps(EXAMPLES))
    if not (step.takes_tensorflow or step.command in IN_SESSIONS)
]
LONG_EXAMPLES = [SPEC + each for each in LIGHT if any(kind in each for kind in KINDS)]
"""Sessions of their own, as they write to the same file."""

LIGHT_EXAMPLES = SPEC + "".join(each for each in LIGHT if SPEC + each not in LONG_EXAMPLES)
PRINTED = next(text for text in HEAVY if "--to python -o -" in text)
"""A session with TensorFlow that stands in the document to its last character, and is short."""

NARROW = (60, 80)


class Session(NamedTuple):
    """A session, and what each of its steps shows at each width."""

    text: str
    shown: dict[int, list[tuple[Step, Shown]]]

    def every(self) -> Iterator[tuple[int, Step, Shown]]:
        """Everything shown, with its width."""
        for columns, shown in self.shown.items():
            for step, each in shown:
                yield columns, step, each

    def unbroken(self) -> Iterator[str]:
        """What is shown in lines that are long enough: on a wide screen, or in the document."""
        if VERY_WIDE not in self.shown:
            yield self.text
        for _, each in self.shown.get(VERY_WIDE, ()):
            yield each.text


Plan = list[tuple[list[str], tuple[int, ...]]]
"""Sessions to play, and at which widths."""

ALL = (COLUMNS, *NARROW, VERY_WIDE)
PLANS: dict[str, Plan] = {
    "light": [
        ([text for text in SESSIONS if text not in (*HEAVY, *LONG)], ALL),
        (ONE_OF_EACH, NARROW[:1]),
    ],
    "examples": [([LIGHT_EXAMPLES, BROKEN], (*NARROW, VERY_WIDE))],
    "tensorflow": [([PRINTED], (COLUMNS,)), ([MANY_GROUPED], (60,))],
    "heavy": [([*HEAVY, *LONG, *LONG_EXAMPLES, MANY_GROUPED], ALL)],
}


@pytest.mark.parametrize(
    "kind",
    [
        *("light", "examples"),
        pytest.param("tensorflow", marks=pytest.mark.loads_tensorflow),
        pytest.param("heavy", marks=[pytest.mark.nightly, pytest.mark.loads_tensorflow]),
    ],
)
def test_a_screen_is_whole_and_what_the_document_shows(kind: str, tmp_path: Path) -> None:
    """One test, as the process that plays the sessions takes most of the time."""
    sessions = play(PLANS[kind], tmp_path)
    faults = [
        f"{check.__name__}:\n{fault}"
        for session in sessions
        for check in (differs, writes_foreign, has_long_lines, has_torn_words, fails)
        for fault in check(session)
    ]
    assert not faults, "\n\n".join(faults)


def play(plan: Plan, folder: Path) -> list[Session]:
    """Plays every session at its widths, in one process."""
    plays = []
    for texts, widths in plan:
        for text in texts:
            for columns in widths:
                own = folder / f"{len(plays)}-{columns}"
                own.mkdir()
                plays.append(Play(columns, own, [_typed(step) for step in steps(text)]))
    shown = iter(played(plays, folder))
    return [
        Session(text, {each: list(zip(steps(text), next(shown), strict=True)) for each in widths})
        for texts, widths in plan
        for text in texts
    ]


def _typed(step: Step) -> Sequence[str]:
    program, *args = step.args
    return ["write", *args, step.shown] if program == "cat" else [program, *args]


def differs(session: Session) -> Iterator[str]:
    """Where the screen at the end is not what the document shows."""
    if COLUMNS in session.shown:
        now = "".join(
            f"$ {step.command}\n{step.shown if step.args[0] == 'cat' else each.text}"
            for step, each in session.shown[COLUMNS]
        )
        if not is_shown(session.text, now):
            yield now


def writes_foreign(session: Session) -> Iterator[str]:
    """Where others than gconv write to the terminal, be it for a moment."""
    for _, step, each in session.every():
        if any(word in each.raw for word in FOREIGN):
            yield f"{step.command}\n{each.text}"


def has_long_lines(session: Session) -> Iterator[str]:
    """Where a line is longer than the screen."""
    for columns, step, each in session.every():
        if not (step.is_for_programs or each.is_whole):
            yield f"{columns}: {step.command}\n{each.text}"


def has_torn_words(session: Session) -> Iterator[str]:
    """Where the end of a line and the begin of the next are one word elsewhere.

    A word that has no room in a line is broken behind a slash or a dash.
    """
    words = {word for text in session.unbroken() for word in text.split()}
    for columns, step, each in session.every():
        lines = () if step.is_for_programs else each.lines
        for line, following in pairwise(lines):
            if not (line.split() and following.split()):
                continue
            end, begin = line.split()[-1], following.split()[0]
            if end not in words and end + begin in words and end[-1] not in "/-":
                yield f"{columns}: {step.command}\n{line}\n{following}"


def fails(session: Session) -> Iterator[str]:
    """Where a command with TensorFlow does not end as it should, or leaves its spinner behind."""
    if session.text not in (MANY_GROUPED, *HEAVY):
        return
    for _, step, each in session.every():
        loads = step.args[0] == "gconv" and step.takes_tensorflow
        spun = ("Loading TensorFlow" in each.raw, "Loading TensorFlow" in each.text)
        ends = (each.status == 0) is ("error: " not in step.shown)
        if loads and not (ends and spun == (True, False)):
            yield f"{step.command}\n{each.text}"


@pytest.mark.parametrize("shown_by", ["spinner", "bar"])
def test_a_status_line_replaces_no_stream(shown_by: str, monkeypatch) -> None:
    """TensorFlow's logger keeps the sys.stderr that it finds when it is imported."""
    from groupconv_cli.cli import progress

    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as screen:
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.delenv("NO_COLOR", raising=False)
        out = sys.stdout
        with progress.bar() if shown_by == "bar" else progress.spinner() as show:
            if shown_by == "spinner":
                show("Reading [/x].keras")
            assert sys.stderr is screen
            assert sys.stdout is out
    expected = "Reading [/x].keras" if shown_by == "spinner" else "Loading TensorFlow"
    assert expected in read_all(master)


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize("shown_by", ["spinner", "bar"])
def test_a_status_line_is_one_line(shown_by: str, columns: int, monkeypatch) -> None:
    from groupconv_cli.cli import progress

    long = "stage_3.bottleneck_12.conv_2 " * 5
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as screen:
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.delenv("NO_COLOR", raising=False)
        if shown_by == "bar":
            with progress.bar() as update:
                update(f"Preparing {long}", 10.0, 95.0)
        else:
            with progress.spinner() as show:
                show("Loading TensorFlow")
                show(f"Reading {long}")
    frames = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read_all(master)).replace("\r", "\n")
    assert max(map(len, frames.split("\n"))) <= columns
