"""Trains the rows of a comparison, each with several seeds, and compares their accuracies."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from groupconv_cli.analysis.measurement import Progress
from groupconv_cli.analysis.significance import Difference, Verdict, holm, verdict, welch
from groupconv_cli.builder.memory import check_training_memory
from groupconv_cli.errors import EnvironmentProblem, GconvError, UsageError
from groupconv_cli.language.writer import spec_text
from groupconv_cli.network import Network
from groupconv_cli.ops.kinds import Value
from groupconv_cli.runtime import load_keras, start_devices
from groupconv_cli.training.data import read_data
from groupconv_cli.training.fits import check_batch, check_rows_fit, check_trainable
from groupconv_cli.training.job import DataSource, Job, Outcome, run_job, versions
from groupconv_cli.training.mnist1d import NAME
from groupconv_cli.training.models import Models
from groupconv_cli.training.pool import Here, Place, Processes, run_all
from groupconv_cli.training.report import GroupTraining, TrainedData, TrainedRow
from groupconv_cli.training.results import Results, opened
from groupconv_cli.training.samples import Data
from groupconv_cli.training.settings import TrainSettings
from groupconv_cli.words import plural

SPLIT_SEED = 0
"""Data in one piece is split by the first seed, in all runs alike."""

NAMELESS = "network"
"""What every network is called while it is trained. No number depends on its own name."""


class Entry(NamedTuple):
    """A row that is to be trained."""

    row: int
    """The index of its row in the comparison."""
    label: str
    """What it is called while it runs."""
    network: Network
    groups: int | str
    settings: Mapping[str, Value] = {}
    variant: str | None = None


def train_networks(
    entries: Sequence[Entry],
    reference: int,
    source: str,
    settings: TrainSettings,
    progress: Progress,
) -> GroupTraining:
    """Trains and tests the networks of a comparison's rows with every seed.

    The accuracies are compared with those of the entry of the index `reference`. Rows with the same
    network are trained once. All rows are trained with one seed before the next seed begins. An
    interrupt ends the training; the result then has the seeds with which every row was trained. So
    does an error, which is the result's `problem`, unless there is no such seed.

    Raises the errors of `read_data`, `check_fits` and `train`, UsageError for a network that cannot
    be written as text, and EnvironmentProblem if a cluster fails.
    """
    progress("Reading the data", 0, 0)
    for entry in entries:
        check_trainable(entry.network)
    shape = entries[0].network.input_shape
    data = read_data(source, test_share=settings.test_share, seed=SPLIT_SEED, shape=shape)
    rows = {entry.label: entry.network for entry in entries}
    check_rows_fit(data, rows, {name for entry in entries for name in entry.settings})
    check_batch(data, settings.recipe.batch)
    jobs = _jobs(entries, source, data, settings)
    complete, at_once = True, 1
    problem: Exception | None = None
    with opened(settings.results) as results:
        watch = _Watch(entries, jobs, results, progress)
        if watch.missing:
            _check_memory(entries, jobs[0], watch.missing, settings)
            place = _place(settings, data, watch)
            at_once = place.at_once
            try:
                complete = run_all(watch.missing, place, watch.done, watch.look)
            except Exception as error:  # noqa: BLE001 - is kept with the result, or raised again
                complete, problem = False, error
                _tell_what_is_kept(error, len(watch.outcomes), settings)
    trained = GroupTraining(
        data=TrainedData(
            name=data.name,
            digest=data.digest,
            samples=len(data.x_train),
            test_samples=len(data.x_test),
            classes=data.classes,
        ),
        recipe=settings.recipe,
        seeds=settings.seeds,
        at_once=at_once,
        rows=_rows(entries, jobs, watch, reference),
        complete=complete,
        problem=problem,
    )
    if problem is not None and not trained.whole_seeds:
        raise problem
    return trained


def _check_memory(
    entries: Sequence[Entry], jobs: Sequence[Job], missing: Sequence[Job], settings: TrainSettings
) -> None:
    """Raises EnvironmentProblem if memory here is too small for a network that is to be trained."""
    if settings.ignore_memory or settings.cluster is not None:
        return
    wanted = {job.spec for job in missing}
    recipe = settings.recipe
    try:
        for entry, job in zip(entries, jobs, strict=True):
            if job.spec in wanted:
                dtype = recipe.dtype or "float32"
                check_training_memory(entry.network, recipe.batch, dtype, recipe.optimizer)
    except EnvironmentProblem:
        if not _has_gpu():
            raise


def _has_gpu() -> bool:
    """Whether TensorFlow has a GPU, whose memory it manages. It is loaded for that."""
    load_keras()
    start_devices()
    import tensorflow as tf

    return bool(tf.config.list_logical_devices("GPU"))


def _tell_what_is_kept(error: Exception, runs: int, settings: TrainSettings) -> None:
    """Adds to an error that the runs before it are in the file of results."""
    if runs and settings.results is not None and isinstance(error, GconvError):
        kept = f"{plural(runs, 'finished run')} {'is' if runs == 1 else 'are'} kept"
        error.details = (
            *error.details,
            f"{kept} in {settings.results}, and the same command goes on after them",
        )


def _jobs(
    entries: Sequence[Entry], source: str, data: Data, settings: TrainSettings
) -> list[list[Job]]:
    """For each seed the jobs of all entries."""
    if source != NAME:
        with suppress(OSError):
            path = Path(source)
            source = str(path.resolve()) if path.exists() else source
    where = DataSource(
        source, settings.test_share, SPLIT_SEED, entries[0].network.input_shape, data.digest
    )
    texts = [_text(entry.network) for entry in entries]
    found = versions()

    def job(text: str, seed: int) -> Job:
        return Job(
            spec=text,
            data=where,
            recipe=settings.recipe,
            seed=seed,
            diversity=settings.diversity,
            ignore_memory=settings.ignore_memory,
            versions=found,
        )

    return [[job(text, seed) for text in texts] for seed in range(settings.seeds)]


def _text(network: Network) -> str:
    """The text of the network without its name: equal networks are trained once."""
    nameless = copy(network)
    nameless.name = NAMELESS
    try:
        return spec_text(nameless, flat=True)
    except UsageError as error:
        raise UsageError(
            f"{network.name} cannot be trained here, for a run is sent as the text of a spec: "
            f"{error.message}",
            error.hint,
            error.details,
        ) from error


def _place(settings: TrainSettings, data: Data, watch: _Watch) -> Place:
    if settings.cluster is not None:
        from groupconv_cli.training.cluster import Cluster

        return Cluster(settings.cluster, data)
    if settings.workers is not None:
        return Processes(settings.workers, most=len(watch.missing))
    return Here(partial(run_job, data=data, progress=watch.step, models=Models()))


class _Watch:
    """What is done so far, for the bar and for the report."""

    def __init__(
        self,
        entries: Sequence[Entry],
        jobs: Sequence[Sequence[Job]],
        results: Results,
        progress: Progress,
    ) -> None:
        self._results = results
        self._progress = progress
        self._labels = {
            job.key: entry.label
            for of_seed in jobs
            for entry, job in zip(entries, of_seed, strict=True)
        }
        every = {job.key: job for of_seed in jobs for job in of_seed}
        self.outcomes: dict[str, Outcome] = {}
        self.lost: dict[str, int] = {}
        for key, job in every.items():
            found = results.get(job)
            if found is not None:
                self.outcomes[key] = found
        self.missing = [job for key, job in every.items() if key not in self.outcomes]
        self._wanted = len(every)
        self._kept = len(self.outcomes)
        self._began = time.monotonic()
        self._share = 0.0
        """The part of the current run that is done, if it runs in this process."""
        self._last = ""

    def done(self, job: Job, outcome: Outcome | int) -> None:
        """Keeps the outcome of a run, or the number of workers that died in it."""
        self._share = 0.0
        if isinstance(outcome, int):
            self.lost[job.key] = outcome
            return
        label = self._labels[job.key]
        self.outcomes[job.key] = outcome
        self._results.keep(job, outcome, label)
        same = [key for key, name in self._labels.items() if name == label]
        reached = [self.outcomes[key].run.accuracy for key in same if key in self.outcomes]
        self._last = f", {label}: {100 * fmean(reached):.1f} %"

    def step(self, done: int, total: int) -> None:
        """Shows how far the current run is."""
        self._share = done / total
        self.look()

    def look(self) -> None:
        """Shows the runs that are done, the accuracy of the last row, and the time left."""
        ended = len(self.outcomes) + len(self.lost)
        new = ended - self._kept + self._share
        gone = time.monotonic() - self._began
        expected = gone / new * (self._wanted - self._kept) if new else 0.0
        runs = plural(self._wanted, "run")
        self._progress(f"Trained {ended} of {runs}{self._last}", gone, expected)


def _rows(
    entries: Sequence[Entry], jobs: Sequence[Sequence[Job]], watch: _Watch, reference: int
) -> tuple[TrainedRow, ...]:
    """The rows with their runs, each compared with the reference."""
    ended = {*watch.outcomes, *watch.lost}
    whole = [of_seed for of_seed in jobs if {job.key for job in of_seed} <= ended]
    rows = []
    for number, entry in enumerate(entries):
        own = [of_seed[number] for of_seed in whole]
        rows.append(
            TrainedRow(
                row=entry.row,
                groups=entry.groups,
                settings=entry.settings,
                variant=entry.variant,
                outcomes=tuple(watch.outcomes[j.key] for j in own if j.key in watch.outcomes),
                lost={job.seed: watch.lost[job.key] for job in own if job.key in watch.lost},
                verdict=None,
            )
        )
    same = [job.spec for job in jobs[0]]
    return compared(rows, same, reference)


def compared(
    rows: Sequence[TrainedRow], same: Sequence[str], reference: int
) -> tuple[TrainedRow, ...]:
    """The rows with the difference of each to the reference, and the verdict on it.

    Rows with the same text in `same` are the same network, and count as one test. A row that lost a
    run is not compared, and none is if the reference did.
    """
    base = rows[reference]
    tests = {
        text: _of_shares(welch(row.accuracies, base.accuracies))
        for text, row in zip(same, rows, strict=True)
        if text != same[reference] and row.is_whole and base.is_whole
    }
    adjusted = dict(zip(tests, holm([test.p for test in tests.values()]), strict=True))
    found = []
    for text, row in zip(same, rows, strict=True):
        if text == same[reference] and row.is_whole:
            row = replace(row, verdict=Verdict.REFERENCE)  # noqa: PLW2901
        elif text in tests:
            row = replace(  # noqa: PLW2901
                row,
                difference=tests[text],
                p=adjusted[text],
                verdict=verdict(tests[text], adjusted[text]),
            )
        found.append(row)
    return tuple(found)


def _of_shares(found: Difference) -> Difference:
    """The difference with the part of its interval that differences of two shares can be in."""
    if found.interval is None:
        return found
    low, high = found.interval
    return found._replace(interval=(max(low, -1.0), min(high, 1.0)))
