"""The names of layers, with a level for each block, branch or composite around them."""

from __future__ import annotations

from groupconv_cli.network import Step


class NameScope:
    """A level of nested names: the path to it, and the names that are taken on it."""

    __slots__ = ("counts", "owners", "path", "prefix")

    def __init__(self, path: tuple[Step, ...] = (), prefix: str = "") -> None:
        self.path = path
        self.prefix = prefix
        """The names of the path, each with a dot after it."""
        self.owners: dict[str, int] = {}
        """The number of the item that took each name."""
        self.counts: dict[str, int] = {}

    def label(self, wanted: str, item: int) -> str:
        """A free name: the wanted name, if necessary with 2, 3, … after it."""
        name, self.counts[wanted] = self.free(wanted)
        self.owners[name] = item
        return name

    def free(self, wanted: str) -> tuple[str, int]:
        """The name that `label` would give, and its number."""
        count = self.counts.get(wanted, 0) + 1
        name = wanted if count == 1 else f"{wanted}_{count}"
        while name in self.owners:
            count += 1
            name = f"{wanted}_{count}"
        return name, count

    def below(self, name: str, kind: str, item: int) -> NameScope:
        """A new level below this one."""
        label = self.label(name, item)
        return NameScope((*self.path, Step(label, kind, item)), f"{self.prefix}{label}.")

    def full_name(self, label: str) -> str:
        """The label after its path."""
        return self.prefix + label
