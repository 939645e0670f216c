"""One run as plain data, which any process can train: here, in a worker, or on another machine."""

from __future__ import annotations

import json
import platform
import threading
from collections.abc import Callable
from functools import cache, lru_cache
from hashlib import sha256
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NamedTuple

from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.ops.base import Shape
from groupconv_cli.training.recipe import Recipe
from groupconv_cli.version import __version__
from groupconv_cli.words import joined

if TYPE_CHECKING:
    from groupconv_cli.training.models import Models
    from groupconv_cli.training.run import Run
    from groupconv_cli.training.samples import Data

FRAMEWORK = ("keras", "tensorflow")

_one_at_a_time = threading.Lock()
"""A worker of Dask may have several threads, and runs share the generators of a process."""


class DataSource(NamedTuple):
    """The data of a run: where it is, how it is split, and the hash of its contents."""

    source: str
    test_share: float | None
    seed: int
    """The seed of the split."""
    shape: Shape
    """The shape of a sample, to which images are resized."""
    digest: str
    """The hash of the contents after all of that."""


class Job(NamedTuple):
    """A run that is to be trained."""

    spec: str
    """The network as the text of a spec, each layer an item."""
    data: DataSource
    recipe: Recipe
    seed: int
    diversity: bool
    ignore_memory: bool
    versions: tuple[tuple[str, str], ...]
    """The names and versions of what computes, as in `versions`."""

    @property
    def key(self) -> str:
        """The hash of all that the numbers of the run depend on."""
        parts = [
            self.spec,
            self.data.digest,
            self.recipe._asdict(),
            self.seed,
            [list(each) for each in self.versions],
        ]
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Outcome(NamedTuple):
    """A finished run, and the machine that trained it."""

    run: Run
    machine: str


def versions() -> tuple[tuple[str, str], ...]:
    """The versions on which a run's numbers depend. TensorFlow is not loaded for it."""
    return (("gconv", __version__), *((name, _version(name)) for name in FRAMEWORK))


def _version(module: str) -> str:
    try:
        return version(module)
    except PackageNotFoundError:  # the package has another name, such as tensorflow-cpu
        from groupconv_cli.runtime import load_keras

        load_keras()
        return str(import_module(module).__version__)


def run_job(
    job: Job,
    data: Data | None = None,
    progress: Callable[[int, int], None] | None = None,
    models: Models | None = None,
) -> Outcome:
    """Trains and tests the network of a job, on `data` if it is at hand.

    `progress` is called with the steps that are done and the steps in all. `models` has those of
    runs before.

    Raises EnvironmentProblem if the versions here are not those of the job, UsageError if the data
    is not, and the errors of `train`.
    """
    check_versions(job.versions)
    with _one_at_a_time:
        from groupconv_cli.training.models import network_of
        from groupconv_cli.training.train import train

        data = data or _data(job.data)
        if data.digest != job.data.digest:
            raise UsageError(f"{job.data.source} has changed since the training began")
        run = train(
            network_of(job.spec) if models is None else models.network(job.spec),
            data,
            job.recipe,
            job.seed,
            diversity=job.diversity,
            progress=progress,
            ignore_memory=job.ignore_memory,
            models=models,
        )
    return Outcome(run, platform.node())


def run_in_turn(job: Job) -> Outcome:
    """A job of a process that trains jobs of one comparison only, and keeps their models."""
    return run_job(job, models=_models())


@cache
def _models() -> Models:
    from groupconv_cli.training.models import Models

    return Models()


@lru_cache(maxsize=1)
def _data(wanted: DataSource) -> Data:
    from groupconv_cli.training.data import read_data

    share, seed = wanted.test_share, wanted.seed
    return read_data(wanted.source, test_share=share, seed=seed, shape=wanted.shape)


def check_versions(wanted: tuple[tuple[str, str], ...]) -> None:
    """Raises EnvironmentProblem unless these are the versions here."""
    here = dict(versions())
    different = [
        f"{name} {here[name]} in place of {there}"
        for name, there in wanted
        if here.get(name) != there
    ]
    if different:
        raise EnvironmentProblem(
            f"the worker on {platform.node()} has {joined(different)}",
            "runs can be compared only if the same versions trained them",
        )
