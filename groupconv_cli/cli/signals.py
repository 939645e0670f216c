"""Signals that end a run, also where a library takes them for an error of its own.

A signal becomes an exception wherever the program happens to be. If that is inside the loading of
a native module, Python reports that the module cannot be loaded, and nothing says why. So each
signal is also written down here, and whoever meets an error asks first.
"""

from __future__ import annotations

import signal
import sys

_arrived: list[int] = []

_settled: list[bool] = []
"""Not empty if the run ends because of a signal already, so that others change nothing."""


def end_cleanly() -> None:
    """Makes SIGINT, SIGTERM and SIGHUP exceptions, so that no half-written file is left behind.

    A signal that is ignored, as nohup ignores SIGHUP, stays ignored.
    """
    _arrived.clear()
    _settled.clear()
    before = {"SIGINT": signal.default_int_handler, "SIGTERM": signal.SIG_DFL}
    before["SIGHUP"] = signal.SIG_DFL
    for name, usual in before.items():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is usual:
            signal.signal(number, _end)
    sys.unraisablehook = _unraisable


def ended() -> int | None:
    """The number of the signal that ends this run; None if there was none."""
    return _arrived[0] if _arrived else None


def settle() -> None:
    """Lets the run end as it does now: more signals do not interrupt the last words."""
    _settled.append(True)


def _end(number: int, _: object) -> None:
    _arrived.append(number)
    if _settled:
        return
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    """Says nothing of our own exceptions where Python cannot raise them: in callbacks of its own.

    `guarded` ends the run with the status of the signal all the same.
    """
    if not (_arrived and isinstance(found.exc_value, KeyboardInterrupt | SystemExit)):
        sys.__unraisablehook__(found)
