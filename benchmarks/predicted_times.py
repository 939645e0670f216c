"""How well a search predicts times: predicted over measured, for three networks.

    python benchmarks/predicted_times.py [--batch 4] [--size 128] [--runs N] [--train]

Each network begins dense, so that groups make it faster. Counts are searched within the smallest
of some time budgets that can be kept, and the chosen network is measured. Prints the predicted time
over the measured one, the same of the times as shares of the network as written, and the geometric
mean of how far each is off. Times of earlier runs are not read. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import os
from math import exp, log
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import yaml

from groupconv_cli import MeasureSettings, SearchReport, UnreachableBudget, load, search

CONFIGS = Path(__file__).parent.parent / "configs"
NETWORKS = {"resnext": "50_32x4d", "shufflenet_v1": None, "mobilenet_v2": None}
SHARES = ("60%", "70%", "80%", "90%", "95%")


def searched(name: str, variant: str | None, options: argparse.Namespace) -> SearchReport | None:
    """The result for the smallest budget that can be kept; None if all are too small."""
    spec = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    network = load({**spec, "input": [options.size, options.size, 3]}, variant=variant).dense()
    settings = MeasureSettings(batch=options.batch, runs=options.runs)
    for share in SHARES:
        try:
            return search(
                network,
                {"train_time" if options.train else "time": share},
                groups=[1, 2, 4, 8],
                per="layer",
                measuring=settings,
                fresh=share == SHARES[0],
            )
        except UnreachableBudget as error:
            print(f"{network.name}, {share}: {error.message}", flush=True)
    return None


def off(ratios: list[float]) -> float:
    """The geometric mean of how many times each ratio is above or below 1, less 1."""
    return exp(sum(abs(log(ratio)) for ratio in ratios) / len(ratios)) - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--train", action="store_true", help="training instead of inference")
    options = parser.parse_args()
    absolute: list[float] = []
    relative: list[float] = []
    for name, variant in NETWORKS.items():
        report = searched(name, variant, options)
        if report is None:
            continue
        (time,) = report.times
        measured, before = time.measured.median, time.measured_before.median
        absolute.append(time.predicted / 1e9 / measured)
        relative.append(time.predicted / time.before / (measured / before))
        print(
            f"{report.name}, at most {time.limit / time.before:.0%}: as written "
            f"{1e3 * before:.1f} ms, predicted {time.predicted / 1e6:.1f} ms, measured "
            f"{1e3 * measured:.1f} ms: {absolute[-1]:.2f}, as shares {relative[-1]:.2f}",
            flush=True,
        )
    if absolute:
        print(f"off by {off(absolute):.0%} in the geometric mean, as shares by {off(relative):.0%}")


if __name__ == "__main__":
    main()
