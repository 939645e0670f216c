"""Measurements as tables and sentences beside the counts."""

from __future__ import annotations

from collections.abc import Iterable

from groupconv_cli.analysis.measurement import (
    GroupMeasurement,
    GroupTimes,
    LayerMeasurement,
    LayerTimes,
    Machine,
    MeasureSettings,
    Timing,
)
from groupconv_cli.analysis.report import Comparison, LayerRow
from groupconv_cli.analysis.speedup import (
    WORTH,
    Conclusion,
    CountTimes,
    Outcome,
    conclusion,
    overlap,
    speed_up,
)
from groupconv_cli.render.labels import label_columns, label_text, labelled
from groupconv_cli.render.view import Cell, Column, Table
from groupconv_cli.units import ratio, ratio_text, seconds_text
from groupconv_cli.words import joined, plural

RUNTIME_NAMES = {
    "gconv": "gconv",
    "keras": "stock Keras",
    "litert": "LiteRT",
    "onnx": "onnxruntime",
}

GROUP_COLUMNS = (
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

MAX_NAMES = 3
"""The most layers that a note names."""

PHASES = {"forward": "inference", "train": "training"}


def groups_table(measured: GroupMeasurement, comparison: Comparison) -> Table:
    """A row per row of the comparison and runtime."""
    several = len(measured.settings.runtimes) > 1
    rows = tuple(
        labelled(comparison, row.row, _group_cells(row, measured, several)) for row in measured.rows
    )
    labels = label_columns(comparison)
    title = _title(measured.machine, measured.settings, _reference(measured))
    table = Table((*labels, *GROUP_COLUMNS), rows, title, labels=len(labels))
    return table if any(row.train for row in measured.rows) else _inference(table)


def _reference(measured: GroupMeasurement) -> str:
    """What speed-ups are relative to."""
    return "the network as written" if measured.is_varied else "g=1"


def _inference(table: Table) -> Table:
    """The table without what belongs to training."""
    kept = [
        place
        for place, column in enumerate(table.columns)
        if not column.key.startswith("train_") and not column.key.endswith("_bytes")
    ]
    return table._replace(
        columns=tuple(table.columns[place] for place in kept),
        rows=tuple(
            row._replace(cells=tuple(row.cells[place] for place in kept)) for row in table.rows
        ),
    )


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
    timings = [t for row in measured.rows for t in (row.forward, row.train) if t]
    return rounds_note(timings, measured.machine, complete=measured.complete)


def rounds_note(timings: list[Timing], machine: Machine, *, complete: bool) -> tuple[str, ...]:
    """How often and where the times were taken, and whether the user interrupted."""
    counts = [len(timing.samples) for timing in timings]
    spread = f"{min(counts)} to {max(counts)}" if len(set(counts)) > 1 else f"{max(counts)}"
    notes = [f"Medians of {spread} rounds, measured in turn. {machine_text(machine)}"]
    if not complete:
        notes.append(INTERRUPTED)
    return tuple(notes)


def conclusions(measured: GroupMeasurement) -> tuple[str, ...]:
    """The fastest number of groups, the number from which more gain little, and stock Keras."""
    found = _of_varied(measured) if measured.is_varied else _conclusions(measured)
    return (*found, *_stock_sentence(measured))


def _of_varied(measured: GroupMeasurement) -> Iterable[str]:
    """The fastest rows, where rows differ in variables."""
    rows = [row for row in measured.rows if row.runtime == measured.settings.runtimes[0]]
    for phase, word in PHASES.items():
        timed = [
            (row, speed_up(timing, reference), ratio(base.macs, row.macs))
            for row in rows
            if (timing := _of(row, phase)) is not None
            and (base := measured.baseline(row)) is not None
            and (reference := _of(base, phase)) is not None
            and timing is not reference
        ]
        if not timed:
            continue
        winners = [each for each in timed if each[1].outcome is Outcome.WIN]
        if not winners:
            unsure = any(found.outcome is Outcome.UNCERTAIN for _, found, _ in timed)
            yield (
                f"In {word}, no row is shown to be more than {100 * WORTH:g} % faster than the "
                f"network as written.{' More --runs may tell.' if unsure else ''}"
            )
            continue
        _, best, _ = max(winners, key=lambda each: each[1].times)
        near = [each for each in winners if overlap(each[1], best)]
        names = joined([label_text(row.groups, row.settings) for row, _, _ in near])
        times = joined([ratio_text(found.times) for _, found, _ in near])
        macs = joined([ratio_text(by_macs) for _, _, by_macs in near])
        are = "is fastest here" if len(near) == 1 else "are fastest here and not told apart"
        yield (
            f"In {word}, {names} {are}: {times} the speed of the network as written. "
            f"MACs alone predict {macs}."
        )


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
    fast = {row.row: row.train for row in measured.rows if row.runtime == "gconv"}
    times = [
        speed_up(ours, row.train).times
        for row in measured.rows
        if row.runtime == "keras" and row.train and (ours := fast.get(row.row))
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
        + f". {machine_text(measured.machine)}",
    ]
    noise = [
        row.name
        for row in measured.rows
        if measured.is_noise(row.forward) or measured.is_noise(row.train)
    ]
    if names := list(dict.fromkeys(noise)):
        more = len(names) - MAX_NAMES
        listed = joined(names if more <= 0 else [*names[:MAX_NAMES], plural(more, "other")])
        notes.append(f"Too short to tell from noise here: {listed}. A larger --batch tells more.")
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


def _title(machine: Machine, settings: MeasureSettings, reference: str) -> str:
    where = where_text(machine, settings, settings.dtype)
    return f"Measured here · {where} · speed-up vs {reference}"


def where_text(machine: Machine, settings: MeasureSettings, *more: str) -> str:
    """The batch and the device, for a title. `more` stands after the batch."""
    threads = plural(machine.threads, "thread")
    return " · ".join([f"batch {settings.batch}", *more, machine.device, threads])


def machine_text(machine: Machine) -> str:
    """The machine and the versions in a sentence."""
    onednn = "on" if machine.onednn else "off"
    deployed = "".join(f"{each}, " for each in machine.deployed)
    return (
        f"{machine.processor}, {plural(machine.threads, 'thread')}; {deployed}TensorFlow "
        f"{machine.tensorflow} with oneDNN {onednn}, Keras {machine.keras}, Python "
        f"{machine.python}, {machine.system}."
    )
