"""The loop over runs, and processes that die."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from running import PATIENCE, ROOT
from training_runs import dies_once, dies_with_seed_1, job, outcome, trained

from groupconv_cli.errors import UsageError
from groupconv_cli.training.job import Job, Outcome
from groupconv_cli.training.pool import Here, Place, Processes, run_all

JOBS = [job(spec, seed) for seed in range(3) for spec in ("a", "b")]


def run(place: Place, jobs: list[Job]) -> tuple[bool, list[tuple[Job, Outcome | int]]]:
    done: list[tuple[Job, Outcome | int]] = []
    finished = run_all(jobs, place, lambda *each: done.append(each), lambda: None)
    return finished, done


def test_runs_here_are_in_their_order() -> None:
    finished, done = run(Here(trained), JOBS)
    assert finished
    assert [each for each, _ in done] == JOBS
    assert [found for _, found in done] == [trained(each) for each in JOBS]


def test_an_interrupt_leaves_the_runs_before_it() -> None:
    def interrupted(given: Job) -> Outcome:
        if given.seed == 1:
            raise KeyboardInterrupt
        return outcome()

    finished, done = run(Here(interrupted), JOBS)
    assert (finished, len(done)) == (False, 2)


def test_an_error_of_a_run_ends_all() -> None:
    def wrong(_given: Job) -> Outcome:
        raise UsageError("no")

    with pytest.raises(UsageError, match="no"):
        run(Here(wrong), JOBS)


def test_processes_give_the_same_as_this_one() -> None:
    finished, done = run(Processes(2, trained), JOBS)
    assert finished
    assert {each.key: found for each, found in done} == {e.key: trained(e) for e in JOBS}


def test_a_run_whose_process_died_is_run_again(tmp_path: Path) -> None:
    jobs = [each._replace(data=each.data._replace(source=str(tmp_path))) for each in JOBS]
    _, done = run(Processes(2, dies_once), jobs)
    assert (tmp_path / "died").exists()
    assert {each.key: found for each, found in done} == {e.key: trained(e) for e in jobs}


def test_a_script_that_starts_processes_when_it_is_read_is_told_so(tmp_path: Path) -> None:
    """Each process reads the script again, and would start others without end."""
    script = tmp_path / "script.py"
    script.write_text(
        "from training_runs import job, trained\n"
        "from groupconv_cli.errors import EnvironmentProblem\n"
        "from groupconv_cli.training.pool import Processes, run_all\n"
        "try:\n"
        "    run_all([job()], Processes(1, trained), lambda *each: print(each), lambda: None)\n"
        "except EnvironmentProblem as error:\n"
        "    print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    done = subprocess.run(
        [sys.executable, script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    said, remedy = done.stdout.splitlines()
    assert said == "a process that is to train ended before its first run"
    assert remedy.endswith('begin its work under `if __name__ == "__main__":`')


def test_an_interrupt_while_processes_end_loses_no_run() -> None:
    class Slow(Here):
        stops: ClassVar[list[bool]] = []

        def stop(self, *, finished: bool) -> None:
            self.stops.append(finished)
            if finished:
                raise KeyboardInterrupt

    finished, done = run(Slow(trained), JOBS)
    assert (finished, len(done)) == (True, len(JOBS))
    assert Slow.stops == [True, False]


def test_a_run_is_given_up_after_three_deaths_and_no_other_is() -> None:
    """Each death costs a new process; another run is in the other process meanwhile."""
    jobs = [job("a", 0), job("a", 1), job("b", 0)]
    _, done = run(Processes(2, dies_with_seed_1), jobs)
    assert {(each.spec, each.seed): found for each, found in done} == {
        (each.spec, each.seed): 3 if each.seed == 1 else trained(each) for each in jobs
    }
