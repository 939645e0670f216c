"""The result of a search as a view, also of one that was saved, which has fewer parts."""

from __future__ import annotations

from groupconv_cli.analysis.search.report import SearchReport
from groupconv_cli.render.search import search_view
from groupconv_cli.render.view import Column, Row, Table, View

CHOSEN = (Column("Convolution", key="name"), Column("To", "groups", "groups"))


def search_parts(report: SearchReport) -> View:
    """The view of a search without a next step.

    A saved result has no changes, because JSON has the choice and not what it was before. Then the
    choice stands in the table.
    """
    view = search_view(report, "")
    view = view._replace(conclusion=tuple(filter(None, view.conclusion)))
    if report.changes or not report.choice:
        return view
    rows = tuple(Row((name, count)) for name, count in report.choice.items())
    return view._replace(tables=(Table(CHOSEN, rows), *view.tables))
