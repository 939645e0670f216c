"""The machine, and the settings of TensorFlow on which times depend."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import psutil
import tensorflow as tf

from groupconv_cli.analysis.measurement import Machine, MeasureSettings
from groupconv_cli.errors import UsageError
from groupconv_cli.fastconv.grouped_conv import runs_natively
from groupconv_cli.runtime import as_shipped, quiet, silenced
from groupconv_cli.version import __version__


@contextmanager
def configured(settings: MeasureSettings) -> Iterator[Machine]:
    """Runs the block with the settings' threads, device and dtype; yields the machine.

    Raises UsageError if the device does not exist, or if threads are given after TensorFlow has
    begun to compute, because their number is fixed then.
    """
    with placed(settings) as device, as_shipped():
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(settings.dtype)
        try:
            with quiet():
                yield _machine(device, settings)
        finally:
            keras.config.set_dtype_policy(policy)


@contextmanager
def placed(settings: MeasureSettings) -> Iterator[str]:
    """Runs the block with the settings' threads and device; yields the device's name.

    Raises the errors of `configured`.
    """
    if settings.threads is not None:
        _limit_threads(settings.threads)
    device = _device(settings.device)
    with tf.device(f"/{device}"):
        yield device


def _limit_threads(threads: int) -> None:
    threading = tf.config.threading
    if threading.get_intra_op_parallelism_threads() == threads:
        return
    try:
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        raise UsageError(
            "the number of threads can be set only before TensorFlow computes anything"
        ) from None


def _device(wanted: str | None) -> str:
    """The device's name in TensorFlow, such as GPU:0. Raises UsageError if it does not exist."""
    kind, _, number = (wanted or "").upper().partition(":")
    there = [device.name.removeprefix("/physical_device:") for device in _physical_devices()]
    if not kind:
        return next((name for name in there if name.startswith("GPU")), "CPU:0")
    name = f"{kind}:{number or 0}"
    if name not in there:
        raise UsageError(
            f"there is no device {wanted!r}; TensorFlow sees {', '.join(there).lower()}"
        )
    return name


def _physical_devices() -> list[tf.config.PhysicalDevice]:
    with silenced():  # a driver without a GPU makes native code write an error
        return list(tf.config.list_physical_devices())


def _machine(device: str, settings: MeasureSettings) -> Machine:
    return Machine(
        processor=_processor(),
        cores=psutil.cpu_count(logical=False),
        threads=threads_in_use(),
        device=device,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        tensorflow=tf.__version__,
        keras=keras.__version__,
        gconv=__version__,
        onednn=_onednn(),
        grouped_kernel=device.startswith("GPU") or runs_natively(settings.dtype),
    )


def threads_in_use() -> int:
    """The threads that one operation of TensorFlow may use.

    It is the number that was set, or the number in TensorFlow's variable, or else the number of
    processors.
    """
    number: int = tf.config.threading.get_intra_op_parallelism_threads()
    variable = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    return number or (int(variable) if variable.isdecimal() else 0) or _processors()


def _processors() -> int:
    """The logical processors that this process may use. TensorFlow uses as many threads."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    """The processor's name from its maker, if the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if told.stdout.strip():
            return told.stdout.strip()
    return platform.processor() or platform.machine()


def _onednn() -> bool:
    """Whether TensorFlow uses oneDNN. Only its private modules know."""
    try:
        from tensorflow.python.util import _pywrap_util_port

        return bool(_pywrap_util_port.IsMklEnabled())
    except (ImportError, AttributeError):
        return runs_natively("float32")
