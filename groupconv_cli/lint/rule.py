"""Rules, the context that they get, and their findings."""

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
    """A network, and facts that several rules need, computed when they are first used."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.nodes = network.nodes

    @cached_property
    def mixing(self) -> Mixing:
        """The channels that each output channel depends on."""
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
    """One violation of a rule."""

    node: Node
    """The layer whose place in the spec is shown."""
    message: str
    hint: str
    layers: tuple[str, ...] = ()
    """The names of all layers that it is about, if there are more than this one."""


class Finding(NamedTuple):
    """Violations of a rule at one place of a spec, reported as one."""

    code: str
    level: Severity
    message: str
    hint: str
    place: Place | None
    layers: tuple[str, ...]
    variants: tuple[str, ...] = ()
    """The variants that have it; empty if the spec has no variants."""

    @property
    def title(self) -> str:
        """The title of the rule."""
        return rule_names()[self.code].title


class Rule(NamedTuple):
    """A rule: the content of its file, and the parts of the file's name."""

    code: str
    title: str
    severity: Severity
    """Its level unless one is given."""
    page: str
    """What it finds, its threshold, why, and what to do: Markdown, with links relative to `docs/`.

    It is empty if Python runs without docstrings.
    """
    violations: Callable[[RuleContext], Iterable[Violation]]

    @property
    def section(self) -> str:
        """The page with its heading, and a sentence on setting the level."""
        other = Severity.warning if self.severity is Severity.off else Severity.off
        return (
            f"## {self.code}: {self.title}\n\n{self.page}\n\n"
            f"**The level** is `{self.severity}` unless you set it: `--rule {self.code}={other}`, "
            f"or `rules: {{{self.code}: {other}}}` in the spec.\n"
        )
