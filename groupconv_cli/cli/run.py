"""What surrounds every command: errors become messages and exit statuses, never tracebacks."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

from groupconv_cli.cli.output import emit, note
from groupconv_cli.errors import GconvError, InternalError, SpecError
from groupconv_cli.render.text import Span

P = ParamSpec("P")

INTERRUPTED = 130
CLOSED_PIPE = 141
"""128 + SIGPIPE, as for any program that writes to a pipe nobody reads."""


def command(function: Callable[P, int | None]) -> Callable[P, None]:
    """Wraps a command: its return value is the exit status, its errors are reported."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        sys.exit(guarded(lambda: function(*args, **kwargs)))

    return wrapped


def guarded(action: Callable[[], int | None]) -> int:
    """Runs the action; returns the exit status."""
    try:
        return action() or 0
    except SpecError as error:
        from groupconv_cli.render.problems import problem_lines

        emit(problem_lines(error.diagnostics), sys.stderr)
        return error.exit_status
    except GconvError as error:
        fail(str(error))
        if isinstance(error, InternalError):
            note("this is a bug in gconv; please report it with the spec")
        return error.exit_status
    except KeyboardInterrupt:
        note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except OSError as error:
        fail(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        return GconvError.exit_status
    except Exception as error:
        if os.environ.get("GCONV_DEBUG"):
            raise
        fail(f"unexpected {type(error).__name__}: {error}")
        note("this is a bug in gconv; GCONV_DEBUG=1 shows where. Please report it with the spec")
        return InternalError.exit_status


def fail(message: str) -> None:
    """Says on stderr what went wrong."""
    emit([[Span("gconv: ", "title"), Span("error: ", "bad"), Span(message)]], sys.stderr)
