"""The workers of a cluster: a Dask scheduler's, through its executor."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any

from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.runtime import require
from groupconv_cli.training.job import Job, Outcome, run_job
from groupconv_cli.training.pool import Place
from groupconv_cli.words import lines_of

if TYPE_CHECKING:
    from groupconv_cli.training.samples import Data

PATIENCE = 15
"""Seconds for the scheduler to answer, and for its first worker to come."""


class Cluster(Place):
    """A Dask scheduler's workers. Each trains one run at a time.

    The scheduler itself gives a run to another worker if one dies, and gives it up after as many
    deaths as its configuration says.
    """

    def __init__(self, address: str, data: Data) -> None:
        """Raises EnvironmentProblem if there is no scheduler, or it has no workers."""
        require("distributed")
        import distributed

        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self._address = address
        try:
            self._client = distributed.Client(address, timeout=PATIENCE)
        except (OSError, ValueError, TypeError, ImportError) as error:
            raise EnvironmentProblem(
                f"no Dask scheduler answers at {address}: {lines_of(error)[0]}",
                "`dask scheduler` prints the address of the one that it starts",
            ) from error
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            self._client.close()
            raise EnvironmentProblem(
                f"the Dask scheduler at {address} has no workers",
                f"`dask worker {address}` starts one, where gconv is installed",
            ) from error
        self._killed = distributed.scheduler.KilledWorker
        self.died = (self._killed, CancelledError)
        self._executor = self._client.get_executor(pure=False)
        self._data = data
        self._scattered = self._scatter()

    def _scatter(self) -> Any:
        """The data on every worker."""
        # In a list, for a tuple would be scattered in pieces.
        (scattered,) = self._client.scatter([self._data], broadcast=True, hash=False)
        return scattered

    @property
    def at_once(self) -> int:
        """The workers that the scheduler has now."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        return max(1, len(workers))

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
        self._client.close()
