"""Small helpers for sentences in messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MAX_KNOWN = 500
MAX_LENGTH = 100


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is nearest, if one is near. Of very many or long ones none is tried."""
    from difflib import get_close_matches

    known = list(known)
    if len(known) > MAX_KNOWN or len(word) > MAX_LENGTH:
        return None
    lowered = {name.lower(): name for name in sorted(known)}
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.7)
    return lowered[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """'did you mean …' for a word near a known one, else None."""
    near = suggest(word, known)
    return f"did you mean {near!r}?" if near else None


def joined(words: Sequence[str], last: str = "and") -> str:
    """'a, b and c'."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def plural(number: int, noun: str) -> str:
    """'1 layer', '2 layers'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
