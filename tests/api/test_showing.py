"""How reports show themselves: a line, the command's tables, HTML, JSON and rows."""

from __future__ import annotations

import csv
import io
import json
import pickle
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from machines import MACHINE
from running import run_gconv, run_python

from groupconv_cli import (
    analyze,
    check,
    compare,
    compare_variants,
    diff,
    load,
    runtime,
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
from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.render.reports import FORMS, form_of
from groupconv_cli.shown import Shown
from groupconv_cli.training.job import Outcome
from groupconv_cli.training.recipe import Recipe
from groupconv_cli.training.report import GroupTraining, TrainedData, TrainedRow
from groupconv_cli.training.run import Run

TIMES = Timing((0.1, 0.2, 0.3))


def _measured() -> GroupMeasurement:
    rows = tuple(
        GroupTimes(
            row=row,
            groups=groups,
            runtime="gconv",
            macs=100,
            forward=TIMES,
            train=TIMES,
            forward_bytes=10,
            train_bytes=20,
        )
        for row, groups in enumerate(("as written", 1, 4))
    )
    return GroupMeasurement(machine=MACHINE, settings=MeasureSettings(), rows=rows, complete=True)


def _layers() -> LayerMeasurement:
    row = LayerTimes(name="conv", runtime="gconv", forward=TIMES, train=None)
    return LayerMeasurement(
        machine=MACHINE,
        settings=MeasureSettings(),
        rows=(row,),
        whole=(),
        call=None,
        complete=False,
    )


def _trained(variant: str | None = None) -> GroupTraining:
    rows = tuple(
        TrainedRow(
            row=row,
            groups=groups,
            variant=variant and f"{variant}{row}",
            outcomes=(Outcome(Run(0, 0.75, 0.5, 9, 1.0), "here"),),
            verdict=None,
        )
        for row, groups in enumerate(("as written", 1))
    )
    return GroupTraining(
        data=TrainedData(name="digits", digest="", samples=9, test_samples=4, classes=2),
        recipe=Recipe(steps=9, lr=0.1),
        seeds=1,
        at_once=1,
        rows=rows,
        complete=True,
    )


REPORTS: dict[str, Callable[[], Shown]] = {
    "summary": lambda: analyze("block"),
    "compare": lambda: compare("block", [1, 3, 4]),
    "vary": lambda: vary("resnext", {"width": [2, 4]}),
    "variants": lambda: compare_variants("mobilenet_v1"),
    "search": lambda: search("resnet18", {"macs": "80%"}, groups=[1, 2]),
    "diff": lambda: diff("basic", "block"),
    "check": lambda: check("block"),
    "measured": _measured,
    "layers": _layers,
    "trained": _trained,
    "trained variants": lambda: _trained("v"),
}
every_report = pytest.mark.parametrize("name", REPORTS)

COMMANDS = {
    "summary": ["summary", "block"],
    "compare": ["compare", "block", "--groups", "1,3,4"],
    "vary": ["compare", "resnext", "--vary", "width=2,4"],
    "variants": ["compare", "mobilenet_v1", "--variants"],
    "diff": ["diff", "basic", "block"],
    "check": ["check", "block"],
}
"""The commands of reports that say nothing of what comes next."""

LINES = {
    "summary": "<Summary 'block': 6 layers, 19.4 k params, 75.5 M MACs>",
    "compare": "<Comparison 'block': 4 rows, 1 of them invalid>",
    "vary": "<Comparison 'resnext50_32x4d': 3 rows>",
    "variants": "<VariantComparison 'mobilenet_v1': 4 variants>",
    "diff": "<Diff: basic → block · input 32×32×32 → 64×64×64 · 4 layers added · float32>",
    "check": "<CheckReport: 1 spec, status 0>",
    "measured": "<GroupMeasurement: 3 rows, batch 8, gconv>",
    "layers": "<LayerMeasurement: 1 layer, batch 8, gconv, interrupted>",
    "trained": "<GroupTraining on 'digits': 2 rows, 1 seed>",
}


def test_every_class_of_reports_has_its_forms() -> None:
    def below(kind: type) -> list[type]:
        return [kind, *(each for sub in kind.__subclasses__() for each in below(sub))]

    assert set(below(Shown)) - {Shown} == set(FORMS)
    with pytest.raises(LookupError, match="int is no report"):
        form_of(3)


@pytest.mark.parametrize("name", LINES)
def test_a_report_is_one_line_in_a_session(name: str) -> None:
    report = REPORTS[name]()
    assert repr(report).replace("'resnext'", "'resnext50_32x4d'") == LINES[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_print_is_what_the_command_prints(name: str, tmp_path: Path) -> None:
    done = run_gconv(*COMMANDS[name], cwd=tmp_path)
    assert f"{REPORTS[name]()}\n" == done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_a_dict_is_what_json_says(name: str, tmp_path: Path) -> None:
    done = run_gconv(*COMMANDS[name], "--format", "json", cwd=tmp_path)
    expected = json.loads(done.out)
    if name == "diff":  # the command knows where its specs are from
        for side in ("old", "new"):
            expected[side]["source"] = None
    assert REPORTS[name]().to_dict() == expected


@every_report
def test_every_report_shows_itself_everywhere(name: str) -> None:
    report = REPORTS[name]()
    assert len(repr(report)) < 120
    assert "\n" not in repr(report)
    assert str(report).splitlines()[0]
    assert report.to_dict() == json.loads(json.dumps(report.to_dict()))
    frame = report.to_pandas()
    assert len(frame) > 0
    assert all(frame.columns)
    if name != "search":  # which has a network
        assert repr(pickle.loads(pickle.dumps(report))) == repr(report)


@pytest.mark.parametrize("name", ["compare", "variants", "diff"])
def test_rows_are_those_of_csv(name: str, tmp_path: Path) -> None:
    done = run_gconv(*COMMANDS[name], "--format", "csv", cwd=tmp_path)
    rows = list(csv.reader(io.StringIO(done.out)))
    frame = REPORTS[name]().to_pandas()
    assert list(frame.columns) == rows[0]
    assert len(frame) == len(rows) - 1
    column = rows[0].index("params")
    known = [float(row[column]) for row in rows[1:] if row[column]]
    assert list(frame["params"].dropna()) == known


def test_rows_of_a_summary_are_its_layers() -> None:
    report = analyze("shufflenet_v1")
    frame = report.to_pandas()
    assert len(frame) == len(report.layers)
    assert frame["macs"].sum() == report.macs
    assert frame["macs_share"].sum() == pytest.approx(1)


def test_an_unknown_number_is_missing() -> None:
    frame = compare("block", [3]).to_pandas()
    assert frame["params"].isna().tolist() == [False, False, True]
    assert "3 does not divide" in frame["note"][2]


class _Tags(HTMLParser):
    """The elements of HTML, each of which must end where it has to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@every_report
def test_html_is_well_formed(name: str) -> None:
    html = REPORTS[name]()._repr_html_()
    tags = _Tags()
    tags.feed(html)
    assert tags.open == []
    assert {"div", "table"} <= set(tags.tags) or name == "check"
    assert set(tags.tags) <= {
        *("div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "pre")
    }


def test_names_are_text_in_html() -> None:
    name = "<img src=x onerror=alert(1)>"
    report = analyze(load("basic").replace(name=name))
    html = report._repr_html_()
    assert "<img" not in html
    tags = _Tags()
    tags.feed(html)
    assert any(name in text for text in tags.texts)


def test_findings_stand_in_html() -> None:
    assert "nothing mixes the groups" in check("block")._repr_html_()


def test_without_pandas_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem, match="needs pandas") as error:
        analyze("basic").to_pandas()
    assert error.value.hint == "pip install pandas"


def test_a_report_loads_what_shows_it_only_when_it_is_shown() -> None:
    probe = (
        "from groupconv_cli import analyze; import sys; report = analyze('basic'); "
        "print('groupconv_cli.render.reports' in sys.modules, end=' '); repr(report); "
        "print('groupconv_cli.render.reports' in sys.modules, "
        "any(name in sys.modules for name in ('numpy', 'tensorflow', 'pandas', 'matplotlib')))"
    )
    assert run_python(probe).stdout.split() == ["False", "True", "False"]
