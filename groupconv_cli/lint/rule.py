"""What a rule is, what it is given, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from groupconv_cli.analysis.channel_mixing import Mixing, follow
from groupconv_cli.analysis.totals import Totals, total
from groupconv_cli.errors import Place
from groupconv_cli.network import Network, Node
from groupconv_cli.policy.rules import Severity, rule_names


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
    """Violations of a rule at one place of a spec, told as one."""

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
        return rule_names()[self.code].title


class Rule(NamedTuple):
    """A rule: what its file says, and the name of the file."""

    code: str
    title: str
    severity: Severity
    """Its level unless one is given."""
    page: str
    """What it finds, by which number and why, and what to do: Markdown, with links as in `docs/`.

    It is empty where Python leaves docstrings out.
    """
    violations: Callable[[RuleContext], Iterable[Violation]]

    @property
    def section(self) -> str:
        """The page with its heading, and with how to set the level."""
        other = Severity.warning if self.severity is Severity.off else Severity.off
        return (
            f"## {self.code}: {self.title}\n\n{self.page}\n\n"
            f"**The level** is `{self.severity}` unless you set it: `--rule {self.code}={other}`, "
            f"or `rules: {{{self.code}: {other}}}` in the spec.\n"
        )
