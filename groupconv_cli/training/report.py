"""The results of training: what the rows of a comparison lose or gain in accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING

from groupconv_cli.analysis.significance import Difference, Verdict
from groupconv_cli.ops.kinds import Value
from groupconv_cli.shown import Shown
from groupconv_cli.training.job import Outcome
from groupconv_cli.training.recipe import Recipe

if TYPE_CHECKING:
    from groupconv_cli.training.run import Diversity, Run


@dataclass(frozen=True, kw_only=True)
class TrainedData:
    """The data that all rows were trained and tested on."""

    name: str
    digest: str
    """The SHA-256 of its contents."""
    samples: int
    """Training samples."""
    test_samples: int
    classes: int


@dataclass(frozen=True, kw_only=True)
class TrainedRow:
    """A network of one row of a comparison, trained and tested with several seeds."""

    row: int
    """The index of its row."""
    groups: int | str
    settings: Mapping[str, Value] = field(default_factory=dict)
    """As in its row."""
    variant: str | None = None
    """The name of its row in a comparison of variants."""
    outcomes: tuple[Outcome, ...]
    """The runs with those seeds with which every row was trained, in the order of the seeds."""
    lost: Mapping[int, int] = field(default_factory=dict)
    """How many workers died in a run, by its seed, if it was given up."""
    difference: Difference | None = None
    """The accuracy less that of the reference; None in the reference and without a verdict."""
    p: float | None = None
    """The p value of the difference, adjusted for the number of rows by Holm's method."""
    verdict: Verdict | None
    """None without runs, in a row that lost one, and in every row if the reference lost one."""

    @property
    def is_whole(self) -> bool:
        """Whether it has runs, and none of its runs was given up."""
        return bool(self.outcomes) and not self.lost

    @property
    def has_diverged(self) -> bool:
        """Whether the training diverged in every run, so that no run tells anything."""
        return bool(self.outcomes) and all(run.has_diverged for run in self.runs)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs, in the order of the seeds."""
        return tuple(outcome.run for outcome in self.outcomes)

    @property
    def accuracies(self) -> list[float]:
        """The share of the test samples that each run has right."""
        return [run.accuracy for run in self.runs]

    @property
    def accuracy(self) -> float | None:
        """The mean of the accuracies; None without runs."""
        return fmean(self.accuracies) if self.runs else None

    @property
    def std(self) -> float | None:
        """The standard deviation of the accuracies; None with fewer than two runs."""
        return stdev(self.accuracies) if len(self.runs) > 1 else None

    @property
    def loss(self) -> float | None:
        """The mean loss on the test samples; None without runs, or if one diverged."""
        losses = [run.loss for run in self.runs if run.loss is not None]
        return fmean(losses) if losses and len(losses) == len(self.runs) else None

    @property
    def diversity(self) -> Diversity | None:
        """The means over the runs; None if it was not measured."""
        return _mean([run.diversity for run in self.runs])

    @property
    def untrained(self) -> Diversity | None:
        """The same before the first step."""
        return _mean([run.untrained for run in self.runs])

    @property
    def step_s(self) -> float | None:
        """The median over the runs of the seconds of a step; None without runs."""
        return median(run.seconds / run.steps for run in self.runs) if self.runs else None


@dataclass(frozen=True, kw_only=True, repr=False)
class GroupTraining(Shown):
    """The rows of a comparison, trained and tested."""

    data: TrainedData
    recipe: Recipe
    seeds: int
    """The runs of each row that were asked for."""
    at_once: int
    """The most runs that were trained at the same time."""
    rows: tuple[TrainedRow, ...]
    complete: bool
    """False if the training was interrupted, or an error ended it."""
    problem: Exception | None = None
    """The error that ended it."""

    @property
    def machines(self) -> frozenset[str]:
        """The names of the machines that trained."""
        return frozenset(each.machine for row in self.rows for each in row.outcomes)

    @property
    def whole_seeds(self) -> int:
        """The seeds with which every row was trained, except for runs that were given up."""
        return max((len(row.outcomes) + len(row.lost) for row in self.rows), default=0)

    @property
    def is_lost(self) -> bool:
        """Whether a run was given up."""
        return any(row.lost for row in self.rows)


def _mean(found: Sequence[Diversity | None]) -> Diversity | None:
    """Each number's mean; None for a number that one of them lacks, and if one is missing."""
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return None

    def mean(name: str) -> float | None:
        numbers = [getattr(each, name) for each in known]
        return None if None in numbers else fmean(numbers)

    return known[0]._replace(
        effective_rank=mean("effective_rank"),
        rank_share=mean("rank_share"),
        within=mean("within"),
        between=mean("between"),
    )
