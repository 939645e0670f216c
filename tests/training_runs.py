"""Stand-ins for training: runs that take no time, and runs in which the worker dies."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from running import run_gconv

from groupconv_cli.training.job import DataSource, Job, Outcome
from groupconv_cli.training.recipe import Recipe
from groupconv_cli.training.run import Diversity, Run

SPEC = """
name: small
input: [40, 1]
vars: {groups: 4, width: 8}
layers:
  - conv: {filters: $width, kernel: 5, stride: 2}
  - relu
  - conv: {filters: $width, kernel: 3, groups: $groups}
  - batch_norm
  - relu
  - global_avg_pool
  - dense: {units: 10}
"""
"""A network for the data below, and for mnist1d."""


DATA = "data.npz"


def write_data(path: Path, *, train: int = 80, test: int = 20) -> None:
    """Samples for the network, of ten classes."""
    random = np.random.default_rng(1)
    np.savez(
        path,
        x_train=random.normal(size=(train, 40, 1)),
        y_train=np.arange(train) % 10,
        x_test=random.normal(size=(test, 40, 1)),
        y_test=np.arange(test) % 10,
    )


def job(spec: str = "spec", seed: int = 0, *, source: str = "data", **changes: object) -> Job:
    """A job of which only what is given matters."""
    return Job(
        spec=spec,
        data=DataSource(source, None, 0, (40, 1), "digest"),
        recipe=Recipe().checked(),
        seed=seed,
        diversity=False,
        ignore_memory=False,
        versions=(("gconv", "1"),),
    )._replace(**changes)


def outcome(accuracy: float = 0.5, seed: int = 0, machine: str = "here") -> Outcome:
    return Outcome(Run(seed, accuracy, 1.5, 10, 2.0), machine)


def trained(given: Job) -> Outcome:
    """An accuracy that depends on the network and the seed, a tenth or less apart."""
    number = int(sha256(f"{given.spec} {given.seed}".encode()).hexdigest()[:4], 16)
    made = outcome(0.7 + number / 2**16 / 10, given.seed)
    if given.diversity:
        first, last = Diversity(3.0, 8, 0.375, 0.5, 0.25), Diversity(4.0, 8, 0.5, 0.4, 0.2)
        made = made._replace(run=made.run._replace(diversity=last, untrained=first))
    return made


def dies_once(given: Job) -> Outcome:
    """A run with seed 1 takes its process with it, the first time."""
    mark = Path(given.data.source, "died")
    if given.seed == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return trained(given)


def dies_with_seed_1(given: Job) -> Outcome:
    """A run with seed 1 takes its process with it, each time."""
    if given.seed == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return trained(given)


def stand_in(patch: Callable[..., None], run: Callable[[Job], Outcome] = trained) -> None:
    """Lets `train_networks` call this in place of `run_job`, in this process."""
    patch(
        "groupconv_cli.training.bench.run_job",
        lambda given, **_: run(given),
    )


def filled(folder: Path) -> Path:
    """The folder with a spec and data in it."""
    (folder / "small.yaml").write_text(SPEC, encoding="utf-8")
    write_data(folder / DATA)
    return folder


TRAIN = ("compare", "small.yaml", "--groups", "1,2,4,8", "--train", DATA)

ACCURACY = {1: 0.80, 2: 0.79, 4: 0.70, 8: 0.90}
"""The mean accuracy of each number of groups."""


def made_up(job: Job) -> Outcome:
    """Runs with a standard deviation of 1 % around the accuracies above."""
    groups = int(job.spec.partition("groups: ")[2].partition("}")[0].partition(",")[0] or 1)
    return outcome(ACCURACY[groups] + (0.01, -0.01, 0.0)[job.seed % 3], job.seed)


def data_of(*args: str | Path, cwd: Path) -> dict[str, Any]:
    result = run_gconv(*args, "-f", "json", cwd=cwd)
    assert (result.status, result.err) == (0, "")
    found: dict[str, Any] = json.loads(result.out)["trained"]
    return found
