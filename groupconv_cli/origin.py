"""The texts of the spec behind a network, for code that should read like the spec.

Nothing is computed from them, and the code is compared with the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from groupconv_cli.ops.kinds import Value


class ItemSource(NamedTuple):
    """One item of the spec. Its texts are as written, with expressions not computed."""

    args: Mapping[str, str]
    """Arguments that are one number, word or expression."""
    repeat: str | None
    when: str | None


class Provenance(NamedTuple):
    """The spec behind a network."""

    items: Mapping[int, ItemSource]
    """The items by number, which nodes have in `item`."""
    blocks: Mapping[str, Mapping[str, str | None]]
    """The texts of the parameters' defaults of each block; None for a required parameter."""
    variables: Mapping[str, Value]
    """The values of the spec's own variables, as far as they were used."""
    arguments: Mapping[str, Mapping[str, Value]]
    """The values of the parameters of each use of a block, by its full name, as far as used."""
