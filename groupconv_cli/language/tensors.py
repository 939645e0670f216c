"""The tensors that the items of one list of layers can read while a spec is expanded."""

from __future__ import annotations

from collections.abc import Mapping

from groupconv_cli.errors import HintedError
from groupconv_cli.language.spec import Read
from groupconv_cli.ops.base import Tensor
from groupconv_cli.words import plural


class Unreadable(HintedError):
    """A tensor that is not there; the message completes the sentence 'from reads …'."""


class Tensors:
    """The outputs of the items of one list so far, the list's own input first.

    Every repetition of an item has an output of its own. A name stands for the last repetition.
    """

    def __init__(
        self,
        first: Tensor,
        outer: Tensors | None = None,
        named: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.outer = outer
        self.off: set[str] = set()
        """Names of items that their `when` or `repeat` leaves out."""
        self._all = [first]
        self._named: dict[str, Tensor | None] = dict(named or {})

    @property
    def last(self) -> Tensor:
        """The tensor that an item without `from` reads."""
        return self._all[-1]

    def add(self, tensor: Tensor) -> None:
        """Appends the output of one repetition."""
        self._all.append(tensor)

    def name(self, name: str, tensor: Tensor | None) -> None:
        """Names a tensor. None is the output of an item that is not there and read several."""
        self._named[name] = tensor

    def read(self, reads: tuple[Read, ...] | None) -> tuple[Tensor, ...]:
        """The tensors behind names and distances.

        Raises Unreadable for a distance beyond the list's input, or an item that is not there.
        """
        return (self.last,) if reads is None else tuple(map(self._one, reads))

    def named(self, name: str) -> Tensor:
        """The tensor of this name here or in a list around it. Raises Unreadable."""
        if name in self._named:
            tensor = self._named[name]
            if tensor is None:
                hint = "give what reads it the same `when`, or let it read another item"
                raise Unreadable(f"{name!r}, which is left out here", hint)
            return tensor
        if self.outer is None:
            raise Unreadable(f"{name!r}, which does not exist")
        return self.outer.named(name)

    def _one(self, read: Read) -> Tensor:
        if isinstance(read, str):
            return self.named(read)
        if -read <= len(self._all):
            return self._all[read]
        hint = "a distance counts the items of one list, and every repetition as one"
        raise Unreadable(f"{read}, and {_before(len(self._all) - 1)}", hint)


def _before(count: int) -> str:
    if count == 0:
        return "this is the first item of its list, for which -1 is what enters the list"
    stands = "stands" if count == 1 else "stand"
    return f"only {plural(count, 'item')} {stands} before it in its list"
