"""What a page is made of: reports, and the network that they are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groupconv_cli.analysis.report import Comparison, Summary, VariantComparison
from groupconv_cli.analysis.search.report import SearchReport
from groupconv_cli.lint.report import SpecCheck
from groupconv_cli.network import Network

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import GroupMeasurement, LayerMeasurement
    from groupconv_cli.training.report import GroupTraining


@dataclass(frozen=True, kw_only=True)
class Content:
    """The parts of a page. One that is empty is left out."""

    title: str
    origin: str = ""
    """Where it comes from, in a sentence."""
    summary: Summary | None = None
    layer_times: LayerMeasurement | None = None
    network: Network | None = None
    dtype: str | None = None
    """The dtype that was asked for; None means the network's own."""
    text: str = ""
    """The text of the spec."""
    comparisons: tuple[tuple[Comparison, GroupMeasurement | None, GroupTraining | None], ...] = ()
    """Each with its times and its accuracies, if there are any."""
    variants: tuple[tuple[VariantComparison, GroupTraining | None], ...] = ()
    searches: tuple[SearchReport, ...] = ()
    check: SpecCheck | None = None
    remarks: tuple[str, ...] = ()
    """What is left out, and why."""
