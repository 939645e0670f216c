"""Where runs are trained: in this process, in several here, or by the workers of a cluster.

All three are executors of `concurrent.futures`, and one loop drives them.
"""

from __future__ import annotations

import os
import signal
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from multiprocessing import connection, current_process, parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.synchronize import Event
from threading import Thread
from typing import Any, NamedTuple

from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.training.job import Job, Outcome, run_in_turn

MOST_DEATHS = 3
"""The workers that may die in a run before it is given up."""

WORKER = "gconv-worker"
"""The name of processes that train."""

UNGUARDED = 70
"""The exit status of a process that was to train, and would have started others instead."""

POLL = 0.5
"""Seconds between two looks at the clock, and at the workers that a cluster has."""


class Place(ABC):
    """A place where runs are trained."""

    died: tuple[type[BaseException], ...] = ()
    """The errors that mean that the worker of a run has died."""

    @property
    @abstractmethod
    def at_once(self) -> int:
        """The runs that can be trained at the same time now."""

    @abstractmethod
    def submit(self, job: Job) -> Future[Outcome]:
        """Begins a run."""

    def deaths(self, error: BaseException) -> int:
        """The deaths that such an error stands for. It is called once for each."""
        return 1

    @abstractmethod
    def stop(self, *, finished: bool) -> None:
        """Ends everything, also what runs if it is not finished."""


def run_all(
    jobs: Sequence[Job],
    place: Place,
    done: Callable[[Job, Outcome | int], None],
    look: Callable[[], None],
) -> bool:
    """Trains the jobs in their order, as many at once as the place can.

    `done` is called with the outcome of each, or with the number of its workers that died, if it is
    given up. `look` is called now and then.

    Returns whether all are done, which they are not after an interrupt. Raises the errors of a run.
    """
    waiting, running = deque(jobs), dict[Future[Outcome], Job]()
    deaths: Counter[str] = Counter()
    finished = False
    try:
        while waiting or running:
            free = place.at_once - len(running)
            while waiting and free > 0:
                free -= 1
                job = waiting.popleft()
                running[place.submit(job)] = job
            look()
            ended, _ = wait(running, timeout=POLL, return_when=FIRST_COMPLETED)
            for future in ended:
                job = running.pop(future)
                try:
                    outcome = future.result()
                except place.died as error:
                    deaths[job.key] += place.deaths(error)
                    if deaths[job.key] >= MOST_DEATHS:
                        done(job, deaths[job.key])
                    else:
                        waiting.appendleft(job)
                else:
                    done(job, outcome)
        finished = True
    except KeyboardInterrupt:
        return False
    finally:
        try:
            place.stop(finished=finished)
        except KeyboardInterrupt:  # while it waits for processes to end
            place.stop(finished=False)
    return True


class _InTurn(Executor):
    """Runs each call when it is submitted. An interrupt ends it, as it would end the call."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - is raised where the result is read
            future.set_exception(error)
        return future


class Here(Place):
    """This process."""

    at_once = 1

    def __init__(self, run: Callable[[Job], Outcome]) -> None:
        self._run = run
        self._executor = _InTurn()

    def submit(self, job: Job) -> Future[Outcome]:
        """Trains, and returns when that is done."""
        return self._executor.submit(self._run, job)

    def stop(self, *, finished: bool) -> None:
        """Does nothing: no run goes on."""


class _Context(SpawnContext):
    """Starts processes afresh, and remembers them.

    A process that is a copy of one with TensorFlow's threads would hang.
    """

    def __init__(self) -> None:
        super().__init__()
        self.made: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        process = SpawnProcess(*args, **kwargs)
        process.name = WORKER
        self.made.append(process)
        return process


class _Worker(NamedTuple):
    """A process, and the executor that it is."""

    context: _Context
    executor: ProcessPoolExecutor
    began: Event
    """Set once the process is ready for runs."""


class Processes(Place):
    """Processes on this machine. Each is an executor, so it is known in which run one died."""

    died = (BrokenProcessPool,)

    def __init__(
        self, number: int, run: Callable[[Job], Outcome] = run_in_turn, *, most: int | None = None
    ) -> None:
        """`run` is a function of a module, which the processes import.

        At most `most` processes are started. That does not change the threads of each: with others
        the last digits of sums differ, and a run that goes on must give the numbers of one in one
        go.

        Ends this process if it is such a process itself: then it is here because it reads the
        script that starts it.
        """
        if current_process().name == WORKER:
            raise SystemExit(UNGUARDED)
        self._run = run
        self._threads = max(1, len(_processors()) // number)
        number = number if most is None else min(number, most)
        self._idle = [self._started() for _ in range(number)]
        self._busy: dict[Future[Outcome], _Worker] = {}
        self._number = number

    @property
    def at_once(self) -> int:
        """The number of processes."""
        return self._number

    def submit(self, job: Job) -> Future[Outcome]:
        """Begins a run in a process that has nothing to do."""
        self._free_finished()
        worker = self._idle.pop()
        try:
            future = worker.executor.submit(self._run, job)
        except BrokenProcessPool:  # it died while it had nothing to do
            worker = self._started()
            future = worker.executor.submit(self._run, job)
        self._busy[future] = worker
        return future

    def deaths(self, error: BaseException) -> int:
        """One. Raises EnvironmentProblem if the process died before it was ready for runs."""
        for future, worker in self._busy.items():
            if future.done() and future.exception() is error and not worker.began.is_set():
                raise EnvironmentProblem(
                    "a process that is to train ended before its first run",
                    'each reads the script that starts it: begin its work under `if __name__ == "'
                    '__main__":`',
                )
        return 1

    def _free_finished(self) -> None:
        for future in [each for each in self._busy if each.done()]:
            worker = self._busy.pop(future)
            if isinstance(future.exception(), BrokenProcessPool):
                worker.executor.shutdown(wait=False)
                worker = self._started()
            self._idle.append(worker)

    def _started(self) -> _Worker:
        context = _Context()
        began = context.Event()
        executor = ProcessPoolExecutor(
            1, mp_context=context, initializer=_begin, initargs=(self._threads, began)
        )
        return _Worker(context, executor, began)

    def stop(self, *, finished: bool) -> None:
        """Ends the processes, also those that train."""
        workers = [*self._idle, *self._busy.values()]
        if not finished:
            for worker in workers:
                for process in worker.context.made:
                    process.kill()
        for worker in workers:
            worker.executor.shutdown(cancel_futures=True)


def _begin(threads: int, began: Event) -> None:
    """Sets up a process that trains: it is gconv's own, and ends with the one that started it."""
    from groupconv_cli.runtime import own_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that started it decides
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = str(threads)
    own_process()
    Thread(target=_end_with_parent, daemon=True).start()
    began.set()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        signal.raise_signal(signal.SIGTERM)


def _processors() -> Sequence[int]:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return range(os.cpu_count() or 1)
