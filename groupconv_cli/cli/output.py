"""Where output goes and how: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TextIO

from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.render.flow import Line, Span, fill, plain
from groupconv_cli.words import printable

STYLES = {
    "title": "bold",
    "head": "bold",
    "group": "bold",
    "ratio": "green",
    "quiet": "dim",
    "bad": "bold red",
    "warning": "bold yellow",
    "good": "bold green",
}

_PLAIN_GLYPHS = str.maketrans(
    {
        "×": "x",
        "·": "-",
        "─": "-",
        "→": ">",
        "…": ".",
        "–": "-",
        "�": "?",
        "✓": "+",
        "√": "v",
        "±": "+-",
        "µ": "u",
        "≥": ">=",
    }
)
"""What stands for the glyphs of tables where the output's encoding lacks them."""


MIN_WIDTH = 20
"""Columns that are taken to be there at least: in fewer nothing can be read."""

MAX_DIGITS = 6
"""Digits that a number of columns may have; a longer one means nothing."""


def width_of(stream: TextIO) -> int | None:
    """Columns there are to fit: `COLUMNS`, or the terminal's; None where nothing limits them."""
    columns = os.environ.get("COLUMNS", "").strip()
    if columns.isdecimal() and len(columns) < MAX_DIGITS and int(columns):
        return max(MIN_WIDTH, int(columns))
    if not stream.isatty():
        return None
    try:
        columns_there = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return None
    return max(MIN_WIDTH, columns_there) if columns_there else None


def is_styled(stream: TextIO) -> bool:
    """Whether bold and colour are wanted: on a terminal, unless NO_COLOR or a dumb one."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def write(text: str) -> None:
    """Writes a result to stdout.

    Raises EnvironmentProblem if it cannot be written, BrokenPipeError if nobody reads it.
    """
    try:
        _write(text, sys.stdout)
    except OSError as error:
        abandon_stdout()
        if isinstance(error, BrokenPipeError):
            raise
        raise EnvironmentProblem(f"cannot write to standard output: {error.strerror}") from None


def abandon_stdout() -> None:
    """Drops what is still to be written: it would fail once more, and loudly, at Python's exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def emit(lines: Iterable[Line]) -> None:
    """Writes a result to stdout, with styles where they are shown. Raises what `write` raises."""
    write(_rendered(lines, sys.stdout))


def emit_problems(laid_out: Callable[[int | None], Iterable[Line]]) -> None:
    """Writes to stderr what is made for its width. If that cannot be, nobody is left to tell."""
    if sys.stderr is None:
        return
    with suppress(OSError):
        _write(_rendered(laid_out(width_of(sys.stderr)), sys.stderr), sys.stderr)


def complain(message: str) -> None:
    """Says on stderr what went wrong."""
    _say(message, [Span("gconv: ", "title"), Span("error: ", "bad")])


def note(message: str) -> None:
    """Tells the user on stderr something that is not the result."""
    _say(message, [Span("gconv: ")])


def _say(message: str, announcement: list[Span]) -> None:
    """A line of the message behind the announcement, and those that follow it under that."""
    from groupconv_cli.render.problems import sentence_lines

    first, *rest = message.split("\n")
    emit_problems(
        lambda width: [
            *sentence_lines(first, width, announcement),
            *(line for text in rest for line in sentence_lines(text, width)),
        ]
    )


def write_sentences(sentences: Iterable[str]) -> None:
    """Writes a result that is made of sentences to stdout. Raises what `write` raises."""
    width = width_of(sys.stdout)
    emit([Span(line)] for sentence in sentences for line in fill(sentence, width))


def _rendered(lines: Iterable[Line], stream: TextIO) -> str:
    lines = list(lines)
    if not is_styled(stream):
        return plain(lines)
    # Only a terminal pays for rich: for a pipe its import would be a third of the run.
    from rich.console import Console
    from rich.text import Text

    text = Text()
    for line in lines:
        for span in line:
            text.append(printable(span.text), STYLES.get(span.style))
        text.append("\n")
    console = Console(
        file=stream,
        width=width_of(stream) or MIN_WIDTH,  # else Rich reads COLUMNS by itself, and takes 0
        soft_wrap=True,
        highlight=False,
        emoji=False,
        markup=False,
    )
    with console.capture() as captured:
        console.print(text, end="")
    return captured.get()


def _write(text: str, stream: TextIO) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        safe = text.translate(_PLAIN_GLYPHS).encode(encoding, "backslashreplace")
        stream.write(safe.decode(encoding))
    stream.flush()
