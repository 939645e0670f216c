"""Totals and shapes in saved results."""

from __future__ import annotations

from groupconv_cli.analysis.totals import Totals
from groupconv_cli.ops.base import Shape
from groupconv_cli.page.json_part import Part


def totals_of(part: Part) -> Totals:
    """The totals that a part has at its top."""
    return Totals(
        params=part["params"].whole(),
        trainable_params=part["trainable_params"].whole(),
        macs_at_least=part["macs"].whole(),
        weight_bytes=part["weight_bytes"].whole(),
        activation_bytes=part["activation_bytes"].whole(),
        peak_bytes=part["peak_bytes"].whole(),
        moved_bytes=part["moved_bytes"].whole(),
        unknown=part["unknown"].texts(),
        assumed=part["assumed"].texts(),
    )


def shapes_of(part: Part) -> tuple[Shape, ...]:
    """The shapes in a list."""
    return tuple(each.shape() for each in part.items(least=1))
