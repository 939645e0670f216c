"""The times of a search: columns, rows and sentences for its view."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from groupconv_cli.analysis.measurement import Timing
from groupconv_cli.analysis.search.report import SearchReport
from groupconv_cli.analysis.search.times import TimeUse
from groupconv_cli.policy.times import NANOSECONDS, TIMES
from groupconv_cli.render.measure import RUNTIME_NAMES, machine_text
from groupconv_cli.render.view import Cell, Column, Row, Typed
from groupconv_cli.units import percent_text, ratio, ratio_text, seconds_text
from groupconv_cli.words import plural

FAR_OFF = 0.15
"""The difference between predicted and measured time, as a share, from which on it is told."""

SHORT = {"time": "Time", "train_time": "Train"}


def time_columns(times: Collection[TimeUse]) -> Iterator[Column]:
    """Columns for the time of each convolution that changes."""
    for each in times:
        title = SHORT[each.metric]
        yield Column(title, "seconds", f"{each.metric}_s")
        yield Column("vs written", "ratio", f"{each.metric}_ratio", drop=3, of=title)


def time_cells(times: Collection[TimeUse], names: Collection[str]) -> Iterator[Cell]:
    """The cells of these columns for convolutions in one row."""
    for each in times:
        before = sum(each.layers[name][0] for name in names)
        after = sum(each.layers[name][1] for name in names)
        yield after / NANOSECONDS
        yield ratio(after, before)


def time_rows(times: Collection[TimeUse], *, has_uniform: bool) -> Iterator[Row]:
    """Rows of totals: the predicted time, and the measured one below."""
    for each in times:
        cells: list[Cell] = [
            TIMES[each.metric].heading,
            _of(each.before),
            _of(each.limit),
            _of(each.predicted),
            ratio(each.predicted, each.before),
        ]
        before, after = _median(each.measured_before), _median(each.measured)
        measured: list[Cell] = ["  measured", _cell(before), None, _cell(after)]
        measured.append(ratio(after, before) if after is not None and before else None)
        if has_uniform:
            cells.append(None if each.uniform is None else _of(each.uniform))
            measured.append(None)
        yield Row(tuple(cells))
        yield Row(tuple(measured))


def _of(nanoseconds: int) -> Typed:
    return Typed("seconds", nanoseconds / NANOSECONDS)


def _median(timing: Timing | None) -> float | None:
    return None if timing is None else timing.median


def _cell(seconds: float | None) -> Cell:
    return None if seconds is None else Typed("seconds", seconds)


def time_notes(report: SearchReport) -> Iterator[str]:
    """How the times were taken, and which of them an earlier run took."""
    taken = report.taken
    if taken is None:
        return
    settings = taken.settings
    layers = plural(taken.layers, "layer")
    yield (
        f"Times are for a batch of {settings.batch:,} with {RUNTIME_NAMES[settings.runtimes[0]]}. "
        f"Predicted: the network as written, and the differences of {layers}, each by itself. "
        f"{machine_text(taken.machine)}"
    )
    if taken.cached:
        of = "" if taken.cached == taken.layers else f"{taken.cached:,} of "
        yield (
            f"The times of {of}{layers} are from the cache of {taken.since}; --fresh measures "
            "again."
        )


def time_conclusions(times: Collection[TimeUse]) -> Iterator[str]:
    """Sentences on predicted and measured times."""
    for each in times:
        heading = TIMES[each.metric].heading
        predicted = seconds_text(each.predicted / NANOSECONDS)
        measured, difference = each.measured, each.difference
        if measured is None or difference is None:
            yield f"{heading}: predicted {predicted}, not measured, because it was interrupted."
            continue
        text = f"{heading}: predicted {predicted}, measured {seconds_text(measured.median)}"
        if each.measured_before is not None:
            share = ratio_text(ratio(measured.median, each.measured_before.median))
            text += f", {share} of the network as written beside it"
        text += "."
        if abs(difference) > FAR_OFF:
            word = "below" if difference < 0 else "above"
            text += (
                f" They differ by more than {100 * FAR_OFF:.0f} %: the prediction is "
                f"{percent_text(abs(difference))} {word} what was measured."
            )
            if each.is_load_changed(FAR_OFF):
                text += (
                    " So do the two times of the network as written: the load of the machine has "
                    "changed meanwhile."
                )
        if each.is_broken:
            limit = (
                percent_text(each.limit / each.before)
                if each.is_share
                else seconds_text(each.limit / NANOSECONDS)
            )
            text += f" The measured time is above the limit of {limit}."
        yield text
