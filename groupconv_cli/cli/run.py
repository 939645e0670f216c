"""The wrapper of every command: errors become messages and exit statuses, never tracebacks."""

from __future__ import annotations

import functools
import inspect
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, get_type_hints

from groupconv_cli.cli.output import abandon_stdout, complain, emit_problems, note, write
from groupconv_cli.cli.signals import ended, settle
from groupconv_cli.errors import GconvError, InternalError, SpecError

GITHUB = "github"
"""The format whose lines become annotations of GitHub Actions."""

INTERRUPTED = 130
CLOSED_PIPE = 141
"""128 + SIGPIPE, as for any program that writes to a closed pipe."""


def command(function: Callable[..., int | None]) -> Callable[..., None]:
    """Wraps a command: its return value becomes the exit status, and its errors are reported.

    A parameter whose type is a NamedTuple stands for several options, one for each field: so
    options that commands share are declared once.
    """
    groups, signature = _options(function)

    @functools.wraps(function)
    def wrapped(**given: Any) -> None:
        bundled = {
            name: group(**{field: given.pop(field) for field in group._fields})
            for name, group in groups.items()
        }
        run = functools.partial(function, **given, **bundled)
        output = [getattr(each, "output", None) for each in bundled.values()]
        is_annotated = given.get("output_format") == GITHUB and not any(output)
        sys.exit(guarded(functools.partial(_annotated, run) if is_annotated else run))

    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    # Worked out already: Typer would evaluate them all again.
    wrapped.__annotations__ = {
        name: option.annotation for name, option in signature.parameters.items()
    }
    return wrapped


def _annotated(run: Callable[[], int | None]) -> int | None:
    """Runs a command; mistakes in its specs become annotations of GitHub Actions on stdout too."""
    try:
        return run()
    except SpecError as error:
        from groupconv_cli.render.github import problems_github

        write(problems_github(error.diagnostics, os.environ.get("GITHUB_WORKSPACE")))
        raise


def _options(function: Callable[..., Any]) -> tuple[dict[str, Any], inspect.Signature]:
    """The groups of options among a command's parameters, and a signature with every option."""
    groups: dict[str, Any] = {}
    options: list[inspect.Parameter] = []
    signature = inspect.signature(function, eval_str=True)
    for parameter in signature.parameters.values():
        group = parameter.annotation
        if not hasattr(group, "_fields"):
            options.append(parameter)
            continue
        groups[parameter.name] = group
        hints = _fields_of(group)
        options += [
            inspect.Parameter(
                field,
                inspect.Parameter.KEYWORD_ONLY,
                default=getattr(parameter.default, field),
                annotation=hints[field],
            )
            for field in group._fields
        ]
    ordered = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in options]
    return groups, signature.replace(parameters=ordered)


@functools.cache
def _fields_of(group: Any) -> dict[str, Any]:
    return get_type_hints(group, include_extras=True)


@contextmanager
def before_typer(context: Any = None) -> Iterator[None]:
    """Handles closed pipes and wrong arguments before Typer does.

    Typer ends with another exit status for a closed pipe, and shows errors in a style of its own.
    """
    try:
        yield
    except BrokenPipeError:
        abandon_stdout()
        sys.exit(CLOSED_PIPE)
    except Exception as error:
        from groupconv_cli.cli.usage import as_usage_error, is_complaint

        if is_complaint(error):
            raise as_usage_error(error, context) from None
        raise


def guarded(action: Callable[[], int | None]) -> int:
    """Runs the action; returns the exit status.

    An action that was interrupted and has shown what is whole raises KeyboardInterrupt. Its text,
    if it has one, says how to go on.
    """
    if sys.stdout is None:
        complain("standard output is closed")
        return GconvError.exit_status
    try:
        try:
            return action() or _of_signal()
        except Exception as error:  # noqa: BLE001 - reported, or raised again
            return _of_signal() or _reported(error)
    except KeyboardInterrupt as error:
        settle()
        note("; ".join(["interrupted", *map(str, error.args)]))
        return INTERRUPTED
    except Exception:
        # A signal may have come while an error was reported. Python makes another error of it if
        # that is inside the body of a class.
        if status := _of_signal():
            return status
        raise


def _of_signal() -> int:
    """The exit status of a signal that came, but that some library took for its own; else 0."""
    number = ended()
    if number is None:
        return 0
    settle()
    if number == signal.SIGINT:
        note("interrupted")
    return 128 + number


def _reported(error: Exception) -> int:
    """Says what the error is; returns the exit status."""
    if isinstance(error, SpecError):
        from groupconv_cli.render.problems import problem_lines

        diagnostics = error.diagnostics
        emit_problems(lambda width: problem_lines(diagnostics, width))
        return error.exit_status
    if isinstance(error, GconvError):
        complain(error.message, error.hint, error.details)
        if isinstance(error, InternalError):
            note("this is a bug in gconv; please report it with the spec")
        return error.exit_status
    if isinstance(error, BrokenPipeError):
        return CLOSED_PIPE
    if isinstance(error, OSError):
        complain(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        return GconvError.exit_status
    if os.environ.get("GCONV_DEBUG"):
        raise error
    complain(f"unexpected {type(error).__name__}: {' '.join(str(error).split())}")
    note("this is a bug in gconv; GCONV_DEBUG=1 shows where. Please report it with the spec")
    return InternalError.exit_status
