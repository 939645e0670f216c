"""One table of the measured times that a search may limit."""

from __future__ import annotations

from typing import NamedTuple


class TimeInfo(NamedTuple):
    """A time of a whole network, for a batch. It is measured, not counted."""

    title: str
    """Its name in sentences."""
    phase: str
    """'forward' or 'train': what is timed."""
    example: str
    """An example of an amount, as people write it."""
    what: str
    """What it is the time of, in words."""

    @property
    def heading(self) -> str:
        """Its heading in tables."""
        return self.title[:1].upper() + self.title[1:]


TIMES = {
    "time": TimeInfo("inference time", "forward", "20ms", "inference of a batch"),
    "train_time": TimeInfo(
        "training time", "train", "80ms", "forward and backward of a batch in training"
    ),
}
"""By their names in options and JSON."""

NANOSECONDS = 10**9
"""In a second. Times are compared in whole nanoseconds."""
