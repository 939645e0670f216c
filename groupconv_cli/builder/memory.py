"""Whether a model fits in this machine's memory, before it is built or measured."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import NamedTuple

from groupconv_cli.analysis.measurement import Machine, MeasureSettings
from groupconv_cli.analysis.totals import total
from groupconv_cli.dtypes import bytes_per_value
from groupconv_cli.errors import EnvironmentProblem, GconvError
from groupconv_cli.network import Network
from groupconv_cli.units import bytes_text
from groupconv_cli.words import lines_of

FRAMEWORK_BYTES = 600_000_000
"""What TensorFlow and Keras take once they are loaded (measured: 550 MB resident)."""

GRAPH_BYTES = 3_000_000
"""What the traced graphs of a small network take beside its tensors."""

RUNTIME_BYTES = 100_000_000
"""What TensorFlow takes for itself when it begins to compute."""

MARGIN = 1.1
"""Three runs took 0.90, 1.10 and 1.21 times what their tensors add up to: the constants are fitted
to these."""

IGNORE = "--ignore-memory tries anyway"
"""The one way to ignore an estimate; in Python it is `ignore_memory=True`."""

_CGROUP = Path("/sys/fs/cgroup")


def build_bytes(network: Network) -> int:
    """An estimate of the memory that building takes, in bytes, for float32 weights.

    Measured on dense layers of 0.4 to 3 GB: the weights once, and twice the largest layer again
    while its initial values are drawn; and TensorFlow, unless it is loaded.
    """
    weights = [4 * node.cost.params for node in network.nodes]
    framework = 0 if "tensorflow" in sys.modules else FRAMEWORK_BYTES
    return framework + sum(weights) + 2 * max(weights, default=0)


@contextmanager
def building(network: Network, *, ignore: bool = False) -> Iterator[None]:
    """Inside, a network is built or loaded, which finds the memory it takes.

    Raises EnvironmentProblem before if it seems not to, unless that is to be ignored; then what
    goes wrong inside is put down to memory.
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
    """Raises EnvironmentProblem if running so many samples seems not to find the memory it takes.

    With `ignore` it does not. The samples and the outputs are there as arrays besides, while they
    are made and compared with 64 bits.
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
    """Raises EnvironmentProblem where less memory is available than needed, unless to ignore it."""
    if needed > available and not ignore:
        raise EnvironmentProblem(
            f"{what} needs about {bytes_text(needed)} of memory, and {bytes_text(available)} are "
            f"free; {remedy}"
        )


class Need(NamedTuple):
    """Memory that measuring takes, in bytes: so much in any case, and so much for each sample."""

    fixed: int
    sample: int

    def largest_batch(self, available: int) -> int:
        """The samples that there is room for."""
        return max(0, available - self.fixed) // max(1, self.sample)


def measure_need(networks: Collection[Network], dtype: str) -> Need:
    """An estimate of what measuring networks in turn takes, beside TensorFlow that is loaded.

    All of them are there at once with their weights, inputs and outputs; one of them at a time is
    trained, with the gradients of its weights and all its activations, which the backward pass
    reads, and those of the largest layer again for their gradients.
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
    """Raises EnvironmentProblem if measuring will not find the memory it takes.

    Linux would end the process, and maybe others. TensorFlow looks after a GPU's memory.
    """
    if settings.ignore_memory or not networks or not machine.device.startswith("CPU"):
        return
    need, available = measure_need(networks, settings.dtype), available_bytes()
    batch = need.largest_batch(available)
    way = f"--batch {batch} fits" if batch else "fewer --groups take less"
    what = f"measuring a batch of {settings.batch:,}"
    needed = need.fixed + settings.batch * need.sample
    _check(what, needed, available, remedy=f"{way}, {IGNORE}")


def available_bytes() -> int:
    """Memory that can be had without swapping: the machine's, or less where a cgroup limits it."""
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
