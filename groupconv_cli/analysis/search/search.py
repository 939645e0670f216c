"""The best group counts of a network within budgets, by a stated value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import log2, prod

from groupconv_cli.analysis.search.knapsack import Budget, Choice, Outcome, Problem, Search
from groupconv_cli.analysis.search.mixing import Mixing
from groupconv_cli.analysis.search.options import SearchOptions, check
from groupconv_cli.analysis.search.report import (
    BudgetUse,
    ChangedConvolution,
    Frontier,
    FrontierPoint,
    SearchReport,
    UniformChoice,
)
from groupconv_cli.analysis.search.single import single_choices, single_counts
from groupconv_cli.analysis.search.ties import as_good_as, cost_losses, log_losses
from groupconv_cli.analysis.search.times import Taken, Timer, TimeUse
from groupconv_cli.analysis.search.timing import TimeModel, layers_to_time, phases_of
from groupconv_cli.analysis.search.units import Unit, units_of, with_counts
from groupconv_cli.analysis.search.unreachable import more_time, unreachable
from groupconv_cli.analysis.totals import Totals, activations, shifted, total
from groupconv_cli.errors import UnreachableBudget, UsageError
from groupconv_cli.network import Network
from groupconv_cli.policy.limits import Ceiling
from groupconv_cli.policy.times import TIMES
from groupconv_cli.policy.totals import METRICS
from groupconv_cli.words import joined


def search(
    network: Network,
    limits: Mapping[str, object],
    options: SearchOptions,
    timer: Timer | None = None,
) -> SearchReport:
    """The choice of group counts that keeps most within the limits.

    `limits` has amounts (2G, 80MB) or shares of the network as written (50%) by the names of
    `policy.totals.BUDGETED`, and with a timer times (20ms, 50%) by those of `policy.times.TIMES`.

    Raises UnreachableBudget if no choice is within the limits, or none was found in time;
    UsageError for options that mean nothing; EnvironmentProblem if HiGHS is not installed.
    """
    ceilings = check(limits, options)
    return _Task(network, ceilings, options, timer).report()


FOR_RESULT = 1 / 3
"""The share of the time for the choice within the budgets themselves, if a frontier follows."""

FOR_EXTREMES = 1 / 6
"""The share of the time for each extreme of a frontier. The least may be hard to prove, and the
best that is found serves as well."""

FOR_TIES = 1 / 4
"""The share of the time that is left for the choice between those of the same value."""


def _as_losses(budget: Budget) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, row)) for row in budget.costs)


class _Task:
    """One search: the network, its units, and the solver with all that it has learned."""

    def __init__(
        self,
        network: Network,
        ceilings: list[Ceiling],
        options: SearchOptions,
        timer: Timer | None,
    ) -> None:
        self.network = network
        self.options = options
        self.before = total(network, options.dtype)
        self._refuse_unknown(ceilings)
        self.units = units_of(
            network,
            options.per,
            only=options.only,
            except_=options.except_,
            groups=options.groups,
            dtype=options.dtype,
        )
        self.activations = activations(network, options.dtype)
        self.taken: Taken | None = None
        self.models: dict[str, TimeModel] = {}
        self.shares = {each.metric for each in ceilings if each.is_share}
        timed = [each.metric for each in ceilings if each.metric in TIMES]
        if timed:
            if timer is None:
                raise ValueError("a limit on times needs a timer")
            layers = layers_to_time(network, self.units)
            self.taken = timer(network, layers, phases_of(timed))
            for name in timed:
                times = self.taken.times[TIMES[name].phase]
                self.models[name] = TimeModel(network, self.units, name, times)
        self.budgets = tuple(map(self._budget, ceilings))
        self.solver = Search(options.time_limit)
        self.mixing = None if options.allow_unmixed else Mixing(network, self.units)
        self.losses = tuple(map(self._losses, self.units.units))
        self.written = tuple(map(self._as_written, self.units.units))

    def _refuse_unknown(self, ceilings: list[Ceiling]) -> None:
        counted = [each.metric for each in ceilings if each.metric in METRICS]
        of_macs = [name for name in counted if METRICS[name].is_of_macs]
        if self.options.keep == "macs":
            of_macs.append("macs")
        if self.before.unknown and of_macs:
            raise UsageError(
                f"{METRICS[of_macs[0]].title} cannot be counted: gconv does not know the MACs of "
                f"{joined(self.before.unknown)}",
                "--max-params and --max-memory can",
            )

    def _budget(self, ceiling: Ceiling) -> Budget:
        """The linear budget of a metric: what each unit costs, and what the rest costs."""
        if ceiling.metric in self.models:
            return self.models[ceiling.metric].budget(ceiling)
        wanted = METRICS[ceiling.metric]
        limit = ceiling.allowed(self.before.metric(wanted))
        # With the first candidates all costs are known; another candidate adds to one unit's.
        first = self.totals((0,) * len(self.units.units))
        amount = first.metric(wanted)

        def costs(unit: Unit) -> tuple[int, ...]:
            return tuple(
                shifted(
                    first,
                    params=params - unit.params[0],
                    macs=macs - unit.macs[0],
                    stored=stored - unit.stored[0],
                    read=read - unit.read[0],
                ).metric(wanted)
                - amount
                for params, macs, stored, read in zip(
                    unit.params, unit.macs, unit.stored, unit.read, strict=True
                )
            )

        return Budget(ceiling.metric, limit, amount, tuple(map(costs, self.units.units)))

    def _as_written(self, unit: Unit) -> int:
        """The candidate that the network as written has; the first if it has several or none."""
        counts = {self.network.nodes[index].groups for index in unit.convolutions}
        return next((n for n, count in enumerate(unit.counts) if counts == {count}), 0)

    def totals(self, choice: Choice) -> Totals:
        """The costs of the network with a choice."""
        return total(self.chosen(choice), self.options.dtype, self.activations)

    def chosen(self, choice: Choice) -> Network:
        """The network with a choice."""
        return with_counts(self.network, self.units.counts(choice))

    def _losses(self, unit: Unit) -> tuple[float, ...]:
        if self.options.keep == "connections":
            return tuple(len(unit.convolutions) * log2(count) for count in unit.counts)
        kept = unit.params if self.options.keep == "params" else unit.macs
        return tuple(float(-cost) for cost in kept)

    def value(self, choice: Choice) -> float:
        """What is maximized, from whole numbers."""
        if self.options.keep == "connections":
            return -log2(prod(self.units.counts(choice).values())) + 0.0  # no -0.0
        return self.totals(choice).metric(METRICS[self.options.keep])

    def best(self, budgets: tuple[Budget, ...], share: float = 1.0) -> Outcome:
        """The best choice within budgets, in a share of the time that is left."""
        return self.solver.best(self._problem(self.losses, budgets), share)

    def _cheapest(self, outcome: Outcome, budgets: tuple[Budget, ...]) -> Outcome:
        """A proven outcome with the choice that costs least of all that have its value.

        The cost is that of the first budget, also where `budgets`, which are kept, leave it out.
        """
        whole = log_losses(self.units.units) if self.options.keep == "connections" else self.losses
        if outcome.choice is None or not outcome.is_proven or whole is None:
            return outcome
        losses = cost_losses(self.units.units, self.budgets[0])
        within = (*budgets, as_good_as(outcome.choice, whole))
        found = self.solver.best(self._problem(losses, within), FOR_TIES).choice
        if found is None or self.value(found) != self.value(outcome.choice):
            return outcome
        return outcome._replace(choice=found)

    def _problem(
        self, losses: tuple[tuple[float, ...], ...], budgets: tuple[Budget, ...]
    ) -> Problem:
        if self.mixing is None:
            return Problem(losses, budgets, lambda *_: (), start=self.written)
        mixing = self.mixing
        return Problem(losses, budgets, mixing.conflicts, mixing.suspected, self.written)

    def least(self, metric: Budget, others: tuple[Budget, ...], share: float = 1.0) -> Outcome:
        """The choice that costs least in one metric, in a share of the time that is left."""
        return self.solver.best(self._problem(_as_losses(metric), others), share)

    def _unreachable(self, *, is_proven: bool) -> UnreachableBudget:
        nodes = self.network.nodes

        def counts(choice: Choice) -> dict[str, int]:
            return {nodes[i].name: count for i, count in self.units.counts(choice).items()}

        def unmixed(metric: Budget, others: tuple[Budget, ...]) -> Outcome:
            solver = Search(self.options.time_limit)
            return solver.best(Problem(_as_losses(metric), others, lambda *_: ()))

        ignoring = unmixed if self.mixing else None
        return unreachable(
            self.budgets,
            self.least,
            counts,
            ignoring,
            is_proven=is_proven,
            seconds=self.options.time_limit,
        )

    def bound(self, outcome: Outcome) -> float:
        """The largest value that is still possible."""
        if self.options.keep == "connections":
            return -outcome.bound
        first = (0,) * len(self.losses)
        return self.value(first) + sum(row[0] for row in self.losses) - outcome.bound

    def report(self) -> SearchReport:
        """The result. Raises UnreachableBudget if there is none."""
        share = FOR_RESULT if self.options.frontier else 1.0
        outcome = self._cheapest(self.best(self.budgets, share), self.budgets)
        choice = outcome.choice
        if choice is None:
            raise self._unreachable(is_proven=outcome.is_proven)
        network = self.chosen(choice)
        counts = self.units.counts(choice)
        after = self.totals(choice)
        nodes = self.network.nodes
        value = self.value(choice)
        uniform = self._uniform()
        return SearchReport(
            name=self.network.name,
            inputs=self.network.input_shapes,
            dtype=self.options.dtype or self.network.dtype,
            keep=self.options.keep,
            per=self.options.per,
            budgets=tuple(
                BudgetUse(each.metric, each.limit, each.used(choice), self._written(each.metric))
                for each in self.budgets
            ),
            value=value,
            bound=value if outcome.is_proven else max(value, self.bound(outcome)),
            optimal=outcome.is_proven,
            is_unmixed_allowed=self.options.allow_unmixed,
            choice={nodes[index].name: count for index, count in counts.items()},
            changes=tuple(
                ChangedConvolution(
                    name=node.name,
                    before=node.groups or 1,
                    after=network.nodes[index].groups or 1,
                    window=node.op.window,
                    output_shape=node.shape,
                    cost_before=node.cost,
                    cost=network.nodes[index].cost,
                    path=node.path,
                    item=node.item,
                )
                for index, node in enumerate(nodes)
                if index in counts and node.groups != counts[index]
            ),
            unchanged=tuple(nodes[index].name for index in self.units.unchanged),
            before=self.before,
            after=after,
            uniform=uniform,
            singles=single_counts(self.units.units, self.budgets, self.value, self._is_allowed),
            written_value=self._written_value(),
            frontier=self._frontier() if self.options.frontier else None,
            network=network,
            times=tuple(self._times(choice, uniform)),
            taken=self.taken,
        )

    def _written(self, metric: str) -> int:
        """What the network as written uses."""
        if metric in self.models:
            return self.models[metric].times.whole
        return self.before.metric(METRICS[metric])

    def _times(self, choice: Choice, uniform: UniformChoice | None) -> Iterator[TimeUse]:
        counts, nodes, units = self.units.counts(choice), self.network.nodes, self.units.units
        for budget in self.budgets:
            if model := self.models.get(budget.metric):
                same = uniform and tuple(unit.counts.index(uniform.groups) for unit in units)
                yield TimeUse(
                    metric=budget.metric,
                    limit=budget.limit,
                    before=model.times.whole,
                    predicted=budget.used(choice),
                    layers={
                        nodes[index].name: model.change(index, count)
                        for index, count in counts.items()
                        if nodes[index].groups != count
                    },
                    uniform=budget.used(same) if same else None,
                    is_share=budget.metric in self.shares,
                )

    def _is_allowed(self, choice: Choice) -> bool:
        return self.mixing is None or self.mixing.allows(choice)

    def _written_value(self) -> float:
        if self.options.keep != "connections":
            return self.before.metric(METRICS[self.options.keep])
        nodes = self.network.nodes
        changing = [index for unit in self.units.units for index in unit.convolutions]
        return -log2(prod(nodes[index].groups or 1 for index in changing)) + 0.0

    def _uniform(self) -> UniformChoice | None:
        """The best single count within the same budgets, and without the same conflicts."""
        fitting = [
            (self.value(choice), count, choice)
            for count, choice in single_choices(self.units.units).items()
            if all(budget.is_kept(choice) for budget in self.budgets)
        ]
        fitting.sort(key=lambda each: (-each[0], each[1]))
        for value, count, choice in fitting:
            if self._is_allowed(choice):
                return UniformChoice(count, value, self.totals(choice))
        return None

    def _frontier(self) -> Frontier:
        """The best values within budgets from the least that is possible to what costs nothing."""
        points = self.options.frontier or 2
        varied, *others = self.budgets
        least = self.least(varied, tuple(others), FOR_EXTREMES).choice
        most = self._cheapest(self.best(tuple(others), FOR_EXTREMES), tuple(others)).choice
        if least is None or most is None:
            raise UnreachableBudget(
                "the extremes of the frontier were not found in time",
                more_time(self.options.time_limit),
            )
        low, high = varied.used(least), varied.used(most)
        made = []
        for number in range(points):
            limit = low + (high - low) * number // (points - 1)
            share = 1 / (points - number)
            within = (varied._replace(limit=limit), *others)
            outcome = self._cheapest(self.best(within, share), within)
            choice = outcome.choice
            if choice is None:  # in the time that was left
                choice = least
            value = self.value(choice)
            bound = value if outcome.is_proven else max(value, self.bound(outcome))
            made.append(FrontierPoint(limit, varied.used(choice), value, bound, outcome.is_proven))
        return Frontier(varied.metric, tuple(made))
