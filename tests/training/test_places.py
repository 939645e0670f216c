"""Real training: a killed run, several processes, and the workers of a cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from running import GCONV, PATIENCE, clean_environment, run_gconv
from training_runs import DATA, filled, stand_in, trained

from groupconv_cli.training.job import Job, Outcome

COMMAND = ("compare", "small.yaml", "--groups", "1,4", "--train", DATA, "-f", "json")
SHORT = (*COMMAND, "--seeds", "1", "--steps", "3", "--batch", "8")
"""Two runs, of a network each."""

Numbers = dict[str, list[tuple[float, float]]]
"""The accuracy and the loss of every run of each row."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return filled(tmp_path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    """What the command gives in one go, in this process."""
    result = run_gconv(*SHORT, cwd=filled(tmp_path_factory.mktemp("undisturbed")))
    assert (result.status, result.err) == (0, "")
    return numbers(result.out)


def numbers(out: str) -> Numbers:
    rows = json.loads(out)["trained"]["rows"]
    return {row["groups"]: [(run["accuracy"], run["loss"]) for run in row["runs"]] for row in rows}


def started(folder: Path, *args: str, out: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """A process with a group of its own. `out` is where both of its streams go."""
    environment = clean_environment()
    return subprocess.Popen(
        args, cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True
    )


def until(is_so: Callable[[], Any]) -> Any:
    """Waits until it is so; returns what it gave."""
    end = time.monotonic() + PATIENCE
    while not (found := is_so()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_what_is_finished_is_not_trained_again(folder: Path) -> None:
    keeping = (*SHORT, "--results", "runs.jsonl")
    file = folder / "runs.jsonl"
    first = run_gconv(*keeping, cwd=folder)
    assert (first.status, first.err) == (0, "")
    whole = file.read_bytes()
    second = whole.rindex(b"\n", 0, -1) + 1
    file.write_bytes(whole[: second + 9])
    again = run_gconv(*keeping, cwd=folder)
    assert (again.status, again.err) == (0, "")
    assert numbers(again.out) == numbers(first.out)
    assert file.read_bytes().startswith(whole[:second])
    assert len(file.read_bytes().splitlines()) == 1 + 2


KILLED = """
import sys
sys.path.append(sys.argv.pop(1))
from unittest.mock import patch
from training_runs import dies_with_seed_1, stand_in
from groupconv_cli.cli.app import main
stand_in(lambda name, run: patch(name, run).start(), dies_with_seed_1)
main()
"""
"""A command that is killed when every network has been trained once, by the stand-in."""


def test_what_was_finished_before_a_kill_9_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping = (*COMMAND, "--seeds", "2", "--results", "runs.jsonl")
    process = started(
        folder, sys.executable, "-c", KILLED, str(Path(__file__).parent.parent), *keeping
    )
    assert process.wait(timeout=PATIENCE) == -signal.SIGKILL
    kept = (folder / "runs.jsonl").read_bytes()
    assert kept.count(b"\n") == 1 + 2
    assert kept.endswith(b"\n")
    seeds = []

    def counted(given: Job) -> Outcome:
        seeds.append(given.seed)
        return trained(given)

    stand_in(monkeypatch.setattr, counted)
    again = run_gconv(*keeping, cwd=folder)
    assert (again.status, again.err) == (0, "")
    assert seeds == [1, 1]
    assert (folder / "runs.jsonl").read_bytes().startswith(kept)
    undisturbed = run_gconv(*COMMAND, "--seeds", "2", cwd=folder)
    assert numbers(again.out) == numbers(undisturbed.out)


@pytest.mark.nightly
@pytest.mark.both_ends
def test_after_kill_9_the_same_command_gives_the_undisturbed_numbers(
    folder: Path, undisturbed: Numbers
) -> None:
    keeping = (*SHORT, "--results", "runs.jsonl")
    file = folder / "runs.jsonl"
    process = started(folder, *GCONV, *keeping)
    until(lambda: file.exists() and file.read_bytes().count(b"\n") > 1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = file.read_bytes()
    again = run_gconv(*keeping, cwd=folder)
    assert (again.status, again.err) == (0, "")
    assert numbers(again.out) == undisturbed
    assert file.read_bytes().startswith(kept[: kept.rindex(b"\n") + 1])
    assert len(file.read_bytes().splitlines()) == 1 + 2


@pytest.mark.nightly
@pytest.mark.parametrize("where", [(), ("--workers", "2")], ids=["here", "processes"])
def test_ctrl_c_prints_what_is_whole(where: tuple[str, ...], folder: Path) -> None:
    """The whole group of processes gets the signal, as from a terminal."""
    file = folder / "runs.jsonl"
    keeping = (*COMMAND, "--steps", "3", "--batch", "8", "--seeds", "999", "--results", file.name)
    process = started(folder, *GCONV, *keeping, *where, out=subprocess.PIPE)
    until(lambda: file.exists() and file.read_bytes().count(b"\n") > 3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, b"gconv: interrupted; the same command goes on\n")
    assert not json.loads(out)["trained"]["complete"]
    runs = numbers(out.decode())
    assert len(runs[1]) == len(runs[4]) >= 1


@pytest.mark.nightly
def test_processes_give_the_numbers_of_this_one_and_end_with_it(
    folder: Path, undisturbed: Numbers
) -> None:
    several = run_gconv(*SHORT, "--workers", "2", cwd=folder)
    assert (several.status, several.err) == (0, "")
    assert numbers(several.out) == undisturbed
    process = started(folder, *GCONV, *COMMAND, "--steps", "100000", "--workers", "2")
    workers = until(lambda: len(found := children(process.pid)) >= 2 and found)
    process.kill()
    process.wait()
    until(lambda: not any(map(is_alive, workers)))


def children(pid: int) -> list[int]:
    import psutil

    try:
        found = psutil.Process(pid).children(recursive=True)
        return [each.pid for each in found if "spawn_main" in " ".join(each.cmdline())]
    except psutil.Error:
        return []


def is_alive(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Cluster:
    """A Dask scheduler and two workers, as processes on the loopback address."""

    def __init__(self, folder: Path) -> None:
        file = folder / "scheduler.json"
        begin = (sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard")
        where = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        self.processes = [started(folder, *begin, *where)]
        until(file.exists)
        self.address: str = json.loads(file.read_text())["address"]
        worker = (sys.executable, "-m", "distributed.cli.dask_worker", self.address)
        once = ("--no-nanny", "--no-dashboard", "--nthreads", "1", "--host", "127.0.0.1")
        self.workers = [started(folder, *worker, *once) for _ in range(2)]
        self.processes += self.workers

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.mark.parametrize("address", ["nowhere", "tcp://127.0.0.1"])
def test_an_address_that_no_scheduler_has_is_an_error(address: str, folder: Path) -> None:
    pytest.importorskip("distributed")
    result = run_gconv(*SHORT, "--cluster", address, cwd=folder)
    assert (result.status, result.out) == (3, "")
    assert f"no Dask scheduler answers at {address}: " in " ".join(result.err.split())


@pytest.fixture
def cluster(folder: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    made = Cluster(folder)
    yield made
    made.stop()


@pytest.mark.nightly
def test_a_cluster_that_loses_a_worker_in_a_run_gives_the_numbers_of_a_local_run(
    folder: Path, cluster: Cluster, undisturbed: Numbers
) -> None:
    import distributed

    with distributed.Client(cluster.address) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        process = subprocess.Popen(
            [*GCONV, *SHORT, "--cluster", cluster.address],
            cwd=folder,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        pids = client.run(os.getpid)
        address = until(
            lambda: next((each for each, tasks in client.processing().items() if tasks), None)
        )
        os.kill(pids[address], signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, b"")
    assert numbers(out.decode()) == undisturbed
