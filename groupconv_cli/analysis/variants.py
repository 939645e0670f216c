"""Several networks side by side, each beside its own g=1 baseline."""

from __future__ import annotations

from collections.abc import Mapping

from groupconv_cli.analysis.report import VariantComparison, VariantRow
from groupconv_cli.analysis.totals import total
from groupconv_cli.network import Network


def compare_networks(networks: Mapping[str, Network], dtype: str = "float32") -> VariantComparison:
    """The totals of each network, by the name of its variant.

    Raises UsageError for an unknown dtype.
    """
    return VariantComparison(
        dtype=dtype,
        rows=tuple(
            VariantRow(
                variant=variant,
                name=network.name,
                input=network.input_shape,
                totals=total(network, dtype),
                baseline=total(network.dense(), dtype),
            )
            for variant, network in networks.items()
        ),
    )
