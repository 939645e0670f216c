"""Results that were saved as JSON, read again. docs/json.md describes the form.

JSON does not have everything: not which layers read which, so there is no drawing, and not what a
search changed each convolution from.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path

from groupconv_cli.analysis.channel_mixing import Reach
from groupconv_cli.analysis.measurement import (
    GroupMeasurement,
    GroupTimes,
    LayerMeasurement,
    LayerTimes,
    Machine,
    MeasureSettings,
    Timing,
)
from groupconv_cli.analysis.report import (
    AS_WRITTEN,
    CompareRow,
    Comparison,
    Equal,
    LayerRow,
    Summary,
    VariantComparison,
    VariantRow,
)
from groupconv_cli.analysis.totals import LayerBytes
from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import foreign
from groupconv_cli.network import Step
from groupconv_cli.ops.base import Cost, Window
from groupconv_cli.ops.kinds import Value
from groupconv_cli.page.content import Content
from groupconv_cli.page.json_part import Part, WrongPart
from groupconv_cli.page.saved_search import search_of
from groupconv_cli.page.saved_totals import shapes_of, totals_of
from groupconv_cli.page.saved_training import training_of
from groupconv_cli.training.report import GroupTraining
from groupconv_cli.words import joined, plural

KINDS = ("gconv.summary", "gconv.compare", "gconv.variants", "gconv.search")
VERSION = 1
MAX_BYTES = 2**26
REMEDY = "write it with gconv summary, compare or search: --format json -o FILE.json"


def saved(paths: Sequence[str | PathLike[str]]) -> Content:
    """What the page of some saved results is made of.

    Raises UsageError for a file that is not one of them, and for two summaries.
    """
    summary: tuple[Summary, LayerMeasurement | None] | None = None
    comparisons, variants, searches = [], [], []
    remarks: list[str] = []
    names: list[str] = []
    for given in paths:
        path = fspath(given)
        part = _document(path)
        try:
            kind = part["format"].text()
            names.append(part["name"].text())
            if kind == "gconv.summary":
                if summary is not None:
                    raise UsageError(
                        f"{path} is a second summary; a page is of one network",
                        "make a page of each",
                    )
                summary = _summary(part)
            elif kind == "gconv.compare":
                comparisons.append(_comparison(part))
            elif kind == "gconv.variants":
                variants.append(_variants(part))
            else:
                searches.append(search_of(part))
        except WrongPart as error:
            raise UsageError(f"{path} is not a result of gconv: {error}", REMEDY) from None
    if searches:
        remarks.append("A saved search has the chosen groups, and not those that they replace.")
    if summary is None or searches:
        remarks.append(
            "This page has no drawing, because saved results do not say which layers read which: "
            "gconv report SPEC makes a page with a drawing, and with memory over the layers."
        )
    titles = list(dict.fromkeys(names))
    return Content(
        title=joined(titles),
        origin=f"Made from {plural(len(names), 'saved result')}.",
        summary=None if summary is None else summary[0],
        layer_times=None if summary is None else summary[1],
        comparisons=tuple(comparisons),
        variants=tuple(variants),
        searches=tuple(searches),
        remarks=tuple(remarks),
    )


def _document(path: str) -> Part:
    """The content of a file, if it is a result that can be shown."""
    import json

    def no_constant(text: str) -> float:
        raise ValueError(f"{text} is not JSON")

    with foreign(path, "is not JSON", REMEDY):
        file = Path(path)
        if file.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path} is too large to be a result of gconv", REMEDY)
        value = json.loads(file.read_text(encoding="utf-8"), parse_constant=no_constant)
    if not isinstance(value, dict) or value.get("format") not in KINDS:
        found = value.get("format") if isinstance(value, dict) else None
        said = f"its format is {found!r}" if isinstance(found, str) else "it has no format of gconv"
        raise UsageError(f"{path} is not a result that a page can show: {said}", REMEDY)
    if value.get("version") != VERSION:
        raise UsageError(
            f"{path} was written by another version of gconv: it has the version "
            f"{value.get('version')!r} of the format, and {VERSION} can be read"
        )
    return Part(value, "")


def _summary(part: Part) -> tuple[Summary, LayerMeasurement | None]:
    items: dict[tuple[str, ...], int] = {}
    layers = tuple(_layer(each, items) for each in part["layers"].items(least=1))
    summary = Summary(
        name=part["name"].text(),
        inputs=shapes_of(part["inputs"]),
        dtype=part["dtype"].text(),
        totals=totals_of(part),
        baseline=totals_of(part["baseline"]),
        layers=layers,
    )
    measured = part.get("measured")
    return summary, None if measured is None else _layer_times(measured)


def _layer(part: Part, items: dict[tuple[str, ...], int]) -> LayerRow:
    params, macs = part["params"].whole(), part["macs"].whole_or_none()
    dense = part["baseline"]
    dense_macs = dense["macs"].whole_or_none()
    kernel = part.get("kernel")
    reach = part.get("reach")
    path: tuple[Step, ...] = ()
    for each in part["path"].items():
        name, kind = each["name"].text(), each["kind"].text()
        # Siblings of one kind count as repeats of one item.
        above = (*(f"{step.item}" for step in path), kind)
        path = (*path, Step(name, kind, items.setdefault(above, len(items))))
    non_trainable = params - part["trainable_params"].whole()
    return LayerRow(
        name=part["name"].text(),
        op=part["op"].text(),
        groups=part["groups"].whole_or_none(),
        is_depthwise=part["depthwise"].flag(),
        window=None
        if kernel is None
        else Window(kernel.shape(1), part["stride"].shape(1), part["dilation"].shape(1)),
        output_shape=part["output_shape"].shape(),
        cost=Cost(params, non_trainable, macs or 0, macs is not None),
        dense_cost=Cost(dense["params"].whole(), 0, dense_macs or 0, dense_macs is not None),
        path=path,
        item=0,
        reach=None
        if reach is None
        else Reach(reach["channels"].whole(), reach["of"].positive(), reach["origin"].text()),
        memory=LayerBytes(
            part["activation_bytes"].whole(),
            part["weight_bytes"].whole(),
            part["moved_bytes"].whole(),
        ),
        assumed=part["assumed"].text_or_none() or "",
    )


def _comparison(
    part: Part,
) -> tuple[Comparison, GroupMeasurement | None, GroupTraining | None]:
    vary, equal = part.get("vary"), part.get("equal")
    rows = tuple(_row(each) for each in part["rows"].items(least=1))
    comparison = Comparison(
        name=part["name"].text(),
        inputs=shapes_of(part["inputs"]),
        dtype=part["dtype"].text(),
        rows=rows,
        swept=part["swept"].texts(),
        held=part["held"].texts(),
        rule=part["rule"].one_of("only", "grouped", "depthwise", "dense", None) or "",
        apart=part["apart"].texts(),
        vary={}
        if vary is None
        else {
            name: tuple(_setting(each) for each in values.items())
            for name, values in vary.entries()
        },
        equal=None
        if equal is None
        else Equal(
            equal["metric"].one_of("macs", "params", "flops") or "",
            equal["by"].text(),
            equal["target"].positive(),
            equal["at_most"].flag(),
        ),
    )
    names = rows[0].settings.keys()
    for index, row in enumerate(rows):
        if row.settings.keys() != names:
            raise WrongPart(f"rows[{index}].settings must have the variables of rows[0]")
    if comparison.is_varied and not names and not comparison.rule:
        raise WrongPart("rows[0].settings must have the variables that vary")
    try:
        _ = comparison.baseline
    except LookupError:
        raise WrongPart("rows has no row for g = 1") from None
    if not comparison.is_varied and not comparison.rule:
        raise WrongPart("rule must say which convolutions vary; got null")
    measured, trained = part.get("measured"), part.get("trained")

    places = _Rows(comparison)

    def row_of(each: Part) -> tuple[int, int | str, dict[str, Value], None]:
        return (*places.next_of(each), None)

    return (
        comparison,
        None if measured is None else _group_times(measured, comparison),
        None if trained is None else training_of(trained, row_of),
    )


class _Rows:
    """The rows of a comparison, of which parts of the times or the accuracies are.

    Rows may be alike: the network as written, and a value that it has already. Their parts stand in
    the order of the rows.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.rows = comparison.rows
        self.taken: dict[str, set[int]] = {}

    def next_of(self, part: Part, kind: str = "") -> tuple[int, int | str, dict[str, Value]]:
        """The index of the row that a part is of, and its label.

        No other part of that kind is of this row.
        """
        groups, given = part["groups"].count(), part.get("settings")
        named = {} if given is None else {name: _setting(item) for name, item in given.entries()}
        taken = self.taken.setdefault(kind, set())
        for index, row in enumerate(self.rows):
            same = row.valid and (row.groups, dict(row.settings)) == (groups, named)
            if same and index not in taken:
                taken.add(index)
                return index, groups, named
        raise WrongPart(f"{part.place} is of a row that is not in rows, or that was before")


def _row(part: Part) -> CompareRow:
    is_valid = part["valid"].flag()
    settings, equal_ratio = part.get("settings"), part.get("equal_ratio")
    searched_to = part.get("searched_to")
    return CompareRow(
        groups=part["groups"].count(),
        totals=totals_of(part) if is_valid else None,
        reason=None if is_valid else part["reason"].text(),
        is_as_written=part["as_written"].flag(),
        settings={}
        if settings is None
        else {name: _setting(value) for name, value in settings.entries()},
        equal_ratio=None if equal_ratio is None else equal_ratio.number(),
        searched_to=None if searched_to is None else searched_to.whole(),
    )


def _setting(part: Part) -> Value:
    """The value of a variable: a number, a flag, a text, or a list of these."""
    if isinstance(part.value, list):
        return [_setting(each) for each in part.items()]
    if isinstance(part.value, bool | str):
        return part.value
    number = part.number()
    return part.value if isinstance(part.value, int) else number


def _variants(part: Part) -> tuple[VariantComparison, GroupTraining | None]:
    rows = []
    for each in part["rows"].items(least=1):
        name = each["variant"].text()
        if not each["valid"].flag():
            rows.append(VariantRow(variant=name, reason=each["reason"].text()))
            continue
        row = VariantRow(
            variant=name,
            name=each["name"].text(),
            input=each["input"].shape(),
            totals=totals_of(each),
            baseline=totals_of(each["baseline"]),
        )
        rows.append(row)
    names = [row.variant if row.valid else None for row in rows]

    def row_of(each: Part) -> tuple[int, str, dict[str, Value], str]:
        variant = each["variant"].text()
        if variant not in names:
            raise WrongPart(f"{each.place} is of a variant that is not in rows")
        return names.index(variant), AS_WRITTEN, {}, variant

    trained = part.get("trained")
    report = VariantComparison(
        name=part["name"].text(), dtype=part["dtype"].text(), rows=tuple(rows)
    )
    return report, None if trained is None else training_of(trained, row_of)


def _conditions(part: Part) -> tuple[Machine, MeasureSettings]:
    machine, settings = part["machine"], part["settings"]
    made = Machine(
        processor=machine["processor"].text(),
        cores=machine["cores"].whole_or_none(),
        threads=machine["threads"].whole(),
        device=machine["device"].text(),
        system=machine["system"].text(),
        python=machine["python"].text(),
        tensorflow=machine["tensorflow"].text(),
        keras=machine["keras"].text(),
        gconv=machine["gconv"].text(),
        onednn=machine["onednn"].flag(),
        grouped_kernel=machine["grouped_kernel"].flag(),
        deployed=machine["deployed"].texts(),
    )
    try:
        return made, MeasureSettings(
            batch=settings["batch"].positive(),
            dtype=settings["dtype"].text(),
            runs=settings["runs"].whole_or_none(),
            threads=settings["threads"].whole_or_none(),
            device=settings["device"].text_or_none(),
            runtimes=settings["runtimes"].texts(),
            ignore_memory=settings["ignore_memory"].flag(),
        )
    except UsageError as error:
        raise WrongPart(f"{settings.place}: {error.message}") from None


def _timing(part: Part | None) -> Timing | None:
    if part is None:
        return None
    return Timing(tuple(each.above_zero() for each in part["samples_s"].items(least=1)))


def _layer_times(part: Part) -> LayerMeasurement:
    machine, settings = _conditions(part)

    def rows(name: str) -> tuple[LayerTimes, ...]:
        return tuple(
            LayerTimes(
                name=each["name"].text(),
                runtime=each["runtime"].text(),
                forward=_timing(each.get("forward")),
                train=_timing(each.get("train")),
            )
            for each in part[name].items()
        )

    return LayerMeasurement(
        machine=machine,
        settings=settings,
        rows=rows("layers"),
        whole=rows("whole"),
        call=_timing(part.get("call")),
        complete=part["complete"].flag(),
    )


def _group_times(part: Part, comparison: Comparison) -> GroupMeasurement:
    machine, settings = _conditions(part)
    places, rows = _Rows(comparison), []
    for each in part["rows"].items(least=1):
        runtime = each["runtime"].text()
        at, groups, named = places.next_of(each, runtime)
        made = GroupTimes(
            row=at,
            groups=groups,
            settings=named,
            runtime=runtime,
            macs=each["macs"].whole(),
            forward=_timing(each.get("forward")),
            train=_timing(each.get("train")),
            forward_bytes=each["forward_bytes"].whole_or_none(),
            train_bytes=each["train_bytes"].whole_or_none(),
        )
        rows.append(made)
    return GroupMeasurement(
        machine=machine, settings=settings, rows=tuple(rows), complete=part["complete"].flag()
    )
