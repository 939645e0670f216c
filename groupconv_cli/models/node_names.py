"""The names of nodes of a Keras model, and the levels above them."""

from __future__ import annotations

import re

from groupconv_cli.models.tracing import PathNames
from groupconv_cli.network import Step

Path = tuple[Step, ...]


class NodeNames:
    """Gives every node a name of its own, and every name a number, as items of a spec have."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._items: dict[tuple[str, ...], int] = {}

    def placed(self, name: str, above: PathNames) -> tuple[Path, str]:
        """The path and the name of a layer. Dots in names separate levels, as gconv writes them."""
        path: Path = ()
        for level, kind in above:
            path = (*path, Step(level, kind, self.item(path, level)))
        *levels, last = name.split(".")
        if not all((*levels, last)):
            return path, name.replace(".", "_")
        for level in levels:
            path = (*path, Step(level, re.sub(r"_\d+$", "", level), self.item(path, level)))
        return path, last

    def unique(self, path: Path, name: str) -> str:
        """The full name, if necessary with a number after it."""
        full = wanted = ".".join([*(step.name for step in path), name])
        number = 1
        while full in self._taken:
            number += 1
            full = f"{wanted}_{number}"
        self._taken.add(full)
        return full

    def item(self, path: Path, name: str) -> int:
        """The number of a layer or a level, the same each time."""
        names = (*(step.name for step in path), name)
        return self._items.setdefault(names, len(self._items))
