"""A spec after checking: the content of the file, with the place of every value."""

from __future__ import annotations

from typing import NamedTuple

from groupconv_cli.errors import Place, Source
from groupconv_cli.language.nodes import Entry, ScalarNode, Tree
from groupconv_cli.policy.rules import Severities

Read = str | int
"""What `from` reads: the name of an item or of an input, or a distance such as -2."""


class Item(NamedTuple):
    """One entry of a list of layers."""

    number: int
    """Unique in the spec, in the order of the file."""
    layer: str
    place: Place
    args: dict[str, Given]
    name: str | None = None
    name_place: Place | None = None
    repeat: Tree | None = None
    when: Tree | None = None
    each: dict[str, Entry] | None = None
    """Lists by the names that their values have, row by row: one repetition for each row."""
    reads: tuple[Read, ...] | None = None
    """What it reads; None for the item before it."""
    reads_place: Place | None = None
    sound: bool = True
    """False if the checker found the item unusable. The layers after it have unknown shapes."""


Items = tuple[Item, ...]


class Given(NamedTuple):
    """The value of one argument: a tree, or lists of layers already checked."""

    place: Place
    tree: Tree
    layers: Items | None = None
    branches: tuple[Branch, ...] | None = None


class Branch(NamedTuple):
    """A branch of a layer that has several."""

    layers: Items
    when: Tree | None = None
    """Whether the branch is there."""


class Block(NamedTuple):
    """Layers with parameters, to be used like a layer."""

    name: str
    place: Place
    params: dict[str, Entry]
    """Parameters with their defaults. A parameter with an empty default is required."""
    layers: Items
    inputs: tuple[str, ...] = ()
    """The names of the tensors that a use reads, if the block names them."""


class Output(NamedTuple):
    """The name of an item whose output is one of the network's."""

    name: str
    place: Place


def required_params(params: dict[str, Entry]) -> list[str]:
    """Parameters that every use of a block must give: those whose default is empty."""
    return [
        name
        for name, entry in params.items()
        if isinstance(entry.value, ScalarNode) and entry.value.value is None
    ]


class Spec(NamedTuple):
    """The checked spec."""

    source: Source
    name: str
    inputs: dict[str, Entry]
    """The sizes of each input by its name, which is `input` for a spec that names none."""
    outputs: tuple[Output, ...]
    """The outputs in their order; none if the last layer is the only one."""
    vars: dict[str, Entry]
    variants: dict[str, dict[str, Entry]]
    blocks: dict[str, Block]
    layers: Items
    groups: dict[str, Entry]
    """Group counts of convolutions, by patterns of their full names; they are applied last."""
    budget: dict[str, Entry]
    """Limits on its costs, whose values may have variables."""
    rules: Severities
    """Levels by code, for the rules that it names."""
