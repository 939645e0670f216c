"""The names of layers in the code, by the rule of `language/layer_names.py`.

On every level of names the first `conv` is "conv", then come "conv_2", "conv_3" …. A name is
written out where its number is the same however the code runs, or follows a loop. Otherwise the
code counts: `names("conv")`.
"""

from __future__ import annotations

from typing import NamedTuple

from groupconv_cli.codegen.file import Unwritable
from groupconv_cli.codegen.layout import quoted


class Loop:
    """A loop of the code."""

    def __init__(self, index: str) -> None:
        self.index = index
        """The variable that counts its turns from 0."""
        self.uses_index = False


Controls = tuple[Loop | None, ...]
"""The loops and conditions (None) around a line, the outermost first."""


class Label(NamedTuple):
    """The wanted name of a layer, as the inside of an f-string, and the values that it has."""

    text: str
    values: frozenset[str]


def fixed(text: str) -> Label:
    """A label that is always the same."""
    return Label(text, frozenset([text]))


class Name:
    """The name of one layer or level in the code."""

    def __init__(self, level: Level, label: Label, controls: Controls) -> None:
        self.level = level
        self.label = label
        self.controls = controls
        self.key = ""
        """The text that stands for it in lines."""
        self.number = 1
        self.loop: Loop | None = None
        """The loop whose index is added to the number."""
        self.is_counted = False
        self.variable = ""
        """The variable that has the name, if it is counted and needed more than once."""

    @property
    def inside(self) -> str:
        """The name as the inside of an f-string."""
        if self.is_counted:
            return f"{{{self.variable}}}"
        text = f"{self.level.prefix}{self.label.text}"
        if self.loop is not None:
            return f"{text}_{{{self.loop.index} + {self.number}}}"
        return text if self.number == 1 else f"{text}_{self.number}"

    def code(self, suffix: str = "") -> str:
        """The name as an expression; `suffix` stands after it."""
        if self.is_counted and not suffix:
            return self.variable or self.counting()
        return formatted(self.inside + suffix)

    def counting(self) -> str:
        """The call that counts the name."""
        return f"{self.level.counter}({formatted(self.label.text)})"


def formatted(inside: str) -> str:
    """The code of a text, from the inside of an f-string."""
    if inside.startswith("{") and inside.endswith("}") and inside.count("{") == 1:
        return inside[1:-1]
    return f"f{quoted(inside)}" if "{" in inside else quoted(inside)


class Level:
    """A level of names: those of a function, or of a branch or a composite inside it."""

    def __init__(self, above: Name | str, counter: str, depth: int) -> None:
        """`above` is the name of the level itself, `depth` the number of controls around it."""
        self.above = above
        self.counter = counter
        self.depth = depth
        self.names: list[Name] = []

    @property
    def prefix(self) -> str:
        """What stands before its names, as the inside of an f-string."""
        above = self.above if isinstance(self.above, str) else self.above.inside
        return f"{above}." if above else ""

    @property
    def counting(self) -> str:
        """The call that makes the counter of its names."""
        return f"Names({formatted(self.prefix) if self.prefix else ''})"

    @property
    def counts(self) -> bool:
        """Whether names are counted on it."""
        return any(name.is_counted for name in self.names)

    def name(self, label: Label, controls: Controls) -> Name:
        """The name for one more use of a label."""
        name = Name(self, label, controls[self.depth :])
        self.names.append(name)
        return name

    def settle(self) -> None:
        """Numbers the names, or decides to count them. Raises Unwritable."""
        for family in _families(self.names):
            is_counted = not _follows_a_rule(family)
            for name in family:
                name.is_counted = is_counted
        taken: set[str] = set()
        counts: dict[str, int] = {}
        for name in self.names:
            if name.is_counted:
                continue
            wanted = name.label.text
            count = counts.get(wanted, 0) + 1
            while (wanted if count == 1 else f"{wanted}_{count}") in taken:
                count += 1
            counts[wanted] = name.number = count
            taken.add(wanted if count == 1 else f"{wanted}_{count}")
            name.loop = name.controls[0] if name.controls else None
            if name.loop is not None:
                name.loop.uses_index = True
        moving = {v for n in self.names if n.is_counted or n.loop for v in n.label.values}
        values = {value for name in self.names for value in name.label.values}
        for value in values:
            stem, _, number = value.rpartition("_")
            if number.isdigit() and stem in values and not moving.isdisjoint((stem, value)):
                raise Unwritable  # the one could meet the other


def _families(names: list[Name]) -> list[list[Name]]:
    """Names by the values that their labels share, in order."""
    families: dict[str, list[Name]] = {}
    place = {id(name): number for number, name in enumerate(names)}
    for name in names:
        joined = {id(each): each for v in name.label.values if (each := families.get(v))}
        family = joined.popitem()[1] if joined else []
        for other in joined.values():
            family += other
            family.sort(key=lambda each: place[id(each)])
            families |= {v: family for each in other for v in each.label.values}
        family.append(name)
        families |= dict.fromkeys(name.label.values, family)
    return list({id(family): family for family in families.values()}.values())


def _follows_a_rule(names: list[Name]) -> bool:
    """Whether the numbers of names of one label are known before the code runs."""
    *before, last = names
    if len({name.label.text for name in names}) > 1 or any(name.controls for name in before):
        return False
    if not any(last.controls):
        return True
    return len(last.controls) == 1 and bool(before)
