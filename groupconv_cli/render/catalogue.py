"""The catalogue of bundled networks as a View."""

from __future__ import annotations

from collections.abc import Iterable

from groupconv_cli.analysis.totals import total
from groupconv_cli.render.view import Column, Row, Table, View
from groupconv_cli.sources.catalogue import Bundled

COLUMNS = (
    Column("Name", key="name"),
    Column("Params", "count", "params"),
    Column("MACs", "count", "macs"),
)


def catalogue_view(entries: Iterable[Bundled]) -> View:
    """A table of all networks, under a line on each family."""
    rows: list[Row] = []
    family = None
    for entry in entries:
        totals = total(entry.network)
        if entry.family != family:
            family = entry.family
            rows.append(Row((entry.family, None, None), "group", note=_about(entry)))
        rows.append(Row((entry.name, totals.params, totals.macs), indent=1))
    notes = (
        "Each name goes wherever a SPEC does: gconv summary resnet50. "
        "gconv init NAME writes a copy to begin from.",
    )
    return View("Bundled networks", (Table(COLUMNS, tuple(rows)),), notes)


def _about(entry: Bundled) -> str:
    return f"{entry.about}. {entry.published}"
