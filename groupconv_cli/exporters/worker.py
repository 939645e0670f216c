"""The code of the converter process: `python -m groupconv_cli.exporters.worker PARENT`.

Converters are native code, which may crash or write to the screen. So they run in a process of
their own. It reads jobs from standard input and writes answers to standard output, a line of JSON
each. It ends at the end of its input, or with the process that started it. Its first answer says
that it is ready.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from groupconv_cli.runtime import light_imports

PR_SET_PDEATHSIG = 1
"""prctl(2): sets the signal that this process gets when its parent ends."""

Job = dict[str, Any]


def tflite(job: Job) -> None:
    """Converts a SavedModel for batches of one size, quantized as the job says."""
    import numpy as np
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(job["saved_model"])
    kind = job["quantize"]
    if kind is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "int8":

        def representative() -> Iterator[dict[str, Any]]:
            with np.load(job["samples"], allow_pickle=False) as file:
                arrays = [file[key] for key in sorted(file.files)]
            size = job["batch"]
            for first in range(0, len(arrays[0]), size):
                batch = [array[first : first + size] for array in arrays]
                yield dict(zip(job["inputs"], batch, strict=True))

        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    Path(job["output"]).write_bytes(converter.convert())


def onnx(job: Job) -> None:
    """Converts the endpoint `serve` of a SavedModel."""
    import onnx as onnx_package
    import tensorflow as tf
    import tf2onnx

    from groupconv_cli.exporters.onnx_operations import HANDLERS, without_constants

    loaded = tf.saved_model.load(job["saved_model"])
    # The only signature that it was saved with.
    function = loaded.serve.concrete_functions[0]
    (positional, _) = function.structured_input_signature
    proto, _ = tf2onnx.convert.from_function(
        loaded.serve, list(positional), custom_op_handlers=dict(HANDLERS)
    )
    constants = [each for each in function.captured_inputs if each.dtype != tf.resource]
    without_constants(proto.graph, len(positional), constants)
    onnx_package.save(proto, job["output"])


JOBS: dict[str, Callable[[Job], None]] = {"tflite": tflite, "onnx": onnx}


def main() -> None:
    """Runs jobs until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    _end_with_parent(int(sys.argv[1]))
    _leave_no_core()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # converters print
    with light_imports("keras"):  # a SavedModel has no Keras in it
        import tensorflow  # noqa: F401  (before the first job is there)

    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            JOBS[job["convert"]](job)
            answer = {}
        except Exception as error:  # noqa: BLE001  (converters raise errors of any kind)
            answer = {"error": str(error) or type(error).__name__}
        print(json.dumps(answer), file=answers, flush=True)


def _end_with_parent(parent: int) -> None:
    """Ends this process with its parent, also during a job, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the line above
            sys.exit()


def _leave_no_core() -> None:
    """Switches core dumps off: a crash would write all of TensorFlow's memory to the disk."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
