"""Welch's test and Holm's adjustment."""

from __future__ import annotations

from warnings import catch_warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specs import examples

from groupconv_cli.analysis.significance import Difference, Verdict, holm, verdict, welch


def test_an_example_computed_by_hand() -> None:
    """Means 3 and 6, variances 1 and 4 of three results each.

    The standard error is √(1/3 + 4/3) = √(5/3) = 1.29099, and t = -3/1.29099 = -2.32379. The
    degrees of freedom are (5/3)² / ((1/3)²/2 + (4/3)²/2) = (25/9) / (17/18) = 50/17 = 2.94118.
    """
    found = welch([2, 3, 4], [4, 6, 8])
    assert found.mean == -3
    assert found.p == pytest.approx(0.1049, abs=5e-4)
    assert found.interval is not None
    low, high = found.interval
    # The 97.5 % quantile of t lies between those of tables for 3 and 2 degrees: 3.182 and 4.303.
    assert 3.182 < (high + 3) / 1.290994 < 3.3
    assert (low + high) / 2 == pytest.approx(-3)


@settings(deadline=None, max_examples=examples(40))
@given(
    *[st.lists(st.integers(0, 1000).map(lambda n: n / 1000), min_size=2, max_size=6)] * 2,
)
def test_it_is_scipys(ours: list[float], theirs: list[float]) -> None:
    from scipy import stats

    found = welch(ours, theirs)
    if len({*ours}) == len({*theirs}) == 1:
        assert (found.interval, found.p) == (None, None)
        return
    with catch_warnings(action="ignore"):  # of scipy, that one of them does not vary
        test = stats.ttest_ind(ours, theirs, equal_var=False)
    assert found.p == pytest.approx(test.pvalue, abs=1e-9)
    interval = test.confidence_interval(0.95)
    assert found.interval == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_one_result_shows_nothing() -> None:
    assert welch([0.5], [0.25, 0.75]) == Difference(0.0, None, None)
    assert welch([0.5, 0.75], [0.25]) == Difference(0.375, None, None)
    assert verdict(Difference(0.5, None, None), None) is Verdict.NOT_SHOWN


def test_results_that_never_vary_show_nothing() -> None:
    """Two pairs of equal results are little: any two networks have such by chance."""
    found = welch([0.51, 0.51], [0.5, 0.5])
    assert found.mean == pytest.approx(0.01)
    assert verdict(found, *holm([found.p])) is Verdict.NOT_SHOWN


def test_holm_as_published() -> None:
    """Four tests at p = 0.01, 0.04, 0.03 and 0.005, as in many a textbook's table."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([None, 0.01, None]) == [None, 0.01, None]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_verdicts() -> None:
    lower, higher = Difference(-0.1, (-0.2, -0.05), 0.01), Difference(0.1, (0.05, 0.2), 0.01)
    assert verdict(lower, 0.03) is Verdict.LOWER
    assert verdict(higher, 0.03) is Verdict.HIGHER
    assert verdict(lower, 0.05) is Verdict.NOT_SHOWN
