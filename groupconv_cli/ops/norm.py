"""Normalisation and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groupconv_cli.ops.base import Cost, Op, Shape, arg
from groupconv_cli.ops.kinds import Flag, Real


class BatchNorm(Op, name="batch_norm"):
    """Normalises each channel by statistics over batch and positions.

    Shape: the input's.
    Params: 2 × channels trainable (scale and shift) and 2 × channels not (mean and variance).
    MACs: 0.
    Example: `batch_norm: {epsilon: 1.0e-5}`
    """

    momentum: float = arg(Real(0, 1), "how slowly the statistics move", default=0.99)
    epsilon: float = arg(Real(0), "added to the variance", default=0.001)
    center: bool = arg(Flag(), "learn a shift per channel", default=True)
    scale: bool = arg(Flag(), "learn a scale per channel", default=True)

    def cost(self, *inputs: Shape) -> Cost:
        """gamma, beta, moving mean and variance, of shape (channels) each."""
        channels = inputs[0][-1]
        trainable = channels * (self.center + self.scale)
        return Cost(params=trainable + 2 * channels, non_trainable=2 * channels)

    def build(self, name: str, *inputs: Shape) -> Sequence[Any]:
        """`BatchNormalization` over the last axis."""
        from keras import layers

        options = {key: getattr(self, key) for key in self.args}
        return [layers.BatchNormalization(axis=-1, name=name, **options)]


class Dropout(Op, name="dropout"):
    """Zeroes a share of the values while training; does nothing at inference.

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `dropout: {rate: 0.2}`
    """

    rate: float = arg(Real(0, 1), "share of the values that are dropped")

    is_view = True

    def build(self, name: str, *inputs: Shape) -> Sequence[Any]:
        """`Dropout`."""
        from keras import layers

        return [layers.Dropout(self.rate, name=name)]
