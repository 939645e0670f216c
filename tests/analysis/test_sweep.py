"""Numbers of groups: ranges, depthwise, the row that is the network as written, one row alone."""

from __future__ import annotations

import json

import pytest
from running import run_gconv, run_in_terminal
from specs import layers

from groupconv_cli import UsageError, compare, load
from groupconv_cli.analysis.totals import total
from groupconv_cli.network import Network

TEXT = """
    - conv: {{filters: 48, kernel: 3}}
    - conv: {{filters: 96, kernel: 3, groups: {0}, norm: batch}}
    - channel_shuffle: {{groups: 3}}
    - conv: {{filters: 96, kernel: 1, groups: {0}}}
    """
DEPTHWISE = """
    - conv: {{filters: 48, kernel: 3}}
    - conv: {{filters: 96, kernel: 3, groups: {0}, norm: batch}}
    - channel_shuffle: {{groups: 3}}
    - conv: {{filters: 96, kernel: 1, groups: {1}}}
    """


def groups_of(network: str, *given: str | int) -> list[int | str]:
    return [row.groups for row in compare(network, given).rows[1:]]


def test_a_range_has_every_number_in_it_that_divides_all_varied_layers() -> None:
    assert groups_of("basic", "1-8") == [1, 2, 4, 8]
    assert groups_of("basic", "3-9", 2) == [1, 4, 8, 2]
    assert groups_of("shufflenet_v1", "2-11") == [1, 2, 3, 4, 6]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("5-7", "no number in the range divides all varied layers"),
        ("8-1", "the range is empty"),
        ("1-", "a range such as 1-8"),
        ("some", "a range such as 1-8"),
    ],
)
def test_a_range_without_a_number_says_so(given: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        compare("basic", given)


def test_depthwise_gives_each_convolution_its_own_number() -> None:
    row = compare(layers(TEXT.format(4)), "depthwise").rows[-1]
    assert row.groups == "depthwise"
    assert row.totals == total(layers(DEPTHWISE.format(48, 96)))


def test_depthwise_says_why_a_convolution_cannot_be() -> None:
    network = layers("[conv: {filters: 48, kernel: 3}, conv: {filters: 64, kernel: 1, groups: 2}]")
    row = compare(network, "depthwise").rows[-1]
    assert not row.valid
    assert "'conv_2' cannot be depthwise: its 48 input" in str(row.reason)


def test_the_rows_that_are_the_network_as_written_are_known() -> None:
    def written(network: str | Network, *given: str | int) -> tuple[int | str, ...]:
        return tuple(row.groups for row in compare(network, given).rows[1:] if row.is_as_written)

    assert written("basic", 4, 8) == (4,)
    assert written("basic", 8) == ()
    assert written("mobilenet_v1", 2, "depthwise") == ("depthwise",)
    mixed = layers(DEPTHWISE.format(3, 6))
    assert written(mixed, 1, 3, 6) == ()


def test_a_table_has_the_network_as_written_once_and_programs_read_it_twice() -> None:
    for shown in (
        run_gconv("compare", "basic", "-g", "4,8").out,
        run_gconv("compare", "basic", "-g", "4,8", "-f", "markdown").out,
        run_in_terminal("compare", "basic", "-g", "4,8", columns=60).out,
    ):
        assert shown.count("as written") == 1
        assert "g=4 ◂ as written" in shown
    assert run_gconv("compare", "basic", "-g", "8").out.count("as written") == 1
    data = json.loads(run_gconv("compare", "basic", "-g", "4,8", "-f", "json").out)
    assert [row["groups"] for row in data["rows"]] == ["as written", 1, 4, 8]
    assert [row["as_written"] for row in data["rows"]] == [True, False, True, False]
    csv = run_gconv("compare", "basic", "-g", "4,8", "-f", "csv").out.splitlines()
    assert [line.split(",")[0] for line in csv[1:]] == ["as written", "1", "4", "8"]


@pytest.mark.parametrize(
    ("spec", "count", "only"),
    [("basic", 8, None), ("resnext", 4, "stage_3.*.conv_2"), ("mobilenet_v1", "depthwise", None)],
)
def test_every_row_can_be_loaded(spec: str, count: int | str, only: str | None) -> None:
    network = load(spec, groups=count, only=only)
    assert total(network) == compare(spec, count, only=only).rows[-1].totals


def test_a_row_that_is_impossible_cannot_be_loaded() -> None:
    with pytest.raises(UsageError, match="3 does not divide the 32 input and 64 output channels"):
        load("basic", groups=3)
    with pytest.raises(UsageError, match="only chooses the layers for groups"):
        load("basic", only="conv")


def test_a_row_can_be_built() -> None:
    built = run_gconv("build", "basic", "--groups", "8", "--to", "python", "-o", "-")
    assert "groups=8" in built.out
    assert "2,368 parameters" in built.out  # 64 filters × 3 × 3 × 32 / 8, and 64 biases


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--groups", "2,4"], "--groups takes one number here, such as 8, or depthwise; got '2,4'"),
        (["--groups", "all"], "--groups takes one number here"),
        (["--groups", "3"], "3 does not divide"),
        (["--only", "conv"], "--only needs --groups"),
        (["--except", "conv"], "--except needs --groups"),
    ],
)
def test_a_row_that_cannot_be_built_says_why(args: list[str], told: str) -> None:
    result = run_gconv("build", "basic", *args, "--to", "python", "-o", "-")
    assert result.status == 2
    assert told in result.err.replace("\n  ", " ")
