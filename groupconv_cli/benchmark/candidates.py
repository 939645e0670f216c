"""Times for a search: a network, and its convolutions by themselves with every possible count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from hashlib import sha256
from typing import Any

from groupconv_cli.analysis.measurement import Machine, MeasureSettings, Progress, Timing
from groupconv_cli.analysis.search.times import Taken, Times
from groupconv_cli.analysis.search.timing import layer_key
from groupconv_cli.benchmark.measure import Nothing, alone, maker, prepared, ready, timed_runs
from groupconv_cli.benchmark.time_cache import Entry, TimeCache
from groupconv_cli.builder.memory import check_memory
from groupconv_cli.network import Network, Node
from groupconv_cli.policy.times import NANOSECONDS

IN_TENSORFLOW = ("gconv", "keras")
"""Runtimes whose calls take time by themselves, which every sample includes."""

CALL = "an empty call"
"""The key of a call that computes nothing."""


class CandidateTimer:
    """Measures for a search, and afterwards its result. What was measured is kept in a cache."""

    def __init__(
        self,
        settings: MeasureSettings,
        *,
        fresh: bool,
        progress: Progress,
        note: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self.fresh = fresh
        self.progress = progress
        self.note = note

    def __call__(
        self, network: Network, layers: Mapping[str, Node], phases: Collection[str]
    ) -> Taken:
        """The times of the network and of layers by themselves, in turn, or those in the cache.

        Raises the errors of `measure_networks`. KeyboardInterrupt ends it.
        """
        whole = network_key(network)
        calls = [CALL] if self.settings.runtimes[0] in IN_TENSORFLOW else []
        networks = {whole: network} | {key: alone(node) for key, node in layers.items()}
        with ready(self.settings) as machine:
            cache = TimeCache(machine, self.settings, self.note)
            known: dict[str, Entry] = {}
            for key in (*networks, *calls):
                entry = None if self.fresh else cache.times(key, phases)
                if entry:
                    known[key] = entry
            found: dict[str, Mapping[str, Any]] = dict(known)
            missing = [key for key in (*networks, *calls) if key not in known]
            if missing:
                names = {key: node.name for key, node in layers.items()}
                taken = self._measured(
                    {key: networks.get(key) for key in missing}, names, phases, machine
                )
                cache.keep(taken)
                found |= taken
        cached = [known[key]["date"] for key in layers if key in known]
        return Taken(
            times={
                phase: Times(
                    whole=found[whole][phase],
                    call=found[CALL][phase] if calls else 0,
                    layers={key: found[key][phase] for key in layers},
                )
                for phase in phases
            },
            machine=machine,
            settings=self.settings,
            layers=len(layers),
            cached=len(cached),
            since=min(cached, default=""),
        )

    def _measured(
        self,
        networks: Mapping[str, Network | None],
        names: Mapping[str, str],
        phases: Collection[str],
        machine: Machine,
    ) -> dict[str, dict[str, int]]:
        """The median nanoseconds of networks by key and phase. None is an empty call."""
        check_memory([each for each in networks.values() if each], self.settings, machine)
        makers: dict[Hashable, tuple[str, Callable[[], Any]]] = {
            key: (names.get(key, network.name), self._maker(network, machine))
            if network
            else (CALL, Nothing)
            for key, network in networks.items()
        }
        made = prepared(makers, self.progress, phases)
        taken = timed_runs(made, self.settings, self.progress, phases)
        if not taken.complete:
            raise KeyboardInterrupt
        return {
            key: {
                phase: max(1, round(taken.timings[key, phase].median * NANOSECONDS))
                for phase in phases
            }
            for key in networks
        }

    def both(
        self, written: Network, chosen: Network, phases: Collection[str]
    ) -> dict[str, tuple[Timing | None, Timing | None]]:
        """The times of the network as written and as chosen, in turn, by phase.

        None for what was not measured before an interruption.
        """
        networks = {network_key(each): each for each in (written, chosen)}
        keys = (network_key(written), network_key(chosen))
        with ready(self.settings) as machine:
            check_memory([*networks.values()], self.settings, machine)
            titles = {keys[1]: "the choice", keys[0]: "the network as written"}
            makers: dict[Hashable, tuple[str, Callable[[], Any]]] = {
                key: (titles[key], self._maker(network, machine))
                for key, network in networks.items()
            }
            try:
                made = prepared(makers, self.progress, phases)
                timings = timed_runs(made, self.settings, self.progress, phases).timings
            except KeyboardInterrupt:
                timings = {}
        return {
            phase: (timings.get((keys[0], phase)), timings.get((keys[1], phase)))
            for phase in phases
        }

    def _maker(self, network: Network, machine: Machine) -> Callable[[], Any]:
        return maker(network, self.settings.runtimes[0], self.settings, updates=False)


def network_key(network: Network) -> str:
    """The same for networks that compute the same in the same order."""
    nodes = [(layer_key(node), node.inputs, node.shares) for node in network.nodes]
    text = repr((nodes, network.inputs, network.outputs))
    return f"network {sha256(text.encode()).hexdigest()}"
