"""A multiple-choice knapsack with conflicts: one candidate per unit, least loss within budgets.

Costs and budgets are whole numbers of any size. The solver computes with floating-point numbers, so
its programs are only relaxations: they never exclude a choice that is within the budgets, and what
they propose is checked with whole numbers. A choice that is over a budget, or that has a conflict,
is excluded together with choices that have the same fault, and the program is solved again. The
first choice without fault that the solver proves best is the optimum. If that takes long, a local
search (`repair`) finds choices without fault meanwhile, of which the best is the result if the time
is over. The solver starts from it.

Units that are alike, and have no conflict, are one group of columns that say how many of them have
each candidate. Otherwise the solver would try what differs only in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import gcd
from time import monotonic
from typing import NamedTuple

from groupconv_cli.analysis.search.repair import Limit, LocalSearch, Terms, until
from groupconv_cli.analysis.search.solver import NO_BOUND, Line, Program, Solution, solve

Choice = tuple[int, ...]
"""The number of the candidate of each unit."""

ALONE = 1 / 4
"""The share of the time that the solver has for a proof before other ways are tried too."""

LOCAL = 1 / 4
"""The share of the time left that a local search has then, after each result of the solver."""

STEP = 0.005
"""The share of a choice's loss by which the local search wants the next one to be better."""

MAX_FACTOR = 1 << 20
"""The largest factor of a row for the solver. Larger ones are scaled by a power of two."""


class Budget(NamedTuple):
    """A limit on a cost that adds up over the units. Whole numbers of any unit: MACs, bytes, ns."""

    metric: str
    limit: int
    fixed: int
    """The cost of all that is in no unit."""
    costs: tuple[tuple[int, ...], ...]
    """By unit and candidate."""

    def used(self, choice: Choice) -> int:
        """The cost of a choice."""
        return self.fixed + sum(row[c] for row, c in zip(self.costs, choice, strict=True))

    def is_kept(self, choice: Choice) -> bool:
        """Whether a choice is within the limit."""
        return self.used(choice) <= self.limit


class Conflict(NamedTuple):
    """Candidates of several units that must not be chosen all at once."""

    terms: tuple[tuple[int, frozenset[int]], ...]
    """Units, each with the candidates that take part: not every unit may have one of its own."""

    def excludes(self, choice: Choice) -> bool:
        """Whether the choice has this conflict."""
        return all(choice[unit] in among for unit, among in self.terms)


class Problem(NamedTuple):
    """The losses of each unit's candidates, the budgets, and what is excluded besides."""

    losses: tuple[tuple[float, ...], ...]
    budgets: tuple[Budget, ...]
    conflicts: Callable[[Choice, float], Iterable[Conflict]]
    """The conflicts of a choice; none if it is allowed. Each must hold for every choice.

    After a time, by the clock of `monotonic`, not more of them are looked for than one.
    """
    suspected: Callable[[Choice], Iterable[Terms]] = lambda _: ()
    """What to avoid, since a choice has it and is not allowed; none if it is allowed. Other choices
    that have it may be allowed. It is found faster than conflicts."""
    start: Choice | None = None
    """A choice with few conflicts, from which others are looked for; None is the first of each."""

    def loss(self, choice: Choice) -> float:
        """The sum of the losses."""
        return sum(row[c] for row, c in zip(self.losses, choice, strict=True))


class Outcome(NamedTuple):
    """The result of a search."""

    choice: Choice | None
    """The best choice that was found; None if there is none."""
    bound: float
    """No choice has less loss."""
    is_proven: bool
    """Whether no choice is better, or none is within the budgets."""


class Search:
    """Solves problems that differ in budgets or losses, and keeps the conflicts that it learns."""

    def __init__(self, seconds: float) -> None:
        self.end = monotonic() + seconds
        self.conflicts: dict[Conflict, None] = {}

    def best(self, problem: Problem, share: float = 1.0) -> Outcome:
        """The best choice, or the best that is found before a share of the time left is over."""
        now = monotonic()
        end = now + share * (self.end - now)
        alone = now + ALONE * (end - now)
        excess: list[Conflict] = []
        held: Choice | None = None
        bound = NO_BOUND
        while True:
            model = _Model(problem, [*self.conflicts, *excess])
            now = monotonic()
            solution = solve(model.program, (alone if now < alone else end) - now, model.of(held))
            bound = max(bound, model.loss(solution.bound))
            choice = model.choice(solution)
            if choice is not None:
                faults = [_excess(b, choice) for b in problem.budgets if not b.is_kept(choice)]
                learned = self._learned(problem, choice, alone if now < alone else end)
                if not faults and not learned:
                    if solution.is_proven:
                        return Outcome(choice, bound, is_proven=True)
                    held = choice if held is None else min(held, choice, key=problem.loss)
                excess += faults
            elif solution.is_proven:
                return Outcome(None, bound, is_proven=True)
            now = monotonic()
            if now >= end:
                return Outcome(held, bound, is_proven=False)
            if now >= alone:
                # A choice of the solver is good, but has more conflicts than one to begin with.
                start = held or problem.start or (0,) * len(problem.losses)
                held = self._searched(problem, held, start, end)

    def _learned(self, problem: Problem, choice: Choice, end: float) -> list[Conflict]:
        """The conflicts of a choice that were not known, which are kept."""
        learned = [each for each in problem.conflicts(choice, end) if each not in self.conflicts]
        self.conflicts.update(dict.fromkeys(learned))
        return learned

    def _searched(
        self, problem: Problem, held: Choice | None, start: Choice, end: float
    ) -> Choice | None:
        """The choice held, or a better one that local search finds in a share of the time left.

        Without one it goes on until one is found, or the time `end`.
        """
        now = monotonic()
        soon = now + LOCAL * (end - now)
        limits = [
            Limit(each.costs, each.limit - each.fixed, _scale(each.costs))
            for each in problem.budgets
        ]
        losses = Limit(problem.losses, _less(problem, held), _scale(problem.losses))
        search = LocalSearch([losses, *limits], [each.terms for each in self.conflicts], start)
        while until(end if held is None else soon, search):
            choice = tuple(search.choice)
            suspected = list(problem.suspected(choice))
            search.add(suspected)
            if not suspected:
                held = choice
                search.tighten(0, _less(problem, held))
        return held


def _less(problem: Problem, choice: Choice | None) -> float:
    """A loss that is a little less than that of the choice."""
    if choice is None:
        return float("inf")
    loss = problem.loss(choice)
    return loss - STEP * (1e-6 + abs(loss))


def _scale(rows: Sequence[Sequence[float]]) -> float:
    """The mean difference between the largest and the least number of a row; 1 if all are 0."""
    return sum(max(row) - min(row) for row in rows) / len(rows) or 1.0


def _excess(budget: Budget, choice: Choice) -> Conflict:
    """The choices that are over the budget because each unit costs at least what it costs here."""
    return Conflict(
        tuple(
            (unit, frozenset(c for c, cost in enumerate(row) if cost >= row[chosen]))
            for unit, (row, chosen) in enumerate(zip(budget.costs, choice, strict=True))
        )
    )


class _Model:
    """The integer program of a problem, and the way back from its solutions."""

    def __init__(self, problem: Problem, conflicts: Sequence[Conflict]) -> None:
        self.groups = _alike(problem, {unit for each in conflicts for unit, _ in each.terms})
        self.sizes = [len(problem.losses[units[0]]) for units in self.groups]
        self.starts = [sum(self.sizes[:number]) for number in range(len(self.sizes))]
        self.least = sum(min(row) for row in problem.losses)
        self.unit_of_loss = _unit_of_loss(problem.losses)
        place = {units[0]: start for units, start in zip(self.groups, self.starts, strict=True)}
        costs: list[float] = []
        upper: list[int] = []
        lines: list[Line] = []
        for units, start, size in zip(self.groups, self.starts, self.sizes, strict=True):
            row = problem.losses[units[0]]
            costs += [(loss - min(row)) / self.unit_of_loss for loss in row]
            upper += [len(units)] * size
            every = range(start, start + size)
            lines.append(Line(every, [1.0] * size, len(units), len(units)))
        lines += filter(None, (self._within(budget) for budget in problem.budgets))
        for conflict in conflicts:
            columns = [place[unit] + c for unit, among in conflict.terms for c in sorted(among)]
            lines.append(Line(columns, [1.0] * len(columns), NO_BOUND, len(conflict.terms) - 1))
        self.program = Program(costs, upper, lines)

    def _within(self, budget: Budget) -> Line | None:
        """The row of a budget: in whole numbers, as small as possible, and half of one beyond."""
        rows = [[cost - min(row) for cost in row] for row in budget.costs]
        left = budget.limit - budget.fixed - sum(min(row) for row in budget.costs)
        step = gcd(*(cost for row in rows for cost in row))
        if step == 0:
            return None if left >= 0 else Line([0], [0.0], NO_BOUND, -1.0)
        columns: list[int] = []
        factors: list[int] = []
        for units, start in zip(self.groups, self.starts, strict=True):
            for number, cost in enumerate(rows[units[0]]):
                if cost:
                    columns.append(start + number)
                    factors.append(cost // step)
        scale = 1 << max(0, max(factors).bit_length() - MAX_FACTOR.bit_length())
        most = (left // step + 0.5) / scale
        return Line(columns, [factor / scale for factor in factors], NO_BOUND, most)

    def loss(self, cost: float) -> float:
        """The loss that a cost of the program stands for."""
        return self.least + cost * self.unit_of_loss

    def of(self, choice: Choice | None) -> list[int] | None:
        """The values of the columns for a choice."""
        if choice is None:
            return None
        values = [0] * sum(self.sizes)
        for units, start in zip(self.groups, self.starts, strict=True):
            for unit in units:
                values[start + choice[unit]] += 1
        return values

    def choice(self, solution: Solution) -> Choice | None:
        """The choice of a solution. The first of units that are alike have the first candidates."""
        if solution.values is None:
            return None
        chosen: dict[int, int] = {}
        for units, start, size in zip(self.groups, self.starts, self.sizes, strict=True):
            counts = solution.values[start : start + size]
            each = [number for number, count in enumerate(counts) for _ in range(count)]
            chosen.update(zip(units, each, strict=True))
        return tuple(chosen[unit] for unit in sorted(chosen))


def _alike(problem: Problem, apart: set[int]) -> list[list[int]]:
    """Units with the same losses and costs, together; those in `apart` are alone."""
    groups: dict[object, list[int]] = {}
    for unit, losses in enumerate(problem.losses):
        same = (losses, *(budget.costs[unit] for budget in problem.budgets))
        groups.setdefault(unit if unit in apart else same, []).append(unit)
    return list(groups.values())


def _unit_of_loss(losses: Sequence[Sequence[float]]) -> float:
    """The largest number that all differences of losses are multiples of, if they are whole."""
    differences = [loss - min(row) for row in losses for loss in row]
    if not all(float(each).is_integer() for each in differences):
        return 1.0
    return float(gcd(*map(int, differences)) or 1)
