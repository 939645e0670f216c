"""Writes a result in the format and to the place that the user asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from groupconv_cli import api
from groupconv_cli.cli.output import emit, note, width_of, write, write_sentences
from groupconv_cli.errors import UsageError
from groupconv_cli.render import formats
from groupconv_cli.render.view import View
from groupconv_cli.words import joined

if TYPE_CHECKING:
    from groupconv_cli import GroupTraining
    from groupconv_cli.api.plotting import Measured, Plotted


class Result(NamedTuple):
    """The result of a command, in the two forms that all formats are made from."""

    view: Callable[[bool], View]
    """Makes the view. The argument says whether rows may be indented under their block; if not,
    they have their full names."""
    documents: Mapping[str, Callable[[], str]]
    """Formats that are made from the report itself, such as json, by name."""


class Destination(NamedTuple):
    """Where a result goes, and in which format: the values of the options of every command."""

    output_format: str | None
    output: Path | None
    force: bool
    exact: bool
    shaping: tuple[str, ...] = ()
    """The given options that change only the view."""

    @property
    def chosen(self) -> formats.OutputFormat:
        """The format that was asked for, or else that of the file's ending, or else a table."""
        if self.output_format is not None:
            return formats.BY_NAME[self.output_format]
        ending = self.output.suffix.lower() if self.output else ""
        return formats.BY_ENDING.get(ending, formats.DEFAULT)

    def checked(self) -> Destination:
        """The same destination, once it is checked. Call this before any work is done.

        A file called - is standard output.

        Raises UsageError for an unknown ending, and if the file cannot be written or exists and
        must not be replaced.
        """
        if is_stdout(self.output):
            return self._replace(output=None)
        if self.output is not None:
            ending = self.output.suffix
            if self.output_format is None and ending.lower() not in formats.BY_ENDING:
                raise UsageError(
                    f"unknown format {ending!r}; use {formats.endings_text()}, or name the format "
                    "with --format"
                )
            from groupconv_cli.files import check_output

            check_output(self.output, force=self.force)
        return self


def is_stdout(path: Path | None) -> bool:
    """Whether the path of an --output means standard output."""
    return path is not None and str(path) == "-"


def present(result: Result, to: Destination) -> None:
    """Writes the result to stdout, or whole into a file.

    A note on stderr names the options that have no effect.

    Raises UsageError if the file exists and must not be replaced, EnvironmentProblem if writing
    fails.
    """
    unused = [*to.shaping, *["--exact"] * to.exact]
    if unused and to.chosen.name in result.documents:
        has = f"{to.chosen.name} is complete and exact"
        note(f"{has}: {joined(unused)} {'changes' if len(unused) == 1 else 'change'} nothing")
    if to.output is None:
        if to.chosen.is_laid_out:
            from groupconv_cli.render.text import lines

            width = width_of(sys.stdout)
            emit(lines(result.view(width is not None), width=width, exact=to.exact))
        else:
            write(_text(result, to))
        return
    from groupconv_cli.files import written_whole

    with written_whole(to.output, force=to.force) as temporary:
        temporary.write_text(_text(result, to), encoding="utf-8")
    write_sentences([f"Wrote {to.output}."])


def _text(result: Result, to: Destination) -> str:
    """The text of the result for a file."""
    chosen = to.chosen
    if chosen.name in result.documents or chosen.render is None:
        return result.documents[chosen.name]()
    return chosen.render(result.view(False), to.exact)


def checked_plot(path: Path | None, output: Path | None, *, force: bool) -> None:
    """Checks the path of a --plot. Call this before any work is done.

    Raises UsageError for an unknown ending, for the file of --output, and if the file cannot be
    written or exists and must not be replaced; EnvironmentProblem if matplotlib is not installed.
    """
    if path is None:
        return
    if output is not None and path.absolute() == output.absolute():
        raise UsageError(f"--plot and --output name the same file: {path}")
    api.refuse_to_plot(path, force=force)


def present_plot(
    path: Path | None,
    report: Plotted,
    measured: Measured | None = None,
    trained: GroupTraining | None = None,
    *,
    force: bool,
) -> None:
    """Draws the result into the file of a --plot, if there is one, and says so on stderr.

    Call this after `present`: a figure that cannot be drawn must not cost the result.
    """
    if path is not None:
        api.write_plot(report, path, measured, trained, force=force)
        note(f"wrote {path}")
