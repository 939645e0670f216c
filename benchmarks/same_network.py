"""How often `compare --train` calls a network different from itself: it should be 1 time in 20.

A small network is trained with 120 seeds. Its runs are dealt out into sets of three, and two sets
at a time are compared, as two rows of a comparison with three seeds are. That makes 20 comparisons;
they are dealt ten times.

    python benchmarks/same_network.py [FILE.jsonl]

The file keeps the runs, so that a second call needs not train them again.
"""

from __future__ import annotations

import random
import sys

from groupconv_cli import Recipe, TrainSettings, train
from groupconv_cli.analysis.significance import LEVEL, welch

NETWORK = {
    "name": "tiny",
    "input": [40, 1],
    "layers": [
        {"conv": {"filters": 8, "kernel": 5, "stride": 2}},
        {"batch_norm": {}},
        {"relu": {}},
        {"conv": {"filters": 8, "kernel": 3, "stride": 2}},
        {"batch_norm": {}},
        {"relu": {}},
        {"global_avg_pool": {}},
        {"dense": {"units": 10}},
    ],
}
SEEDS, SET, DEALS = 120, 3, 10
MOST = 10


def main(results: str | None) -> int:
    settings = TrainSettings(seeds=SEEDS, recipe=Recipe(steps=20), results=results)
    # The one row, g=1, is the network as written, which is trained once.
    found = train(NETWORK, "mnist1d", [1], settings=settings, progress=show)
    accuracies = found.rows[0].accuracies
    deal = random.Random(0)
    different = 0
    for _ in range(DEALS):
        deal.shuffle(accuracies)
        for first in range(0, SEEDS, 2 * SET):
            ours, theirs = accuracies[first : first + SET], accuracies[first + SET :][:SET]
            p = welch(ours, theirs).p
            different += p is not None and p < LEVEL
    comparisons = DEALS * SEEDS // (2 * SET)
    print(f"\n{different} of {comparisons} comparisons of a network with itself are different")
    return int(different > MOST)


def show(what: str, done: float, total: float) -> None:
    left = f", {(total - done) / 60:.0f} min left" if total else ""
    print(f"\r{what}{left}   ", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [None]))
