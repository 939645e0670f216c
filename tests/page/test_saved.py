"""Results that were saved as JSON, as a page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
from machines import MACHINE
from running import run_gconv, run_python

from groupconv_cli import (
    UsageError,
    analyze,
    compare,
    compare_variants,
    load,
    saved_report,
    search,
    vary,
)
from groupconv_cli.analysis.measurement import (
    GroupMeasurement,
    GroupTimes,
    LayerMeasurement,
    LayerTimes,
    MeasureSettings,
    Timing,
)
from groupconv_cli.page import write
from groupconv_cli.page.charts import Chart
from groupconv_cli.page.saved import saved
from groupconv_cli.render.json import compare_json, summary_json, variants_json
from groupconv_cli.render.search_json import search_json
from groupconv_cli.training.bench import compared
from groupconv_cli.training.job import Outcome
from groupconv_cli.training.recipe import Recipe
from groupconv_cli.training.report import GroupTraining, TrainedData, TrainedRow
from groupconv_cli.training.run import Run

TIMING = Timing((0.25, 0.5, 0.75))


@pytest.fixture(autouse=True)
def no_charts(monkeypatch):
    """Charts take most of the time, and are the same as for results that were not saved."""
    monkeypatch.setattr(write, "chart_of", lambda *_: Chart("", "no chart"))


@pytest.fixture(scope="module")
def network():
    return load("shufflenet_v1")


def kept(tmp_path, text: str):
    path = tmp_path / "result.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_summary_is_what_it_was(network, tmp_path):
    before = analyze(network)
    (after,) = [saved([kept(tmp_path, summary_json(before))]).summary]
    assert after.totals == before.totals
    assert after.baseline == before.baseline
    assert (after.name, after.inputs, after.dtype) == (before.name, before.inputs, before.dtype)
    for one, other in zip(after.layers, before.layers, strict=True):
        assert one.cost == other.cost
        assert one.window == other.window
        assert one.reach == other.reach
        assert one.memory == other.memory
        assert [step[:2] for step in one.path] == [step[:2] for step in other.path]
        assert (one.dense_cost.macs, one.dense_cost.params) == (
            other.dense_cost.macs,
            other.dense_cost.params,
        )


def test_shapes_of_any_length_are_what_they_were(tmp_path):
    """A Keras model may have a number by itself, or many axes."""
    whole = analyze("basic")
    shapes = ((), (1, 2) * 5, *(layer.output_shape for layer in whole.layers[2:]))
    layers = tuple(
        layer._replace(output_shape=shape)
        for layer, shape in zip(whole.layers, shapes, strict=True)
    )
    before = replace(whole, layers=layers, inputs=(*whole.inputs, ()))
    path = kept(tmp_path, summary_json(before))
    after = saved([path]).summary
    assert after.inputs == before.inputs
    assert tuple(layer.output_shape for layer in after.layers) == shapes
    assert saved_report(path)


def test_times_of_layers_are_what_they_were(network, tmp_path):
    rows = tuple(LayerTimes(name=n.name, runtime="gconv", forward=TIMING, train=None)
                 for n in network.layers)  # fmt: skip
    before = LayerMeasurement(
        machine=MACHINE, settings=MeasureSettings(), rows=rows, whole=rows[:1],
        call=Timing((0.125,)), complete=True,
    )  # fmt: skip
    path = kept(tmp_path, summary_json(analyze(network), before))
    assert saved([path]).layer_times == before
    assert "375 ms" in saved_report(path)  # 0.5 s less the 0.125 s of an empty call


def test_comparison_is_what_it_was(network, tmp_path):
    before = compare(network, [1, 2, 3, 5])
    times = tuple(
        GroupTimes(row=index, groups=row.groups, runtime="gconv", macs=row.macs or 0,
                   forward=TIMING, train=TIMING, forward_bytes=1000, train_bytes=None)
        for index, row in enumerate(before.rows) if row.valid
    )  # fmt: skip
    measured = GroupMeasurement(
        machine=MACHINE, settings=MeasureSettings(), rows=times, complete=True
    )
    path = kept(tmp_path, compare_json(before, measured))
    assert saved([path]).comparisons == ((before, measured, None),)
    assert "invalid: 5 does not divide" in saved_report(path)


def test_comparison_of_variables_is_what_it_was(tmp_path):
    before = vary("resnext", {"groups": [1, 32], "width": ["4", "8"]})
    assert saved([kept(tmp_path, compare_json(before))]).comparisons[0][0] == before


VALUES = {
    "input": [16, 16, 4],
    "vars": {"shift": 0, "share": 0.5, "name": "relu", "sizes": [3, 3], "norm": False},
    "layers": [{"conv": {"filters": "8 + $shift", "kernel": "$sizes"}}],
}


@pytest.mark.parametrize(
    "values",
    [
        {"shift": [-2, 0]},
        {"share": [-0.25, 1.5]},
        {"name": ["relu", "none"]},
        {"sizes": [[1, 3], [-1, 3]]},
        {"norm": [True, False]},
    ],
    ids=lambda values: next(iter(values)),
)
def test_values_of_every_kind_are_what_they_were(values, tmp_path):
    before = vary(VALUES, values)
    assert saved([kept(tmp_path, compare_json(before))]).comparisons[0][0] == before


def test_comparison_of_a_network_without_params_is_what_it_was(tmp_path):
    spec = {"input": [16, 16, 4], "vars": {"size": 2}, "layers": [{"max_pool": {"size": "$size"}}]}
    before = vary(spec, {"size": [2, 4]})
    assert before.rows[0].totals.params == 0
    path = kept(tmp_path, compare_json(before))
    assert saved([path]).comparisons[0][0] == before
    assert saved_report(path)


def test_rows_that_are_alike_have_their_own_times_and_accuracies(tmp_path):
    """A value that the network as written has already: the first row is the reference."""
    before = vary("resnext", {"groups": [1, 32]})
    alike = [dict(row.settings) for row in before.rows]
    assert alike == [{"groups": 32}, {"groups": 1}, {"groups": 32}]
    times = tuple(
        GroupTimes(row=index, groups=row.groups, settings=row.settings, runtime=runtime,
                   macs=row.macs or 0, forward=TIMING, train=None, forward_bytes=None,
                   train_bytes=None)
        for index, row in enumerate(before.rows) for runtime in ("keras", "gconv")
    )  # fmt: skip
    measured = GroupMeasurement(
        machine=MACHINE, settings=MeasureSettings(), rows=times, complete=True
    )
    made = trained()
    runs = tuple(
        replace(row, row=index, groups=before.rows[index].groups, settings=alike[index])
        for index, row in enumerate(made.rows)
    )
    made = replace(made, rows=runs)
    path = kept(tmp_path, compare_json(before, measured, made))
    assert saved([path]).comparisons == ((before, measured, made),)


def test_variants_are_what_they_were(tmp_path):
    before = compare_variants("shufflenet_v1")
    assert saved([kept(tmp_path, variants_json(before))]).variants == ((before, None),)


def trained(*variants: str, lost: int = 2) -> GroupTraining:
    """Three rows that were trained: a reference, and two with a lower accuracy. One lost a run."""
    places = [(index, "as written", name) for index, name in enumerate(variants)]
    rows = [
        TrainedRow(
            row=row,
            groups=groups,
            variant=name,
            outcomes=tuple(
                Outcome(Run(seed, accuracy + seed / 100, 0.5, 9, 1.5), "here") for seed in (0, 1)
            ),
            lost={2: 3} if number == lost else {},
            verdict=None,
        )
        for number, (accuracy, (row, groups, name)) in enumerate(
            zip((0.75, 0.5, 0.5), places or [(1, 1, None), (2, 4, None), (3, 8, None)], strict=True)
        )
    ]
    data = TrainedData(name="digits", digest="ab", samples=9000, test_samples=1000, classes=2)
    return GroupTraining(
        data=data,
        recipe=Recipe(steps=9).checked(),
        seeds=3,
        at_once=2,
        rows=compared(rows, "abc", 0),
        complete=True,
    )


def test_trained_rows_are_those_that_training_makes() -> None:
    assert [row.verdict for row in trained().rows] == ["reference", "lower", None]
    assert [row.verdict for row in trained(lost=0).rows] == [None] * 3


def test_accuracies_are_what_they_were(tmp_path):
    before = compare("basic", [1, 4, 8])
    path = kept(tmp_path, compare_json(before, None, trained()))
    assert saved([path]).comparisons == ((before, None, trained()),)
    text = saved_report(path)
    assert "50.5 %" in text  # the mean of 50 % and 51 %, by hand
    assert "given up: 3 workers died" in text


def test_accuracies_without_a_whole_reference_are_what_they_were(tmp_path):
    """Then no row has a verdict."""
    before = compare("basic", [1, 4, 8])
    path = kept(tmp_path, compare_json(before, None, trained(lost=0)))
    assert saved([path]).comparisons == ((before, None, trained(lost=0)),)
    assert "50.5 %" in saved_report(path)


def test_accuracies_before_the_first_seed_are_what_they_were(tmp_path):
    """Ctrl-C ended the training before every row was trained once."""
    whole = trained()
    rows = tuple(replace(row, outcomes=(), lost={}, verdict=None, difference=None, p=None)
                 for row in whole.rows)  # fmt: skip
    none = replace(whole, rows=rows, complete=False)
    path = kept(tmp_path, compare_json(compare("basic", [1, 4, 8]), None, none))
    assert saved([path]).comparisons[0][2] == none
    assert saved_report(path)


def test_accuracies_of_variants_are_what_they_were(tmp_path):
    before = compare_variants("shufflenet_v1")
    path = kept(tmp_path, variants_json(before, trained("g1", "g2", "g3")))
    assert saved([path]).variants == ((before, trained("g1", "g2", "g3")),)
    assert "75.5 %" in saved_report(path)


def test_search_has_all_that_json_has(tmp_path):
    before = search("resnet18", {"macs": "70%"}, groups=[1, 2, 4], frontier=3)
    (after,) = saved([kept(tmp_path, search_json(before))]).searches
    for name in ("name", "inputs", "keep", "per", "value", "optimal", "choice", "uniform"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.budgets == before.budgets
    assert after.singles == before.singles
    assert after.before == before.before
    assert after.after == before.after
    assert [point[:3] for point in after.frontier.points] == [
        point[:3] for point in before.frontier.points
    ]


def test_page_of_saved_results_by_the_command(network, tmp_path):
    (tmp_path / "compare.json").write_text(compare_json(compare(network)), encoding="utf-8")
    (tmp_path / "summary.json").write_text(summary_json(analyze(network)), encoding="utf-8")
    words = ("report", "--from", "compare.json", "summary.json", "-o", "report.html")
    result = run_gconv(*words, cwd=tmp_path)
    assert (result.status, result.err) == (0, "")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.findall(r'<section id="([^"]+)"', text) == ["network", "totals", "layers", "sweep-1",
                                                          "reach"]  # fmt: skip


WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = sys.modules["matplotlib"] = None
from groupconv_cli import saved_report
print("50.5 %" in saved_report({path!r}))
"""


def test_page_needs_no_numpy(tmp_path):
    """A light install has Jinja2 and no NumPy, and results are trained elsewhere."""
    path = kept(tmp_path, compare_json(compare("basic", [1, 4, 8]), None, trained()))
    assert run_python(WITHOUT_NUMPY.format(path=str(path))).stdout == "True\n"


def spoiled(change: Callable[[Any], object], report: object = None) -> str:
    document = json.loads(compare_json(report or compare("basic", [1, 4])))
    change(document)
    return json.dumps(document)


def spoiled_runs(change: Callable[[Any], object]) -> str:
    document = json.loads(compare_json(compare("basic", [1, 4, 8]), None, trained()))
    change(document["trained"])
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[1]", "it has no format of gconv"),
        ('{"format": "gconv.diff", "version": 1}', "its format is 'gconv.diff'"),
        ('{"format": "gconv.compare", "version": 2}', "another version of gconv"),
        ('{"format": "gconv.compare", "version": 1}', "name is missing"),
        ("[" * 100_000, "nested too deeply"),
        ('{"format": "gconv.compare", "x": NaN}', "is not JSON"),
        (spoiled(lambda d: d.update(rows=[])), "rows must be a list with 1 or more entries"),
        (spoiled(lambda d: d["rows"].pop(1)), "rows has no row for g = 1"),
        (spoiled(lambda d: d["rows"][0].update(params="4")), "rows[0].params must be a whole"),
        (spoiled(lambda d: d["rows"][0].update(params=-4)), "got -4"),
        (spoiled(lambda d: d["rows"][0].update(macs=10**40)), "rows[0].macs must be"),
        (spoiled(lambda d: d["rows"][0].update(groups=True)), "rows[0].groups must be"),
        (spoiled(lambda d: d["rows"][0].pop("valid")), "rows[0].valid is missing"),
        (spoiled(lambda d: d.update(rule="all")), "rule must be one of only, grouped"),
        (spoiled(lambda d: d.update(rule=None)), "rule must say which convolutions vary"),
        (spoiled(lambda d: d.update(name=None)), "name must be a text; got null"),
        (spoiled(lambda d: d["inputs"].append("x")), "inputs[1] must be a list"),
        (spoiled(lambda d: d["inputs"].append([1] * 65)), "a list with at most 64 entries"),
        (
            spoiled(lambda d: d["rows"][1].update(settings={"x": 1})),
            "rows[1].settings must have the variables of rows[0]",
        ),
        (
            spoiled(
                lambda d: [row.update(settings={}) for row in d["rows"]],
                vary("resnext", {"groups": [1, 32]}),
            ),
            "rows[0].settings must have the variables that vary",
        ),
        (spoiled(lambda d: d.update(measured={})), "measured.machine is missing"),
        (spoiled_runs(lambda d: d["rows"][2].update(verdict="lower")), "if one was lost"),
        (spoiled_runs(lambda d: d["rows"][1].update(verdict=None)), "all have a verdict or none"),
        (spoiled_runs(lambda d: d["rows"].append(d["rows"][0])), "or that was before"),
    ],
)
def test_what_is_no_result_is_refused_with_its_place(text, said, tmp_path):
    with pytest.raises(UsageError) as raised:
        saved_report(kept(tmp_path, text))
    assert said in raised.value.message
    assert "--format json" in (raised.value.hint or "") or "version" in raised.value.message


def test_two_summaries_are_two_pages(tmp_path):
    path = kept(tmp_path, summary_json(analyze("basic")))
    with pytest.raises(UsageError, match="a page is of one network"):
        saved_report(path, path)


def every_place(value: object) -> list[list[object]]:
    """The way to each value of a document, but only to the first entry of a list."""
    ways: list[list[object]] = []
    if isinstance(value, dict):
        entries = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))[:2]
    else:
        return [[]]
    for key, each in entries:
        ways += [[key], *([key, *way] for way in every_place(each))]
    return ways


@pytest.mark.parametrize("kind", ["summary", "compare", "trained", "search"])
def test_no_value_of_another_kind_is_a_crash(kind, tmp_path):
    text = {
        "summary": lambda: summary_json(analyze("basic")),
        "compare": lambda: compare_json(compare("basic", [1, 4])),
        "trained": lambda: compare_json(compare("basic", [1, 4, 8]), None, trained()),
        "search": lambda: search_json(search("block", {"macs": "90%"}, frontier=2)),
    }[kind]()
    wrongs = cycle((None, -1, "x", [], {}, 10**40, 0))
    for way in every_place(json.loads(text)):
        document = json.loads(text)
        at = document
        for key in way[:-1]:
            at = at[key]
        at[way[-1]] = next(wrongs)
        path = kept(tmp_path, json.dumps(document))
        with suppress(UsageError):
            saved_report(path)
