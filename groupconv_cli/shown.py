"""How a report shows itself: in a session, printed, in a notebook, and as data.

Reports stand far below what shows them, and must not import it. So the one that shows them is
named here, as the package names the homes of its public functions, and loaded when a report is
first shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    import pandas as pd

HOME = "groupconv_cli.api.showing"
"""The module that has the `Shower`, as `shower`."""


class Shower(Protocol):
    """What shows reports."""

    def short(self, report: Shown) -> str:
        """The report in a line."""

    def text(self, report: Shown) -> str:
        """The tables that the report's command prints."""

    def html(self, report: Shown) -> str:
        """The same as HTML."""

    def document(self, report: Shown) -> dict[str, Any]:
        """The report's JSON."""

    def frame(self, report: Shown) -> pd.DataFrame:
        """The report's rows."""


def _shower() -> Shower:
    from importlib import import_module

    return cast("Shower", import_module(HOME).shower)


class Shown:
    """A report. `print` shows the table of its command, and so does a notebook."""

    def __repr__(self) -> str:
        return _shower().short(self)

    def __str__(self) -> str:
        return _shower().text(self)

    def _repr_html_(self) -> str:
        return _shower().html(self)

    def to_dict(self) -> dict[str, Any]:
        """What `--format json` prints, as docs/json.md describes it."""
        return _shower().document(self)

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a pandas.DataFrame, with the column names of `--format csv`.

        Numbers are raw, and an unknown number is missing.

        Raises EnvironmentProblem if pandas is not installed.
        """
        return _shower().frame(self)
