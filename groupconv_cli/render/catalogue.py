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
COLUMNS = (*NUMBERS, Column("About", "prose", "about", wraps=18, drop=1))


def catalogue_view(entries: Iterable[Bundled]) -> View:
    """A table of all networks; the networks of a family stand under a row for the family."""
    rows: list[Row] = []
    for family, group in groupby(entries, key=lambda entry: entry.family):
        members = list(group)
        about = f"{members[0].about}. {members[0].published}".strip()
        if [member.name for member in members] == [family]:
            rows.append(Row((*_numbers(members[0]), about)))
            continue
        rows.append(Row((family, None, None, about), "group"))
        rows += [Row((*_numbers(member), None), indent=1) for member in members]
    notes = (
        "Use a name wherever a command takes SPEC: gconv summary resnet50. "
        "gconv init NAME writes a copy to start from.",
    )
    return View("Bundled networks", (Table(COLUMNS, tuple(rows)),), notes)


def networks_view(entries: Iterable[Bundled]) -> View:
    """A row for each network, for machines."""
    rows = tuple(Row(_numbers(entry)) for entry in entries)
    return View("Bundled networks", (Table(NUMBERS, rows),))


def _numbers(entry: Bundled) -> tuple[Cell, ...]:
    totals = total(entry.network)
    return entry.name, totals.params, totals.macs
