"""Cells of a View as values of Python."""

from __future__ import annotations

from typing import Any

from groupconv_cli.analysis.channel_mixing import Reach
from groupconv_cli.render.view import UNKNOWN, AtLeast, Bar, Cell, Interval, Marked, Typed


def value_of(cell: Cell) -> Any:
    """The raw value of a cell; None for one that is empty, unknown, or known only to a bound."""
    if cell is UNKNOWN or isinstance(cell, AtLeast):
        return None
    if isinstance(cell, Typed | Marked):
        return value_of(cell.value)
    if isinstance(cell, Bar | Reach):
        return cell.share
    if isinstance(cell, Interval):
        return tuple(cell)
    return cell
