"""A spinner on stderr while something slow goes on; nothing where stderr is not a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from groupconv_cli.cli.output import is_styled


@contextmanager
def spinner(message: str) -> Iterator[Callable[[str], None]]:
    """Shows `message` with a spinner; yields a function that changes the message."""
    if not (sys.stderr.isatty() and is_styled(sys.stderr)):
        yield lambda _: None
        return
    from rich.console import Console

    # A descriptor of its own: while TensorFlow loads, descriptor 2 is kept from the screen.
    with os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8") as screen:
        with Console(file=screen).status(message) as status:
            yield status.update


@contextmanager
def bar() -> Iterator[Callable[[str, float, float], None]]:
    """Shows a bar with the time left; yields what to tell how far things are.

    That takes what goes on, the seconds that have gone, and those that all will take; where these
    are not known yet, 0.
    """
    if not (sys.stderr.isatty() and is_styled(sys.stderr)):
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("gconv: {task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[left]}"),
    )
    with os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8") as screen:
        with Progress(*columns, console=Console(file=screen), transient=True) as shown:
            task = shown.add_task("Loading TensorFlow", total=None, left="")

            def update(what: str, done: float, total: float) -> None:
                shown.update(
                    task,
                    description=what,
                    completed=done,
                    total=total or None,
                    left=f"{_duration(total - done)} left" if total else "",
                )

            yield update


def _duration(seconds: float) -> str:
    """About how long: '1 min 20 s', '12 s'."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
