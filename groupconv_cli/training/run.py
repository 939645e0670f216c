"""What comes of one run, as plain data: reading it again needs no NumPy."""

from __future__ import annotations

from typing import NamedTuple


class Diversity(NamedTuple):
    """How different the features of a network are, on test data."""

    effective_rank: float | None
    """Of the channels at the input of the last dense layer; None where there is none."""
    width: int | None
    """The number of these channels."""
    rank_share: float | None
    """The effective rank over the width."""
    within: float | None
    """The mean absolute correlation of two channels in one group of the last grouped convolution.

    None without such a convolution, or if no group has two output channels.
    """
    between: float | None
    """The same for two channels in different groups."""


class Run(NamedTuple):
    """The result of one run."""

    seed: int
    accuracy: float
    """The share of the test samples whose class was found, as a fraction of 1."""
    loss: float | None
    """The mean cross-entropy of the test samples, in nats; None if the training diverged."""
    steps: int
    seconds: float
    """The time of all steps. The first, which prepares the others, counts as their mean."""
    diversity: Diversity | None = None
    """None unless it was asked for."""
    untrained: Diversity | None = None
    """The diversity of the network before the first step."""

    @property
    def has_diverged(self) -> bool:
        """Whether the training diverged. A sample whose output is not finite counts as wrong."""
        return self.loss is None
