"""The figures that are returned. This module imports matplotlib, so it is imported in functions."""

from __future__ import annotations

from matplotlib.figure import Figure


class DrawnFigure(Figure):
    """A figure that a notebook shows, although pyplot does not know it."""

    def _repr_svg_(self) -> str:
        from groupconv_cli.plots.files import svg_text

        return svg_text(self)
