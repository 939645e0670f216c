"""The sentences of `gconv init` about a Keras model that was written as a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groupconv_cli.words import joined, plural

if TYPE_CHECKING:
    from groupconv_cli.language.writer import SpecText

MAX_NAMED = 3
"""The most changed names that are listed."""


def init_sentences(written: SpecText) -> list[str]:
    """What the spec cannot have of the model."""
    told = []
    if written.renamed:
        pairs = [f"{old!r} is {new!r}" for old, new in written.renamed.items()][:MAX_NAMED]
        more = len(written.renamed) - len(pairs)
        listed = joined([*pairs, *([f"{more:,} more"] if more else [])])
        changed = plural(len(written.renamed), "name")
        if written.has_blocks:
            told.append(f"Blocks change {changed}, which --flat would keep: {listed}.")
        else:
            told.append(
                f"Names in a spec have letters, digits, - and _, so {changed} changed: {listed}."
            )
    if written.unfrozen:
        verbs = ("does", "it does") if written.unfrozen == 1 else ("do", "they do")
        frozen = plural(written.unfrozen, "layer")
        told.append(f"{frozen} of the model {verbs[0]} not train; in the spec {verbs[1]}.")
    return told
