"""Measuring for a search: the cache of times, and the command as a whole.

No test asserts a time: where times matter, a stub gives them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import pytest
from machines import MACHINE
from running import run_gconv
from specs import nightly_but

from groupconv_cli.analysis.measurement import Machine, MeasureSettings, Timing
from groupconv_cli.benchmark import measure
from groupconv_cli.benchmark.candidates import CALL
from groupconv_cli.benchmark.interleaved import Rounds
from groupconv_cli.benchmark.time_cache import TimeCache, cache_folder

BATCH_OF_2 = MeasureSettings(batch=2)

SPEC = """\
input: [4, 4, 4]
layers:
  - conv: {filters: 8, kernel: 1}
  - conv: {filters: 8, kernel: 3}
"""
TIMED = ("search", "net.yaml", "--groups", "1,2", "--batch", "2", "--runs", "2")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the test runs; the user's caches are in it too."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "caches"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "net.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Instead of timing: 1 s for networks, 0.2 for layers, 0.1 for those with g=2, 0 for a call.

    Gives the numbers of things that were timed, one for each time that something was.
    """
    taken: list[int] = []

    def stub(runs: Mapping[Any, Callable[[], None]], **_: object) -> Rounds[Any]:
        taken.append(len(runs))

        def seconds(key: Hashable) -> float:
            text = str(key)
            if text == CALL:
                return 0.0
            return 1.0 if text.startswith("network") else 0.2 - 0.1 * ("groups=2" in text)

        return Rounds({each: Timing((seconds(each[0]),) * 2) for each in runs}, complete=True)

    monkeypatch.setattr(measure, "time_interleaved", stub)
    return taken


def test_what_is_kept_is_read_again_under_the_same_conditions() -> None:
    notes: list[str] = []
    cache = TimeCache(MACHINE, BATCH_OF_2, notes.append)
    assert cache.times("a layer", ["forward"]) is None
    cache.keep({"a layer": {"forward": 5}})
    cache.keep({"a layer": {"train": 7}, "another": {"forward": 6}})
    again = TimeCache(MACHINE, BATCH_OF_2, notes.append)
    assert again.times("a layer", ["forward", "train"]) is not None
    assert again.times("a layer", ["train"])["train"] == 7
    assert again.times("another", ["forward", "train"]) is None
    for machine, settings in (
        (MACHINE, MeasureSettings(batch=3)),
        (MACHINE, MeasureSettings(batch=2, dtype="float16")),
        (MACHINE, MeasureSettings(batch=2, runtimes=("keras",))),
        (Machine(**{**vars(MACHINE), "tensorflow": "3"}), BATCH_OF_2),
        (Machine(**{**vars(MACHINE), "threads": 2}), BATCH_OF_2),
    ):
        assert TimeCache(machine, settings, notes.append).times("a layer", ["forward"]) is None
    assert notes == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[1, 2]",
        b"[" * 100_000,
        b'{"format": "gconv.times", "version": 1, "times": {}}',
        ("times", {"a layer": {"forward": "fast", "date": "2026-01-01"}}),
        ("times", {"a layer": {"forward": -5, "date": "2026-01-01"}}),
        ("times", {"a layer": {"forward": 5, "date": "yesterday"}}),
        ("times", {"a layer": {"forward": 5}}),
        ("times", ["a layer"]),
        ("version", 2),
    ],
)
def test_a_broken_or_foreign_file_is_ignored_and_said(content: bytes | tuple[str, object]) -> None:
    notes: list[str] = []
    cache = TimeCache(MACHINE, BATCH_OF_2, notes.append)
    cache.keep({"a layer": {"forward": 5}})
    if isinstance(content, tuple):
        document = json.loads(cache.path.read_text(encoding="utf-8"))
        name, value = content
        content = json.dumps({**document, name: value}).encode()
    cache.path.write_bytes(content)
    assert TimeCache(MACHINE, BATCH_OF_2, notes.append).times("a layer", ["forward"]) is None
    (note,) = notes
    assert "ignored" in note


def test_a_folder_that_cannot_be_written_costs_a_note(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr(
        "groupconv_cli.benchmark.time_cache.cache_folder", lambda: folder / "file" / "gconv"
    )
    notes: list[str] = []
    TimeCache(MACHINE, BATCH_OF_2, notes.append).keep({"a layer": {"forward": 5}})
    assert any("are not kept for the next run" in each for each in notes)


def test_the_folder_is_that_of_the_system(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder() == folder / "caches" / "gconv"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == folder / ".cache" / "gconv"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == folder / "Library" / "Caches" / "gconv"
    monkeypatch.setattr(sys, "platform", "win32")
    assert cache_folder() == folder / "caches" / "gconv" / "Cache"


def test_a_second_run_reads_what_the_first_has_measured(folder: Path, stubbed: list[int]) -> None:
    first = run_gconv(*TIMED, "--max-time", "95%", "-f", "json", cwd=folder)
    assert first.status == 0, first.err
    data = json.loads(first.out)
    # The network, a convolution with two counts, and a call. Then the two networks.
    assert stubbed == [4, 2]
    assert data["choice"] == {"conv_2": 2}
    (budget,) = data["budgets"]
    assert budget["metric"] == "time"
    assert budget["limit"] == pytest.approx(0.95)
    # The convolution takes 0.1 s instead of 0.2.
    assert budget["used"] == budget["predicted_s"] == pytest.approx(0.9)
    assert (budget["written_s"], budget["measured_s"]) == (1, 1)
    assert (data["measured"]["layers"], data["measured"]["from_cache"]) == (2, 0)
    second = run_gconv(*TIMED, "--max-time", "95%", cwd=folder)
    assert second.status == 0, second.err
    assert stubbed == [4, 2, 2]
    said = " ".join(second.out.split())
    assert "The times of 2 layers are from the cache of 20" in said
    assert "--fresh measures again" in said
    assert "Inference time: predicted 900 ms, measured 1 s, 1× of the network as written" in said
    assert "The measured time is above the limit of 95 %." in said
    assert "differ by more" not in said
    fresh = run_gconv(*TIMED, "--max-time", "95%", "--fresh", cwd=folder)
    assert "from the cache" not in fresh.out
    assert stubbed == [4, 2, 2, 4, 2]


@pytest.mark.usefixtures("stubbed")
def test_a_prediction_far_off_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = measure.time_interleaved
    monkeypatch.setattr(
        measure,
        "time_interleaved",
        lambda runs, **options: (
            stub(runs, **options)
            if len(runs) > 2
            else Rounds({each: Timing((2.0,) * 2) for each in runs}, complete=True)
        ),
    )
    result = run_gconv(*TIMED, "--max-time", "0.95s", cwd=folder)
    assert result.status == 0, result.err
    said = " ".join(result.out.split())
    assert "differ by more than 15 %: the prediction is 55 % below what was measured" in said
    assert "the load of the machine has changed meanwhile" in said  # as written 1 s, then 2 s
    assert "The measured time is above the limit of 950 ms." in said


def test_both_times_of_a_real_network(folder: Path) -> None:
    """With nothing in the way of the clock: the table has every time, and the limits hold."""
    budgets = ("--max-time", "100s", "--max-train-time", "100s")
    result = run_gconv(*TIMED, *budgets, "-f", "json", cwd=folder)
    assert result.status == 0, result.err
    data = json.loads(result.out)
    assert data["choice"] == {"conv_2": 1}
    assert [each["metric"] for each in data["budgets"]] == ["time", "train_time"]
    for each in data["budgets"]:
        # Nothing changes, so the prediction is the measured time itself.
        assert each["used"] == each["predicted_s"] == each["written_s"] > 0
        assert each["limit"] == 100
        assert each["measured_s"] == each["measured_written_s"] > 0
    assert data["measured"]["settings"]["batch"] == 2


@pytest.mark.parametrize("runtime", nightly_but(["litert"], ["litert", "onnx"]))
def test_a_search_within_the_time_of_the_exported_model(folder: Path, runtime: str) -> None:
    options = ("--runtime", runtime, "--max-time", "100s", "-f", "json")
    result = run_gconv(*TIMED, *options, cwd=folder)
    assert result.status == 0, result.err
    assert result.err == ""
    data = json.loads(result.out)
    assert data["choice"] == {"conv_2": 1}
    (budget,) = data["budgets"]
    assert budget["predicted_s"] == budget["written_s"] > 0
    assert budget["measured_s"] > 0
    assert data["measured"]["settings"]["runtimes"] == [runtime]
    name = {"litert": "LiteRT", "onnx": "onnxruntime"}[runtime]
    assert data["measured"]["machine"]["deployed"][0].startswith(name)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--max-macs", "50%", "--batch", "4"), "--batch needs a time budget"),
        (("--max-macs", "50%", "--fresh"), "--fresh needs a time budget"),
        (("--max-time", "20"), "did you mean 20ms?"),
        (("--max-time", "50%", "--runtime", "both"), "one runtime"),
        (("--max-time", "50%", "--only", "nothing"), "no convolution matches"),
    ],
)
def test_mistakes_are_refused_before_anything_is_measured(
    folder: Path, args: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "time_interleaved", None)
    result = run_gconv("search", "net.yaml", *args, cwd=folder)
    assert result.status == 2
    assert said in " ".join(result.err.split())


@pytest.mark.usefixtures("stubbed")
def test_a_remedy_that_an_error_names_works(folder: Path) -> None:
    budget = ("--max-time", "60%", "--allow-unmixed")
    result = run_gconv(*TIMED, *budget, cwd=folder)
    assert result.status == 1
    assert "the least possible is 900.000 ms of inference time" in result.err
    assert "that is with g=2 in conv_2" in result.err
    assert run_gconv(*TIMED, "--max-time", "900ms", cwd=folder).status == 0


@pytest.mark.usefixtures("stubbed")
def test_an_interrupted_measurement_keeps_the_choice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = measure.time_interleaved

    def interrupted(runs: Mapping[Any, Callable[[], None]], **options: Any) -> Rounds[Any]:
        if len(runs) == 2:
            raise KeyboardInterrupt
        return stub(runs, **options)

    monkeypatch.setattr(measure, "time_interleaved", interrupted)
    result = run_gconv(*TIMED, "--max-time", "95%", cwd=folder)
    assert result.status == 130
    said = " ".join(result.out.split())
    assert "predicted 900 ms, not measured, because it was interrupted" in said
    assert "by predicted times, has a larger value than -1" in said
