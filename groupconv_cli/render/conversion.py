"""The times of a Keras model before and after its conversion, as a view."""

from __future__ import annotations

from groupconv_cli.analysis.measurement import ConversionMeasurement, Timing
from groupconv_cli.analysis.speedup import WORTH, Outcome, speed_up
from groupconv_cli.render.measure import PHASES, rounds_note, where_text
from groupconv_cli.render.view import Column, Row, Table, View
from groupconv_cli.units import ratio_text

COLUMNS = (
    Column("", key="phase"),
    Column("Before", "seconds", "before_s"),
    Column("±", "spread", "before_spread", drop=2, of="Before"),
    Column("After", "seconds", "after_s"),
    Column("±", "spread", "after_spread", drop=2, of="After"),
    Column("Speed-up", "ratio", "speedup"),
    Column("", key="verdict", drop=1, of="Speed-up"),
)
NAMES = {"forward": "Forward", "train": "Train step"}
VERDICTS = {
    Outcome.WIN: "the converted model is {times} as fast as the original",
    Outcome.LOSS: "the converted model is slower, {times} as fast as the original",
    Outcome.TIE: "the two are equally fast, within {share}",
    Outcome.UNCERTAIN: "neither is shown to be more than {share} faster; more --runs may tell",
}


def conversion_view(measured: ConversionMeasurement) -> View:
    """A row for inference and one for a training step, and what they show."""
    timed: dict[str, tuple[Timing, Timing]] = {
        phase: pair
        for phase, pair in (("forward", measured.forward), ("train", measured.train))
        if pair is not None
    }
    rows, conclusions = [], []
    for phase, (before, after) in timed.items():
        found = speed_up(after, before)
        cells = (before.median, before.spread, after.median, after.spread, found.times)
        rows.append(Row((NAMES[phase], *cells, found.outcome)))
        verdict = VERDICTS[found.outcome].format(
            times=ratio_text(found.times), share=f"{100 * WORTH:g} %"
        )
        if found.interval is not None:
            low, high = map(ratio_text, found.interval)
            verdict += f" (95 % interval: {low} to {high})"
        conclusions.append(f"In {PHASES[phase]}, {verdict}.")
    if measured.untrained:
        conclusions.append(f"Training was not measured: {measured.untrained}.")
    title = f"Measured here · {where_text(measured.machine, measured.settings)}"
    return View(
        title,
        (Table(COLUMNS, tuple(rows)),),
        rounds_note(
            [timing for pair in timed.values() for timing in pair],
            measured.machine,
            complete=measured.complete,
        ),
        tuple(conclusions),
    )
