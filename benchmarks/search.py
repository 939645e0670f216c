"""How long `gconv search` takes: a whole process, and a thousand convolutions.

Prints the seconds of `gconv search resnext50_32x4d --max-macs 80% --per layer --regroup '*=1'` as a
whole process, and of the search itself among eight counts for each of a thousand convolutions.

    python benchmarks/search.py
"""

from __future__ import annotations

import subprocess
import sys
from random import Random
from time import perf_counter

from groupconv_cli import load, search

ARGS = ("search", "resnext50_32x4d", "--max-macs", "80%", "--per", "layer", "--regroup", "*=1")


def whole_process(runs: int = 5) -> float:
    """The least seconds of a whole process."""
    taken = []
    for _ in range(runs):
        start = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "groupconv_cli", *ARGS], check=True, stdout=subprocess.DEVNULL
        )
        taken.append(perf_counter() - start)
    return min(taken)


def thousand_convolutions(seed: int, share: str) -> tuple[float, bool]:
    """The seconds of one search, and whether its result is proven."""
    random = Random(seed)
    layers: list = [{"conv": {"filters": 128, "kernel": 1}}]
    for _ in range(500):
        # A dense layer after each two keeps the channels mixed: the knapsack alone is timed.
        layers.append({"conv": {"filters": 128, "kernel": random.choice([1, 3, 5, 7])}})
        layers.append({"conv": {"filters": 128, "kernel": random.choice([1, 3, 5, 7])}})
        layers.append({"conv_transpose": {"filters": 128, "kernel": 1}})
    network = load({"input": [random.randint(8, 64), random.randint(8, 64), 128], "layers": layers})
    start = perf_counter()
    report = search(network, {"macs": share}, per="layer", groups=[2**n for n in range(8)])
    return perf_counter() - start, report.optimal


if __name__ == "__main__":
    print(f"resnext50_32x4d, dense, 80 % of the MACs, as a process: {whole_process():.2f} s")
    for seed, share in enumerate(["80%", "50%", "20%"]):
        seconds, optimal = thousand_convolutions(seed, share)
        proven = "proven" if optimal else "not proven"
        print(f"1,000 convolutions, 8 counts each, {share} of the MACs: {seconds:.2f} s, {proven}")
