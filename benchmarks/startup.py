"""How long whole processes take: gconv's commands against the imports they cannot do without.

    python benchmarks/startup.py [--runs 15]

The commands run in turn, so that drift of the machine's speed hits all alike; medians and ratios
of medians are printed. `--keras` adds a script that builds the same network in Keras.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
GCONV = [sys.executable, "-m", "groupconv_cli"]
FLOOR = "import typer, rich.table, yaml"
COMMANDS = {
    "imports alone": [sys.executable, "-c", FLOOR],
    "gconv summary resnext50_32x4d": [*GCONV, "summary", "resnext50_32x4d"],
    "gconv compare, six counts": [*GCONV, "compare", "resnext50_32x4d", "-g", "1,2,4,8,16,32"],
    "gconv list": [*GCONV, "list"],
}
KERAS = {"the same network in Keras": [sys.executable, str(HERE / "keras_resnext50.py")]}


# As after an installation, modules are compiled once and not in every run.
ENVIRONMENT = {key: v for key, v in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        cwd=HERE.parent,
        env=ENVIRONMENT,
    )
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--keras", action="store_true", help="the Keras script too (slow)")
    options = parser.parse_args()
    commands = {**COMMANDS, **(KERAS if options.keras else {})}
    for command in commands.values():
        seconds(command)  # fills caches
    samples: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(options.runs):
        for name, command in commands.items():
            samples[name].append(seconds(command))
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.machine()}")
    floor = statistics.median(samples["imports alone"])
    summary = statistics.median(samples["gconv summary resnext50_32x4d"])
    print(f"{'median of ' + str(options.runs):32} {'ms':>8} {'of imports':>11} {'of summary':>11}")
    for name, times in samples.items():
        median = statistics.median(times)
        print(f"{name:32} {1000 * median:8.0f} {median / floor:11.2f} {median / summary:11.2f}")


if __name__ == "__main__":
    main()
