"""What a search excludes breaks rule GC101, and nothing else is excluded."""

from __future__ import annotations

from itertools import product
from random import Random
from time import monotonic, process_time

import pytest
from running import run_python
from search_networks import hard_to_mix, pairs, random_network

from groupconv_cli import load
from groupconv_cli.analysis.search.mixing import Mixing
from groupconv_cli.analysis.search.stacked import conflicts_of
from groupconv_cli.analysis.search.units import units_of, with_counts
from groupconv_cli.errors import UsageError
from groupconv_cli.network import Network

MOST = 300
"""The most choices of a network."""


def some_grouped(random: Random, network: Network) -> Network:
    """The network with two groups in about half of its convolutions, as if written so."""
    even = [
        index
        for index, node in enumerate(network.nodes)
        if node.op.is_convolution and node.input_shapes[0][-1] % 2 == node.shape[-1] % 2 == 0
    ]
    return network.regrouped({index: 2 for index in even if random.random() < 0.5})


def some_only(random: Random, network: Network) -> str | None:
    """The name of one convolution, or a glob of several; None for all but those on the input."""
    names = [node.name for node in network.nodes if node.op.is_convolution]
    return random.choice([None, random.choice(names), f"*{random.choice(names)[-1]}"])


@pytest.mark.parametrize("seed", range(3))
def test_a_choice_is_suspected_if_and_only_if_it_breaks_the_rule(seed: int) -> None:
    """Also where convolutions that cannot change keep channels apart because of one that can."""
    random, done = Random(seed), 0
    while done < 6:
        network = some_grouped(random, hard_to_mix(random))
        try:
            units = units_of(network, "layer", only=some_only(random, network))
        except UsageError:
            continue
        every = list(product(*(range(len(unit.counts)) for unit in units.units)))
        if not 1 < len(every) <= MOST:
            continue
        done += 1
        mixing, written = Mixing(network, units), pairs(network)
        for choice in every:
            breaks = not pairs(with_counts(network, units.counts(choice))) <= written
            suspected = list(mixing.suspected(choice))
            assert bool(suspected) == breaks
            assert all(choice[unit] in among for terms in suspected for unit, among in terms)


def test_fixed_convolutions_that_one_between_them_keeps_apart_are_suspected() -> None:
    grouped = {"filters": 16, "kernel": 1, "groups": 2}
    layers = [{"conv": each} for each in (grouped, grouped | {"groups": 1}, grouped)]
    network = load({"input": [4, 4, 16], "layers": layers})
    units = units_of(network, "layer", only="conv_2")
    mixing = Mixing(network, units)
    found = {}
    for number, count in enumerate(units.units[0].counts):
        found[count] = bool(list(mixing.suspected((number,))))
    breaks = {g: bool(pairs(network.regrouped({2: g} if g > 1 else {}))) for g in found}
    assert found == breaks
    assert breaks[8]
    assert not breaks[1]


def parallel(branches: int) -> Network:
    one = {"conv": {"filters": 48, "kernel": 1}}
    sides = {"parallel": {"branches": [[one]] * branches, "merge": "add"}}
    return load({"input": [4, 4, 3], "layers": [one, sides, one]})


def test_conflicts_of_sums_are_those_of_every_combination() -> None:
    """Both convolutions of a sum and the one after it, with any counts above 1."""
    network = parallel(2)
    units = units_of(network, "layer")
    counts = units.units[0].counts
    conflicts = conflicts_of(network, units, set())
    apart = set()
    for choice in product(range(1, len(counts) - 1), repeat=3):
        one, other, after = (counts[number] for number in choice)
        if after % one == 0 and after % other == 0:
            apart.add(choice)
        assert any(each.excludes(choice) for each in conflicts) == (choice in apart)
    assert apart


def test_conflicts_of_wide_sums_are_found_at_once() -> None:
    """With 8 branches there are 10^7 combinations of counts, and with 40 too many to count."""
    network = parallel(40)
    started = process_time()
    conflicts = conflicts_of(network, units_of(network, "layer"), set())
    assert process_time() - started < 2
    assert any(conflict.excludes((1,) * 41) for conflict in conflicts)


def test_no_conflicts_are_looked_for_after_the_end() -> None:
    network = parallel(2)
    assert not conflicts_of(network, units_of(network, "layer"), set(), end=monotonic())


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
