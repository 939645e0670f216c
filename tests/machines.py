"""A machine for measurements that are made up."""

from __future__ import annotations

from groupconv_cli.analysis.measurement import Machine

MACHINE = Machine(
    processor="Processor",
    cores=2,
    threads=4,
    device="CPU:0",
    system="Linux",
    python="3.11",
    tensorflow="2.21",
    keras="3.15",
    gconv="0.1",
    onednn=True,
    grouped_kernel=True,
)
