"""The labels of the rows of a comparison, which its tables of costs and of times share."""

from __future__ import annotations

from collections.abc import Collection

from groupconv_cli.analysis.report import AS_WRITTEN
from groupconv_cli.render.view import Cell, Marked, Row


def labelled(groups: int | str, cells: tuple[Cell, ...], written_as: Collection[int | str]) -> Row:
    """The row of a number of groups; `written_as` are the numbers that the network has as written.

    The network as written is marked there, and then its own row says nothing new.
    """
    is_written = groups == AS_WRITTEN
    label = Marked(groups, AS_WRITTEN) if groups in written_as else groups
    style = "group" if is_written or label != groups else ""
    return Row((label, *cells), style, is_double=is_written and bool(written_as))
