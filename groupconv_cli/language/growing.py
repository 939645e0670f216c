"""The network that grows while a spec is expanded, and the bounds of its growth."""

from __future__ import annotations

from typing import Any, NoReturn

from groupconv_cli.errors import Place, Problems
from groupconv_cli.language.scope import Scope
from groupconv_cli.language.spec import Item, Spec
from groupconv_cli.language.trace import Use
from groupconv_cli.network import Node
from groupconv_cli.ops.base import Tensor

MAX_LAYERS = 5_000
MAX_STEPS = 200_000
"""The most units of work: an item or a branch is ITEM_STEPS, a value or a merge's input is 1."""

ITEM_STEPS = 4
MAX_NESTING = 80
"""The most levels of nested blocks and composites."""


class Stop(Exception):
    """Raised if the expansion grows beyond its bounds."""


class Work:
    """The work of expanding one spec, for all its variants together."""

    def __init__(self) -> None:
        self.steps = 0
        self.networks = 0


class Growing:
    """The nodes so far, facts about them, and the work that they took."""

    def __init__(self, spec: Spec, problems: Problems, work: Work) -> None:
        self.spec = spec
        self.problems = problems
        self.work = work
        self.nodes: list[Node] = []
        self.groups_before: list[int | None] = []
        """For each node, the index of the nearest convolution on its main path, itself included,
        that was given groups and is not depthwise."""
        self.nesting = 0
        self.items: dict[int, Item] = {}
        self.literal: dict[int, dict[str, Any]] = {}
        """The arguments of items whose arguments are the same in each of their uses."""
        self.use: Use | None = None
        """The use that is being expanded."""

    def step(self, place: Place, units: int = ITEM_STEPS) -> None:
        """Counts work. Raises Stop if there is too much."""
        self.work.steps += units
        too_many = len(self.nodes) > MAX_LAYERS
        if too_many or self.work.steps > MAX_STEPS:
            what = f"{MAX_LAYERS:,} layers" if too_many else f"{MAX_STEPS // ITEM_STEPS:,} items"
            if too_many or self.work.networks == 1:
                self.stop(f"the network grows beyond {what} here", place, "check the repeats")
            hint = "check one of them: --variant NAME"
            self.stop(f"the variants together grow beyond {what} here", place, hint)

    def stop(self, message: str, place: Place, hint: str | None = None) -> NoReturn:
        """Notes a problem and ends the expansion."""
        self.problems.add(message, place, hint)
        raise Stop

    # A spec may have 50,000 uses, so these are pairs of functions and not context managers, which
    # take as long as all the rest of a use.

    def deeper(self, place: Place) -> None:
        """Counts one level of nesting more, until `higher`."""
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self.stop(f"layers are nested more than {MAX_NESTING} levels deep", place)

    def higher(self) -> None:
        """Ends a level of nesting."""
        self.nesting -= 1

    def begin(self, item: Item, scope: Scope, inputs: tuple[Tensor, ...]) -> Use:
        """Notes a use of an item, which has what is expanded until its `end`."""
        use = Use(item, scope, inputs, len(self.nodes))
        if self.use is not None:
            self.use.uses.append(use)
        self.use = use
        return use

    def end(self, use: Use, outer: Use | None) -> None:
        """Ends a use, which is inside the use `outer`."""
        use.last = len(self.nodes)
        self.use = outer
