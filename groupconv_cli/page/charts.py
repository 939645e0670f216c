"""Figures of reports as SVG inside the page, small enough for it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from groupconv_cli.errors import EnvironmentProblem

TAG = re.compile(r"<[^>]*>")
"""An element's start or end, or a comment. Values of attributes have `>` only escaped."""

PLACE = re.compile(r' (?:d|x|y|width|height|points)="[^"]*"| transform="(?:translate|rotate)[^"]*"')
"""Attributes with places, in points; all other numbers stay as they are."""

DIGITS = re.compile(r"(\d\.\d)\d+")
STYLE = re.compile(r"<style[^>]*>[^<]*</style>")
IDS = re.compile(r'( id="|url\(#|xlink:href="#)([a-zA-Z]\w{3,})')
"""Ids and what refers to them: figures of one page may have the same."""

PIXELS = 4 / 3
"""Pixels of a point."""


class Chart(NamedTuple):
    """A figure, or why there is none."""

    svg: str
    """An <svg> element, in which every text is escaped."""
    missing: str = ""


def chart_of(report: object, done: tuple[Any, Any], label: str, key: str) -> Chart:
    """The figure of a report, with what was measured and trained for it.

    `key` is its own on the page; ids begin with it.
    """
    from groupconv_cli.plots.figures import figure_of
    from groupconv_cli.plots.files import svg_text

    try:
        text = svg_text(figure_of(report, *done))
    except EnvironmentProblem as error:
        return Chart("", f"No chart: {error.message}. To have it: {error.hint}")
    return Chart(_smaller(text, label, key))


def _smaller(svg: str, label: str, key: str) -> str:
    """The element with a label, a tenth of a point exact, and without blanks that say nothing."""
    from markupsafe import escape

    head, _, body = svg.partition(">")
    view = re.search(r'viewBox="0 0 ([\d.]+) [\d.]+"', head)
    body = re.sub(r">\s*\n\s*<", "><", STYLE.sub("", body))
    body = TAG.sub(lambda tag: _smaller_tag(tag[0], key), body)
    xlink = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    shape = f'width="{float(view[1]) * PIXELS:.0f}" {view[0]}' if view else ""
    return f'<svg role="img" aria-label="{escape(label)}" {xlink} {shape}>{body.strip()}'


def _smaller_tag(tag: str, key: str) -> str:
    placed = PLACE.sub(lambda place: DIGITS.sub(r"\1", place[0]), re.sub(r"\s*\n\s*", " ", tag))
    return IDS.sub(rf"\1{key}-\2", placed)
