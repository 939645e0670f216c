"""What happened while a spec was expanded: every use of every item, with what it read and made.

Python code is written from it, so that it follows the items of the spec and not the flat network.
"""

from __future__ import annotations

from groupconv_cli.language.scope import Scope
from groupconv_cli.language.spec import Item
from groupconv_cli.ops.base import Tensor


class Use:
    """One repetition of an item, or the whole network."""

    __slots__ = ("_by_item", "first", "inputs", "inside", "item", "last", "output", "scope", "uses")

    def __init__(self, item: Item, scope: Scope, inputs: tuple[Tensor, ...], first: int) -> None:
        self.item = item
        self.scope = scope
        """The names that its arguments are computed with."""
        self.inside = scope
        """The names inside it, which differ for a block."""
        self.inputs = inputs
        self.output = inputs[0]
        self.first = first
        """The index of the first node that it made."""
        self.last = first
        """The index after its last node."""
        self.uses: list[Use] = []
        """The uses of the items inside it, in order."""
        self._by_item: dict[int, list[Use]] | None = None

    def of(self, item: Item) -> list[Use]:
        """The uses of an item inside it, one for each repetition."""
        if self._by_item is None:
            self._by_item = {}
            for use in self.uses:
                self._by_item.setdefault(use.item.number, []).append(use)
        return self._by_item.get(item.number, [])
