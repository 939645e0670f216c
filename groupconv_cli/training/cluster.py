"""The workers of a cluster: a Dask scheduler's, through its executor."""

from __future__ import annotations

import logging
import time
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.runtime import require
from groupconv_cli.training.job import Job, Outcome, check_versions, run_job, versions
from groupconv_cli.training.pool import Place
from groupconv_cli.words import lines_of

if TYPE_CHECKING:
    from groupconv_cli.training.samples import Data

PATIENCE = 15
"""Seconds for the scheduler to answer, and for its first worker to come."""

LONELY = 60
"""Seconds without any worker after which no other is waited for."""


class Cluster(Place):
    """A Dask scheduler's workers. Each trains one run at a time.

    The scheduler itself gives a run to another worker if one dies, and gives it up after as many
    deaths as its configuration says.
    """

    _client: Any = None

    def __init__(self, address: str, data: Data) -> None:
        """Raises EnvironmentProblem if there is no scheduler, or no workers that can train."""
        require("distributed")
        import distributed

        self._address = address
        self._data = data
        self._killed = distributed.scheduler.KilledWorker
        self.died = (self._killed, CancelledError)
        self._loud = _silenced()
        try:
            self._connect()
            self._scattered = self._scatter()
        except BaseException:
            self.stop(finished=False)
            raise
        self._executor = self._client.get_executor(pure=False)
        self._seen = time.monotonic()
        """When there was a worker last."""

    def _connect(self) -> None:
        """Connects to the scheduler, and sees that its workers run what runs here."""
        import distributed

        try:
            self._client = distributed.Client(self._address, timeout=PATIENCE)
        except (OSError, ValueError, TypeError, ImportError) as error:
            raise EnvironmentProblem(
                f"no Dask scheduler answers at {self._address}: {lines_of(error)[0]}",
                "`dask scheduler` prints the address of the one that it starts",
            ) from error
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
            self._client.run(check_versions, versions())
        except TimeoutError as error:
            raise EnvironmentProblem(
                f"the Dask scheduler at {self._address} has no workers",
                f"`dask worker {self._address}` starts one, where gconv is installed",
            ) from error
        except EnvironmentProblem:
            raise
        except Exception as error:
            raise EnvironmentProblem(
                f"the workers of {self._address} cannot run gconv: {lines_of(error)[0]}",
                "each of them needs the packages that are installed here",
            ) from error

    def _scatter(self) -> Any:
        """The data on every worker. Raises EnvironmentProblem if there is none any more."""
        try:
            # In a list, for a tuple would be scattered in pieces.
            (scattered,) = self._client.scatter([self._data], broadcast=True, hash=False)
        except TimeoutError as error:
            raise EnvironmentProblem(
                f"the Dask scheduler at {self._address} has no workers left"
            ) from error
        return scattered

    @property
    def at_once(self) -> int:
        """The workers that the scheduler has now.

        Raises EnvironmentProblem if it is gone, or has had none for long.
        """
        workers = 0
        with suppress(OSError, TimeoutError):
            workers = len(self._client.scheduler_info(n_workers=-1)["workers"])
        now = time.monotonic()
        if workers:
            self._seen = now
        elif now - self._seen > LONELY:
            raise EnvironmentProblem(
                f"the Dask scheduler at {self._address} has had no workers for {LONELY} seconds"
            )
        return max(1, workers)

    def submit(self, job: Job) -> Future[Outcome]:
        """Begins a run on a worker of the scheduler's choice."""
        if self._scattered.status in ("cancelled", "lost"):
            self._scattered = self._scatter()
        future: Future[Outcome] = self._executor.submit(run_job, job, self._scattered)
        return future

    def deaths(self, error: BaseException) -> int:
        """All that the scheduler has counted; one if it lost the data with the last worker.

        Raises EnvironmentProblem if the scheduler is gone.
        """
        if isinstance(error, self._killed):
            return int(error.allowed_failures) + 1
        if self._client.status != "running":
            raise EnvironmentProblem(f"the Dask scheduler at {self._address} is gone") from error
        return 1

    def stop(self, *, finished: bool) -> None:
        """Forgets the runs that have not begun. One that runs goes on to its end."""
        if self._client is not None:
            self._client.close()
        for logger, level in self._loud.items():
            logger.setLevel(level)


def _silenced() -> dict[logging.Logger, int]:
    """Switches the messages of Dask off, which has a traceback for each that is gone.

    Returns the levels that its loggers had.
    """
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    loud = {logging.getLogger(name): logging.getLogger(name).level for name in names}
    for logger in loud:
        logger.setLevel(logging.CRITICAL + 1)
    return loud
