"""The plain tree of a YAML file, with the place of every key and value."""

from __future__ import annotations

from groupconv_cli.errors import Place
from groupconv_cli.ops.kinds import Value
from groupconv_cli.words import MAX_SHOWN, shortened

MAX_LISTED = 6
"""The most items of a list that a message repeats."""


class ScalarNode:
    """A number, word, truth value or null; `text` is the text in the file."""

    __slots__ = ("place", "plain", "text", "value")

    def __init__(self, value: Value, text: str, place: Place, *, plain: bool = True) -> None:
        self.value = value
        self.text = text
        self.place = place
        self.plain = plain
        """Whether it is on one line without quotes, so that columns inside it can be shown."""


class SequenceNode:
    """A list."""

    __slots__ = ("items", "place")

    def __init__(self, items: list[Tree], place: Place) -> None:
        self.items = items
        self.place = place


class Entry:
    """One key of a mapping with its value."""

    __slots__ = ("key", "place", "value")

    def __init__(self, key: str, place: Place, value: Tree) -> None:
        self.key = key
        self.place = place
        self.value = value


class MappingNode:
    """A mapping; its keys are the text in the file, so `50: {...}` has the key '50'."""

    __slots__ = ("entries", "has_merge", "place")

    def __init__(self, entries: dict[str, Entry], place: Place, *, has_merge: bool = False) -> None:
        self.entries = entries
        self.place = place
        self.has_merge = has_merge
        """Whether it had a merge key (<<). That is an error, and some entries are missing."""


Tree = ScalarNode | SequenceNode | MappingNode


def describe(tree: Tree) -> str:
    """A description of a received value, for an error message."""
    if isinstance(tree, SequenceNode):
        return _listed(tree)
    if isinstance(tree, MappingNode):
        keys = ", ".join(list(tree.entries)[:4])
        return f"a mapping with {keys}" if keys else "an empty mapping"
    if tree.value is None:
        return "nothing"
    text = shortened(tree.text)
    return repr(text) if isinstance(tree.value, str) else text


def _listed(tree: SequenceNode) -> str:
    if not tree.items:
        return "an empty list"
    texts = [item.text for item in tree.items if isinstance(item, ScalarNode)]
    shown = f"[{', '.join(texts)}]"
    is_short = len(texts) == len(tree.items) <= MAX_LISTED and len(shown) <= MAX_SHOWN
    return shown if is_short else f"a list of {len(tree.items)}"


def in_words(value: Value) -> str:
    """A computed value in the form of a spec."""
    if isinstance(value, list):
        shown = [in_words(item) for item in value[:MAX_LISTED]]
        return f"[{', '.join([*shown, '…'] if len(value) > MAX_LISTED else shown)}]"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    return repr(shortened(value)) if isinstance(value, str) else str(value)
