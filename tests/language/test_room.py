"""The room on the stack for deep recursion."""

from __future__ import annotations

import resource
import sys

import pytest

from groupconv_cli.language.room import with_room


def _down(levels: int) -> int:
    """Goes so deep, and makes many calls there."""
    return _down(levels - 1) if levels else sum(_one() for _ in range(100))


def _one() -> int:
    return 1


def test_room_gives_the_value_and_the_error_of_the_call() -> None:
    assert with_room(lambda: _down(3)) == 100
    with pytest.raises(ZeroDivisionError):
        with_room(lambda: 1 // 0)


@pytest.mark.skipif(sys.platform != "linux", reason="counts page faults")
def test_calls_at_any_depth_take_no_memory_from_the_system() -> None:
    """Without room some depth is at the end of a piece, where each call takes two pages or more."""

    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for levels in range(400):
            _down(levels)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    faults()
    assert with_room(faults) < 200
