"""Signals that end a run, also where a library takes them for an error of its own.

A signal becomes an exception wherever the program happens to be. If that is inside the loading of
a native module, Python reports that the module cannot be loaded, and nothing says why. So each
signal is also written down here, and whoever meets an error asks first.
"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

_arrived: list[int] = []


def end_cleanly() -> None:
    """Makes SIGINT, SIGTERM and SIGHUP exceptions, so that no half-written file is left behind.

    A signal that is ignored, as nohup ignores SIGHUP, stays ignored.
    """
    _arrived.clear()
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


def _end(number: int, _: object) -> NoReturn:
    _arrived.append(number)
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    """Says nothing of our own exceptions where Python cannot raise them: in callbacks of its own.

    `guarded` ends the run with the status of the signal all the same.
    """
    if not (_arrived and isinstance(found.exc_value, KeyboardInterrupt | SystemExit)):
        sys.__unraisablehook__(found)
