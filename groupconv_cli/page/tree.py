"""The nest of blocks around layers, from their paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from groupconv_cli.network import Step

Path = tuple[Step, ...]


class Block(NamedTuple):
    """A block, or the whole network: layers that stand together, in their order."""

    path: Path
    """The steps that lead to it; its own is the last. Empty for the whole network."""
    parts: tuple[Block | int, ...]
    """What is in it: blocks, and indices of layers."""
    first: int
    """The index of its first layer."""
    after: int
    """The index after that of its last layer."""

    @property
    def step(self) -> Step:
        """Its own step."""
        return self.path[-1]

    @property
    def name(self) -> str:
        """Its full name."""
        return ".".join(step.name for step in self.path)


def tree_of(paths: Sequence[Path]) -> Block:
    """The whole network as a block."""
    return _block(paths, 0, len(paths), ())


def _block(paths: Sequence[Path], first: int, after: int, path: Path) -> Block:
    level = len(path)
    parts: list[Block | int] = []
    index = first
    while index < after:
        if len(paths[index]) == level:
            parts.append(index)
            index += 1
            continue
        start, step = index, paths[index][level]
        while index < after and len(paths[index]) > level and paths[index][level] == step:
            index += 1
        parts.append(_block(paths, start, index, (*path, step)))
    return Block(path, tuple(parts), first, after)
