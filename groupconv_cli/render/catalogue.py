"""The catalogue of bundled networks as a View."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from groupconv_cli.analysis.totals import total
from groupconv_cli.render.view import Cell, Column, Row, Table, View
from groupconv_cli.sources.catalogue import Bundled

NUMBERS = (
    Column("Name", key="name"),
    Column("Params", "count", "params"),
    Column("MACs", "count", "macs"),
)


def catalogue_view(entries: Iterable[Bundled]) -> View:
    """A table of networks; those of a family stand under a line that describes the family."""
    rows: list[Row] = []
    for family, group in groupby(entries, key=lambda entry: entry.family):
        members = list(group)
        about = f"{members[0].about}. {members[0].published}".strip()
        rows.append(Row((family, None, None), "group", note=about))
        rows += [Row(_numbers(member), indent=1) for member in members]
    notes = (
        "Use a name wherever a command takes SPEC: gconv summary resnet50. "
        "gconv init NAME writes a copy to start from.",
    )
    return View("Bundled networks", (Table(NUMBERS, tuple(rows)),), notes)


def networks_view(entries: Iterable[Bundled]) -> View:
    """A row for each network, for machines."""
    rows = tuple(Row(_numbers(entry)) for entry in entries)
    return View("Bundled networks", (Table(NUMBERS, rows),))


def _numbers(entry: Bundled) -> tuple[Cell, ...]:
    totals = total(entry.network)
    return entry.name, totals.params, totals.macs
