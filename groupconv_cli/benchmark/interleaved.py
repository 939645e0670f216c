"""Times several things in turn, so that a disturbance on a shared machine slows all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Hashable, Mapping
from math import ceil
from statistics import median
from typing import Generic, NamedTuple, TypeVar

from groupconv_cli.analysis.measurement import Progress, Timing, rounds_needed

Key = TypeVar("Key", bound=Hashable)
SHORTEST = 0.002
"""The least seconds of a sample. A sample of a faster task is the mean of several calls."""

SECONDS = 12.0
"""About the seconds that all rounds take together, unless their number is given."""

LEAST, MOST = 5, 60
"""Bounds of the number of rounds if it is not given."""

SLOW = 10.0
"""A task that takes this many times as long as the median task is not in every round."""

LEAST_OF_SLOW = 5
"""The least samples of such a task: with fewer, no speed-up over it can be told."""

TOLERANCE = 0.02
"""The standard error of a median, as a share of the median, at which no more rounds are needed."""


class Rounds(NamedTuple, Generic[Key]):
    """The times of each task; empty if no round reached the task."""

    timings: dict[Key, Timing]
    complete: bool
    """False if the user interrupted."""


class _Task(NamedTuple):
    run: Callable[[], None]
    calls: int
    """The number of calls in one sample."""
    samples: int
    """The number of samples to take."""
    seconds: float
    """The seconds of a sample, by the first measurement."""
    slow: bool
    """Whether it is too slow to be in every round."""


def time_interleaved(
    runs: Mapping[Key, Callable[[], None]],
    *,
    rounds: int | None = None,
    progress: Progress = lambda what, done, total: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Rounds[Key]:
    """Calls each of `runs` in turn, round after round, and takes the times.

    All must be warm. Otherwise the samples include the time of their first call. `rounds` is the
    number of samples of each. None takes as many as fit into `SECONDS`, and up to twice that while
    a median is not stable. KeyboardInterrupt ends the rounds and keeps the samples so far. It is
    raised if there are none.
    """
    samples: dict[Key, list[float]] = {key: [] for key in runs}
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    complete = False
    try:
        tasks = _planned(runs, rounds, clock)
        _take(tasks, samples, progress, clock)
        if rounds is None:
            more = _extended(tasks, samples)
            _take(more, samples, progress, clock)
        complete = True
    except KeyboardInterrupt:
        if not any(samples.values()):
            raise
    finally:
        if collecting:
            gc.enable()
    return Rounds({key: Timing(tuple(taken)) for key, taken in samples.items() if taken}, complete)


def _planned(
    runs: Mapping[Key, Callable[[], None]], rounds: int | None, clock: Callable[[], float]
) -> dict[Key, _Task]:
    first: dict[Key, float] = {key: _sample(run, 1, clock) for key, run in runs.items()}
    calls = {key: max(1, ceil(SHORTEST / max(taken, 1e-6))) for key, taken in first.items()}
    seconds = {key: first[key] * calls[key] for key in runs}
    if rounds:
        return {
            key: _Task(run, calls[key], rounds, seconds[key], slow=False)
            for key, run in runs.items()
        }
    typical = median(seconds.values())
    slow = {key for key, taken in seconds.items() if taken > SLOW * typical}
    of_a_round = sum(taken for key, taken in seconds.items() if key not in slow)
    number = min(MOST, max(LEAST, int(SECONDS / max(of_a_round, 1e-6))))
    tasks = {}
    for key, run in runs.items():
        samples = number
        if key in slow:
            share = int(SECONDS / len(slow) / seconds[key])
            samples = max(LEAST_OF_SLOW, min(number, share))
        tasks[key] = _Task(run, calls[key], samples, seconds[key], key in slow)
    return tasks


def _extended(tasks: dict[Key, _Task], samples: dict[Key, list[float]]) -> dict[Key, _Task]:
    """The tasks with up to twice the samples, if one of them needs more.

    All tasks get more, so that every task is in every round, except tasks that are too slow.
    """
    rest = {key: task for key, task in tasks.items() if not task.slow}
    needed = max((rounds_needed(tuple(samples[key]), TOLERANCE) for key in rest), default=0)
    return {
        key: task._replace(samples=min(2 * task.samples, needed))
        for key, task in rest.items()
        if needed > task.samples
    }


def _take(
    tasks: dict[Key, _Task],
    samples: dict[Key, list[float]],
    progress: Progress,
    clock: Callable[[], float],
) -> None:
    missing = {key: task.samples - len(samples[key]) for key, task in tasks.items()}
    total = sum(task.seconds * missing[key] for key, task in tasks.items())
    done = 0.0
    for turn in range(max(missing.values(), default=0)):
        for key, task in tasks.items():
            if turn < missing[key]:
                progress("Measuring", done, total)
                samples[key].append(_sample(task.run, task.calls, clock))
                done += task.seconds
    progress("Measuring", total, total)


def _sample(run: Callable[[], None], calls: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(calls):
        run()
    return (clock() - start) / calls
