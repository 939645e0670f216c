"""Bars of shares in a summary."""

from __future__ import annotations

from pathlib import Path

import pytest
from machines import MACHINE
from running import run_gconv
from terminal import run_on_screen

from groupconv_cli import analyze
from groupconv_cli.analysis.measurement import (
    LayerMeasurement,
    LayerTimes,
    MeasureSettings,
    Timing,
)
from groupconv_cli.render.flow import plain
from groupconv_cli.render.shares import COSTS
from groupconv_cli.render.summary import summary_view
from groupconv_cli.render.text import lines
from groupconv_cli.render.view import Bar, Table, View, bar_text

NET = {
    "input": [8, 8, 16],
    "layers": [
        {"conv": {"filters": 16, "kernel": 3, "groups": 4, "bias": False}},
        {"conv": {"filters": 64, "kernel": 1, "bias": False}},
        {"conv": {"filters": 64, "kernel": 1, "groups": 64, "bias": False}},
        "relu",
    ],
}
MACS = (64 * 9 * 4 * 16, 64 * 16 * 64, 64 * 64, 0)
"""By hand: positions × window × channels of a group × filters."""


def bars(view: View) -> list[Bar | None]:
    table: Table = view.tables[0]
    assert table.columns[-1].kind == "bar"
    return [row.cells[-1] for row in table.rows]


def test_a_bar_is_a_share_of_all_macs_and_as_long_as_it_is_of_the_largest() -> None:
    found = bars(summary_view(analyze(NET)))
    assert found[3] is None  # relu has no MACs
    for bar, macs in zip(found[:3], MACS, strict=False):
        assert bar is not None
        assert bar.share == pytest.approx(macs / sum(MACS))
        assert bar.length == pytest.approx(macs / max(MACS))
    assert [bar.is_high for bar in found[:3] if bar] == [False, True, False]


@pytest.mark.parametrize(("name", "depth"), [("shufflenet_v1", None), ("unet", 1), ("basic", 2)])
@pytest.mark.parametrize("by", ["macs", "params", "activations"])
def test_bars_add_up_to_the_whole(name: str, depth: int | None, by: str) -> None:
    """Rows that others are the inside of have no bar: nothing is drawn twice."""
    found = bars(summary_view(analyze(name), depth=depth, by=by))
    assert sum(bar.share for bar in found if bar and bar.length) == pytest.approx(1)
    assert max(bar.length for bar in found if bar) == 1


def test_bars_can_be_of_another_cost() -> None:
    view = summary_view(analyze(NET), by="params")
    params = (9 * 4 * 16, 16 * 64, 64)
    assert [bar.share for bar in bars(view) if bar] == pytest.approx(
        [each / sum(params) for each in params]
    )
    assert view.tables[0].columns[-1].title == "Share of params"
    written = (8 * 8 * 16, 8 * 8 * 64, 8 * 8 * 64, 8 * 8 * 64)
    view = summary_view(analyze(NET), by="activations")
    assert [bar.share for bar in bars(view) if bar] == pytest.approx(
        [each / sum(written) for each in written]
    )


def test_bars_can_be_of_measured_time() -> None:
    seconds = {"conv": 0.003, "conv_2": 0.005, "conv_3": 0.002, "relu": 0.001}
    measured = LayerMeasurement(
        machine=MACHINE,
        settings=MeasureSettings(),
        rows=tuple(
            LayerTimes(name=name, runtime="gconv", forward=Timing((each,)), train=None)
            for name, each in seconds.items()
        ),
        whole=(),
        call=Timing((0.001,)),
        complete=True,
    )
    view = summary_view(analyze(NET), measured, by="time")
    shares = [bar and bar.share for bar in bars(view)]
    assert shares[:3] == pytest.approx([2 / 7, 4 / 7, 1 / 7])
    assert shares[3] is None  # as long as an empty call


def test_if_most_rows_are_the_largest_none_catches_the_eye() -> None:
    same = {"input": [8, 8, 4], "layers": [{"conv": {"filters": 4, "kernel": 3}, "repeat": 3}]}
    assert [bar and bar.is_high for bar in bars(summary_view(analyze(same)))] == [False] * 3


@pytest.mark.parametrize(
    ("bar", "text"),
    [
        (Bar(0.5, 1.0), " 50 % ━━━━━━━━━━"),
        (Bar(0.123, 0.25), " 12 % ━━╸"),
        (Bar(0.0012, 0.001), "0.1 % ╸"),
        (Bar(1.0, 0.0), "100 %"),
    ],
)
def test_a_bar_has_steps_of_half_a_character(bar: Bar, text: str) -> None:
    assert bar_text(bar) == text


def test_bars_are_hidden_first_and_without_a_word() -> None:
    view = summary_view(analyze(NET))
    assert "━" in plain(lines(view, width=None))
    full = max(map(len, plain(lines(view, width=None)).splitlines()[:4]))
    narrow = plain(lines(view, width=full - 1))
    assert "━" not in narrow
    assert "FLOPs" in narrow.splitlines()[2]
    assert "Hidden" not in narrow


def test_bars_that_were_asked_for_are_hidden_late_and_with_a_word() -> None:
    view = summary_view(analyze(NET), by="params")
    assert "━" in plain(lines(view, width=75))
    assert "FLOPs" in plain(lines(view, width=75)).split("Hidden")[1]
    narrow = plain(lines(view, width=40))
    assert narrow.splitlines()[3].split() == ["Layer", "Params", "MACs"]
    # Op, Output, Groups, FLOPs, vs dense, Reach and Share; and of the totals, Dense.
    assert "and 4 more." in narrow


def test_bars_are_quiet_and_the_largest_catches_the_eye(tmp_path: Path) -> None:
    shown = run_on_screen("summary", "alexnet", cwd=tmp_path, columns=120)
    assert "\x1b[2m" in shown.out
    assert "\x1b[1;36m" in shown.out


def test_top_goes_by_the_same_cost(tmp_path: Path) -> None:
    done = run_gconv("summary", "vgg16", "--top", "1", "--by", "params", cwd=tmp_path)
    # VGG-16's first dense layer: 7 × 7 × 512 × 4096 weights and 4096 biases.
    assert f"{(7 * 7 * 512 * 4096 + 4096) / 1e6:.0f} M" in done.out.splitlines()[4]
    assert "the row with the most params" in done.out


def test_time_needs_measured_times(tmp_path: Path) -> None:
    done = run_gconv("summary", "basic", "--by", "time", cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert done.err == "gconv: error: --by time needs --measure\n"
    assert set(COSTS) == {"macs", "params", "activations", "time"}
