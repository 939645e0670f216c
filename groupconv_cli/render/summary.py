"""A Summary as a View: the layers in the nest of their blocks, and the totals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from groupconv_cli.analysis.channel_mixing import Reach
from groupconv_cli.analysis.report import LayerRow, Summary
from groupconv_cli.ops.base import Window, shape_text
from groupconv_cli.policy.totals import TOTALS
from groupconv_cli.render.shares import Shares
from groupconv_cli.render.view import (
    CONVENTION,
    UNKNOWN,
    Cell,
    Column,
    Row,
    Table,
    Typed,
    View,
    bounded,
    inputs_text,
    macs_notes,
)
from groupconv_cli.units import ratio
from groupconv_cli.words import plural

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import LayerMeasurement
    from groupconv_cli.network import Step

REACH = (
    "Reach: how many of the N channels that entered the grouped part can influence each output "
    "channel. 16/64: each output sees only 16 of 64; 1: all of them."
)

LAYER_COLUMNS = (
    Column("Layer", key="name"),
    Column("Op", key="op", drop=3),
    Column("Output", "shape", "output_shape", drop=2),
    Column("Groups", "count", "groups", drop=1),
    Column("Params", "count", "params"),
    Column("MACs", "count", "macs"),
    Column("FLOPs", "count", "flops", drop=4),
    Column("vs dense", "ratio", "ratio", drop=1),
    Column("Reach", "reach", "reach", drop=5, legend=REACH),
)


Times = Callable[[list[LayerRow]], tuple[Cell, ...]]
"""Makes the cells of measurements of some layers; no cells if nothing was measured."""


class _Line(NamedTuple):
    """A future row: some layers that stand together under one label."""

    label: str
    name: str
    """The labels of the groups around it and its own, joined by dots."""
    level: int
    layers: list[LayerRow]
    item: tuple[int, ...]
    """The items of the spec on the path to this line; the last is its own."""
    kind: str | None = None
    """The kind of a group: a block, a branch, a shortcut … None for a layer."""
    times: int = 1
    """How many repeats of one item are in this line."""

    @property
    def is_group(self) -> bool:
        """Whether it stands for everything inside a block or branch."""
        return self.kind is not None

    def is_whole(self, depth: int | None) -> bool:
        """Whether no lines for its inside follow if blocks are folded at `depth`."""
        return not self.is_group or self.level + 1 == depth

    def is_of_the_same(self, other: _Line) -> bool:
        """Whether both come from the same part of the same item; branches are different parts."""
        return (self.level, self.item, self.kind) == (other.level, other.item, other.kind)


def summary_view(
    summary: Summary,
    measured: LayerMeasurement | None = None,
    *,
    depth: int | None = None,
    top: int | None = None,
    by: str | None = None,
    nested: bool = True,
) -> View:
    """The view of a summary, with the measurements beside it.

    `depth` folds nested blocks: 1 gives a row per item of the spec's `layers:`, 0 gives no rows.
    `top` keeps that many rows, those that cost most, and folds all others into one. `by` is the
    cost that is meant, of which rows have bars: a key of `shares.COSTS`, or None for MACs.
    `nested` indents layers under their blocks; otherwise every row has its full name.
    """
    lines = _lines(summary.layers) if depth is None else list(_folded(summary, depth))
    grouped = any(layer.window and (layer.groups or 1) > 1 for layer in summary.layers)
    below_one = grouped and any(not (reach and reach.is_full) for reach in map(_reach, lines))
    columns = _columns(summary)
    notes: tuple[str, ...] = (
        CONVENTION,
        *macs_notes(summary.totals),
    )
    conclusion: tuple[str, ...] = ()
    times: Times = _no_times
    if measured is not None:
        from groupconv_cli.render.measure import (
            layer_cells,
            layer_columns,
            layer_notes,
            whole_notes,
        )

        columns = (*columns, *layer_columns(measured))
        notes = (*notes, *layer_notes(measured))
        conclusion = whole_notes(measured)
        times = partial(layer_cells, measured)
    shares = Shares(summary.layers, by, measured)
    if top is None:
        rows = tuple(_row(line, nested, times, with_reach=below_one) for line in lines)
        bars = shares.bars([(line.layers, line.is_whole(depth)) for line in lines])
    else:
        # No row may be the sum of other rows, so that the columns still add up.
        whole = [line for line in lines if line.is_whole(depth)]
        rows, bars = _top_rows(whole, top, times, shares, with_reach=below_one)
        notes = (_top_note(top, shares), *notes) if len(rows) > top else notes
    columns = (*columns, shares.column)
    rows = tuple(map(_with_bar, rows, bars))
    title = (
        f"{summary.name} · {inputs_text(summary.inputs)} · "
        f"{plural(len(summary.layers), 'layer')} · {summary.dtype}"
    )
    layers = (Table(columns, rows),) if rows else ()
    return View(title, (*layers, totals_table(summary)), notes, conclusion)


def rows_view(summary: Summary) -> View:
    """A row for every layer, for programs: nothing is folded, and no row is the sum of others."""
    lines = [line for line in _lines(summary.layers) if not line.is_group]
    shares = Shares(summary.layers)
    bars = shares.bars([(line.layers, True) for line in lines])
    rows = (_row(line, False, _no_times, with_reach=True) for line in lines)
    made = tuple(map(_with_bar, rows, bars))
    return View(summary.name, (Table((*LAYER_COLUMNS, shares.column), made),))


def _with_bar(row: Row, bar: Cell) -> Row:
    return Row((*row.cells, bar), row.style, row.indent)


def _columns(summary: Summary) -> tuple[Column, ...]:
    """The columns of the layers. If the output is not fully mixed, Reach is hidden last."""
    reach = summary.layers[-1].reach
    if reach is None or reach.is_full:
        return LAYER_COLUMNS
    return tuple(
        column._replace(drop=1) if column.kind == "reach" else column for column in LAYER_COLUMNS
    )


def totals_table(summary: Summary) -> Table:
    """The totals as written, and those of the dense network."""
    columns = (
        Column("Total", key="total"),
        Column("As written", "count", "as_written"),
        Column("Dense", "count", "baseline", drop=2),
        Column("vs dense", "ratio", "ratio", drop=1),
    )
    made = []
    for total in TOTALS:
        if not total.is_shown:
            continue
        written, dense = summary.totals.value(total), summary.baseline.value(total)
        known = summary.totals.macs_complete or not total.is_of_macs
        pair = (bounded(Typed(total.kind, each), known=known) for each in (written, dense))
        made.append(Row((total.heading, *pair, ratio(written, dense) if known else UNKNOWN)))
    return Table(columns, tuple(made))


@lru_cache(maxsize=256)
def window_text(window: Window) -> str:
    """A window in short: 3×3/2 is a kernel of 3×3 with stride 2, and d2 is a dilation of 2."""
    text = shape_text(window.kernel)
    if max(window.stride) > 1:
        text += "/" + _brief(window.stride)
    if max(window.dilation) > 1:
        text += " d" + _brief(window.dilation)
    return text


def _brief(size: tuple[int, ...]) -> str:
    return str(size[0]) if len(set(size)) == 1 else shape_text(size)


def op_text(layer: LayerRow) -> str:
    """Its op, with its window if it has one."""
    text = f"{layer.op} {window_text(layer.window)}" if layer.window else layer.op
    return f"{text} (assumed)" if layer.assumed else text


def _lines(layers: Sequence[LayerRow]) -> list[_Line]:
    """A line for every layer, each below those of the blocks and branches around it."""
    lines: list[_Line] = []
    around: list[_Line] = []
    before: tuple[Step, ...] = ()
    for layer in layers:
        path, same = layer.path, 0
        for step, last in zip(path, before, strict=False):
            if step != last:
                break
            same += 1
        before = path
        del around[same:]
        for line in around:
            line.layers.append(layer)
        for step in path[same:]:
            around.append(_below(around, step.name, [layer], step.item, step.kind))
            lines.append(around[-1])
        name = layer.name.rpartition(".")[2]
        lines.append(_below(around, name, [layer], layer.item))
    return lines


def _below(
    around: list[_Line], label: str, layers: list[LayerRow], item: int, kind: str | None = None
) -> _Line:
    """A line inside some groups."""
    if not around:
        return _Line(label, label, 0, layers, (item,), kind)
    outer = around[-1]
    return _Line(label, f"{outer.name}.{label}", len(around), layers, (*outer.item, item), kind)


def _folded(summary: Summary, depth: int) -> Iterator[_Line]:
    """Lines down to `depth` levels; the lines of one item of the spec become one line.

    Repeats become one line only at the deepest level. Above it, the inside of each follows.
    """
    pending: _Line | None = None
    for line in _lines(summary.layers):
        if line.level >= depth:
            continue
        can_join = not line.is_group or line.level == depth - 1
        if pending and can_join and pending.is_of_the_same(line):
            again = line.is_group or line.layers[0].op == pending.layers[0].op
            times = pending.times + again
            pending = pending._replace(layers=[*pending.layers, *line.layers], times=times)
            continue
        if pending:
            yield pending
        pending = line
    if pending:
        yield pending


def _what(line: _Line) -> str | None:
    """The text of the Op column: the costliest op, or the kind of a block."""
    if line.kind is not None:
        name = line.layers[0].path[line.level].name
        return None if name.startswith(line.kind) else line.kind
    if len(line.layers) == 1:
        return op_text(line.layers[0])
    return op_text(max(line.layers, key=lambda layer: (layer.cost.macs, layer.params)))


def _no_times(_: list[LayerRow]) -> tuple[Cell, ...]:
    return ()


def _reach(line: _Line) -> Reach | None:
    """The reach of a line's output."""
    return line.layers[-1].reach


def _row(line: _Line, nested: bool, times: Times, *, with_reach: bool) -> Row:
    layers = line.layers
    label = line.label if nested else line.name
    if line.times > 1:
        label += f" ×{line.times}"
    costs = _costs(layers)
    shown = (layers[-1].output_shape, _groups(line))
    reach = (_reach(line) or UNKNOWN) if with_reach else None
    cells = (label, _what(line), *shown, *costs, reach, *times(layers))
    quiet = not any(costs[:2])
    style = "group" if line.is_group else "quiet" if quiet else ""
    return Row(cells, style, line.level if nested else 0)


def _costs(layers: list[LayerRow]) -> tuple[Cell, ...]:
    """Params, MACs, FLOPs and the ratio to g=1 of some layers together."""
    params, macs, dense, known = 0, 0, 0, True
    for layer in layers:
        cost = layer.cost
        params += cost.params
        macs += cost.macs
        dense += layer.dense_cost.macs
        known = known and cost.macs_known
    share = ratio(macs, dense) if known else UNKNOWN
    return params, bounded(macs, known=known), bounded(2 * macs, known=known), share


def _top_rows(
    lines: list[_Line], top: int, times: Times, shares: Shares, *, with_reach: bool
) -> tuple[tuple[Row, ...], list[Cell]]:
    """The costliest rows in the order of the network, and one row for the rest; with their bars."""

    def cost(index: int) -> tuple[float, int]:
        layers = lines[index].layers
        return shares.amount(layers), sum(layer.params for layer in layers)

    kept = set(sorted(range(len(lines)), key=cost, reverse=True)[:top])
    rows = [
        _row(line, False, times, with_reach=with_reach)
        for index, line in enumerate(lines)
        if index in kept
    ]
    parts = [(line.layers, True) for index, line in enumerate(lines) if index in kept]
    rest = [line for index, line in enumerate(lines) if index not in kept]
    if rest:
        layers = [layer for line in rest for layer in line.layers]
        cells = (f"… {len(rest):,} more", None, None, None, *_costs(layers), None, *times(layers))
        rows.append(Row(cells, "quiet"))
        parts.append((layers, False))
    return tuple(rows), shares.bars(parts)


def _top_note(top: int, shares: Shares) -> str:
    shown = "the row" if top == 1 else f"the {top:,} rows"
    return (
        f"Shown: {shown} with the most {shares.cost.title}, in the network's order. The last row "
        "is the rest."
    )


def _groups(line: _Line) -> Cell:
    return line.layers[0].groups if len(line.layers) == 1 else shared_groups(line.layers)


def shared_groups(layers: Sequence[LayerRow]) -> int | None:
    """The number of groups that all grouped ones of some convolutions have; None if they differ."""
    convolutions = [layer for layer in layers if layer.macs and layer.groups is not None]
    undivided = {layer.groups for layer in convolutions if not layer.is_depthwise}
    shown = undivided - {1} or undivided or {layer.groups for layer in convolutions}
    return shown.pop() if len(shown) == 1 else None
