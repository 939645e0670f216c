"""Commands in terminals, in this process, or many at several widths in one process of their own.

TensorFlow loads once for all of them. What a terminal emulator shows is what a person would see at
the end: the spinner's frames are painted over one another, as on a screen.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyte
from running import Result, in_terminal, read_all, run_here

VERY_WIDE = 400
"""Columns at which nothing that gconv says is longer than a line."""

HEIGHT = 1500
"""Lines of the emulated screen: more than any command shows."""

END = "\x1e"
"""What the driver writes around a command's exit status. No terminal shows it."""

DRIVER = f"""
import fcntl, json, os, struct, sys, termios

from groupconv_cli.cli.app import main

with open(sys.argv[1], encoding="utf-8") as file:
    plays = json.load(file)
for play in plays:
    size = struct.pack("HHHH", 24, play["columns"], 0, 0)
    fcntl.ioctl(1, termios.TIOCSWINSZ, size)
    os.chdir(play["folder"])
    for program, *args in play["steps"]:
        status = 0
        if program == "write":
            with open(args[0], "w", encoding="utf-8") as file:
                file.write(args[1])
        else:
            sys.argv = ["gconv", *args]
            try:
                main()
            except SystemExit as end:
                status = end.code or 0
            sys.stdout.flush()
            sys.stderr.flush()
        os.write(1, f"{END}{{status}}{END}".encode())
"""


def run_on_screen(
    *args: str | Path,
    columns: int = 80,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Runs the program in this process, in a terminal of that width; what it shows is `out`."""
    pieces: list[str] = []

    def main() -> None:
        from groupconv_cli.__main__ import main

        sys.argv = ["gconv", *map(str, args)]
        with _on_terminal(columns, pieces):
            main()

    status = run_here(main, cwd=cwd, env=env).status
    return Result(status, "".join(pieces).replace("\r\n", "\n"), "")


@contextmanager
def _on_terminal(columns: int, pieces: list[str]) -> Iterator[None]:
    """Descriptors 0 to 2 are a terminal in the block; all that is written to it is a piece."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = [os.dup(number) for number in range(3)]
    with ThreadPoolExecutor(1) as reader:
        for number in range(3):
            os.dup2(slave, number)
        os.close(slave)
        reading = reader.submit(read_all, master)
        try:
            yield
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            for number, descriptor in enumerate(kept):
                os.dup2(descriptor, number)
                os.close(descriptor)
            pieces.append(reading.result())


class Play(NamedTuple):
    """Steps to take in a folder, in a terminal of some width.

    A step is `gconv` and its arguments, or `write`, a file's name and its text.
    """

    columns: int
    folder: Path
    steps: Sequence[Sequence[str]]


class Shown(NamedTuple):
    """What one command left on its terminal."""

    status: int
    columns: int
    raw: str
    """All that was written, with what steers the terminal."""

    @property
    def lines(self) -> list[str]:
        """The lines on the screen at the end."""
        return screen(self.raw, self.columns)

    @property
    def text(self) -> str:
        """The screen at the end, as a document shows it."""
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def is_whole(self) -> bool:
        """Whether the terminal had to break no line: a wider one shows the same."""
        return self.lines == screen(self.raw, 10 * self.columns)


@functools.lru_cache(maxsize=8)
def screen(raw: str, columns: int) -> list[str]:
    """The lines that a terminal of so many columns shows at the end, without blanks behind them."""
    terminal = pyte.Screen(columns, HEIGHT)
    pyte.Stream(terminal).feed(raw)
    assert terminal.cursor.y < HEIGHT - 1, "more lines than the emulated terminal has"
    lines = [_text(terminal.buffer[y]) for y in range(terminal.cursor.y + 1)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _text(line: Mapping[int, pyte.screens.Char]) -> str:
    """A line of the screen; the second half of a wide character is nothing."""
    return "".join(line[x].data for x in range(max(line, default=-1) + 1)).rstrip()


def played(
    plays: Sequence[Play], folder: Path, env: Mapping[str, str] | None = None
) -> list[list[Shown]]:
    """Runs all plays in one process on one terminal; what every step of each shows.

    Files that the process needs are put in `folder`.
    """
    script = folder / "plays.json"
    script.write_text(
        json.dumps([{**play._asdict(), "folder": str(play.folder)} for play in plays]), "utf-8"
    )
    status, raw = in_terminal([sys.executable, "-c", DRIVER, str(script)], env=env)
    assert status == 0, raw
    pieces = iter(raw.split(END))
    shown = [[_next(pieces, play.columns) for _ in play.steps] for play in plays]
    assert list(pieces) == [""], raw
    return shown


def _next(pieces: Iterator[str], columns: int) -> Shown:
    raw = next(pieces)
    return Shown(int(next(pieces)), columns, raw)


ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
