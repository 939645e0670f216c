"""The table of layers: a row for each block and each layer, in their nest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from groupconv_cli.analysis.report import LayerRow, Summary
from groupconv_cli.page.tree import Block, tree_of
from groupconv_cli.render.summary import op_text, shared_groups
from groupconv_cli.render.view import UNKNOWN, Cell, Column, bounded, cell_text
from groupconv_cli.units import ratio
from groupconv_cli.words import printable

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import LayerMeasurement

ALIVE = "Alive: the activations in memory while the layer runs; of a block, the most."
TIMES = "Forward, Train: medians of the layer by itself; of a block, the sum of its layers."


class PageCell(NamedTuple):
    """A cell: its text, and the number that it is sorted by if the text does not say it exactly."""

    text: str
    value: float | None = None


class PageRow(NamedTuple):
    """A row."""

    label: str
    level: int
    is_block: bool
    cells: tuple[PageCell, ...]
    times: int = 1
    """How many repeats of a block the row is for."""


class LayerTable(NamedTuple):
    """The table."""

    columns: tuple[Column, ...]
    """The columns after that of the names."""
    rows: tuple[PageRow, ...]
    layers: int
    """The number of layers."""
    shown: int
    """The number of layers that have a row."""
    has_repeats: bool
    """Whether repeats that are alike have their layers only once."""


def layer_table(
    summary: Summary,
    alive: Mapping[str, int],
    measured: LayerMeasurement | None,
    most: int,
) -> LayerTable:
    """The table with at most so many rows.

    `alive` are the bytes in memory while each layer runs, by its name; empty if they are unknown.
    If there are too many rows, repeats that cost the same have their layers only once. If that is
    not enough, the deepest blocks are rows without their layers.
    """
    made = _Made(summary, alive, measured)
    root = tree_of([layer.path for layer in summary.layers])
    rows = list(made.rows(root, 0, None, False))
    joins = len(rows) > most
    deepest = max((len(layer.path) for layer in summary.layers), default=0)
    depth: int | None = None
    while joins:
        rows = list(made.rows(root, 0, depth, True))
        if len(rows) <= most or depth == 0:
            break
        depth = (deepest if depth is None else depth) - 1
    shown = sum(not row.is_block for row in rows)
    has_repeats = any(row.times > 1 for row in rows)
    return LayerTable(made.columns, tuple(rows), len(summary.layers), shown, has_repeats)


class _Made:
    def __init__(
        self, summary: Summary, alive: Mapping[str, int], measured: LayerMeasurement | None
    ) -> None:
        self.layers = summary.layers
        self.alive = alive
        self.times = _times(measured)
        self.has_reach = any(not (each.reach and each.reach.is_full) for each in summary.layers)
        columns = [
            Column("Op"),
            Column("Output", "shape"),
            Column("Groups", "count"),
            Column("Params", "count"),
            Column("MACs", "count"),
            Column("vs dense", "ratio"),
        ]
        if alive:
            columns.append(Column("Alive", "bytes", legend=ALIVE))
        if self.has_reach:
            columns.append(Column("Reach", "reach"))
        if measured is not None:
            columns.append(Column("Forward", "seconds", legend=TIMES))
            columns.append(Column("Train", "seconds"))
        self.columns = tuple(columns)

    def rows(self, block: Block, level: int, depth: int | None, joins: bool) -> Iterator[PageRow]:
        """The rows of what is in a block. Below `depth` levels, blocks stand for their layers."""
        for parts in self._joined(block) if joins else ((part,) for part in block.parts):
            part = parts[0]
            if isinstance(part, int):
                layer = self.layers[part]
                label = printable(layer.name.rpartition(".")[2])
                yield PageRow(label, level, False, self._cells([layer]))
                continue
            blocks = [each for each in parts if isinstance(each, Block)]
            inside = [layer for each in blocks for layer in self.layers[each.first : each.after]]
            label = printable(part.step.name)
            kind = "" if label.startswith(part.step.kind) else printable(part.step.kind)
            yield PageRow(label, level, True, self._cells(inside, kind), len(parts))
            if depth is None or level < depth:
                yield from self.rows(part, level + 1, depth, joins)

    def _joined(self, block: Block) -> Iterator[tuple[Block | int, ...]]:
        """What is in a block, with repeats that are alike together."""
        run: list[Block | int] = []
        for part in block.parts:
            if run and self._is_repeat(run[-1], part):
                run.append(part)
                continue
            if run:
                yield tuple(run)
            run = [part]
        if run:
            yield tuple(run)

    def _is_repeat(self, before: Block | int, part: Block | int) -> bool:
        if isinstance(before, int) or isinstance(part, int):
            return False
        if (before.step.kind, before.step.item) != (part.step.kind, part.step.item):
            return False
        return self._costs(before) == self._costs(part)

    def _costs(self, block: Block) -> list[object]:
        return [
            (each.op, each.groups, each.window, each.output_shape, each.cost, each.reach)
            for each in self.layers[block.first : block.after]
        ]

    def _cells(self, layers: Sequence[LayerRow], kind: str | None = None) -> tuple[PageCell, ...]:
        """The cells of a layer, or with a kind of a block."""
        last = layers[-1]
        params = sum(layer.params for layer in layers)
        macs = sum(layer.cost.macs for layer in layers)
        known = all(layer.cost.macs_known for layer in layers)
        dense = ratio(macs, sum(layer.dense_cost.macs for layer in layers)) if known else UNKNOWN
        values: list[tuple[Cell, float | None]] = [
            (op_text(last) if kind is None else kind or None, None),
            (last.output_shape, None),
            (last.groups if kind is None else shared_groups(layers), None),
            (params, params),
            (bounded(macs, known=known), macs),
            (dense, dense if isinstance(dense, float) else None),
        ]
        if self.alive:
            most = max(self.alive.get(layer.name, 0) for layer in layers)
            values.append((most, most))
        if self.has_reach:
            share = last.reach.share if last.reach else None
            values.append((last.reach or UNKNOWN, share))
        if self.times is not None:
            for phase in range(2):
                taken = [self.times.get(layer.name, (None, None))[phase] for layer in layers]
                seconds = [each for each in taken if each is not None]
                total = sum(seconds) if seconds else None
                values.append((total, total))
        return tuple(
            _cell(value, number, column)
            for (value, number), column in zip(values, self.columns, strict=True)
        )


def _cell(value: Cell, number: float | None, column: Column) -> PageCell:
    text = cell_text(value, column.kind, exact=False)
    if isinstance(number, float):
        number = float(f"{number:.6g}")
    is_said = number is not None and text.replace(",", "") == f"{number:g}"
    return PageCell(text, None if is_said or not text else number)


Times = dict[str, tuple[float | None, float | None]]


def _times(measured: LayerMeasurement | None) -> Times | None:
    """The seconds of inference and of training of each layer, in the first runtime."""
    if measured is None:
        return None
    runtime = measured.settings.runtimes[0]
    return {
        row.name: (measured.net(row.forward), measured.net(row.train))
        for row in measured.rows
        if row.runtime == runtime
    }
