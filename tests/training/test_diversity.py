"""Diversity: effective ranks and correlations of matrices for which they are known."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest

from groupconv_cli.training.diversity import correlations, diversity, effective_rank

PAIR = np.array([[1.0, 1.0], [1.0, -1.0]])
H = np.kron(np.kron(PAIR, PAIR), np.kron(PAIR, PAIR))
"""Columns of ones and minus ones, which are orthogonal; all but the first have the mean 0."""


def test_orthogonal_channels_have_full_rank() -> None:
    assert effective_rank(H[:, 1:9]) == pytest.approx(8)
    # Channels are standardized, so neither scale nor mean matters.
    assert effective_rank(H[:, 1:9] * np.arange(1, 9) + 3) == pytest.approx(8)


def test_equal_channels_have_rank_one() -> None:
    assert effective_rank(np.outer(H[:, 1], [1, -2, 3, 0.1])) == pytest.approx(1)


def test_channels_that_never_change_count_for_nothing() -> None:
    constant = np.full((16, 1), 0.1)
    assert effective_rank(np.hstack([H[:, 1:4], constant])) == pytest.approx(3)
    assert effective_rank(np.hstack([constant, 0 * constant])) == 0
    assert effective_rank(constant * np.nan) is None


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.99])
def test_the_rank_of_two_channels_by_their_correlation(correlation: float) -> None:
    """The eigenvalues of their correlation matrix are 1 ± r; singular values go as the roots."""
    other = correlation * H[:, 1] + sqrt(1 - correlation**2) * H[:, 2]
    roots = sqrt(1 + correlation), sqrt(1 - correlation)
    shares = [root / sum(roots) for root in roots]
    expected = exp(-sum(share * log(share) for share in shares))
    assert effective_rank(np.stack([H[:, 1], other], axis=1)) == pytest.approx(expected)


def test_correlations_within_and_between_groups() -> None:
    near = 0.6 * H[:, 1] + 0.8 * H[:, 2]
    x = np.stack([H[:, 1], near, H[:, 3], -2 * H[:, 3] + 1], axis=1)
    # Within: 0.6 and 1. Between groups all are orthogonal.
    within, between = correlations(x, 2)
    assert within == pytest.approx(0.8)
    assert between == pytest.approx(0, abs=1e-12)
    # With four groups every pair is of different groups: 0.6, 1 and four times 0.
    within, between = correlations(x, 4)
    assert within is None
    assert between == pytest.approx(1.6 / 6)
    # A channel that never changes is in no pair.
    x[:, 3] = 5
    assert correlations(x, 2)[0] == pytest.approx(0.6)


def test_what_a_network_does_not_have_is_none() -> None:
    assert diversity(None, None, None) == (None, None, None, None, None)
    found = diversity(H[:, 1:5], None, None)
    assert found == (pytest.approx(4), 4, pytest.approx(1), None, None)
