"""A run as plain data."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from training_runs import DATA, SPEC, job, stand_in, write_data

from groupconv_cli import TrainSettings, UsageError, load, train
from groupconv_cli.errors import EnvironmentProblem, Source
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.training.job import Job, Outcome, run_job, versions
from groupconv_cli.training.recipe import Recipe


def test_versions_are_those_that_compute() -> None:
    import keras
    import tensorflow as tf

    from groupconv_cli import __version__

    assert dict(versions()) == {
        "gconv": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
    }


def test_a_worker_with_other_versions_refuses() -> None:
    with pytest.raises(EnvironmentProblem, match=r"keras .* in place of 2\.0"):
        run_job(job(versions=(("keras", "2.0"),)))


def test_data_that_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / DATA
    write_data(path)
    with pytest.raises(UsageError, match="has changed since the training began"):
        run_job(job(source=str(path), versions=versions()))


def test_a_job_is_plain_data_and_its_text_is_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = []

    def kept(given: Job) -> Outcome:
        jobs.append(given)
        raise KeyboardInterrupt

    stand_in(monkeypatch.setattr, kept)
    write_data(tmp_path / DATA)
    network = load(SpecFile(Source("small", SPEC)), groups=2)
    how = TrainSettings(recipe=Recipe(epochs=2))
    assert not train(network, tmp_path / DATA, [1], settings=how).complete
    (made,) = jobs
    assert pickle.loads(pickle.dumps(made)) == made
    assert b"groupconv_cli.network" not in pickle.dumps(made)
    again = SpecFile(Source("again", made.spec)).network()
    assert [node.op for node in again.nodes] == [node.op for node in network.nodes]
    assert made.recipe.epochs == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"seeds": 0}, "seeds must be a whole number of 1 to 1,000; got 0"),
        ({"seeds": 2.5}, "got 2.5"),
        ({"seeds": True}, "got True"),
        ({"seeds": None}, "got None"),
        ({"workers": 0}, "workers must be a whole number of 1 to 256; got 0"),
        ({"workers": 2, "cluster": "tcp://x"}, "leave one out"),
        ({"recipe": {"steps": 5}}, "recipe must be a Recipe"),
        ({"recipe": Recipe(steps=-1)}, "steps must be a whole number"),
        ({"results": ""}, "results is empty"),
        ({"results": 5}, "results must be the path of a file; got 5"),
        ({"cluster": 5}, "cluster must be the address of a scheduler, such as .*; got 5"),
        ({"test_share": "x"}, "test_share must be between 0 and 1; got 'x'"),
        ({"test_share": 1}, "test_share must be between 0 and 1; got 1"),
        ({"test_share": float("nan")}, "got nan"),
        ({"recipe": Recipe(optimizer=[])}, r"unknown optimizer \[\]"),  # type: ignore[arg-type]
        ({"recipe": Recipe(runtime={})}, r"training runs in gconv or keras; got \{\}"),  # type: ignore[arg-type]
        ({"recipe": Recipe(batch=10**6 + 1)}, "batch must be a whole number of 1 to 1,000,000;"),
    ],
)
def test_settings_are_checked(given: dict, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        TrainSettings(**given)


def test_numbers_of_numpy_are_kept_as_pythons_own() -> None:
    import numpy as np

    made = TrainSettings(seeds=np.int64(2), workers=np.int32(3), test_share=np.float32(0.5))  # type: ignore[arg-type]
    assert json.loads(json.dumps([made.seeds, made.workers, made.test_share])) == [2, 3, 0.5]


def test_data_has_to_be_named() -> None:
    network = load(SpecFile(Source("small", SPEC)))
    with pytest.raises(UsageError, match="data must be a path or 'mnist1d'; got list"):
        train(network, [1, 2], [1])  # type: ignore[arg-type]
