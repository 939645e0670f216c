"""Finds good choices that are allowed, by local search: the solver may find none in time.

From a choice that is over a budget or has conflicts, one unit after another is changed so that
less is wrong. What stays wrong for long counts more and more, which leads out of dead ends
(breakout local search; Morris 1993). Once a choice is allowed, less loss than it has is one more
thing that is demanded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from time import monotonic
from typing import NamedTuple, TypeVar

Key = TypeVar("Key")

LOOKED_AT = 64
"""The most units that are looked at for one step if a budget is broken."""

HELD = 3
"""The steps for which a unit stays as it is after it was changed."""


class Limit(NamedTuple):
    """A sum over the units that has to be at most `most`."""

    rows: Sequence[Sequence[float]]
    """By unit and candidate."""
    most: float
    scale: float
    """What counts as much as one conflict: the typical difference between two candidates."""


Terms = Sequence[tuple[int, frozenset[int]]]
"""Units with candidates of each, which must not be chosen all at once."""


class LocalSearch:
    """A choice, what is wrong with it, and the steps that mend it."""

    def __init__(
        self, limits: Sequence[Limit], conflicts: Iterable[Terms], start: Sequence[int]
    ) -> None:
        self.sizes = [len(row) for row in limits[0].rows]
        self.limits = list(limits)
        self.limit_weights = [1.0] * len(limits)
        self.choice = list(start)
        self.used = [self._sum(limit) for limit in limits]
        self.terms: list[Terms] = []
        self.weights: list[float] = []
        self.hits: list[int] = []
        """For each conflict, how many of its terms the choice has."""
        self.of_unit: list[list[tuple[int, frozenset[int]]]] = [[] for _ in self.sizes]
        self.broken: dict[int, None] = {}
        """The conflicts that the choice has."""
        self.held_until = [0] * len(self.sizes)
        self.step_number = 0
        self.random = Random(0)  # noqa: S311  (not for cryptography)
        self.add(conflicts)

    def add(self, conflicts: Iterable[Terms]) -> None:
        """Demands that these conflicts are avoided too."""
        for terms in conflicts:
            number = len(self.terms)
            self.terms.append(terms)
            self.weights.append(1.0)
            self.hits.append(sum(self.choice[unit] in among for unit, among in terms))
            for unit, among in terms:
                self.of_unit[unit].append((number, among))
            if self.hits[number] == len(terms):
                self.broken[number] = None

    def tighten(self, number: int, most: float) -> None:
        """Demands that a sum is at most this."""
        self.limits[number] = self.limits[number]._replace(most=most)

    @property
    def is_allowed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.broken and not any(self._over(number) for number in self._every_limit)

    def step(self) -> None:
        """Changes one unit, so that least is wrong. Call it while something is."""
        self.step_number += 1
        best: tuple[float, float] | None = None
        chosen = (0, 0)
        for unit, candidate in self._moves():
            score = (self._change(unit, candidate), self.random.random())
            if best is None or score < best:
                best, chosen = score, (unit, candidate)
        if best is None or best[0] >= 0:
            for number in self.broken:
                self.weights[number] += 1
            for number in self._every_limit:
                if self._over(number):
                    self.limit_weights[number] += 1
        if best is not None:
            self._move(*chosen)

    def _sum(self, limit: Limit) -> float:
        return sum(row[c] for row, c in zip(limit.rows, self.choice, strict=True))

    @property
    def _every_limit(self) -> range:
        return range(len(self.limits))

    def _over(self, number: int, change: float = 0) -> float:
        limit = self.limits[number]
        return max(0.0, (self.used[number] + change - limit.most) / limit.scale)

    def _moves(self) -> Iterator[tuple[int, int]]:
        """Units with other candidates that mend one thing that is wrong, taken by chance."""
        over = [number for number in self._every_limit if self._over(number)]
        chance = self.random.randrange(len(self.broken) + len(over))
        if chance < len(self.broken):
            terms = self.terms[list(self.broken)[chance]]
            for unit, among in self._free(terms, lambda term: term[0]):
                for candidate in range(self.sizes[unit]):
                    if candidate not in among:
                        yield unit, candidate
            return
        rows = self.limits[over[chance - len(self.broken)]].rows
        units = range(len(self.sizes))
        looked_at = units if len(units) <= LOOKED_AT else self.random.sample(units, LOOKED_AT)
        for unit in self._free(looked_at, lambda unit: unit):
            row = rows[unit]
            for candidate, amount in enumerate(row):
                if amount < row[self.choice[unit]]:
                    yield unit, candidate

    def _free(self, each: Sequence[Key], unit_of: Callable[[Key], int]) -> Sequence[Key]:
        """Those that were not changed just now; all if all were."""
        free = [one for one in each if self.held_until[unit_of(one)] < self.step_number]
        return free or each

    def _change(self, unit: int, candidate: int) -> float:
        """By how much more is wrong with another candidate of a unit."""
        now = self.choice[unit]
        change = 0.0
        for number in self._every_limit:
            row = self.limits[number].rows[unit]
            over = self._over(number, row[candidate] - row[now]) - self._over(number)
            change += self.limit_weights[number] * over
        for number, among in self.of_unit[unit]:
            more = (candidate in among) - (now in among)
            if more:
                size = len(self.terms[number])
                is_broken = self.hits[number] == size
                change += self.weights[number] * ((self.hits[number] + more == size) - is_broken)
        return change

    def _move(self, unit: int, candidate: int) -> None:
        now = self.choice[unit]
        for number in self._every_limit:
            row = self.limits[number].rows[unit]
            self.used[number] += row[candidate] - row[now]
        for number, among in self.of_unit[unit]:
            self.hits[number] += (candidate in among) - (now in among)
            if self.hits[number] == len(self.terms[number]):
                self.broken[number] = None
            else:
                self.broken.pop(number, None)
        self.choice[unit] = candidate
        self.held_until[unit] = self.step_number + HELD


def until(end: float, search: LocalSearch) -> bool:
    """Makes steps until nothing is wrong. Returns whether that was before the time `end`."""
    while not search.is_allowed:
        if monotonic() >= end:
            return False
        search.step()
    return True
