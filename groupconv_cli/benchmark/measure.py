"""Measures networks on this machine: several numbers of groups, or layer by layer."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import tensorflow as tf

from groupconv_cli.analysis.measurement import (
    DEPLOYED,
    GroupMeasurement,
    GroupTimes,
    LayerMeasurement,
    LayerTimes,
    Machine,
    MeasureSettings,
    Progress,
)
from groupconv_cli.analysis.report import AS_WRITTEN, CompareRow
from groupconv_cli.analysis.totals import total
from groupconv_cli.benchmark.interleaved import Rounds, time_interleaved
from groupconv_cli.benchmark.machine import configured, threads_in_use
from groupconv_cli.benchmark.timed_model import TimedModel, peak_bytes, timed_network
from groupconv_cli.builder.memory import check_memory
from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.network import Network, Node
from groupconv_cli.ops.base import Cost
from groupconv_cli.ops.shape import Input

CALL = "call"
"""Stands for a call that computes nothing."""

Phase = str
"""'forward' or 'train'."""

PHASES = ("forward", "train")


class _Entry(NamedTuple):
    """A future row: a network, the row of the comparison that it is of, and its index."""

    number: int
    row: CompareRow
    network: Network
    runtime: str

    @property
    def key(self) -> Hashable:
        """Equal for rows that compute the same, which are measured once."""
        differs = self.runtime in DEPLOYED or _has_groups(self.network)
        runtime = self.runtime if differs else ""
        return (runtime, tuple((n.op, n.inputs, n.input_shapes) for n in self.network.nodes))


def measure_networks(
    networks: Sequence[tuple[int, CompareRow, Network]],
    settings: MeasureSettings,
    progress: Progress,
) -> GroupMeasurement:
    """Times inference and training steps of the networks of a comparison's valid rows, in turn.

    Each network comes with its row and the index of that.

    Raises the errors of `configured`, and EnvironmentProblem if memory is or would be short.
    """
    entries = [
        _Entry(index, row, network, runtime)
        for index, row, network in networks
        for runtime in settings.runtimes
        # With one group both runtimes compute the same.
        if runtime == settings.runtimes[0] or runtime in DEPLOYED or _has_groups(network)
    ]
    with ready(settings) as machine:
        check_memory({entry.key: entry.network for entry in entries}.values(), settings, machine)
        makers = {
            entry.key: (_title(entry), maker(entry.network, entry.runtime, settings))
            for entry in entries
        }
        made = prepared(makers, progress)
        peaks = {
            key: (
                _peak(timed, timed.forward, machine.device),
                _peak(timed, timed.train, machine.device),
            )
            for key, timed in made.items()
            if timed.train is not None
        }
        taken = timed_runs(made, settings, progress)
    rows = []
    for entry in entries:
        forward_bytes, train_bytes = peaks.get(entry.key, (None, None))
        rows.append(
            GroupTimes(
                row=entry.number,
                groups=entry.row.groups,
                settings=entry.row.settings,
                runtime=entry.runtime,
                macs=total(entry.network).macs_at_least,
                forward=taken.timings.get((entry.key, "forward")),
                train=taken.timings.get((entry.key, "train")),
                forward_bytes=forward_bytes,
                train_bytes=train_bytes,
            )
        )
    return GroupMeasurement(
        machine=machine, settings=settings, rows=tuple(rows), complete=taken.complete
    )


def measure_layers(
    network: Network, settings: MeasureSettings, progress: Progress
) -> LayerMeasurement:
    """Times every layer by itself, and the network as a whole, in turn.

    Equal layers with inputs of the same shapes are measured once. Raises the errors of
    `measure_networks`.
    """
    with ready(settings) as machine:
        by_itself = {
            _layer_key(node, runtime, settings): alone(node)
            for runtime in settings.runtimes
            for node in network.layers
        }
        check_memory([network] * len(settings.runtimes) + [*by_itself.values()], settings, machine)
        makers: dict[Hashable, tuple[str, Callable[[], Any]]] = {}
        for runtime in settings.runtimes:
            makers["whole", runtime] = (
                network.name,
                maker(network, runtime, settings, updates=False),
            )
            for node in network.layers:
                key = _layer_key(node, runtime, settings)
                make = maker(by_itself[key], runtime, settings, updates=False)
                makers.setdefault(key, (node.name, make))
        makers[CALL] = ("an empty call", Nothing)
        taken = timed_runs(prepared(makers, progress), settings, progress)

    def times(name: str, key: Hashable, runtime: str) -> LayerTimes:
        forward, train = (taken.timings.get((key, phase)) for phase in ("forward", "train"))
        return LayerTimes(name=name, runtime=runtime, forward=forward, train=train)

    return LayerMeasurement(
        machine=machine,
        settings=settings,
        rows=tuple(
            times(node.name, _layer_key(node, runtime, settings), runtime)
            for runtime in settings.runtimes
            for node in network.layers
        ),
        whole=tuple(
            times(network.name, ("whole", runtime), runtime) for runtime in settings.runtimes
        ),
        call=taken.timings.get((CALL, "forward")),
        complete=taken.complete,
    )


class Nothing:
    """A timed model whose functions compute nothing."""

    def __init__(self) -> None:
        self._function = tf.function(lambda x: x, autograph=False)
        self._input = tf.zeros(())

    def forward(self) -> None:
        """Calls a function that gives back its input."""
        self._function(self._input)

    train = forward


def prepared(
    makers: dict[Hashable, tuple[str, Callable[[], Any]]],
    progress: Progress,
    phases: Collection[Phase] = PHASES,
) -> dict[Hashable, Any]:
    """Builds every timed model, traces it in these phases, and runs it until it is warm."""
    made: dict[Hashable, Any] = {}
    start = time.perf_counter()
    for number, (key, (title, make)) in enumerate(makers.items()):
        gone = time.perf_counter() - start
        expected = gone / number * len(makers) if number else 0.0
        progress(f"Preparing {title} ({number + 1} of {len(makers)})", gone, expected)
        timed = make()
        for run in _runs(timed, phases).values():
            run()  # traces, compiles
            run()  # fills caches
        made[key] = timed
    return made


def timed_runs(
    made: dict[Hashable, Any],
    settings: MeasureSettings,
    progress: Progress,
    phases: Collection[Phase] = PHASES,
) -> Rounds[tuple[Hashable, Phase]]:
    """Times all models in turn, in these phases."""
    runs = {
        (key, phase): run
        for key, timed in made.items()
        for phase, run in _runs(timed, phases).items()
    }
    return time_interleaved(runs, rounds=settings.runs, progress=progress)


def _runs(timed: Any, phases: Collection[Phase]) -> dict[Phase, Callable[[], None]]:
    """What a timed model runs in these phases, without those that it does not have."""
    runs = {"forward": timed.forward, "train": timed.train}
    return {phase: run for phase, run in runs.items() if phase in phases and run is not None}


def maker(
    network: Network, runtime: str, settings: MeasureSettings, *, updates: bool = True
) -> Callable[[], Any]:
    """A function that makes the timed model of a network."""
    if runtime in DEPLOYED:
        from groupconv_cli.benchmark.deployed_model import DeployedModel

        return lambda: DeployedModel(
            network, batch=settings.batch, runtime=runtime, threads=threads_in_use()
        )
    fast = runtime == "gconv"
    return lambda: timed_network(network, batch=settings.batch, fast=fast, updates=updates)


def _peak(timed: TimedModel, run: Callable[[], None], device: str) -> int | None:
    """Peak memory of the network by itself: its weights and input, and the memory of a run."""
    beyond = peak_bytes(run, device)
    return None if beyond is None else timed.held_bytes + beyond


def _title(entry: _Entry) -> str:
    groups = entry.row.groups
    parts = [f"{name}={value}" for name, value in entry.row.settings.items()]
    if not parts or groups != AS_WRITTEN:
        parts.append(f"g={groups}" if isinstance(groups, int) else groups)
    title = " ".join(parts)
    where = {"keras": " in stock Keras", "litert": " in LiteRT", "onnx": " in onnxruntime"}
    return title + where.get(entry.runtime, "")


def _has_groups(network: Network) -> bool:
    return any(node.is_grouped for node in network.nodes)


def alone(node: Node) -> Network:
    """A network of one layer, which reads inputs of the same shapes."""
    entries = tuple(
        Node(f"input_{index}", Input(), (), (), shape, Cost())
        for index, shape in enumerate(node.input_shapes)
    )
    indices = tuple(range(len(entries)))
    layer = node._replace(inputs=indices, path=(), groups_from=None, shares=None)
    return Network("layer", (*entries, layer), indices, (len(entries),))


def _layer_key(node: Node, runtime: str, settings: MeasureSettings) -> Hashable:
    differs = runtime in DEPLOYED or node.is_grouped
    shared = runtime if differs else settings.runtimes[0]
    return (shared, node.op, node.input_shapes)


@contextmanager
def ready(settings: MeasureSettings) -> Iterator[Machine]:
    """The machine, set up as the settings ask, with the runtimes that they need.

    Raises the errors of `configured`, and EnvironmentProblem if a runtime is not installed or
    memory is short.
    """
    from groupconv_cli.benchmark.deployed_model import require_runtime

    deployed = tuple(require_runtime(each) for each in settings.runtimes if each in DEPLOYED)
    with configured(settings) as machine, _enough_memory():
        yield replace(machine, deployed=deployed)


@contextmanager
def _enough_memory() -> Iterator[None]:
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise EnvironmentProblem(
            "there was not enough memory to measure; a smaller --batch or fewer --groups take less"
        ) from error
