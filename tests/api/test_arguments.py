"""Arguments that are none: what is said in Python."""

from __future__ import annotations

import pytest

import groupconv_cli
from groupconv_cli import UsageError


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: groupconv_cli.load(3), "a spec is a path, a name, a mapping or a Keras model"),
        (lambda: groupconv_cli.load(None), "load needs a spec"),
        (lambda: groupconv_cli.load("basic", regroup="conv=2"), "regroup is a mapping of patterns"),
        (lambda: groupconv_cli.load("basic", regroup={"conv": 0}), "must be a whole number, 1 or"),
    ],
)
def test_what_is_no_argument(call, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


def test_one_number_of_groups_is_taken_as_a_list_of_one() -> None:
    rows = groupconv_cli.compare("basic", groups=2).rows
    assert [row.groups for row in rows] == ["as written", 1, 2]
