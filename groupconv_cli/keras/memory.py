"""Whether a model fits in this machine's memory, before it is built."""

from __future__ import annotations

from pathlib import Path

from groupconv_cli.network import Network

FRAMEWORK_BYTES = 600_000_000
"""What TensorFlow and Keras take once they are loaded (measured: 550 MB resident)."""

_CGROUP = Path("/sys/fs/cgroup")


def build_bytes(network: Network) -> int:
    """An estimate of the memory that building takes, in bytes, for float32 weights.

    Measured on dense layers of 0.4 to 3 GB: the weights once, and twice the largest layer again
    while its initial values are drawn.
    """
    weights = [4 * node.cost.params for node in network.nodes]
    return FRAMEWORK_BYTES + sum(weights) + 2 * max(weights, default=0)


def available_bytes() -> int:
    """Memory that can be had without swapping: the machine's, or less where a cgroup limits it."""
    import psutil

    available = int(psutil.virtual_memory().available)
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return available
    return available if limit == "max" else max(0, min(available, int(limit) - used))
