"""How analysis grows with the number of layers: ten times the layers, ten times the time.

    python benchmarks/scaling.py [--runs 7]

A synthetic network of bottlenecks is analyzed in one process; the steps are timed apart.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

from groupconv_cli.analysis.report import Summary
from groupconv_cli.analysis.summary import summarize
from groupconv_cli.errors import Problems, Source
from groupconv_cli.language.expand import expand
from groupconv_cli.language.validate import check
from groupconv_cli.language.yaml_reader import read
from groupconv_cli.render.flow import plain
from groupconv_cli.render.summary import summary_view
from groupconv_cli.render.text import lines
from groupconv_cli.sources.catalogue import catalogue

UNIT = """\
  - residual:
      body:
        - conv: {filters: 32, kernel: 1, norm: batch, activation: relu}
        - conv: {filters: 32, kernel: 3, groups: 8, norm: batch, activation: relu}
        - conv: {filters: 64, kernel: 1, norm: batch}
      activation: relu
"""
LAYERS_PER_UNIT = 10


def spec_text(layers: int) -> str:
    return "input: [32, 32, 64]\nlayers:\n" + UNIT * (layers // LAYERS_PER_UNIT)


def table(report: Summary) -> str:
    return plain(lines(summary_view(report), width=None))


def timed(times: dict[str, list[float]], name: str, action: Callable, *args: object) -> Any:
    started = time.perf_counter()
    result = action(*args)
    times.setdefault(name, []).append(1000 * (time.perf_counter() - started))
    return result


def run(layers: int, runs: int) -> dict[str, float]:
    source = Source("synthetic.yaml", spec_text(layers))
    times: dict[str, list[float]] = {}
    for _ in range(runs):
        problems = Problems()
        tree = timed(times, "parse", read, source, problems)
        spec = timed(times, "check", check, tree, source, problems)
        network = timed(times, "expand", expand, spec, {}, problems)
        assert len(network.layers) == layers
        report = timed(times, "analyze", summarize, network)
        timed(times, "table", table, report)
    return {name: statistics.median(samples) for name, samples in times.items()}


def whole_catalogue() -> tuple[int, float]:
    """How many bundled networks there are, and the seconds that analyzing all of them takes."""
    started = time.perf_counter()
    names = [entry.name for entry in catalogue() if summarize(entry.network).macs]
    return len(names), time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    gc.disable()  # as the program does
    small, large = run(1_000, runs), run(10_000, runs)
    print(
        f"{'median ms of ' + str(runs):20} {'1,000 layers':>14} {'10,000 layers':>14} {'ratio':>7}"
    )
    small["after parsing"] = small["check"] + small["expand"] + small["analyze"]
    large["after parsing"] = large["check"] + large["expand"] + large["analyze"]
    networks, seconds = whole_catalogue()
    print(f"{networks} bundled networks, read, expanded and analyzed: {seconds:.2f} s")
    for name in small:
        print(f"{name:20} {small[name]:14.1f} {large[name]:14.1f} {large[name] / small[name]:7.1f}")


if __name__ == "__main__":
    main()
