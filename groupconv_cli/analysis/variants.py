"""Several networks side by side, each with its own g=1 baseline."""

from __future__ import annotations

from collections.abc import Mapping

from groupconv_cli.analysis.report import VariantComparison, VariantRow
from groupconv_cli.analysis.totals import activations, total
from groupconv_cli.dtypes import DEFAULT
from groupconv_cli.errors import SpecError
from groupconv_cli.network import Network


def compare_networks(
    name: str, networks: Mapping[str, Network | SpecError], dtype: str | None = None
) -> VariantComparison:
    """The totals of each network of the family `name`, by the name of its variant.

    Raises UsageError for an unknown dtype.
    """
    rows = tuple(_row(variant, network, dtype) for variant, network in networks.items())
    return VariantComparison(name=name, dtype=dtype or DEFAULT, rows=rows)


def _row(variant: str, network: Network | SpecError, dtype: str | None) -> VariantRow:
    if isinstance(network, SpecError):
        return VariantRow(variant=variant, reason=network.diagnostics[0].message)
    values = activations(network, dtype)
    return VariantRow(
        variant=variant,
        name=network.name,
        input=network.input_shape,
        totals=total(network, dtype, values),
        baseline=total(network.dense(), dtype, values),
    )
