"""What a rule is given, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from groupconv_cli.analysis.channel_mixing import Mixing, follow
from groupconv_cli.analysis.totals import Totals, total
from groupconv_cli.errors import Place
from groupconv_cli.network import Network, Node
from groupconv_cli.policy.rules import RULES, Severity


class RuleContext:
    """A network, and what several rules want to know of it; worked out when first asked for."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.nodes = network.nodes

    @cached_property
    def mixing(self) -> Mixing:
        """Which channels each output channel depends on."""
        return follow(self.network)

    @cached_property
    def dense(self) -> Network:
        """The g=1 baseline."""
        return self.network.dense()

    @cached_property
    def totals(self) -> Totals:
        """Costs in float32."""
        return total(self.network)

    def in_groups(self) -> Iterator[Node]:
        """Grouped convolutions that are not depthwise."""
        return (node for node in self.nodes if node.is_grouped and not node.is_depthwise)


class Violation(NamedTuple):
    """One thing that a rule says."""

    node: Node
    """The layer whose place in the spec it points at."""
    message: str
    hint: str
    layers: tuple[str, ...] = ()
    """Names of all layers it is about, if not of that one only."""


class Finding(NamedTuple):
    """A remark at one place of a spec; what holds for several layers there is said once."""

    code: str
    level: Severity
    message: str
    hint: str
    place: Place | None
    layers: tuple[str, ...]
    variants: tuple[str, ...] = ()
    """The variants it holds for; none if the spec has none."""

    @property
    def title(self) -> str:
        """What the rule is called."""
        return RULES[self.code].title


Check = Callable[[RuleContext], Iterable[Violation]]

CHECKS: dict[str, Check] = {}
"""What looks for each rule, by code."""


def rule(code: str) -> Callable[[Check], Check]:
    """Registers what looks for a rule."""

    def register(check: Check) -> Check:
        if code in CHECKS or code not in RULES:
            raise ValueError(f"the rule {code} is registered already, or not in the list")
        CHECKS[code] = check
        return check

    return register
