"""What measured times show: verdicts against one group, and sentences that follow from them."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from machines import MACHINE
from specs import nightly_but

from groupconv_cli.analysis.measurement import (
    GroupMeasurement,
    GroupTimes,
    MeasureSettings,
    Timing,
)
from groupconv_cli.analysis.speedup import (
    CountTimes,
    Outcome,
    conclusion,
    median_interval,
    speed_up,
)
from groupconv_cli.render.measure import conclusions


def noisy(seconds: float, spread: float = 0.0, rounds: int = 20, seed: int = 0) -> Timing:
    random = Random(seed)
    return Timing(tuple(seconds * random.lognormvariate(0, spread) for _ in range(rounds)))


def rows(times: dict[int, Timing]) -> list[CountTimes]:
    return [CountTimes(groups, 800 // groups, timing) for groups, timing in times.items()]


def test_a_ratio_is_of_calls_in_the_same_round() -> None:
    """A machine that slows down to a tenth changes no ratio."""
    fast = Timing((1.0, 1.0, 10.0, 10.0, 10.0))
    slow = Timing((3.0, 3.0, 30.0))
    assert speed_up(fast, slow).times == pytest.approx(3)
    assert speed_up(slow, fast).times == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("ratio", "spread", "rounds", "outcome"),
    [
        (2.0, 0.05, 20, Outcome.WIN),
        (1.0, 0.01, 20, Outcome.TIE),
        (0.5, 0.05, 20, Outcome.LOSS),
        (1.05, 0.05, 20, Outcome.UNCERTAIN),
        (1.2, 1.0, 6, Outcome.UNCERTAIN),
        (9.0, 0.0, 4, Outcome.UNCERTAIN),  # too few rounds for an interval
        (9.0, 0.0, 5, Outcome.WIN),
    ],
)
def test_the_verdict_of_a_row(ratio: float, spread: float, rounds: int, outcome: Outcome) -> None:
    dense = noisy(ratio, spread, rounds, seed=1)
    assert speed_up(noisy(1.0, spread, rounds, seed=2), dense).outcome is outcome


def test_the_interval_of_a_median_is_that_of_another_bootstrap_within_chance() -> None:
    timing = noisy(2.0, 0.2, 30, 3)
    generator = np.random.default_rng(5)
    drawn = np.median(generator.choice(timing.samples, (20_000, 30)), axis=1)
    assert median_interval(timing) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), rel=0.02)
    assert median_interval(Timing((1.0,) * 4)) is None


def test_the_interval_is_that_of_scipys_bootstrap_within_chance() -> None:
    """Against NumPy's own resampling, with another generator."""
    dense, fast = noisy(2.0, 0.2, 30, 3), noisy(1.0, 0.2, 30, 4)
    ratios = np.array(dense.samples) / np.array(fast.samples)
    generator = np.random.default_rng(5)
    drawn = np.median(generator.choice(ratios, (20_000, 30)), axis=1)
    expected = np.percentile(drawn, [2.5, 97.5])
    assert speed_up(fast, dense).interval == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("cases", nightly_but([250], [250, 600]))
def test_the_interval_covers_the_truth_nearly_as_often_as_it_says(cases: int) -> None:
    """The ratio of two equal distributions is 1; each case has 15 rounds."""
    inside = 0
    for seed in range(cases):
        found = speed_up(noisy(1, 0.1, 15, 2 * seed), noisy(1, 0.1, 15, 2 * seed + 1))
        assert found.interval is not None
        inside += found.interval[0] <= 1 <= found.interval[1]
    assert 0.9 <= inside / cases <= 0.97


@pytest.mark.parametrize(
    ("times", "fastest", "enough", "beyond"),
    [
        ({1: 8, 2: 4, 4: 2, 8: 1}, (8,), 8, ()),
        ({1: 8, 2: 4, 4: 2, 8: 3}, (4,), 4, (8,)),
        ({1: 8, 2: 3.9, 4: 3.95}, (2,), 2, (4,)),
        ({1: 8, 2: 8.1, 4: 9}, (), None, ()),
        ({2: 4, 1: 8}, (2,), 2, ()),
    ],
)
def test_the_conclusion(times, fastest: tuple[int, ...], enough: int | None, beyond) -> None:
    found = conclusion(rows({g: Timing((t,) * 5) for g, t in times.items()}))
    assert found is not None
    assert (found.fastest, found.enough, found.beyond) == (fastest, enough, beyond)
    assert found.times == pytest.approx([times[1] / times[g] for g in fastest])
    assert found.by_macs == pytest.approx(fastest, rel=0.01)


def test_counts_that_are_not_told_apart_are_named_together() -> None:
    found = conclusion(
        rows({1: noisy(2, 0.1, 9, 1), 4: noisy(1.0, 0.1, 9, 2), 8: noisy(1.01, 0.1, 9, 3)})
    )
    assert found is not None
    assert found.fastest == (4, 8)


def test_there_is_no_conclusion_without_something_to_compare() -> None:
    assert conclusion(rows({1: noisy(8)})) is None
    assert conclusion(rows({2: noisy(8), 4: noisy(5)})) is None


def measured(times: dict[int, Timing]) -> GroupMeasurement:
    made = tuple(
        GroupTimes(
            row=number,
            groups=groups,
            runtime="gconv",
            macs=800 // groups,
            forward=timing,
            train=None,
            forward_bytes=None,
            train_bytes=None,
        )
        for number, (groups, timing) in enumerate(times.items())
    )
    return GroupMeasurement(machine=MACHINE, settings=MeasureSettings(), rows=made, complete=True)


def test_sentences_name_what_the_table_shows() -> None:
    """For many noisy tables: the fastest by the speed-ups and by the medians are both named."""
    for seed in range(200):
        random = Random(seed)
        times = {
            g: noisy(
                random.choice([1.0, 1.0, 1.3, 0.7]), 0.2, random.choice([3, 5, 9]), 10 * seed + g
            )
            for g in (1, 2, 4, 8)
        }
        (text,) = conclusions(measured(times))
        found = {g: speed_up(t, times[1]) for g, t in times.items() if g > 1}
        won = [g for g, each in found.items() if each.outcome is Outcome.WIN]
        if not won:
            assert "fastest here" not in text
            assert ("uncertain" in text) == any(
                each.outcome is Outcome.UNCERTAIN for each in found.values()
            )
            continue
        named = text.partition(" fastest here")[0]
        assert f"g={max(won, key=lambda g: found[g].times)}" in named
        assert f"g={min(won, key=lambda g: times[g].median)}" in named
