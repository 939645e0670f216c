"""Timing in turn, on a clock that the tasks themselves move; and what is made of the samples."""

from __future__ import annotations

import gc
import random
from statistics import NormalDist

import numpy as np
import pytest

from groupconv_cli.analysis.measurement import Timing, rounds_needed
from groupconv_cli.benchmark import interleaved as rounds
from groupconv_cli.benchmark.interleaved import time_interleaved


class Clock:
    """Time that passes only while a task runs."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def __call__(self) -> float:
        return self.now

    def task(self, name: str, *seconds: float, interrupt_at: int | None = None):
        """A task whose calls take these times one after another, then the last of them."""
        left = list(seconds)
        count = 0

        def run() -> None:
            nonlocal count
            count += 1
            if count == interrupt_at:
                raise KeyboardInterrupt
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return run


def test_tasks_are_timed_in_turn_round_after_round() -> None:
    clock = Clock()
    taken = time_interleaved(
        {"a": clock.task("a", 1.0), "b": clock.task("b", 2.0)}, rounds=3, clock=clock
    )
    # One look at each first, to know what a sample takes.
    assert "".join(clock.calls) == "ab" + "ab" * 3
    assert taken.complete
    assert taken.timings["a"].samples == (1.0, 1.0, 1.0)
    assert taken.timings["b"].samples == (2.0, 2.0, 2.0)


def test_what_is_quick_is_called_several_times_a_sample() -> None:
    clock = Clock()
    taken = time_interleaved({"a": clock.task("a", 0.0005)}, rounds=2, clock=clock)
    calls = int(rounds.SHORTEST / 0.0005)
    assert len(clock.calls) == 1 + 2 * calls
    assert taken.timings["a"].samples == pytest.approx((0.0005, 0.0005))


def test_without_a_number_the_rounds_fill_the_time() -> None:
    clock = Clock()
    taken = time_interleaved({"a": clock.task("a", 0.25), "b": clock.task("b", 0.125)}, clock=clock)
    number = int(rounds.SECONDS / 0.375)
    assert len(taken.timings["a"].samples) == len(taken.timings["b"].samples) == number
    clock = Clock()
    taken = time_interleaved({"a": clock.task("a", 100.0)}, clock=clock)
    assert len(taken.timings["a"].samples) == rounds.LEAST


def test_what_is_far_slower_than_the_rest_is_not_in_every_round() -> None:
    clock = Clock()
    tasks = {name: clock.task(name, 0.125) for name in "abc"} | {"slow": clock.task("slow", 30.0)}
    taken = time_interleaved(tasks, clock=clock)
    assert len(taken.timings["slow"].samples) == rounds.LEAST_OF_SLOW
    assert len(taken.timings["a"].samples) == int(rounds.SECONDS / 0.375)


def test_noise_makes_more_rounds_but_not_without_end() -> None:
    clock = Clock()
    draw = random.Random(1)
    times = [0.1, *(draw.uniform(0.1, 1.0) for _ in range(500))]
    noisy = time_interleaved({"a": clock.task("a", *times)}, clock=clock)
    assert len(noisy.timings["a"].samples) == 2 * rounds.MOST


def test_an_interrupt_keeps_what_is_done() -> None:
    clock = Clock()
    tasks = {"a": clock.task("a", 1.0, interrupt_at=4), "b": clock.task("b", 2.0)}
    taken = time_interleaved(tasks, rounds=9, clock=clock)
    assert not taken.complete
    assert (len(taken.timings["a"].samples), len(taken.timings["b"].samples)) == (2, 2)
    with pytest.raises(KeyboardInterrupt):  # there is nothing to keep
        time_interleaved({"a": clock.task("a", 1.0, interrupt_at=1)}, clock=clock)


def test_garbage_is_not_collected_between_samples_and_is_again_after() -> None:
    clock = Clock()
    seen = []
    assert gc.isenabled()
    time_interleaved(
        {"a": lambda: (seen.append(gc.isenabled()), clock.task("a", 1.0)())}, clock=clock
    )
    assert not any(seen)
    assert gc.isenabled()


def test_progress_tells_the_time_that_is_left() -> None:
    clock = Clock()
    told: list[tuple[float, float]] = []
    tasks = {"a": clock.task("a", 1.0), "b": clock.task("b", 3.0)}
    time_interleaved(
        tasks, rounds=2, progress=lambda _, done, total: told.append((done, total)), clock=clock
    )
    assert told == [(0, 8), (1, 8), (4, 8), (5, 8), (8, 8)]


# What is made of the samples


def test_median_and_spread_are_numpys() -> None:
    draw = random.Random(2)
    samples = tuple(draw.uniform(1, 3) for _ in range(15))
    timing = Timing(samples)
    low, middle, high = np.percentile(samples, [25, 50, 75])
    assert timing.median == pytest.approx(middle)
    assert timing.spread == pytest.approx((high - low) / 2 / middle)
    assert Timing((1.0,)).spread == 0


def test_rounds_needed_give_the_median_its_standard_error() -> None:
    """Simulated: medians of so many normal samples do vary by the tolerance."""
    draw = NormalDist(100, 10)
    first = tuple(draw.samples(4001, seed=1))
    number = rounds_needed(first, 0.02)
    medians = [Timing(tuple(draw.samples(number, seed=seed))).median for seed in range(2, 802)]
    assert np.std(medians) / 100 == pytest.approx(0.02, rel=0.15)
