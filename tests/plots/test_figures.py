"""Figures of reports: what is in them, and that they are the same each time."""

from __future__ import annotations

import re
from itertools import pairwise
from math import isnan, log2
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from machines import MACHINE
from matplotlib.figure import Figure
from running import ROOT
from specs import nightly_but

from groupconv_cli import analyze, compare, compare_variants, diff, load, search, vary
from groupconv_cli.analysis.measurement import (
    GroupMeasurement,
    GroupTimes,
    LayerMeasurement,
    LayerTimes,
    MeasureSettings,
    Timing,
)
from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.plots import style
from groupconv_cli.plots.figures import figure_of
from groupconv_cli.plots.files import svg_text, write
from groupconv_cli.plots.hover import said
from groupconv_cli.training.job import Outcome
from groupconv_cli.training.recipe import Recipe
from groupconv_cli.training.report import GroupTraining, TrainedData, TrainedRow
from groupconv_cli.training.run import Run

SVG = "{http://www.w3.org/2000/svg}"

NET = {
    "name": "net",
    "input": [8, 8, 16],
    "layers": [
        {"conv": {"filters": 16, "kernel": 3, "groups": 4, "bias": False}},
        {"conv": {"filters": 32, "kernel": 1, "bias": False}},
    ],
}
DENSE, GROUPED, POINTWISE = 64 * 9 * 16 * 16, 64 * 9 * 4 * 16, 64 * 16 * 32
"""MACs by hand: positions × window × channels of a group × filters."""


def intervals(axes, place: float) -> list[tuple[float, float]]:
    """The upright strokes at a place of the x axis: the ends of each, between its gaps."""
    found = []
    for line in axes.lines:
        ends = list(zip(line.get_xdata(), line.get_ydata(), strict=True))
        if len(ends) > 2 and isnan(ends[2][0]):
            pairs = zip(ends[::3], ends[1::3], strict=True)
            found += [(low[1], high[1]) for low, high in pairs if low[0] == high[0] == place]
    return found


def sentences(figure: Figure) -> list[str]:
    """What its marks say."""
    return [text for _, text in said(figure)]


def texts(svg: str) -> list[str]:
    """The text elements of an SVG."""
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def drawn(figure: Figure, says: str) -> tuple[float, float]:
    """Where the mark is that begins to say this."""
    (mark,) = [artist for artist, text in said(figure) if text.startswith(says)]
    (x,), (y,) = mark.get_data()
    return float(x), float(y)


def measured_groups() -> GroupMeasurement:
    """Times that MACs promise for g=1, and twice as long as that for others."""
    rows = [
        GroupTimes(
            row=row,
            groups=groups,
            runtime="gconv",
            macs=macs,
            forward=Timing((seconds,) * 5),
            train=None,
            forward_bytes=1,
            train_bytes=1,
        )
        for row, groups, macs, seconds in (
            (1, 1, DENSE + POINTWISE, 0.012),
            (2, 4, GROUPED + POINTWISE, 0.008),
        )
    ]
    return GroupMeasurement(
        machine=MACHINE, settings=MeasureSettings(), rows=tuple(rows), complete=True
    )


def measured_layers() -> LayerMeasurement:
    rows = [
        LayerTimes(name=name, runtime="gconv", forward=Timing((seconds,)), train=None)
        for name, seconds in (("conv", 0.003), ("conv_2", 0.002))
    ]
    return LayerMeasurement(
        machine=MACHINE,
        settings=MeasureSettings(batch=8),
        rows=tuple(rows),
        whole=(),
        call=Timing((0.001,)),
        complete=True,
    )


def test_a_comparison_has_a_point_for_each_cost_of_each_row() -> None:
    figure = figure_of(compare(NET, [1, 2, 4]))
    share = (GROUPED + POINTWISE) / (DENSE + POINTWISE)
    at, height = drawn(figure, "g=4: 69.6 k MACs")
    assert (at, height) == (4, pytest.approx(share))
    assert len(sentences(figure)) == 3 * 3
    (axes,) = figure.axes
    assert axes.get_xlabel() == "Groups of the varied convolutions"
    assert axes.get_ylabel() == "Cost as a share of g=1"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "2", "4"]


def test_times_stand_beside_what_macs_alone_promise() -> None:
    figure = figure_of(compare(NET, [1, 4]), measured_groups())
    _, axes = figure.axes
    assert axes.get_ylabel() == "Time of a batch of 8 / ms"
    promise = 12 * (GROUPED + POINTWISE) / (DENSE + POINTWISE)
    (line,) = [each for each in axes.lines if each.get_label() == "what MACs alone promise"]
    assert list(line.get_ydata()) == pytest.approx([12, promise])
    assert drawn(figure, "g=4: 8 ms") == pytest.approx((4, 8))
    assert any("95 %: 8 ms to 8 ms" in text for text in sentences(figure))


def test_an_interval_is_a_line_through_its_point() -> None:
    samples = (0.010, 0.011, 0.012, 0.013, 0.020)
    rows = tuple(row for row in measured_groups().rows)
    slow = rows[1]
    wide = GroupTimes(
        row=slow.row,
        groups=slow.groups,
        runtime=slow.runtime,
        macs=slow.macs,
        forward=Timing(samples),
        train=None,
        forward_bytes=1,
        train_bytes=1,
    )
    measured = GroupMeasurement(
        machine=MACHINE, settings=MeasureSettings(), rows=(rows[0], wide), complete=True
    )
    axes = figure_of(compare(NET, [1, 4]), measured).axes[1]
    ((low, high),) = intervals(axes, 4)
    assert 10 <= low < 12 < high <= 20  # of five samples, the interval is nearly all of them


def trained(*rows: TrainedRow) -> GroupTraining:
    data = TrainedData(name="digits", digest="", samples=90, test_samples=10, classes=2)
    return GroupTraining(data=data, recipe=Recipe(), seeds=2, at_once=1, rows=rows, complete=True)


def row(index: int, groups: int, accuracies: tuple[float, ...], variant: str = "") -> TrainedRow:
    runs = [Run(seed, share, 0.1, 9, 1.0) for seed, share in enumerate(accuracies)]
    return TrainedRow(
        row=index,
        groups=groups,
        variant=variant or None,
        outcomes=tuple(Outcome(run, "here") for run in runs),
        verdict=None,
    )


def test_accuracies_have_their_mean_their_deviation_and_every_seed() -> None:
    done = trained(row(1, 1, (0.9, 0.8)), row(2, 4, (0.7, 0.7)))
    figure = figure_of(compare(NET, [1, 4]), trained=done)
    axes = figure.axes[1]
    assert axes.get_ylabel() == "Accuracy on 10 test samples / %"
    assert drawn(figure, "g=1: 85.0 % of 2 seeds ± 7.1") == pytest.approx((1, 85))
    ((low, high),) = intervals(axes, 1)
    assert (low, high) == pytest.approx((85 - 100 * 0.05 * 2**0.5, 85 + 100 * 0.05 * 2**0.5))
    assert drawn(figure, "g=1: 90.0 %")[1] == pytest.approx(90)


def test_a_legend_covers_no_interval_if_there_is_room_beside_it() -> None:
    # The means are below the middle but for the first, whose interval reaches into the corner.
    done = trained(row(1, 1, (0.99, 0.7)), row(2, 4, (0.3, 0.3)))
    figure = figure_of(compare(NET, [1, 4]), trained=done)
    axes = figure.axes[1]
    figure.draw_without_rendering()
    box = axes.get_legend().get_window_extent()
    ((low, high),) = intervals(axes, 1)
    left, right = (axes.transData.transform((1, end)) for end in (low, high))
    assert not box.count_overlaps([type(box)([left, right]).padded(1)])


def test_accuracies_reached_here_stand_in_place_of_published_ones() -> None:
    report = compare_variants("mobilenet_v1")
    done = trained(*(row(i, 1, (0.5,), each.variant) for i, each in enumerate(report.rows)))
    figure = figure_of(report, trained=done)
    assert figure.axes[1].get_ylabel() == "Accuracy on digits / %"
    heights = {line.get_ydata()[0] for line, _ in said(figure) if line.axes is figure.axes[1]}
    assert heights == {50}


def test_variables_have_an_axis_of_their_own() -> None:
    spec = {**NET, "vars": {"width": 32}}
    spec["layers"] = [NET["layers"][0], {"conv": {"filters": "$width", "kernel": 1}}]
    figure = figure_of(vary(spec, {"width": [16, 64]}))
    (axes,) = figure.axes
    assert axes.get_xlabel() == "width"
    assert drawn(figure, "width=64: 102 k MACs")[0] == 64


def test_a_summary_has_every_layer_beside_its_dense_twin() -> None:
    figure = figure_of(analyze(NET))
    assert drawn(figure, "conv (conv, 4 groups): ") == (1, GROUPED)
    assert drawn(figure, "conv, dense: ") == (1, DENSE)
    assert drawn(figure, "conv_2 (conv): ") == (2, POINTWISE)
    assert len(sentences(figure)) == 3


def test_a_roofline_has_flops_per_byte_against_flops_per_second() -> None:
    figure = figure_of(analyze(NET), measured_layers())
    flops = 2 * GROUPED * 8
    moved = 4 * (8 * (64 * 16 + 64 * 16) + 9 * 4 * 16)  # in and out of the batch, weights once
    at, height = drawn(figure, "conv: ")
    assert at == pytest.approx(flops / moved)
    assert height == pytest.approx(flops / 0.002 / 1e9)
    assert figure.axes[1].get_xlabel() == "FLOPs per byte moved"


def test_a_search_has_its_frontier_the_choice_and_single_counts() -> None:
    report = search(NET, {"macs": "60%"}, only="*", frontier=3)
    figure = figure_of(report)
    # All g=8: 64 × 9 × 2 × 16 and 64 × 2 × 32 MACs. Two convolutions lose log2 8 halvings each.
    assert drawn(figure, "all g=8") == (64 * 9 * 2 * 16 + 64 * 2 * 32, -2 * log2(8))
    assert drawn(figure, "as written") == (GROUPED + POINTWISE, -log2(4))
    assert drawn(figure, "chosen (proven optimal)")[1] == report.value
    assert sum(text.startswith("best within") for text in sentences(figure)) == 3
    lines = [each for axes in figure.axes for each in axes.lines if each.get_linestyle() == "-"]
    assert all(len(each.get_xdata()) < 2 for each in lines), "choices may lie between the budgets"


def test_a_diff_has_both_sides_as_shares_of_the_larger() -> None:
    dense = {**NET, "layers": [{"conv": {"filters": 16, "kernel": 3, "bias": False}}]}
    (axes,) = (figure := figure_of(diff(dense, {**NET, "layers": NET["layers"][:1]}))).axes
    bars = {text: bar.get_width() for bar, text in said(figure)}
    assert bars["MACs before: 147 k"] == 1
    assert bars["MACs after: 36.9 k (-75 %)"] == pytest.approx(1 / 4)
    assert bars["Params before: 2,304"] == 1
    assert axes.get_xlabel() == "Share of the larger of the two"


def test_networks_have_params_against_macs() -> None:
    figure = figure_of(compare_variants("mobilenet_v1"))
    # The published figures of Howard et al. 2017, table 6: 4.2 M parameters, 569 M MACs.
    macs, params = next(
        (line.get_xdata()[0], line.get_ydata()[0])
        for line, text in said(figure)
        if line.axes is figure.axes[0] and text.startswith("1.0: ")
    )
    assert macs == pytest.approx(569e6, rel=0.01)
    assert params == pytest.approx(4.2e6, rel=0.02)
    assert "1.0" in [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("report", [compare(NET, [1, 2, 4]), analyze(NET)], ids=["compare", "sum"])
def test_the_same_report_is_the_same_svg_in_which_text_is_text(report: object) -> None:
    first, second = svg_text(figure_of(report)), svg_text(figure_of(report))
    assert first == second
    assert re.search("<metadata|Matplotlib|20[0-9][0-9]-", first) is None
    figure = figure_of(report)
    titles = re.findall("<title>([^<]*)</title>", first)
    assert sorted(titles) == sorted(sentences(figure))
    assert "net · input 8×8×16 · float32" in texts(first)
    used = set(re.findall("#[0-9a-f]{6}", first))
    known = {each.lower() for each in (*style.CYCLE, style.GREY, "#ffffff", "#404040", "#e4e4e4")}
    assert used <= known


def test_a_name_is_text_whatever_it_says() -> None:
    hostile = "<script>alert(1)</script> $x^2$ \x1b[31m"
    report = compare(load({**NET, "name": "n"}).replace(name=hostile), [1, 2])
    svg = svg_text(figure_of(report))
    assert "<script" not in svg
    assert any(each.startswith("<script>alert(1)</script> $x^2$ �[31m ·") for each in texts(svg))


def test_settings_of_matplotlib_are_neither_used_nor_changed() -> None:
    usual = svg_text(figure_of(analyze(NET)))
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        assert svg_text(figure_of(analyze(NET))) == usual
        assert dict(mpl.rcParams) == before


STARTS = {".svg": b"<svg", ".png": b"\x89PNG\r\n", ".pdf": b"%PDF-"}


@pytest.mark.parametrize("ending", nightly_but((".pdf",), STARTS))
def test_a_figure_is_written_in_the_format_of_the_ending(tmp_path: Path, ending: str) -> None:
    paths = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    for path in paths:
        write(figure_of(analyze(NET)), path)
    one, other = (path.read_bytes() for path in paths)
    assert one.startswith(STARTS[ending])
    assert one == other


def test_labels_of_an_axis_have_room() -> None:
    ticks = [(float(n), str(n)) for n in range(1, 101)]
    shown = style.apart(ticks, log2)
    assert shown[0] == (1.0, "1")
    assert shown[-1] == (100.0, "100")
    places = [log2(position) / log2(100) for position, _ in shown]
    gaps = [b - a for a, b in pairwise(places)]
    assert min(gaps) > 1.5 * style.LETTER


def test_what_has_no_figure_and_a_missing_matplotlib_are_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UsageError, match="there is no figure of int"):
        figure_of(3)
    with pytest.raises(UsageError, match="no figure of a GroupTraining by itself") as told:
        figure_of(trained(row(1, 1, (0.9, 0.8))))
    assert told.value.hint == "with its comparison: plot(compare(spec, groups), trained=trained)"
    monkeypatch.setattr("groupconv_cli.runtime.find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem, match="needs matplotlib") as error:
        figure_of(analyze(NET))
    assert error.value.hint == "pip install '.[plot]'"


def test_a_network_that_computes_nothing_has_a_figure() -> None:
    report = analyze({"input": [8, 8, 4], "layers": ["relu"]})
    assert sentences(figure_of(report)) == []


def test_very_many_layers_are_drawn_quickly() -> None:
    layers = [{"conv": {"filters": 4, "kernel": 1}, "repeat": style.MOST_POINTS + 1}]
    figure = figure_of(analyze({"input": [2, 2, 4], "layers": layers}))
    assert sentences(figure) == []
    assert len(figure.axes[0].lines) < 10


def test_the_picture_of_the_readme_is_what_its_command_draws() -> None:
    """Its texts and numbers are compared: where they stand is a matter of matplotlib's version."""
    text = (ROOT / "README.md").read_text("utf-8")
    picture, command = re.search(
        r"^!\[.*\]\((.*)\)\n\n```console\n\$ (.*)\n", text, re.MULTILINE
    ).groups()
    assert text.index(picture) < 300
    assert command == "gconv compare shufflenet_v1 --plot sweep.svg"
    shown = (ROOT / picture).read_text("utf-8")
    drawn = svg_text(figure_of(compare("shufflenet_v1")))
    assert sorted(texts(shown)) == sorted(texts(drawn))
    titles = "<title>([^<]*)</title>"
    assert sorted(re.findall(titles, shown)) == sorted(re.findall(titles, drawn))
