"""How a command with a comparison ends: its exit status, and what it says on stderr then."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groupconv_cli import Comparison, GroupTraining, VariantComparison

ROWS_FAILED = 1

MOST_ROWS = 20
"""The most rows that are named."""


def failed_rows(
    comparison: Comparison | VariantComparison, trained: GroupTraining | None, *, is_shown: bool
) -> int:
    """The exit status: whether a row is invalid, or its training was given up.

    Unless the rows are shown on the screen, it says which they are, and why.
    """
    from groupconv_cli.cli.output import complain, note
    from groupconv_cli.render.labels import failures

    failed = list(failures(comparison, trained))
    if not is_shown:
        for sentence in failed[:MOST_ROWS]:
            complain(sentence)
        if len(failed) > MOST_ROWS:
            note(f"and {len(failed) - MOST_ROWS} more rows")
    return ROWS_FAILED if failed else 0


def end_interrupted(trained: GroupTraining | None, results: str | None, *, is_there: bool) -> None:
    """Ends a run whose training or measuring was interrupted, once what is whole is shown.

    `results` is the file of --results, and `is_there` tells whether the run has written a file that
    only --force replaces. Raises KeyboardInterrupt, with how to go on.
    """
    if trained is None or trained.complete:
        raise KeyboardInterrupt
    if results is None:
        raise KeyboardInterrupt("with --results FILE, the same command goes on where it ended")
    raise KeyboardInterrupt("the same command goes on" + (", with --force" if is_there else ""))
