"""Small helpers for the sentences of messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MAX_KNOWN = 500
MAX_LENGTH = 100
MAX_STRANGE = 3
MIN_BEGINNING = 3
MAX_SHOWN = 60
"""The most characters of a value that a message repeats."""


LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""The ends of lines in YAML."""

_LOOK_ALIKES = str.maketrans(
    "АВСЕНІЈКМОРЅТХаеһіјорсѕухԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοɡı‐‑–—−“”„‘’",
    'ABCEHIJKMOPSTXaehijopcsyxdqwABEZHIKMNOPTYXogi-----"""\'\'',
)
"""Letters of other scripts, and dashes, that look like the characters of keys."""


def printable(text: str) -> str:
    """The text with a blank for every tab, and � for characters that control a terminal.

    Each character stays one character, so marks stay under their places.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " if char == "\t" else "�" for char in text)


def without_confusables(word: str) -> str:
    """The word as it looks: with Latin letters for lookalikes, and without invisible characters."""
    if word.isascii():
        return word
    from unicodedata import category, normalize

    seen = "".join(c for c in word if c.isascii() or category(c) not in ("Cf", "Mn", "Zs"))
    return normalize("NFKC", seen).translate(_LOOK_ALIKES)


def confusables(word: str, there: str = "the text has") -> str | None:
    """A remark on characters of the word that look like others; None if there are none."""
    if word.isascii():
        return None
    from unicodedata import name

    strange = dict.fromkeys(char for char in word if not char.isascii())
    shown = [f"U+{ord(char):04X} {name(char, '')}".rstrip() for char in strange]
    return f"{there} {joined(shown[:MAX_STRANGE])}"


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant: one that begins with `word`, or a near one.

    Nothing is tried if there are very many or very long words.
    """
    from difflib import get_close_matches

    known = list(known)
    if len(known) > MAX_KNOWN or len(word) > MAX_LENGTH:
        return None
    typed = without_confusables(word).lower()
    longer = [name for name in known if name.lower().startswith(typed)]
    if longer and len(typed) >= MIN_BEGINNING:
        return min(longer, key=len)
    lowered = {name.lower(): name for name in sorted(known)}
    near = get_close_matches(typed, lowered, n=1, cutoff=0.7)
    return lowered[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """'did you mean …' if a known word is near, else None."""
    near = suggest(word, known)
    return meant(word, near) if near else None


def meant(word: str, known: str, sign: str = "") -> str:
    """'did you mean …' for a known word, with a remark on letters that differ invisibly."""
    strange = confusables(word)
    return f"did you mean '{sign}{known}'?" + (f" {strange}" if strange else "")


def joined(words: Sequence[str], last: str = "and") -> str:
    """'a, b and c'; nothing for no words."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def lines_of(error: Exception) -> list[str]:
    """The lines of another library's error; at least one."""
    return [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]


def plural(number: int, noun: str) -> str:
    """'1 layer', '2 layers'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def shortened(text: str) -> str:
    """The text, or its beginning if it is long."""
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
