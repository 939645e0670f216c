"""Matplotlib as figures of ours need it, whatever the user has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from groupconv_cli.runtime import require

SETTINGS: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#404040",
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "figure.titlesize": 10,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial"],
    "font.size": 9,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.edgecolor": "#e4e4e4",
    "legend.facecolor": "white",
    "legend.fontsize": 8,
    "legend.frameon": True,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
    "svg.fonttype": "none",
    "svg.hashsalt": "gconv",
    "text.parse_math": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}
"""Settings of matplotlib. A name with a $ is text, not a formula."""


def require_matplotlib() -> None:
    """Raises EnvironmentProblem if matplotlib is not installed. Imports nothing."""
    require("matplotlib", install="pip install '.[plot]'")


@contextmanager
def styled() -> Iterator[None]:
    """Sets matplotlib for a figure of ours, whatever the user has set; afterwards all is as before.

    Raises EnvironmentProblem if matplotlib is not installed.
    """
    require_matplotlib()
    with _quiet():
        import matplotlib as mpl

    with _quiet(), mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides remarks of matplotlib: on its cache, and on letters that its font lacks."""
    import logging
    import warnings

    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
