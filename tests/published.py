"""Exact counts of published networks, by the name that gconv has for them.

`data/networks.json` says where each comes from: weights metadata of torchvision, assertions of
pytorchcv, keras.applications, papers. The small ones at the end are counted by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data" / "networks.json"


class Published(NamedTuple):
    """Counts of a network and of its twin without groups, as far as they are published."""

    trainable_params: int
    macs: int
    params: int | None = None
    dense_trainable_params: int | None = None
    dense_macs: int | None = None


def _read() -> dict[str, list[Published]]:
    counts: dict[str, list[Published]] = {}
    for row in json.loads(DATA.read_text(encoding="utf-8")):
        fields = {key: row.get(key) for key in Published._fields}
        counts.setdefault(row["spec"], []).append(Published(**fields))
    return counts


# 4,672 = 3·3·32/4·64 + 64; its dense twin has 3·3·32·64 + 64. The others likewise.
BY_HAND = {
    "basic": Published(4_672, 4_718_592, 4_672, 18_496, 18_874_368),
    "block": Published(19_008, 75_497_472, 19_392, 111_168, 452_984_832),
    "depthwise": Published(160, 2_359_296, 160, 2_320, 37_748_736),
}

COUNTS = {**_read(), **{name: [counts] for name, counts in BY_HAND.items()}}
