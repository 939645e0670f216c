"""Estimates whether a model fits in this machine's memory, before it is built or measured."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import NamedTuple

from groupconv_cli.analysis.measurement import Machine, MeasureSettings
from groupconv_cli.analysis.totals import total, weight_bytes
from groupconv_cli.dtypes import bytes_per_value
from groupconv_cli.errors import EnvironmentProblem, GconvError
from groupconv_cli.network import Network
from groupconv_cli.units import bytes_text
from groupconv_cli.words import lines_of

FRAMEWORK_BYTES = 600_000_000
"""The memory of TensorFlow and Keras once they are loaded (measured: 550 MB resident)."""

GRAPH_BYTES = 3_000_000
"""The memory of the traced graphs of a small network, without its tensors."""

RUNTIME_BYTES = 100_000_000
"""The memory that TensorFlow takes for itself when it begins to compute."""

MARGIN = 1.1
"""Three runs took 0.90, 1.10 and 1.21 times the sum of their tensors. The constants are fitted to
these runs."""

IGNORE = "--ignore-memory tries anyway"
"""The remedy that ignores an estimate; in Python it is `ignore_memory=True`."""

_CGROUP = Path("/sys/fs/cgroup")


def build_bytes(network: Network) -> int:
    """An estimate of the memory that building takes, in bytes.

    It is the weights once, twice the largest layer while its initial values are drawn, and
    TensorFlow unless it is loaded. This was measured on dense layers of 0.4 to 3 GB.
    """
    weights = [weight_bytes(node) for node in network.nodes if node.shares is None]
    framework = 0 if "tensorflow" in sys.modules else FRAMEWORK_BYTES
    return framework + sum(weights) + 2 * max(weights, default=0)


@contextmanager
def building(network: Network, *, ignore: bool = False) -> Iterator[None]:
    """Checks that there is enough memory to build or load a network inside the block.

    Raises EnvironmentProblem before the block if memory seems too small. With `ignore`, errors
    inside the block are reported as a lack of memory.
    """
    needed, available = build_bytes(network), available_bytes()
    _check(f"building {network.name}", needed, available, ignore=ignore)
    try:
        yield
    except Exception as error:
        if needed <= available or isinstance(error, GconvError):
            raise
        # TensorFlow reports a lack of memory in many ways, down to integers that overflow.
        first, *rest = lines_of(error)
        raise EnvironmentProblem(
            f"there was not enough memory to build it: {first}", details=rest
        ) from error


def check_run(network: Network, samples: int, *, ignore: bool = False) -> None:
    """Raises EnvironmentProblem if memory seems too small to run so many samples.

    With `ignore` it raises nothing. The estimate includes arrays of the samples and the outputs,
    which are made and compared with 64 bits.
    """
    costs = total(network)
    ends = sum(prod(network.nodes[index].shape) for index in (*network.inputs, *network.outputs))
    alive = costs.peak_bytes - costs.weight_bytes
    needed = RUNTIME_BYTES + costs.weight_bytes + samples * (alive + 2 * 8 * ends)
    what = f"running {samples} samples of {network.name}"
    _check(what, needed, available_bytes(), ignore=ignore)


def _check(
    what: str, needed: int, available: int, *, ignore: bool = False, remedy: str = IGNORE
) -> None:
    """Raises EnvironmentProblem if less memory is available than needed, unless `ignore`."""
    if needed > available and not ignore:
        raise EnvironmentProblem(
            f"{what} needs about {bytes_text(needed)} of memory, and {bytes_text(available)} are "
            f"free; {remedy}"
        )


class Need(NamedTuple):
    """The memory that measuring takes, in bytes: a fixed part, and a part for each sample."""

    fixed: int
    sample: int

    def largest_batch(self, available: int) -> int:
        """The most samples that fit."""
        return max(0, available - self.fixed) // max(1, self.sample)


def measure_need(networks: Collection[Network], dtype: str) -> Need:
    """An estimate of the memory that measuring networks in turn takes, without TensorFlow itself.

    The weights, inputs and outputs of all networks are in memory at once. One network at a time is
    trained. That takes the gradients of its weights, all its activations, which the backward pass
    reads, and the activations of the largest layer again for their gradients.
    """
    size = bytes_per_value(dtype)
    totals = [total(network, dtype) for network in networks]
    ends = sum(
        prod(network.nodes[index].shape)
        for network in networks
        for index in (*network.inputs, *network.outputs)
    )
    activations = [
        costs.activation_bytes + 2 * size * max(prod(node.shape) for node in network.nodes)
        for network, costs in zip(networks, totals, strict=True)
    ]
    weights = [costs.weight_bytes for costs in totals]
    return Need(
        fixed=RUNTIME_BYTES + sum(weights) + max(weights) + GRAPH_BYTES * len(networks),
        sample=int(MARGIN * (size * ends + max(activations))),
    )


def check_memory(
    networks: Collection[Network], settings: MeasureSettings, machine: Machine
) -> None:
    """Raises EnvironmentProblem if memory is too small for measuring.

    Otherwise Linux would kill the process, and maybe others. TensorFlow manages a GPU's memory.
    """
    if settings.ignore_memory or not networks or not machine.device.startswith("CPU"):
        return
    need, available = measure_need(networks, settings.dtype), available_bytes()
    batch = need.largest_batch(available)
    way = f"--batch {batch} fits" if batch else "fewer --groups take less"
    what = f"measuring a batch of {settings.batch:,}"
    needed = need.fixed + settings.batch * need.sample
    _check(what, needed, available, remedy=f"{way}, {IGNORE}")


COPIES = {"sgd": 1, "adamw": 2}
"""Numbers that an optimizer keeps for each weight."""


def check_training_memory(
    network: Network, batch: int, dtype: str, optimizer: str, *, ignore: bool = False
) -> None:
    """Raises EnvironmentProblem if memory is too small to train a network with such batches.

    With `ignore` it raises nothing. The estimate is that of measuring, and what the optimizer
    keeps.
    """
    need, available = measure_need([network], dtype), available_bytes()
    kept = COPIES[optimizer] * total(network, dtype).weight_bytes
    need = need._replace(fixed=need.fixed + kept)
    fitting = need.largest_batch(available)
    way = f"--batch {fitting} fits" if fitting else "a smaller network takes less"
    what = f"training {network.name} with a batch of {batch:,}"
    needed = need.fixed + batch * need.sample
    _check(what, needed, available, ignore=ignore, remedy=f"{way}, {IGNORE}")


def forward_batch(network: Network, batch: int, dtype: str, *, most: int) -> int:
    """The samples, up to `most`, whose outputs take no more memory than training with a batch.

    Nothing is kept for a backward pass, so it is the batch or more.
    """
    costs = total(network, dtype)
    alive = costs.peak_bytes - costs.weight_bytes
    fitting = batch * measure_need([network], dtype).sample // max(1, alive)
    return max(batch, min(most, fitting))


def available_bytes() -> int:
    """The memory available without swapping: the machine's, or less if a cgroup limits it."""
    from groupconv_cli.runtime import require

    require("psutil")
    import psutil

    available = int(psutil.virtual_memory().available)
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return available
    return available if limit == "max" else max(0, min(available, int(limit) - used))
