"""How long a comparison of trained networks takes: 4 numbers of groups × 3 seeds.

    python benchmarks/training.py FOLDER [--groups 1,4,16,64] [--seeds 3] [--steps 100]

FOLDER has the IDX files of Fashion-MNIST (Debian's package dataset-fashion-mnist puts them into
/usr/share/datasets/fashion-mnist). Three bottlenecks of width 64, of 128 channels between them, are
trained on the first 2,000 training images and tested on all 10,000 test images. Prints the mean and
the standard deviation of the accuracies, and seconds: of a step, of a run, and in all. Nothing else
should run meanwhile.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from groupconv_cli import load
from groupconv_cli.training.data import read_data
from groupconv_cli.training.models import Models
from groupconv_cli.training.recipe import Recipe
from groupconv_cli.training.train import train

TRAINED = 2000

SPEC = {
    "name": "bottlenecks",
    "input": [28, 28, 1],
    "vars": {"groups": 1},
    "layers": [
        {"conv": {"filters": 64, "kernel": 3, "stride": 2, "norm": "batch", "activation": "relu"}},
        {
            "residual": {
                "body": [
                    {"conv": {"filters": 64, "kernel": 1, "norm": "batch", "activation": "relu"}},
                    {
                        "conv": {
                            "filters": 64,
                            "kernel": 3,
                            "stride": "$stride",
                            "groups": "$groups",
                            "norm": "batch",
                            "activation": "relu",
                        }
                    },
                    {"conv": {"filters": 128, "kernel": 1, "norm": "batch"}},
                ],
                "shortcut": "project",
                "activation": "relu",
            },
            "each": {"stride": [1, 2, 1]},
        },
        "global_avg_pool",
        {"dense": {"units": 10}},
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--groups", default="1,4,16,64")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args()
    started = time.perf_counter()
    data = read_data(options.folder)
    data = data._replace(x_train=data.x_train[:TRAINED], y_train=data.y_train[:TRAINED])
    print(f"reading the data {time.perf_counter() - started:.1f} s", flush=True)
    recipe, models = Recipe(steps=options.steps), Models()
    for groups in options.groups.split(","):
        network = load(SPEC, settings={"groups": groups})
        runs, seconds = [], []
        for seed in range(options.seeds):
            begun = time.perf_counter()
            runs.append(train(network, data, recipe, seed, models=models))
            seconds.append(time.perf_counter() - begun)
        accuracies = [100 * run.accuracy for run in runs]
        spread = statistics.stdev(accuracies) if len(runs) > 1 else 0.0
        print(
            f"g={groups:3} {statistics.mean(accuracies):.1f} ± {spread:.1f} %"
            f"  {1000 * min(run.seconds / run.steps for run in runs):.0f} ms a step"
            f"  {min(seconds):.1f} to {max(seconds):.1f} s a run",
            flush=True,
        )
    print(f"in all {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
