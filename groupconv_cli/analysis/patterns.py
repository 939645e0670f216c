"""Few patterns (globs) that say which convolutions have which count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import translate
from glob import escape
from itertools import product

MAX_MATCHES = 300_000
"""The most names that are matched with patterns; the names that are left are written in full."""

MAX_PARTS = 8
"""The most parts of a name of which any may be left open."""


def patterns_of(counts: Mapping[str, int], others: Iterable[str]) -> dict[str, int]:
    """Patterns with counts that give these names their counts, and match none of the others.

    A pattern leaves parts of a name open, where every name that it matches has the same count.
    """
    every = [*counts, *others]
    left = dict(counts)
    patterns: dict[str, int] = {}
    budget = MAX_MATCHES
    for name, count in counts.items():
        if name not in left:
            continue
        best, covered = escape(name), [name]
        for pattern in _openings(name):
            if budget < len(every):
                break
            budget -= len(every)
            matched = list(filter(re.compile(translate(pattern)).match, every))
            if all(counts.get(each) == count for each in matched):
                new = [each for each in matched if each in left]
                if len(new) > len(covered):
                    best, covered = pattern, new
        patterns[best] = count
        for each in covered:
            left.pop(each, None)
    return patterns


def _openings(name: str) -> Iterator[str]:
    """The name with parts left open, the most open first."""
    parts = [escape(part) for part in name.split(".")]
    if len(parts) > MAX_PARTS:
        return
    seen = set()
    for number in sorted(product((True, False), repeat=len(parts)), key=sum, reverse=True):
        opened = ["*" if is_open else part for is_open, part in zip(number, parts, strict=True)]
        pattern = re.sub(r"\*(\.\*)+", "*", ".".join(opened))
        if pattern not in seen and pattern != "*":
            seen.add(pattern)
            yield pattern
