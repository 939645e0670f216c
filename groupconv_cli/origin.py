"""How a spec writes what became a network: for code that is to read as the spec does.

Nothing is computed from it; what is made with its help is held against the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from groupconv_cli.ops.kinds import Value


class ItemSource(NamedTuple):
    """One item of the spec. Texts are as they stand there, expressions not worked out."""

    args: Mapping[str, str]
    """Arguments that are one number, word or expression."""
    repeat: str | None
    when: str | None


class Provenance(NamedTuple):
    """The spec behind a network."""

    items: Mapping[int, ItemSource]
    """By the number that nodes have in `item`."""
    blocks: Mapping[str, Mapping[str, str | None]]
    """Of each block the texts of its parameters' defaults; None where one must be given."""
    variables: Mapping[str, Value]
    """Values of the spec's own variables, as far as they were asked for."""
    arguments: Mapping[str, Mapping[str, Value]]
    """Of each use of a block, by its full name, the values of its parameters, likewise."""
