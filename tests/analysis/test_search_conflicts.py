"""What a search excludes breaks rule GC101, and nothing else is excluded."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from running import run_python
from search_networks import hard_to_mix, random_network

from groupconv_cli.analysis.search.mixing import Mixing
from groupconv_cli.analysis.search.units import units_of
from groupconv_cli.errors import UsageError

MOST = 300
"""The most choices of a network."""


@pytest.mark.parametrize("seed", range(8))
def test_every_excluded_choice_breaks_the_rule(seed: int) -> None:
    random, done = Random(seed), 0
    while done < 4:
        network = hard_to_mix(random) if random.random() < 0.6 else random_network(random)
        try:
            units = units_of(network, random.choice(["layer", "layer", "item"]))
        except UsageError:  # every convolution reads the input
            continue
        every = list(product(*(range(len(unit.counts)) for unit in units.units)))
        if not 1 < len(every) <= MOST:
            continue
        done += 1
        mixing = Mixing(network, units)
        broken = {choice: mixing.broken(choice) for choice in every}
        conflicts = list(mixing._of_stacked())
        for choice in every:
            for pair in broken[choice] if random.random() < 0.15 else ():
                learned = mixing._of(choice, pair)
                assert any(each.excludes(choice) for each in learned)
                conflicts += learned
        for conflict in dict.fromkeys(conflicts):
            assert all(broken[choice] for choice in every if conflict.excludes(choice))


INTERRUPTED = """
import _thread
from threading import Timer

import groupconv_cli.analysis.search.solver as solver
from groupconv_cli import load, search

network = load("resnext50_32x4d", regroup={"*": 1})
run = solver._run

def interrupted(highs, seconds):
    Timer(0.05, _thread.interrupt_main).start()
    run(highs, seconds)

solver._run = interrupted
try:
    while True:
        search(network, {"macs": "6%"}, per="layer")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupted_search_ends_cleanly() -> None:
    """The solver runs in a thread, which must have ended before the process does."""
    done = run_python(INTERRUPTED, check=False)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr
