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
