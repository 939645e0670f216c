"""Convolutions that are chosen by name, or by what they read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from groupconv_cli.errors import UsageError
from groupconv_cli.network import Network, Node


def matching(convolutions: Mapping[int, Node], pattern: str, option: str) -> list[int]:
    """The convolutions that match a glob. Raises UsageError if there are none."""
    given: object = pattern
    if not isinstance(given, str):
        raise UsageError(f"{option} is a pattern of names, such as 'stage_2*'; got {given!r}")
    found = [i for i, node in convolutions.items() if fnmatchcase(node.name, pattern)]
    if not found:
        names = [node.name for node in convolutions.values()]
        listed = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
        raise UsageError(
            f"no convolution matches {option} {pattern!r}; "
            + (f"the convolutions are {listed}" if names else "the network has none")
        )
    return found


def with_sharing(network: Network, chosen: Iterable[int]) -> list[int]:
    """The chosen convolutions, and the convolutions that share weights with one of them."""
    owners = {network.owner(index) for index in chosen}
    sharing = [
        i for i, n in enumerate(network.nodes) if n.op.is_convolution and network.owner(i) in owners
    ]
    return sorted({*sharing, *owners})


def unmixed(network: Network) -> set[int]:
    """Indices of the inputs, and of layers that only pad, scale or the like an input."""
    found = set(network.inputs)
    for index, node in enumerate(network.nodes):
        quiet = not node.cost.macs and node.cost.macs_known
        if node.inputs and quiet and found.issuperset(node.inputs):
            found.add(index)
    return found
