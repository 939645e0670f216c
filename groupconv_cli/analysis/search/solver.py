"""The one place that calls HiGHS: an integer program in, a solution with its bound out."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event, Thread
from time import monotonic
from typing import Any, NamedTuple

from groupconv_cli.errors import InternalError
from groupconv_cli.runtime import hidden_stdout, require

TOLERANCE = 1e-9
"""How far a solution of HiGHS may be from whole numbers and from the rows."""

POLL = 0.05
"""Seconds between two looks at whether the run was interrupted."""


class Line(NamedTuple):
    """A row: the sum of some columns, each times a number, is at least `least`, at most `most`."""

    columns: Sequence[int]
    factors: Sequence[float]
    least: float
    most: float


class Program(NamedTuple):
    """Whole numbers from 0 to `upper` that make the sum of their costs least, within the rows."""

    costs: Sequence[float]
    upper: Sequence[int]
    lines: Sequence[Line]


class Solution(NamedTuple):
    """What is known when the solver stops."""

    values: tuple[int, ...] | None
    """The best solution that was found; None if there is none."""
    bound: float
    """No solution costs less than this."""
    is_proven: bool
    """Whether that is the best solution, or there is none."""


NO_BOUND = float("-inf")


def require_solver() -> None:
    """Raises EnvironmentProblem if HiGHS is not installed."""
    require("highspy")


def solve(program: Program, seconds: float, start: Sequence[int] | None = None) -> Solution:
    """The best solution that is found within some seconds. `start` is a solution to begin with.

    Raises EnvironmentProblem if HiGHS is not installed.
    """
    if seconds <= 0:
        return Solution(None, NO_BOUND, is_proven=False)
    require_solver()
    import highspy

    with hidden_stdout():  # its first line is printed before any option can say otherwise
        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
    options = {
        "mip_rel_gap": 0.0,
        "mip_abs_gap": 0.0,
        "mip_feasibility_tolerance": TOLERANCE,
        "primal_feasibility_tolerance": TOLERANCE,
        "dual_feasibility_tolerance": TOLERANCE,
        "time_limit": float(seconds),
        "threads": 1,
    }
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.passModel(_model(highspy, program))
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = list(map(float, start))
        highs.setSolution(known)
    _run(highs, seconds)
    status, info = highs.getModelStatus(), highs.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        return Solution(None, float("inf"), is_proven=True)
    proven = status == highspy.HighsModelStatus.kOptimal
    stopped = (highspy.HighsModelStatus.kTimeLimit, highspy.HighsModelStatus.kInterrupt)
    if not proven and status not in stopped:
        raise InternalError(f"HiGHS ended with {highs.modelStatusToString(status)!r}")
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = tuple(map(round, highs.getSolution().col_value)) if found else None
    return Solution(values, info.mip_dual_bound, is_proven=proven and found)


def _run(highs: Any, seconds: float) -> None:
    """Runs the solver in a thread of its own, and stops it if this one is interrupted."""
    highs.HandleUserInterrupt = True
    failed: list[BaseException] = []
    # Not Thread.join: if that is interrupted, Python 3.11 takes the thread for ended.
    is_done = Event()

    def run() -> None:
        try:
            highs.run()
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
            failed.append(error)
        finally:
            is_done.set()

    Thread(target=run, daemon=True).start()
    started = monotonic()
    try:
        while not is_done.wait(POLL):
            if monotonic() - started > seconds:  # it looks at the clock only between steps
                highs.cancelSolve()
    finally:
        highs.cancelSolve()
        is_done.wait()
    if failed:
        raise failed[0]


def _model(highspy: Any, program: Program) -> Any:
    import numpy as np

    lines = program.lines
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(program.costs), len(lines)
    model.col_cost_ = np.array(program.costs, dtype=float)
    model.col_lower_ = np.zeros(len(program.costs))
    model.col_upper_ = np.array(program.upper, dtype=float)
    model.row_lower_ = np.array([line.least for line in lines], dtype=float)
    model.row_upper_ = np.array([line.most for line in lines], dtype=float)
    model.integrality_ = [highspy.HighsVarType.kInteger] * len(program.costs)
    matrix = model.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kRowwise
    sizes = [len(line.columns) for line in lines]
    matrix.start_ = np.cumsum([0, *sizes]).astype(np.int32)
    matrix.index_ = np.array([c for line in lines for c in line.columns], dtype=np.int32)
    matrix.value_ = np.array([f for line in lines for f in line.factors], dtype=float)
    return model
