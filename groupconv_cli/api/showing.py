"""Shows reports: see `groupconv_cli.shown`, which names this module."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from groupconv_cli.shown import Shower, Shown

if TYPE_CHECKING:
    import pandas as pd


class _Reports:
    """Shows any report, as `render.reports` says for its class."""

    def short(self, report: Shown) -> str:
        """Its class, its name and its most important numbers."""
        from groupconv_cli.render.reports import form_of

        return f"<{type(report).__name__}{form_of(report).short(report)}>"

    def text(self, report: Shown) -> str:
        """The tables, for the width of the terminal if they are printed to one."""
        from groupconv_cli.render.flow import plain
        from groupconv_cli.render.reports import form_of
        from groupconv_cli.render.text import lines

        view = form_of(report).view(report)
        return plain(lines(view, width=_width(), whole="to_dict() has everything")).rstrip("\n")

    def html(self, report: Shown) -> str:
        """The tables as HTML that needs nothing else."""
        from groupconv_cli.render.html import html
        from groupconv_cli.render.reports import form_of

        return html(form_of(report).view(report))

    def document(self, report: Shown) -> dict[str, Any]:
        """The document of --format json."""
        from groupconv_cli.render.reports import form_of

        return form_of(report).document(report)

    def frame(self, report: Shown) -> pd.DataFrame:
        """The main table. Raises EnvironmentProblem if pandas is not installed."""
        from groupconv_cli.render.reports import form_of
        from groupconv_cli.render.values import value_of
        from groupconv_cli.runtime import require

        require("pandas")
        import pandas as pd

        view = form_of(report).rows(report)
        table = view.tables[view.main]
        noted = table.has_notes
        return pd.DataFrame(
            [[*map(value_of, row.cells), *[row.note or None] * noted] for row in table.rows],
            columns=[*(column.key for column in table.columns), *["note"] * noted],
        )


def _width() -> int | None:
    """The columns of the terminal that is printed to; None if it is none."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size().columns


shower: Shower = _Reports()
