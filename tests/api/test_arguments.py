"""Arguments that are none: what is said in Python."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

import groupconv_cli
from groupconv_cli import UsageError


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: groupconv_cli.load(3), "a spec is a path, a name, a mapping or a Keras model"),
        (lambda: groupconv_cli.load(None), "load needs a spec"),
        (lambda: groupconv_cli.load("basic", regroup="conv=2"), "regroup is a mapping of patterns"),
        (lambda: groupconv_cli.load("basic", regroup={"conv": 0}), "must be a whole number, 1 or"),
    ],
)
def test_what_is_no_argument(call, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


BUDGET = {"macs": "90%"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frontier": "3"}, "a frontier has 2 to 100 budgets; got '3'"),
        ({"frontier": 2.5}, "got 2.5"),
        ({"frontier": True}, "got True"),
        ({"time_limit": "3"}, "must be a number of seconds above 0; got '3'"),
        ({"time_limit": float("nan")}, "got nan"),
        ({"keep": ["x"]}, "--keep .* means nothing; there are connections, params and macs"),
        ({"per": 3}, "--per 3 means nothing"),
        ({"groups": []}, "no number of groups to choose from"),
        ({"groups": 2.5}, "a candidate is a whole number, .* got 2.5"),
        ({"groups": [[2]]}, r"got \[2\]"),
        ({"groups": "al"}, "got 'al'"),
        ({"only": 3}, "--only is a pattern of names"),
        ({"budget": ["macs"]}, "a budget is a mapping"),
        ({"budget": "50%"}, "a budget is a mapping"),
        ({"budget": {3: 4}}, "no budget is called 3"),
        ({"budget": {"macs": ["50%"]}}, "the most MACs must be a percentage"),
        ({"measuring": groupconv_cli.MeasureSettings()}, "measuring needs a time budget"),
        ({"measuring": 3, "budget": {"time": "50%"}}, "measuring must be a MeasureSettings; got 3"),
    ],
    ids=str,
)
def test_what_is_no_argument_of_a_search(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        groupconv_cli.search("block", **({"budget": BUDGET} | options))


@pytest.mark.parametrize(
    ("groups", "same"),
    [
        ("all", None),
        (16, [16]),
        (numpy.int64(16), [16]),
        (numpy.array([8, 16]), [8, 16]),
        ((each for each in (8, 16)), [8, 16]),
        ("8-16", [8, 16]),
    ],
)
def test_groups_of_a_search_are_taken_as_those_of_a_comparison(groups: Any, same: Any) -> None:
    network = groupconv_cli.load("block")
    found = groupconv_cli.search(network, BUDGET, groups=groups)
    assert found.choice == groupconv_cli.search(network, BUDGET, groups=same).choice
    assert all(type(count) is int for count in found.choice.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "width"}, "by needs equal"),
        ({"at_most": True}, "at_most needs equal"),
        ({"training": groupconv_cli.TrainSettings()}, "there is no data"),
        ({"training": {"seeds": 3}, "data": "mnist1d"}, "training must be a TrainSettings; got {"),
        ({"measuring": 3}, "measuring must be a MeasureSettings; got 3"),
        ({"frontier": 3}, "a frontier needs a budget"),
        ({"vary": ["width"]}, "what varies is a mapping"),
        ({"budget": ["macs"]}, "a budget is a mapping"),
    ],
    ids=str,
)
def test_what_is_no_argument_of_a_report(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        groupconv_cli.report("block", **options)


SETTINGS_THAT_ARE_NONE = {
    "measure": lambda: groupconv_cli.measure("block", settings=3),
    "measure_layers": lambda: groupconv_cli.measure_layers("block", settings=3),
    "train": lambda: groupconv_cli.train("block", "mnist1d", settings=3),
}


@pytest.mark.parametrize("function", SETTINGS_THAT_ARE_NONE)
def test_what_are_no_settings(function: str) -> None:
    with pytest.raises(UsageError, match=r"settings must be a (Measure|Train)Settings; got 3"):
        SETTINGS_THAT_ARE_NONE[function]()


def test_a_figure_is_of_a_report_with_what_was_found_for_it() -> None:
    comparison, summary = groupconv_cli.compare("block"), groupconv_cli.analyze("block")
    for given, message in (
        ((comparison, comparison), "times of a GroupMeasurement; got a Comparison"),
        ((comparison, None, comparison), "accuracies of a GroupTraining; got a Comparison"),
        ((summary, summary), "times of a LayerMeasurement; got a Summary"),
        ((summary, None, comparison), "a Summary has no accuracies; got a Comparison"),
    ):
        with pytest.raises(UsageError, match=message):
            groupconv_cli.plot(*given)


def test_one_number_of_groups_is_taken_as_a_list_of_one() -> None:
    rows = groupconv_cli.compare("basic", groups=2).rows
    assert [row.groups for row in rows] == ["as written", 1, 2]
