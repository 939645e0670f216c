"""One table of the formats that a result can be printed in.

Renderers are imported when they are used, because every command's --help reads the table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from groupconv_cli.words import joined

if TYPE_CHECKING:
    from groupconv_cli.render.view import View


class OutputFormat(NamedTuple):
    """One format."""

    name: str
    """Its name in `--format`."""
    endings: tuple[str, ...]
    """Endings of files that have this format by default; '' is a name without an ending."""
    render: Callable[[View, bool], str] | None
    """Makes a file's text from a view, with every number in full if the second argument is true.
    None: commands make the text from the report itself."""
    is_for_all: bool = True
    """Whether every command has it. Otherwise only commands whose results are about files have
    it: check, diff and compare."""
    is_laid_out: bool = False
    """Whether it is laid out for the width of the terminal on stdout."""


def _table(view: View, exact: bool) -> str:
    from groupconv_cli.render.flow import plain
    from groupconv_cli.render.text import lines

    return plain(lines(view, width=None, exact=exact))


def _markdown(view: View, exact: bool) -> str:
    from groupconv_cli.render.markdown import markdown

    return markdown(view, exact=exact)


def _csv(view: View, exact: bool) -> str:  # noqa: ARG001 - its numbers are always in full
    from groupconv_cli.render.csv import csv_text

    return csv_text(view)


OUTPUT_FORMATS = (
    OutputFormat("table", (".txt", ".log", ""), _table, is_laid_out=True),
    OutputFormat("markdown", (".md",), _markdown),
    OutputFormat("json", (".json",), None),
    OutputFormat("csv", (".csv",), _csv),
    OutputFormat("github", (), None, is_for_all=False),
)
"""Every format. The first is the default."""

DEFAULT = OUTPUT_FORMATS[0]

NAMES = tuple(each.name for each in OUTPUT_FORMATS if each.is_for_all)

ALL_NAMES = tuple(each.name for each in OUTPUT_FORMATS)
"""Names of all formats."""

BY_NAME = {each.name: each for each in OUTPUT_FORMATS}

BY_ENDING = {ending: each for each in OUTPUT_FORMATS for ending in each.endings}


def endings_text() -> str:
    """A list of the endings for a sentence; those of the default come last."""
    asking = [*OUTPUT_FORMATS[1:], DEFAULT]
    return joined([ending for each in asking for ending in each.endings if ending], "or")
