"""The catalogue of bundled networks as a View."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from groupconv_cli.analysis.totals import total
from groupconv_cli.render.view import Cell, Column, Row, Table, View
from groupconv_cli.sources.catalogue import Bundled

NUMBERS = (
    Column("Name", key="name"),
    Column("Params", "count", "params"),
    Column("MACs", "count", "macs"),
    Column(
        "Top-1",
        "accuracy",
        "published_top1",
        drop=1,
        legend="Top-1: published accuracy on ImageNet. Sources differ in how they train.",
    ),
)


def catalogue_view(entries: Iterable[Bundled]) -> View:
    """A table of networks; those of a family stand under a line that describes the family."""
    rows: list[Row] = []
    for family, group in groupby(entries, key=lambda entry: entry.family):
        members = list(group)
        rows.append(Row((family, None, None, None), "group", note=_about(members)))
        rows += [Row(_numbers(member), indent=1) for member in members]
    notes = (
        "Use a name wherever a command takes SPEC: gconv summary resnet50. "
        "gconv init NAME writes a copy to start from.",
    )
    return View("Bundled networks", (Table(NUMBERS, tuple(rows)),), notes)


def _about(members: Sequence[Bundled]) -> str:
    """The description of a family, where it was published, and where its accuracies were."""
    first = members[0]
    sources = dict.fromkeys(member.top1.source for member in members if member.top1)
    parts = [first.about, first.published, f"Top-1: {'; '.join(sources)}" if sources else ""]
    return ". ".join(part for part in parts if part)


def networks_view(entries: Iterable[Bundled]) -> View:
    """A row for each network, for machines."""
    rows = tuple(Row(_numbers(entry)) for entry in entries)
    return View("Bundled networks", (Table(NUMBERS, rows),))


def _numbers(entry: Bundled) -> tuple[Cell, ...]:
    totals = total(entry.network)
    accuracy = entry.top1.accuracy if entry.top1 else None
    return entry.name, totals.params, totals.macs, accuracy
