"""Where output goes and how: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TextIO

from groupconv_cli.render.text import Line, plain

STYLES = {
    "title": "bold",
    "head": "bold",
    "group": "bold",
    "ratio": "green",
    "quiet": "dim",
    "bad": "bold red",
    "good": "bold green",
}

_PLAIN_GLYPHS = str.maketrans(
    {"×": "x", "·": "-", "─": "-", "→": ">", "…": ".", "–": "-", "�": "?", "✓": "+", "√": "v"}
)
"""What stands for the glyphs of tables where the output's encoding lacks them."""


def width_of(stream: TextIO) -> int | None:
    """Columns there are to fit: `COLUMNS`, or the terminal's; None where nothing limits them."""
    try:
        columns = int(os.environ.get("COLUMNS", ""))
    except ValueError:
        columns = 0
    if columns > 0:
        return columns
    if not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def is_styled(stream: TextIO) -> bool:
    """Whether bold and colour are wanted: on a terminal, unless NO_COLOR or a dumb one."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def write(text: str, stream: TextIO | None = None) -> None:
    """Writes text as it is, but for glyphs that the stream cannot encode."""
    stream = stream or sys.stdout
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        safe = text.translate(_PLAIN_GLYPHS).encode(encoding, "backslashreplace")
        stream.write(safe.decode(encoding))
    stream.flush()


def emit(lines: Iterable[Line], stream: TextIO | None = None) -> None:
    """Writes lines, with styles where the stream shows them."""
    stream = stream or sys.stdout
    lines = list(lines)
    if not is_styled(stream):
        write(plain(lines), stream)
        return
    # Only a terminal pays for rich: for a pipe its import would be a third of the run.
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, soft_wrap=True, highlight=False, emoji=False, markup=False)
    text = Text()
    for line in lines:
        for span in line:
            text.append(span.text, STYLES.get(span.style))
        text.append("\n")
    console.print(text, end="")
    stream.flush()


def note(message: str) -> None:
    """Tells the user something that is not the result."""
    write(f"gconv: {message}\n", sys.stderr)
