"""Pairs the elements of two sequences that belong together.

Names are little help: an inserted layer shifts the number in the name of every later layer. So
elements are paired by their keys, in an order that never crosses, as in a diff of texts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import pairwise

Keys = Sequence[Hashable]
Pairs = list[tuple[int, int]]
Match = Callable[[Keys, Keys], Pairs]

MAX_REPEATS = 20_000
"""The most pairs of equal elements for which the longest common runs are searched. The search takes
the square of that in the worst case. Sequences that repeat more are paired by counting."""


def align(old: Sequence[Keys], new: Sequence[Keys], levels: Sequence[int], match: Match) -> Pairs:
    """Indices of elements that belong together, ascending on both sides.

    `old` and `new` give the keys of all elements, a sequence for each level. Elements with equal
    keys are paired at the first of `levels`. Each further level pairs the elements between these
    pairs. `match` is `runs` or `counted`.
    """
    pairs: Pairs = []
    for level in levels:
        found: Pairs = []
        for a, b in list(_gaps(pairs, len(old[level]), len(new[level]))):
            between = match(old[level][a.start : a.stop], new[level][b.start : b.stop])
            found += [(a.start + i, b.start + j) for i, j in between]
        pairs = sorted(pairs + found)
    return pairs


def runs(old: Keys, new: Keys) -> Pairs:
    """Indices of equal elements, ascending on both sides: the longest common runs first."""
    if not old or not new:
        return []
    if old == new:
        return [(index, index) for index in range(len(old))]
    counts = Counter(new)
    if sum(counts[key] for key in old) > MAX_REPEATS:
        return counted(old, new)
    from difflib import SequenceMatcher

    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return [(a + i, b + i) for a, b, size in blocks for i in range(size)]


def _gaps(pairs: Pairs, old: int, new: int) -> Iterator[tuple[range, range]]:
    """The ranges between neighbouring pairs, before the first and after the last."""
    for (a, b), (next_a, next_b) in pairwise([(-1, -1), *pairs, (old, new)]):
        if next_a > a + 1 and next_b > b + 1:
            yield range(a + 1, next_a), range(b + 1, next_b)


def counted(old: Keys, new: Keys) -> Pairs:
    """Indices of equal elements, ascending on both sides: the n-th of a key with the n-th.

    A common beginning and a common end are paired before the counting.
    """
    begin = 0
    while begin < min(len(old), len(new)) and old[begin] == new[begin]:
        begin += 1
    end = 0
    while end < min(len(old), len(new)) - begin and old[-1 - end] == new[-1 - end]:
        end += 1
    places = {key: i for i, key in _numbered(new[begin : len(new) - end])}
    middle = [
        (i, places[key]) for i, key in _numbered(old[begin : len(old) - end]) if key in places
    ]
    return [
        *((i, i) for i in range(begin)),
        *((begin + i, begin + j) for i, j in _uncrossed(middle)),
        *((len(old) - i, len(new) - i) for i in range(end, 0, -1)),
    ]


def _numbered(keys: Keys) -> Iterator[tuple[int, Hashable]]:
    seen: Counter[Hashable] = Counter()
    for index, key in enumerate(keys):
        seen[key] += 1
        yield index, (key, seen[key])


def _uncrossed(pairs: Pairs) -> Pairs:
    """The most pairs that ascend on both sides (Fredman 1975). `pairs` ascend on the first side."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        last[length : length + 1] = [index]
    kept: Pairs = []
    index = last[-1] if last else -1
    while index >= 0:
        kept.append(pairs[index])
        index = before[index]
    return kept[::-1]
