"""Measurements as tables and sentences beside the counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from groupconv_cli.analysis.measurement import (
    GroupMeasurement,
    GroupTimes,
    LayerMeasurement,
    LayerTimes,
    Machine,
    MeasureSettings,
    Timing,
)
from groupconv_cli.analysis.report import LayerRow
from groupconv_cli.analysis.speedup import WORTH, Conclusion, CountTimes, conclusion, speed_up
from groupconv_cli.render.labels import labelled
from groupconv_cli.render.view import Cell, Column, Table
from groupconv_cli.units import ratio, ratio_text, seconds_text
from groupconv_cli.words import joined, plural

RUNTIME_NAMES = {"gconv": "gconv", "keras": "stock Keras"}

GROUP_COLUMNS = (
    Column("Groups", "groups", "groups"),
    Column("Runtime", key="runtime", drop=1),
    Column("Forward", "seconds", "forward_s"),
    Column("±", "spread", "forward_spread", drop=6, of="Forward"),
    Column("Speed-up", "ratio", "forward_speedup"),
    Column("", key="forward_verdict", drop=2, of="Forward"),
    Column("Samples/s", "decimal", "forward_samples_per_s", drop=5, of="Forward"),
    Column("Train step", "seconds", "train_s"),
    Column("±", "spread", "train_spread", drop=6, of="Train step"),
    Column("Speed-up", "ratio", "train_speedup"),
    Column("", key="train_verdict", drop=2, of="Train step"),
    Column("Samples/s", "decimal", "train_samples_per_s", drop=5, of="Train step"),
    Column("By MACs", "ratio", "macs_speedup", drop=3),
    Column("Forward memory", "bytes", "forward_bytes", drop=7),
    Column("Train memory", "bytes", "train_bytes", drop=4),
)

INTERRUPTED = "Interrupted: only finished rounds are counted."

PHASES = {"forward": "inference", "train": "training"}


def groups_table(measured: GroupMeasurement, written_as: Collection[int | str] = ()) -> Table:
    """A row per number of groups and runtime.

    `written_as` are the numbers of groups that the network has as written.
    """
    several = len(measured.settings.runtimes) > 1
    rows = tuple(
        labelled(row.groups, _group_cells(row, measured, several), written_as)
        for row in measured.rows
    )
    return Table(GROUP_COLUMNS, rows, _title(measured.machine, measured.settings))


def _group_cells(row: GroupTimes, measured: GroupMeasurement, several: bool) -> tuple[Cell, ...]:
    """The cells after the label."""
    dense = measured.baseline(row)
    batch = measured.settings.batch
    return (
        RUNTIME_NAMES[row.runtime] if several else None,
        *_timing_cells(row.forward, dense.forward if dense else None, batch),
        *_timing_cells(row.train, dense.train if dense else None, batch),
        ratio(dense.macs, row.macs) if dense else None,
        row.forward_bytes,
        row.train_bytes,
    )


def _timing_cells(timing: Timing | None, dense: Timing | None, batch: int) -> tuple[Cell, ...]:
    if timing is None:
        return (None,) * 5
    found = speed_up(timing, dense) if dense else None
    outcome = found.outcome if found and timing is not dense else None
    times = found.times if found else None
    return (timing.median, timing.spread, times, outcome, batch / timing.median)


def group_notes(measured: GroupMeasurement) -> tuple[str, ...]:
    """How the times were taken."""
    counts = [len(t.samples) for row in measured.rows for t in (row.forward, row.train) if t]
    spread = f"{min(counts)} to {max(counts)}" if len(set(counts)) > 1 else f"{max(counts)}"
    notes = [
        f"Medians of {spread} rounds, measured in turn. {_machine_text(measured.machine)}",
    ]
    if not measured.complete:
        notes.append(INTERRUPTED)
    return tuple(notes)


def conclusions(measured: GroupMeasurement) -> tuple[str, ...]:
    """The fastest number of groups, the number from which more gain little, and stock Keras."""
    return (*_conclusions(measured), *_stock_sentence(measured))


def _conclusions(measured: GroupMeasurement) -> Iterable[str]:
    runtime = measured.settings.runtimes[0]
    for phase, word in PHASES.items():
        found = conclusion(
            CountTimes(row.groups, row.macs, timing)
            for row in measured.rows
            if isinstance(row.groups, int)
            and row.runtime == runtime
            and (timing := _of(row, phase)) is not None
        )
        if found:
            yield _sentence(found, word)


def _sentence(found: Conclusion, phase: str) -> str:
    share = f"{100 * WORTH:g} %"
    if not found.fastest and found.uncertain:
        unsure = joined([f"g={groups}" for groups in found.uncertain])
        stand = "is" if len(found.uncertain) == 1 else "are"
        return (
            f"In {phase}, no number of groups is shown to be more than {share} faster than g=1. "
            f"{unsure} {stand} uncertain; more --runs may tell."
        )
    if not found.fastest:
        return (
            f"In {phase}, groups bring no speed here: no number of groups is more than {share} "
            "faster than g=1."
        )
    names = joined([f"g={groups}" for groups in found.fastest])
    times = joined([ratio_text(each) for each in found.times])
    macs = joined([ratio_text(each) for each in found.by_macs])
    if len(found.fastest) == 1:
        text = f"In {phase}, {names} is fastest here: {times} the speed of g=1."
    else:
        text = f"In {phase}, {names} are fastest here and not told apart: {times} the speed of g=1."
    text += f" MACs alone predict {macs}."
    if not found.beyond:
        return f"{text} No larger number was measured: more groups may be faster still."
    return f"{text} Beyond g={found.enough} there is less than {share} to gain."


def _stock_sentence(measured: GroupMeasurement) -> Iterable[str]:
    """A sentence on stock Keras, if both runtimes were measured."""
    fast = {row.groups: row.train for row in measured.rows if row.runtime == "gconv"}
    times = [
        speed_up(ours, row.train).times
        for row in measured.rows
        if row.runtime == "keras" and row.train and (ours := fast.get(row.groups))
    ]
    if times:
        low, high = ratio_text(min(times)), ratio_text(max(times))
        span = low if low == high else f"{low} to {high}"
        yield f"A training step takes {span} as long with stock Keras as with gconv's layers."


def _of(row: GroupTimes | LayerTimes, phase: str) -> Timing | None:
    return row.forward if phase == "forward" else row.train


def layer_columns(measured: LayerMeasurement) -> tuple[Column, ...]:
    """The columns of times for the table of layers."""
    columns: list[Column] = []
    for runtime in measured.settings.runtimes:
        of = "" if len(measured.settings.runtimes) == 1 else RUNTIME_NAMES[runtime]
        named = f"{of} " if runtime == "keras" else ""
        key = f"{runtime}_" if of else ""
        columns += [
            Column(f"{named}Forward", "seconds", f"{key}forward_s"),
            Column("Share", "percent", f"{key}forward_share", drop=5, of=f"{named}Forward"),
            Column("GFLOP/s", "decimal", f"{key}gflops_per_s", drop=2, of=of),
            Column(f"{named}Train", "seconds", f"{key}train_s"),
        ]
    return tuple(columns)


def layer_cells(measured: LayerMeasurement, layers: Iterable[LayerRow]) -> tuple[Cell, ...]:
    """The cells of a row for some layers: sums of their times."""
    layers = list(layers)
    names = {layer.name for layer in layers}
    flops = measured.settings.batch * sum(2 * layer.cost.macs for layer in layers)
    cells: list[Cell] = []
    for runtime in measured.settings.runtimes:
        rows = [row for row in measured.rows if row.runtime == runtime]
        own = [row for row in rows if row.name in names]
        forward = _sum(measured, own, "forward")
        every = _sum(measured, rows, "forward")
        cells += [
            forward,
            forward / every if forward is not None and every else None,
            flops / forward / 1e9 if flops and forward else None,
            _sum(measured, own, "train"),
        ]
    return tuple(cells)


def _sum(measured: LayerMeasurement, rows: Iterable[LayerTimes], phase: str) -> float | None:
    every = [measured.net(_of(row, phase)) for row in rows]
    known = [time for time in every if time is not None]
    return sum(known) if known else None


def layer_notes(measured: LayerMeasurement) -> tuple[str, ...]:
    """How the times were taken."""
    notes = [
        f"Each layer was measured by itself, for a batch of {measured.settings.batch}"
        + (
            f", and {seconds_text(measured.call.median)} for an empty call were subtracted"
            if measured.call
            else ""
        )
        + f". {_machine_text(measured.machine)}",
    ]
    if not measured.complete:
        notes.append(INTERRUPTED)
    return tuple(notes)


def whole_notes(measured: LayerMeasurement) -> tuple[str, ...]:
    """Sentences on the time of the whole network."""
    notes = []
    for whole in measured.whole:
        rows = [row for row in measured.rows if row.runtime == whole.runtime]
        parts = [
            f"{seconds_text(timing.median)} in {word} (the sum of its layers: "
            f"{seconds_text(_sum(measured, rows, phase) or 0.0)})"
            for phase, word in PHASES.items()
            if (timing := _of(whole, phase)) is not None
        ]
        if parts:
            name = RUNTIME_NAMES[whole.runtime]
            notes.append(f"The whole network with {name} takes {joined(parts)}.")
    return tuple(notes)


def _title(machine: Machine, settings: MeasureSettings) -> str:
    return (
        f"Measured here · batch {settings.batch} · {settings.dtype} · {machine.device} · "
        f"{plural(machine.threads, 'thread')} · speed-up vs g=1"
    )


def _machine_text(machine: Machine) -> str:
    onednn = "on" if machine.onednn else "off"
    return (
        f"{machine.processor}, {plural(machine.threads, 'thread')}; TensorFlow "
        f"{machine.tensorflow} with oneDNN {onednn}, Keras {machine.keras}, Python "
        f"{machine.python}, {machine.system}."
    )
