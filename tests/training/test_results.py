"""The file of finished runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from training_runs import job, outcome, trained

from groupconv_cli.errors import UsageError
from groupconv_cli.training.job import Outcome
from groupconv_cli.training.recipe import Recipe
from groupconv_cli.training.results import HEADER, opened

ONE, TWO = job(seed=1), job(seed=2)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A file with two runs."""
    path = tmp_path / "runs.jsonl"
    with opened(path) as results:
        results.keep(ONE, outcome(0.25, 1), "g=1")
        results.keep(TWO, outcome(0.75, 2), "g=2")
    return path


def read(path: Path) -> list[Outcome | None]:
    with opened(path) as results:
        return [results.get(each) for each in (ONE, TWO)]


def test_runs_are_read_again(written: Path) -> None:
    assert read(written) == [outcome(0.25, 1), outcome(0.75, 2)]
    header, *lines = written.read_text().splitlines()
    assert json.loads(header)["format"] == "gconv.runs"
    assert [json.loads(line)["row"] for line in lines] == ["g=1", "g=2"]


def test_a_line_is_there_before_the_next_run(tmp_path: Path) -> None:
    with opened(tmp_path / "runs.jsonl") as results:
        results.keep(ONE, outcome(), "g=1")
        assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"spec": "other"},
        {"seed": 3},
        {"recipe": Recipe(steps=7).checked()},
        {"versions": (("gconv", "2"),)},
        {"data": ONE.data._replace(digest="other")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_run_that_differs_is_another(change: dict, written: Path) -> None:
    with opened(written) as results:
        assert results.get(ONE._replace(**change)) is None


def test_where_the_data_lies_does_not_matter(written: Path) -> None:
    with opened(written) as results:
        assert results.get(ONE._replace(data=ONE.data._replace(source="elsewhere")))


def test_diversity_that_was_not_measured_is_missing(tmp_path: Path) -> None:
    path, asked = tmp_path / "runs.jsonl", ONE._replace(diversity=True)
    with opened(path) as results:
        results.keep(ONE, trained(ONE), "g=1")
        assert results.get(asked) is None
        results.keep(asked, trained(asked), "g=1")
    with opened(path) as results:
        assert results.get(asked) == trained(asked)
        assert results.get(ONE) == trained(ONE), "it is not shown if it is not asked for"


def test_what_a_killed_run_left_of_a_line_is_cut_off(written: Path) -> None:
    """Whatever part of the last line is there, the first is read, and the next has its place."""
    whole = written.read_bytes()
    second = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(second, len(whole) - 1):
        written.write_bytes(whole[:cut])
        assert read(written) == [outcome(0.25, 1), None], whole[second:cut]
        with opened(written) as results:
            results.keep(TWO, outcome(0.75, 2), "g=2")
        assert written.read_bytes() == whole


def test_a_whole_last_line_without_its_end_counts(written: Path) -> None:
    whole = written.read_bytes()
    written.write_bytes(whole[:-1])
    assert read(written) == [outcome(0.25, 1), outcome(0.75, 2)]
    assert written.read_bytes() == whole


def test_a_header_that_is_not_whole_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    for cut in range(len(HEADER)):
        path.write_bytes(HEADER[:cut])
        assert read(path) == [None, None]
        assert path.read_bytes() == HEADER


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"x,y\n1,2\n", "is not a file of gconv's results"),
        (b'{"accuracy": 1}\n', "is not a file of gconv's results"),
        (b"[1]\n", "is not a file of gconv's results"),
        (b"\x00\xff" * 99, "is not a file of gconv's results"),
        (b"[" * 10**5, "is not a file of gconv's results"),
        (b"{", None),
        (HEADER.replace(b"1", b"9"), "another version of gconv"),
        (HEADER + b"{}\n", "its line 2 is not a finished run"),
        (HEADER + b"nonsense\n{", "its line 2 is not a finished run"),
        (HEADER + b"[" * 10**5 + b"\n", "its line 2 is not a finished run"),
    ],
)
def test_a_file_of_another_tool_is_refused_and_left(
    content: bytes, told: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_bytes(content)
    if told is None:
        assert read(path) == [None, None]
        return
    with pytest.raises(UsageError, match=told):
        read(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "change",
    [
        {"accuracy": 1.5},
        {"accuracy": "0.5"},
        {"accuracy": float("nan")},
        {"steps": 0},
        {"steps": True},
        {"seconds": -1},
        {"seconds": float("inf")},
        {"seconds": True},
        {"accuracy": True},
        {"loss": float("nan")},
        {"loss": float("inf")},
        {"loss": -0.5},
        {"seed": 0.5},
        {"loss": "low"},
        {"key": 1},
        {"machine": None},
        {"diversity": {"rank": 1}},
        {"diversity": {"effective_rank": "x", "width": 1, "within": None, "between": None}},
    ],
    ids=str,
)
def test_a_line_that_lies_is_refused(change: dict, written: Path) -> None:
    header, first, second = written.read_text().splitlines()
    lying = json.dumps({**json.loads(first), **change})
    written.write_text("\n".join([header, lying, second, ""]))
    with pytest.raises(UsageError, match="its line 2 is not a finished run"):
        read(written)


def test_two_runs_do_not_share_a_file(written: Path) -> None:
    with opened(written), pytest.raises(UsageError, match="another run writes to"):
        read(written)
    assert read(written) == [outcome(0.25, 1), outcome(0.75, 2)]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, told in (
        (tmp_path, "cannot write"),
        (tmp_path / "no" / "runs.jsonl", "cannot write"),
        (Path("/dev/null"), "is not a regular file"),
    ):
        with pytest.raises(UsageError, match=told):
            read(path)
