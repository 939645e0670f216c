"""How different the features of a network are: their effective rank, and their correlations.

Neither is a measure of quality: features may differ more and tell classes apart less.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from groupconv_cli.network import Network
from groupconv_cli.training.run import Diversity

SAMPLES = 500
"""The most test samples that features are computed of."""

POSITIONS = 8
"""The most positions of each sample, evenly spaced, that are taken as samples of their own."""


class Watched(NamedTuple):
    """The nodes of a network at which its features are seen; None where there is none."""

    dense: int | None
    """The last dense layer, at its input."""
    grouped: int | None
    """The last grouped convolution, at its output."""

    @classmethod
    def of(cls, network: Network) -> Watched:
        """Those of a network. A node is the last if no other of its kind is after it."""
        dense = [index for index, node in enumerate(network.nodes) if node.op.op == "dense"]
        grouped = [index for index, node in enumerate(network.nodes) if node.is_grouped]
        return cls(dense[-1] if dense else None, grouped[-1] if grouped else None)


def diversity(features: Any, grouped: Any, groups: int | None) -> Diversity:
    """The diversity of features and of the outputs of a grouped convolution.

    Both have the shape (samples, channels), or are None.
    """
    rank = None if features is None else effective_rank(features)
    width = None if features is None else int(features.shape[-1])
    share = rank / width if rank is not None and width else None
    of_pairs = (None, None) if grouped is None or not groups else correlations(grouped, groups)
    return Diversity(rank, width, share, *of_pairs)


def effective_rank(features: Any) -> float | None:
    """The exponential of the entropy of the normalized singular values (Roy and Vetterli 2007).

    `features` has the shape (samples, channels). Each channel is standardized; one that never
    changes counts for nothing. It is at most the smaller number of both, 0 if nothing changes, and
    None if a feature is not finite.
    """
    if not np.isfinite(features).all():
        return None
    x = _standardized(features)
    # The eigenvalues of the smaller product are the squares of the singular values, and are found
    # many times as fast. Those below the rounding of the largest are 0.
    squares = np.linalg.eigvalsh(x @ x.T if len(x) < x.shape[1] else x.T @ x)
    values = np.sqrt(np.where(squares > 1e-12 * squares[-1], squares, 0))
    if not values.sum():
        return 0.0
    shares = values / values.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def correlations(outputs: Any, groups: int) -> tuple[float | None, float | None]:
    """The mean absolute correlations of two channels of one group, and of different groups.

    `outputs` has the shape (samples, channels); each group has as many channels in sequence.
    Channels that never change have no correlations and are left out. None stands for no such pair.
    """
    if not np.isfinite(outputs).all():
        return None, None
    x = _standardized(outputs)
    size = x.shape[1] // groups
    group = np.arange(x.shape[1]) // size
    changes = x.any(axis=0)
    x, group = x[:, changes], group[changes]
    x = x.astype(np.float32)
    absolute = np.abs(x.T @ x) / len(x)
    same = group[:, None] == group
    itself = np.eye(len(group), dtype=bool)
    return _mean(absolute[same & ~itself]), _mean(absolute[~same])


def _mean(values: Any) -> float | None:
    return float(values.mean()) if len(values) else None


def _standardized(x: Any) -> Any:
    """Each channel with the mean 0 and the variance 1, or 0 if it never changes."""
    x = np.asarray(x, np.float64)
    centred = x - x.mean(axis=0)
    deviation = np.sqrt(np.square(centred).mean(axis=0))
    # Rounding leaves a little where all values are equal.
    still = deviation <= 1e-7 * np.abs(x).max(axis=0, initial=0)
    return np.where(still, 0, centred / np.where(still, 1, deviation))
