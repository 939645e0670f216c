"""What a mark of a figure says when the mouse is over it in a browser.

The text is kept in the mark itself: its gid says that it has one, and its label has it. A label
that begins with _ is in no legend.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from groupconv_cli.words import printable

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

POINT = "gconv-point"


def hover(artist: Artist, says: str) -> None:
    """Lets a mark say this."""
    artist.set_gid(POINT)
    artist.set_label(f"_{printable(says)}")


def said(figure: Figure) -> Iterator[tuple[Artist, str]]:
    """Every mark that says something, and what."""
    for artist in figure.findobj(lambda each: each.get_gid() == POINT):
        yield artist, str(artist.get_label())[1:]
