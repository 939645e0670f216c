"""What TensorFlow's own profiler counts."""

from __future__ import annotations

COUNTED = ("Conv2D", "DepthwiseConv2dNative", "MatMul")
"""The profiler counts 2 for every multiply-accumulate of these; of everything else it counts
something too (bias, norm, activations, pooling), which gconv counts as 0."""


def profiled(model) -> dict[str, int]:
    """Floating-point operations by kind, for one sample."""
    import tensorflow as tf

    specification = tf.TensorSpec([1, *model.input.shape[1:]], tf.float32)
    # Keras puts a convolution with groups into a function of its own, which the profiler would not
    # look into. Functions run as the Python that they are become part of the graph.
    eagerly = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        traced = tf.compat.v1.wrap_function(lambda x: model(x, training=False), [specification])
    finally:
        tf.config.run_functions_eagerly(eagerly)
    profiler = tf.compat.v1.profiler
    quiet = profiler.ProfileOptionBuilder(
        profiler.ProfileOptionBuilder.float_operation()
    ).with_empty_output()
    found: dict[str, int] = {}

    def add(node) -> None:
        found[node.name] = found.get(node.name, 0) + node.float_ops
        for child in node.children:
            add(child)

    add(profiler.profile(traced.graph, cmd="op", options=quiet.build()))
    return found
