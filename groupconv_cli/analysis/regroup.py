"""Other group counts for convolutions that are chosen by their names."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import translate
from functools import lru_cache
from re import Pattern
from re import compile as compiled

from groupconv_cli.divisors import divisors_text
from groupconv_cli.errors import OpError, UsageError
from groupconv_cli.network import Network, Node
from groupconv_cli.words import did_you_mean

DEPTHWISE = "depthwise"
"""As many groups as input channels."""

Count = int | str
"""A number of groups, or DEPTHWISE."""

MAX_WILDCARDS = 20
"""Asterisks in a pattern. The time that a match takes grows with their number."""


class RegroupError(UsageError):
    """A pattern or a count that does not fit the network; `pattern` is the one at fault."""

    def __init__(self, pattern: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.pattern = pattern
        self.args = (pattern, message, hint)


def regrouped_by_name(network: Network, groups: Mapping[str, Count]) -> Network:
    """The network with other group counts for the convolutions whose full names match a pattern.

    `groups` has patterns (globs: `*`, `?`, `[…]`) with their counts. Where several patterns match
    one convolution, the last one counts. A channel_shuffle that takes its groups from such a
    convolution follows, and so does a layer that shares its weights.

    Raises RegroupError for a pattern that matches no convolution, and for a count that does not
    divide the channels.
    """
    convolutions = {i: node for i, node in enumerate(network.nodes) if node.op.is_convolution}
    chosen: dict[int, tuple[str, Count]] = {}
    for pattern, count in groups.items():
        if count != DEPTHWISE and not (isinstance(count, int) and count >= 1):
            words = "a whole number, 1 or more, or depthwise"
            raise RegroupError(pattern, f"the groups of {pattern!r} must be {words}; got {count!r}")
        matching = [i for i, node in convolutions.items() if _matches(pattern, node.name)]
        if not matching:
            raise RegroupError(
                pattern,
                f"no convolution of {network.name} matches {pattern!r}",
                _nearest(pattern, [node.name for node in convolutions.values()]),
            )
        chosen |= {network.owner(i): (pattern, count) for i in matching}
    if not chosen:
        return network
    changes: dict[int, int] = {}
    for index, (pattern, count) in chosen.items():
        node = network.nodes[index]
        changes[index] = node.input_shapes[0][-1] if isinstance(count, str) else count
        _check(node, pattern, changes[index])
    return _with_followers(network, changes, {i: pattern for i, (pattern, _) in chosen.items()})


def _with_followers(
    network: Network, changes: Mapping[int, int], patterns: Mapping[int, str]
) -> Network:
    """The network with the changes, whose followers (channel_shuffle) can take them."""
    changed = network.regrouped(changes)
    for node in changed.nodes:
        if node.groups_from is not None and node.groups_from in patterns:
            try:
                node.op.check(*node.input_shapes)
            except OpError as error:
                message = error.message.replace("{layer}", repr(node.name))
                raise RegroupError(patterns[node.groups_from], message, error.hint) from None
    return changed


def _check(node: Node, pattern: str, count: int) -> None:
    channels, filters = node.input_shapes[0][-1], node.shape[-1]
    if channels % count or filters % count:
        from math import gcd

        raise RegroupError(
            pattern,
            f"groups={count} does not divide the {channels} input and {filters} output channels "
            f"of {node.name!r}",
            f"these divide both: {divisors_text(gcd(channels, filters))}",
        )


def _matches(pattern: str, name: str) -> bool:
    if pattern.count("*") > MAX_WILDCARDS:
        raise RegroupError(pattern, f"a pattern has at most {MAX_WILDCARDS} asterisks")
    return _expression(pattern).match(name) is not None


@lru_cache(maxsize=256)
def _expression(pattern: str) -> Pattern[str]:
    return compiled(translate(pattern))


def _nearest(pattern: str, names: list[str]) -> str:
    if not names:
        return "the network has no convolutions"
    listed = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
    return did_you_mean(pattern, names) or f"the convolutions are {listed}"
