"""Output: results go to stdout, everything else goes to stderr."""

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
    "bar": "dim",
    "high": "bold cyan",
}

_PLAIN_GLYPHS = str.maketrans(
    {
        "×": "x",
        "·": "-",
        "─": "-",
        "━": "=",
        "╸": "-",
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
"""Replacements for the glyphs of tables, for encodings that lack them."""


MIN_WIDTH = 20
"""The narrowest width that output is laid out for: with fewer columns nothing can be read."""

MAX_DIGITS = 6
"""Digits that a number of columns may have; a longer number is ignored."""


def width_of(stream: TextIO) -> int | None:
    """The width to fit: `COLUMNS`, or that of the terminal; None if there is no limit."""
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
    """Whether bold and colour are used: on a terminal that can, unless NO_COLOR is set."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def write(text: str) -> None:
    """Writes a result to stdout.

    Raises EnvironmentProblem if writing fails, BrokenPipeError if the reader closed the pipe.
    """
    try:
        _write(text, sys.stdout)
    except OSError as error:
        abandon_stdout()
        if isinstance(error, BrokenPipeError):
            raise
        raise EnvironmentProblem(f"cannot write to standard output: {error.strerror}") from None


def abandon_stdout() -> None:
    """Drops unwritten output: writing it would fail again, with a message, when Python exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def emit(lines: Iterable[Line]) -> None:
    """Writes a result to stdout, with styles if they are shown. Raises the errors of `write`."""
    write(_rendered(lines, sys.stdout))


def emit_problems(laid_out: Callable[[int | None], Iterable[Line]]) -> None:
    """Writes lines to stderr, laid out for its width. A failure is ignored: nobody can be told."""
    if sys.stderr is None:
        return
    with suppress(OSError):
        _write(_rendered(laid_out(width_of(sys.stderr)), sys.stderr), sys.stderr)


def complain(message: str, hint: str | None = None, details: Iterable[str] = ()) -> None:
    """Writes an error to stderr, with its details and its hint below."""
    below = [*details, *([hint] if hint else [])]
    _say(message, [Span("gconv: ", "title"), Span("error: ", "bad")], below)


def note(message: str) -> None:
    """Writes a note to stderr: something that is not part of the result."""
    _say(message, [Span("gconv: ")])


def _say(message: str, announcement: list[Span], below: Iterable[str] = ()) -> None:
    """Writes the message after the announcement, and the other sentences indented below."""
    from groupconv_cli.render.problems import HINT, sentence_lines

    emit_problems(
        lambda width: [
            *sentence_lines(message, width, announcement),
            *(line for text in below for line in sentence_lines(HINT + text, width)),
        ]
    )


def write_sentences(sentences: Iterable[str]) -> None:
    """Writes a result that is made of sentences to stdout. Raises the errors of `write`."""
    width = width_of(sys.stdout)
    emit([Span(line)] for sentence in sentences for line in fill(sentence, width))


def _rendered(lines: Iterable[Line], stream: TextIO) -> str:
    lines = list(lines)
    if not is_styled(stream):
        return plain(lines)
    # Rich is imported only for a terminal: for a pipe its import would take a third of the run.
    from rich.console import Console
    from rich.text import Text

    text = Text()
    for line in lines:
        for span in line:
            text.append(printable(span.text), STYLES.get(span.style))
        text.append("\n")
    console = Console(
        file=stream,
        width=width_of(stream) or MIN_WIDTH,  # else Rich reads COLUMNS by itself, and accepts 0
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
