"""A status line on stderr while something slow runs, if stderr is a terminal.

Rich would replace `sys.stderr` by a file of its own while the line is shown. Code that keeps
`sys.stderr` at that time, as TensorFlow's logger does when it is imported, would then have a closed
file when the line is gone. So Rich is told to replace nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from groupconv_cli.cli.output import MIN_WIDTH, is_styled, width_of
from groupconv_cli.words import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

BAR = 24
ROOM_FOR_BAR = 80
"""The width from which on a bar fits between the description and the time left."""


@contextmanager
def spinner() -> Iterator[Callable[[str], None]]:
    """Yields a function that shows a message with a spinner, from the first message on."""
    with ExitStack() as stack:
        turning: Callable[[str], None] | None = None

        def show(message: str) -> None:
            nonlocal turning
            if _is_shown():
                turning = turning or stack.enter_context(_turning(message))
                turning(message)

        yield show


@contextmanager
def _turning(message: str) -> Iterator[Callable[[str], None]]:
    from rich.live import Live
    from rich.spinner import Spinner

    with _screen() as console:

        def text(message: str) -> Text:
            return _cut(message, console.width - 2)  # the spinner and a blank

        turning = Spinner("dots", text(message), style="status.spinner")
        with Live(
            turning,
            console=console,
            refresh_per_second=12.5,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield lambda message: turning.update(text=text(message))


@contextmanager
def bar() -> Iterator[Callable[[str, float, float], None]]:
    """Shows a bar with the time left; yields a function that updates it.

    The function takes a description, the seconds that have passed, and the seconds that everything
    will take, or 0 if that is not known yet.
    """
    if not _is_shown():
        yield lambda what, done, total: None
        return
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn

    with _screen() as console:
        columns: list[ProgressColumn] = [
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[left]}", markup=False),
        ]
        if console.width >= ROOM_FOR_BAR:
            columns.insert(1, BarColumn(bar_width=BAR))
        with Progress(
            *columns,
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as shown:
            task = shown.add_task("gconv: Loading TensorFlow", total=None, left="")

            def update(what: str, done: float, total: float) -> None:
                left = f"{_duration(total - done)} left" if total else ""
                taken = len(left) + 2 + (BAR + 1) * (len(columns) > 2)
                shown.update(
                    task,
                    description=_cut(f"gconv: {what}", console.width - taken).plain,
                    completed=done,
                    total=total or None,
                    left=left,
                )

            yield update


def _is_shown() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and is_styled(sys.stderr)


@contextmanager
def _screen() -> Iterator[Console]:
    from rich.console import Console

    # A copy of the descriptor: while TensorFlow loads, descriptor 2 does not lead to the screen.
    with os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8") as screen:
        yield Console(file=screen, width=width_of(sys.stderr) or MIN_WIDTH)


def _cut(message: str, room: int) -> Text:
    """The message as one line of at most `room` columns. It is not read as Rich's markup."""
    from rich.text import Text

    text = Text(printable(message))
    text.truncate(max(room, 1), overflow="ellipsis")
    return text


def _duration(seconds: float) -> str:
    """A rounded duration: '1 min 20 s', '12 s'."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
