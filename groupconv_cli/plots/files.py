"""Figures as files and as text. The same figure is the same SVG, to the byte."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from groupconv_cli.plots.hover import POINT, said
from groupconv_cli.plots.settings import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = (".svg", ".png", ".pdf")
"""The endings of files that a figure can be written to."""

_NOTHING = {
    "svg": dict.fromkeys(("Creator", "Date", "Format", "Type")),
    "pdf": dict.fromkeys(("Creator", "CreationDate", "Producer")),
    "png": {"Software": None},
}
"""What matplotlib would say about itself and the time; None leaves it out."""


def write(figure: Figure, path: Path) -> None:
    """Writes the figure in the format of the file's ending, one of ENDINGS."""
    kind = path.suffix.lower().lstrip(".")
    if kind == "svg":
        path.write_text(svg_text(figure), encoding="utf-8")
        return
    path.write_bytes(_saved(figure, kind))


def svg_text(figure: Figure) -> str:
    """The figure as an `<svg>` element, which is a whole file and can also stand in HTML.

    Text is text. Every mark of a datum has a `<title>` with its numbers, which browsers show on
    hover. Only what is referred to has an id.
    """
    marks = [(artist, text) for artist, text in said(figure)]
    for number, (artist, _) in enumerate(marks):
        artist.set_gid(f"{POINT}-{number}")
    try:
        text = _saved(figure, "svg").decode("utf-8")
    finally:
        for artist, _ in marks:
            artist.set_gid(POINT)
    says = {f"{POINT}-{number}": text for number, (_, text) in enumerate(marks)}

    def group(found: re.Match[str]) -> str:
        told = says.get(found[1])
        return "<g>" if told is None else f"<g><title>{escape(told)}</title>"

    return re.sub(r'<g id="([^"]*)">', group, text[text.index("<svg") :])


def _saved(figure: Figure, kind: str) -> bytes:
    target = io.BytesIO()
    with styled():
        figure.savefig(target, format=kind, metadata=_NOTHING[kind])
    return target.getvalue()
