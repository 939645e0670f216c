"""Measuring on this machine: what is measured, what the columns say, what the program shows.

No test asserts a time. That the times are those of the networks is seen from what does not depend
on the machine: which calls are made, which rows share them, how much memory weights take.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from machines import MACHINE
from running import Result, run_code, run_gconv, run_process

from groupconv_cli import api, load
from groupconv_cli.analysis.measurement import (
    GroupMeasurement,
    GroupTimes,
    LayerMeasurement,
    LayerTimes,
    MeasureSettings,
    Timing,
)
from groupconv_cli.analysis.totals import total
from groupconv_cli.builder.memory import measure_need
from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.render.compare import compare_view
from groupconv_cli.render.csv import csv_text
from groupconv_cli.render.flow import plain
from groupconv_cli.render.json import compare_json, summary_json
from groupconv_cli.render.measure import layer_notes
from groupconv_cli.render.summary import summary_view
from groupconv_cli.render.text import lines

SPEC = {
    "name": "small",
    "input": [8, 8, 16],
    "layers": [
        {"conv": {"filters": 16, "kernel": 3, "groups": 4}},
        {"batch_norm": {}},
        {"conv": {"filters": 16, "kernel": 3, "groups": 4}, "name": "last"},
        {"relu": {}},
    ],
}
ONE = {"input": [8, 8, 16], "layers": [{"conv": {"filters": 16, "kernel": 3, "groups": 4}}, "relu"]}
"""The same in little: stock layers of groups, and norms, take long to trace."""

BATCH = 72
"""At which an activation is large enough for TensorFlow to count its memory."""
QUICK = MeasureSettings(batch=2, runs=2)


@pytest.fixture(scope="module")
def measured() -> GroupMeasurement:
    settings = MeasureSettings(batch=BATCH, runs=2, runtimes=("gconv", "keras"))
    return api.measure(ONE, [1, 4, 3], settings=settings)


def test_a_row_for_each_valid_count_and_runtime(measured: GroupMeasurement) -> None:
    rows = [(row.groups, row.runtime) for row in measured.rows]
    assert rows == [
        ("as written", "gconv"),
        ("as written", "keras"),
        (1, "gconv"),  # without groups the two are one
        (4, "gconv"),
        (4, "keras"),
    ]
    assert measured.complete
    for row in measured.rows:
        assert row.forward is not None
        assert row.train is not None
        assert len(row.forward.samples) == len(row.train.samples) == 2
        assert min(row.forward.samples + row.train.samples) > 0


def test_rows_that_are_one_computation_share_it(measured: GroupMeasurement) -> None:
    by_row = {(row.groups, row.runtime): row for row in measured.rows}
    assert by_row["as written", "gconv"].train == by_row[4, "gconv"].train
    assert by_row["as written", "gconv"].train != by_row[4, "keras"].train
    assert by_row[1, "gconv"].train != by_row[4, "gconv"].train


def test_memory_is_weights_and_more(measured: GroupMeasurement) -> None:
    """Inference holds what a layer reads and writes; training the input of every layer too."""
    activation = BATCH * 8 * 8 * 16 * 4
    counts = {row.groups: row.totals for row in api.compare(ONE, [1, 4]).rows}
    for row in measured.rows:
        totals = counts[row.groups]
        assert totals is not None
        assert row.macs == totals.macs
        if row.train_bytes is None or row.forward_bytes is None:
            pytest.skip("neither TensorFlow nor the system tells")
        assert row.forward_bytes >= totals.weight_bytes + 2 * activation
        assert row.train_bytes >= totals.weight_bytes + 3 * activation
        assert row.train_bytes >= row.forward_bytes


def test_stock_rows_are_set_against_one_group_in_the_fast_runtime(measured) -> None:
    for row in measured.rows:
        dense = measured.baseline(row)
        assert dense is not None
        assert dense.groups == 1


def test_the_machine(measured: GroupMeasurement) -> None:
    import keras
    import tensorflow as tf

    machine = measured.machine
    assert (machine.tensorflow, machine.keras) == (tf.__version__, keras.__version__)
    assert machine.device == "CPU:0" or machine.device.startswith("GPU")
    assert machine.threads == int(os.environ["TF_NUM_INTRAOP_THREADS"])
    assert machine.processor


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_the_dtype_is_what_is_run(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras
    import tensorflow as tf

    from groupconv_cli.benchmark import measure as measuring

    ran: list[Any] = []
    real = measuring.peak_bytes

    def watched(run: Callable[[], None], device: str) -> int | None:
        ran.append(run)
        return real(run, device)

    monkeypatch.setattr(measuring, "peak_bytes", watched)
    before = keras.config.dtype_policy()
    api.measure(ONE, [1], settings=MeasureSettings(batch=2, runs=1, dtype=dtype))
    assert keras.config.dtype_policy() is before
    assert ran
    for model in {run.__self__ for run in ran}:
        outputs = model._infer(model.inputs)
        weights = [variable.value for variable in model._model.trainable_variables]
        dtypes = {tensor.dtype for tensor in (*model.inputs, *outputs, *weights)}
        assert dtypes == {tf.as_dtype(dtype)}


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="there is no device 'gpu:77'; TensorFlow sees cpu:0"):
        api.measure(SPEC, [1], settings=MeasureSettings(device="gpu:77"))


def test_threads_cannot_be_set_once_tensorflow_computes() -> None:
    import tensorflow as tf

    tf.constant(1) + 1
    with pytest.raises(UsageError, match="only before TensorFlow computes"):
        api.measure(ONE, [1], settings=MeasureSettings(threads=77))


def test_networks_of_other_shapes_can_be_measured() -> None:
    """Volumes, sequences, several branches, nothing to train."""
    for spec in (
        {"input": [6, 6, 6, 4], "layers": [{"conv": {"filters": 4, "kernel": 3, "groups": 2}}]},
        {"input": [9, 4], "layers": [{"conv": {"filters": 4, "kernel": 3, "groups": 4}}]},
        {"input": [9, 4], "layers": ["relu"]},
        {"input": [8, 8, 4], "layers": [{"parallel": {"branches": [["relu"], []]}}]},
    ):
        found = api.measure_layers(spec, settings=QUICK)
        assert all(row.forward and row.train for row in (*found.rows, *found.whole))


def test_what_does_not_fit_in_memory_is_not_begun() -> None:
    message = "B are free; --batch [0-9]+ fits, --ignore-memory tries anyway"
    for measure in (api.measure, api.measure_layers):
        with pytest.raises(EnvironmentProblem, match=message):
            measure(SPEC, settings=MeasureSettings(batch=10**6 * 100))


def test_the_batch_that_is_said_to_fit_does() -> None:
    networks = [load(SPEC), load(SPEC).dense()]
    need = measure_need(networks, "float32")
    assert need.sample >= total(networks[0]).activation_bytes
    available = need.fixed + 100 * need.sample
    assert need.largest_batch(available) == 100
    assert need.largest_batch(need.fixed - 1) == 0
    assert measure_need(networks, "float64").sample == pytest.approx(2 * need.sample, rel=1e-3)


def test_layers_are_given_inputs_of_their_dtype() -> None:
    """A cast that the layer does not have inside a network would be timed with it."""
    import keras

    from groupconv_cli.benchmark.timed_model import timed_network

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("bfloat16")
    try:
        made = timed_network(load(SPEC), batch=1, fast=True, updates=False)
    finally:
        keras.config.set_dtype_policy(before)
    assert [x.dtype.name for x in (*made.inputs, *made.output_gradients)] == ["bfloat16"] * 2


# Layer by layer


def test_every_layer_is_timed_and_equal_ones_once() -> None:
    found = api.measure_layers(SPEC, settings=QUICK)
    names = [layer.name for layer in load(SPEC).layers]
    assert [row.name for row in found.rows] == names
    by_name = {row.name: row for row in found.rows}
    assert by_name["conv"].forward == by_name["last"].forward
    assert by_name["conv"].forward != by_name["batch_norm"].forward
    assert found.call is not None
    assert found.net(None) is None
    assert found.net(Timing((found.call.median / 2,))) == 0


def test_stock_layers_are_timed_beside_the_fast() -> None:
    settings = MeasureSettings(batch=2, runs=2, runtimes=("gconv", "keras"))
    found = api.measure_layers(ONE, settings=settings)
    by_row = {(row.name, row.runtime): row for row in found.rows}
    assert by_row["conv", "gconv"].train != by_row["conv", "keras"].train
    assert by_row["relu", "gconv"].train == by_row["relu", "keras"].train
    assert [row.runtime for row in found.whole] == ["gconv", "keras"]


# What it looks like, from times that are given


def group_times(groups: int | str, forward: float | None, train: float | None, runtime="gconv"):
    def timing(seconds: float | None) -> Timing | None:
        return None if seconds is None else Timing((*[seconds] * 3, 1.05 * seconds, 1.1 * seconds))

    return GroupTimes(
        row=["as written", 1, 2, 4].index(groups),
        groups=groups,
        runtime=runtime,
        macs=1000 // groups if isinstance(groups, int) else 250,
        forward=timing(forward),
        train=timing(train),
        forward_bytes=10_000_000,
        train_bytes=30_000_000,
    )


def given(*rows: GroupTimes, complete: bool = True, runtimes=("gconv",)) -> GroupMeasurement:
    settings = MeasureSettings(batch=8, runtimes=runtimes)
    return GroupMeasurement(machine=MACHINE, settings=settings, rows=rows, complete=complete)


def shown(measured: GroupMeasurement, width: int | None = None) -> str:
    return plain(lines(compare_view(api.compare(SPEC, [1, 2, 4]), measured), width=width))


GIVEN = given(
    group_times("as written", 0.005, 0.02),
    group_times(1, 0.010, 0.03),
    group_times(2, 0.0051, 0.04),
    group_times(4, 0.005, 0.05),
)


def test_the_measured_table() -> None:
    text = shown(GIVEN)
    assert "Measured here · batch 8 · float32 · CPU:0 · 4 threads · speed-up vs g=1" in text
    row = next(line for line in text.splitlines() if line.startswith("g=4") and "ms" in line)
    assert row.split("  ")[0] == "g=4 ◂ as written"
    # Forward, its spread, speed-up, samples per second; the training step; what MACs say; memory.
    cells = re.split(r"\s{2,}", row)[1:]
    assert cells[:5] == ["5 ms", "±2.5 %", "2×", "WIN", "1,600"]
    assert cells[5:10] == ["50 ms", "±2.5 %", "0.600×", "LOSS", "160"]
    assert cells[10:] == ["4×", "10.0 MB", "30.0 MB"]


def test_it_ends_with_what_to_conclude() -> None:
    *_, forward, train = shown(GIVEN).splitlines()
    assert forward == (
        "In inference, g=4 is fastest here: 2× the speed of g=1. MACs alone predict 4×. "
        "Beyond g=2 there is less than 5 % to gain."
    )
    assert train == (
        "In training, groups bring no speed here: no number of groups is more than 5 % faster than "
        "g=1."
    )


def test_stock_keras_is_compared() -> None:
    rows = (*GIVEN.rows[1:], group_times(2, 0.05, 4.0, "keras"), group_times(4, 0.05, 2.0, "keras"))
    text = shown(given(*rows, runtimes=("gconv", "keras")))
    assert text.splitlines()[-1] == (
        "A training step takes 40× to 100× as long with stock Keras as with gconv's layers."
    )
    assert re.search(r"^g=2 +stock Keras +50 ms", text, re.MULTILINE)


def test_an_interrupted_measurement_shows_what_there_is() -> None:
    rows = (group_times(1, 0.01, 0.03), group_times(2, 0.005, None))
    text = shown(given(*rows, complete=False))
    assert "Interrupted: only finished rounds are counted." in text
    assert "In inference, g=2 is fastest here: 2×" in text
    assert "In training" not in text


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_it_fits_the_terminal(width: int) -> None:
    assert max(map(len, shown(GIVEN, width).splitlines())) <= width


def test_csv_is_of_what_was_measured() -> None:
    text = csv_text(compare_view(api.compare(SPEC, [1, 2, 4]), GIVEN))
    rows = {row["groups"]: row for row in csv.DictReader(io.StringIO(text))}
    assert float(rows["2"]["train_s"]) == 0.04
    assert float(rows["2"]["macs_speedup"]) == 2
    assert float(rows["1"]["forward_speedup"]) == 1


def test_json_has_every_sample_and_the_machine() -> None:
    data = json.loads(compare_json(api.compare(SPEC, [1, 2, 4]), GIVEN))["measured"]
    assert data["machine"]["processor"] == "Processor"
    assert data["machine"]["onednn"] is True
    rows = {row["groups"]: row for row in data["rows"]}
    assert rows[1]["train"]["verdict"] is None
    assert rows[2]["train"]["verdict"] == "LOSS"
    assert rows[2]["forward"]["speedup"] == pytest.approx(0.01 / 0.0051)
    assert rows[2]["forward"]["interval"] == pytest.approx([0.01 / 0.0051] * 2)
    assert data["settings"]["batch"] == 8
    assert data["complete"] is True
    assert data["rows"][2]["train"]["samples_s"] == pytest.approx([0.04, 0.04, 0.04, 0.042, 0.044])
    assert data["rows"][2]["train"]["median_s"] == 0.04


def layer_times(*, complete: bool = True) -> LayerMeasurement:
    seconds = {"conv": 0.003, "batch_norm": 0.0012, "last": 0.005, "relu": 0.001}
    rows = [
        LayerTimes(name=n, runtime="gconv", forward=Timing((s,)), train=Timing((3 * s,)))
        for n, s in seconds.items()
    ]
    whole = LayerTimes(name="small", runtime="gconv", forward=Timing((0.008,)), train=None)
    return LayerMeasurement(
        machine=MACHINE,
        settings=MeasureSettings(batch=8),
        rows=tuple(rows),
        whole=(whole,),
        call=Timing((0.001,)),
        complete=complete,
    )


def test_the_summary_has_the_time_of_each_layer() -> None:
    summary = api.analyze(SPEC)
    text = plain(lines(summary_view(summary, layer_times()), width=None))
    found = {line.split()[0]: re.split(r"\s{2,}", line) for line in text.splitlines() if line}
    # 2 ms of 6.2 ms; 2 × 64 × 16 × 9 × 4 × 8 samples in 2 ms are 0.295 GFLOP/s.
    assert found["conv"][-5:-1] == ["2 ms", "32 %", "0.295", "8 ms"]
    assert found["relu"][-3:] == ["0 µs", "0.0 %", "2 ms"]
    assert text.splitlines()[-1] == (
        "The whole network with gconv takes 8 ms in inference (the sum of its layers: 6.20 ms)."
    )
    folded = plain(lines(summary_view(summary, layer_times(), depth=0), width=None))
    assert "Forward" not in folded
    data = json.loads(summary_json(summary, layer_times()))["measured"]
    assert [row["name"] for row in data["layers"]] == ["conv", "batch_norm", "last", "relu"]
    assert data["call"]["samples_s"] == [0.001]


def test_layers_below_the_noise_are_named() -> None:
    # An empty call scatters by 0.2 ms around 1 ms, and so do the layers around 1.1, 3 and 1 ms.
    def around(middle: float) -> Timing:
        return Timing(tuple(middle + off for off in (-0.0004, -0.0002, 0, 0.0002, 0.0004)))

    measured = replace(
        layer_times(),
        call=around(0.001),
        rows=tuple(
            LayerTimes(name=name, runtime="gconv", forward=around(seconds), train=around(0.004))
            for name, seconds in {"conv": 0.0011, "last": 0.003, "relu": 0.001}.items()
        ),
    )
    notes = " ".join(layer_notes(measured))
    assert "Too short to tell from noise here: conv and relu. A" in notes
    assert not any("noise" in note for note in layer_notes(replace(measured, rows=())))


# The program


def test_options_that_go_with_measure() -> None:
    for option in ("--batch", "--runs", "--threads"):
        result = run_gconv("compare", "basic", option, "2")
        assert (result.status, result.out) == (2, "")
        assert f"{option} needs --measure" in result.err
    assert run_gconv("summary", "basic", "--runtime", "both", "--ignore-memory").status == 2
    assert run_gconv("compare", "resnet", "--variants", "--measure").status == 2


@pytest.mark.parametrize("run", [run_gconv, pytest.param(run_process, marks=pytest.mark.nightly)])
@pytest.mark.both_ends
def test_the_program_measures_and_says_nothing_else(run: Callable[..., Result]) -> None:
    """A new process can set threads, and what native code says as it starts would be seen there."""
    common = ("--measure", "--batch", "1", "--runs", "2")
    threads = ("--threads", "1") if run is run_process else ()
    result = run("compare", "basic", "--groups", "1,3,4", *common, *threads, "-f", "json")
    assert (result.status, result.err) == (1, "")  # 3 does not divide
    data = json.loads(result.out)
    assert data["measured"]["machine"]["threads"] == int(os.environ["TF_NUM_INTRAOP_THREADS"])
    assert [row["groups"] for row in data["measured"]["rows"]] == ["as written", 1, 4]


@pytest.mark.both_ends
def test_the_program_measures_layers_and_says_nothing_else() -> None:
    result = run_gconv("summary", "basic", "--measure", "--batch", "1", "--runs", "2")
    assert (result.status, result.err) == (0, "")
    assert "The whole network with gconv takes" in result.out


INTERRUPTED = """
import os, signal, sys
from groupconv_cli.benchmark import interleaved
from groupconv_cli.cli.app import main

take = interleaved._take

def taken(tasks, samples, progress, clock):
    def told(*args):
        progress(*args)
        if min(map(len, samples.values())) == 2:
            os.kill(os.getpid(), signal.SIGINT)
    take(tasks, samples, told, clock)

interleaved._take = taken
sys.argv = ["gconv", "compare", "basic", "--measure", "--runs", "9999", "--batch", "1"]
try:
    main()
finally:
    interleaved._take = take
"""
"""A run that gets an interrupt when every number of groups has been measured twice."""


@pytest.mark.surroundings
def test_ctrl_c_prints_what_is_done() -> None:
    done = run_code(INTERRUPTED)
    assert done.status == 130, done.err
    assert done.err.endswith("gconv: interrupted\n")
    assert "Interrupted: only finished rounds are counted." in done.out
    assert "uncertain; more --runs may tell" in done.out  # two rounds show nothing
