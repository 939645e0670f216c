"""Layers that move values about and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from groupconv_cli.divisors import divisors_text
from groupconv_cli.errors import OpError
from groupconv_cli.ops.base import Op, Shape, arg
from groupconv_cli.ops.kinds import Whole


class Input(Op, name="input", layer=False):
    """The network's input: where a tensor enters.

    Shape: as the spec's `input:` says.
    Params: 0.
    MACs: 0.
    """

    def build(self, name: str, *inputs: Shape) -> Sequence[Any]:
        """Nothing: the whole-model build makes the `keras.Input`."""
        return []


class Flatten(Op, name="flatten"):
    """All values in one vector.

    Shape: (positions × channels).
    Params: 0.
    MACs: 0.
    Example: `flatten`
    """

    is_view = True

    def output_shape(self, *inputs: Shape) -> Shape:
        """One axis with as many values as the input has."""
        return (prod(inputs[0]),)

    def build(self, name: str, *inputs: Shape) -> Sequence[Any]:
        """`Flatten`."""
        from keras import layers

        return [layers.Flatten(data_format="channels_last", name=name)]


class ChannelShuffle(Op, name="channel_shuffle"):
    """Deals the channels of g groups out so that every next group gets some of each.

    Channel i·(C/g) + j goes to j·g + i (Zhang et al. 2018, section 3.1).

    Shape: the input's.
    Params: 0.
    MACs: 0.
    Example: `channel_shuffle: {groups: 4}`
    """

    groups: int = arg(
        Whole(), "number of groups (those of the grouped convolution before it)", default=1
    )

    takes_groups_before = True

    def groups_of(self, *inputs: Shape) -> int:
        """The number of groups the channels come from."""
        return self.groups

    def with_groups(self, groups: int, *inputs: Shape) -> ChannelShuffle:
        """The same channels dealt out from another number of groups."""
        return self.replace(groups=groups)

    def check(self, *inputs: Shape) -> None:
        """Raises OpError unless the groups divide the channels."""
        channels = inputs[0][-1]
        if channels % self.groups:
            raise OpError(
                f"groups={self.groups} does not divide the {channels} channels of {{layer}}",
                arg="groups",
                hint=f"{channels} has these divisors: {divisors_text(channels)}",
            )

    def build(self, name: str, *inputs: Shape) -> Sequence[Any]:
        """`Reshape`, `Permute` and `Reshape`: the transposition of (g, C/g) at every position."""
        from keras import layers

        (x,) = inputs
        *spatial, channels = x
        rank = len(spatial)
        swap = (*range(1, rank + 1), rank + 2, rank + 1)  # Permute counts axes from 1
        return [
            layers.Reshape((*spatial, self.groups, channels // self.groups), name=f"{name}.split"),
            layers.Permute(swap, name=f"{name}.swap"),
            layers.Reshape(x, name=name),
        ]
