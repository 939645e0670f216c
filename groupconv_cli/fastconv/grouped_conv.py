"""Grouped convolution of one to three spatial dimensions, by the fastest method that works here."""

from __future__ import annotations

from functools import cache
from typing import Any

import tensorflow as tf

from groupconv_cli.fastconv.choice import Problem, choose, is_single_op
from groupconv_cli.fastconv.kernels import ConvWindow, convolve
from groupconv_cli.fastconv.taps import without_idle_taps
from groupconv_cli.runtime import silenced, start_devices


def grouped_conv(
    x: Any,
    kernel: Any,
    bias: Any | None = None,
    *,
    groups: int,
    strides: tuple[int, ...],
    padding: str,
    dilation: tuple[int, ...],
    data_format: str,
) -> Any:
    """The result of `keras.ops.conv`, plus the bias, without XLA on a CPU.

    `x` has the shape (batch, *spatial, channels), or (batch, channels, *spatial) with the data
    format channels_first. `kernel` has the shape (*spatial, channels / groups, filters) and `bias`
    (filters), of the same dtype. The sizes of x may be unknown. `padding` is 'same' or 'valid'. The
    method is chosen here, when the operation is traced.

    Raises ValueError if the output would be empty.
    """
    rank = len(strides)
    window = ConvWindow(strides, padding.upper(), dilation)
    first = 2 if data_format == "channels_first" else 1
    spatial = list(x.shape[first : first + rank])
    _check_fit(spatial, list(kernel.shape[:rank]), window)
    if window.padding == "SAME" and not is_single_op(2):
        sizes = [
            tf.shape(x)[first + axis] if size is None else size for axis, size in enumerate(spatial)
        ]
        kernel = without_idle_taps(kernel, sizes, strides, dilation)
    if _device_type() != "CPU" and not is_single_op(2):
        layout = _tf_format(data_format, rank)
        y = tf.nn.convolution(x, kernel, *window[:2], layout, window.dilation)
        return y if bias is None else tf.nn.bias_add(y, bias, "NC.." if layout[1] == "C" else None)
    if data_format == "channels_first":
        # On a CPU TensorFlow supports few operations with channels first.
        x = tf.transpose(x, (0, *range(2, rank + 2), 1))
    if x.shape[-1] is None:
        x = tf.ensure_shape(x, (*x.shape[:-1], groups * kernel.shape[-2]))
    y = _unless_empty(x, kernel, bias, window)
    if data_format == "channels_first":
        y = tf.transpose(y, (0, rank + 1, *range(1, rank + 1)))
    return y


def _check_fit(spatial: list[int | None], kernel: list[int], window: ConvWindow) -> None:
    """Raises ValueError if no window fits. oneDNN would return zeros of some shape."""
    if window.padding != "VALID":
        return
    for size, taps, dilation in zip(spatial, kernel, window.dilation, strict=True):
        if size is not None and size < (taps - 1) * dilation + 1:
            raise ValueError(
                f"The convolution has an empty output: a kernel of {kernel} with the dilation "
                f"{list(window.dilation)} does not fit an input of {spatial}."
            )


def _unless_empty(x: Any, kernel: Any, bias: Any | None, window: ConvWindow) -> Any:
    """The convolution; for an empty batch, which oneDNN gets wrong, no outputs.

    Empty batches occur if the last batch is divided among replicas, and in eager code.
    """
    if x.shape[0] == 0:
        return _empty(x, kernel, window)
    if x.shape[0] is None and tf.distribute.get_strategy().num_replicas_in_sync > 1:
        return tf.cond(
            tf.shape(x)[0] > 0,
            lambda: _with_bias(x, kernel, bias, window),
            lambda: _empty(x, kernel, window),
        )
    return _with_bias(x, kernel, bias, window)


def _empty(x: Any, kernel: Any, window: ConvWindow) -> Any:
    spatial = tf.unstack(tf.shape(x))[1:-1]
    sizes = [
        output_size(size, taps, stride, window.padding, dilation)
        for size, taps, stride, dilation in zip(
            spatial, kernel.shape[:-2], window.stride, window.dilation, strict=True
        )
    ]
    # These zeros depend on x and the kernel, so that both have gradients.
    zero = 0 * (tf.reduce_sum(kernel) + tf.reduce_sum(x))
    return zero + tf.zeros((0, *sizes, kernel.shape[-1]), x.dtype)


def output_size(size: Any, taps: int, stride: int, padding: str, dilation: int) -> Any:
    """The positions of a kernel along an axis; the size is a number or a scalar tensor."""
    if padding == "SAME":
        return -(-size // stride)
    return (size - (taps - 1) * dilation - 1) // stride + 1


def _with_bias(x: Any, kernel: Any, bias: Any | None, window: ConvWindow) -> Any:
    y = _by_rank(x, kernel, window)
    if bias is None:
        return y
    if y.dtype.size == 2:
        # The gradient is a sum over all positions, which is wrong in half precision: by 80 % after
        # 2,000 positions in bfloat16.
        return tf.cast(tf.cast(y, tf.float32) + tf.cast(bias, tf.float32), y.dtype)
    # Not `+`: TensorFlow's graph optimisation fuses only this into the convolution.
    return tf.nn.bias_add(y, bias)


def _by_rank(x: Any, kernel: Any, window: ConvWindow) -> Any:
    if x.shape[-1] == kernel.shape[-2] and not _is_spread_out(window):
        # One group: nothing is faster than Keras' own operation.
        layout = _tf_format("channels_last", len(window.stride))
        return tf.nn.convolution(x, kernel, *window[:2], layout, window.dilation)
    if len(window.stride) == 1:
        return _conv1d(x, kernel, window)
    if len(window.stride) == 2:
        return _conv2d(x, kernel, window)
    if is_single_op(3):
        stride, dilation = ((1, *sizes, 1) for sizes in (window.stride, window.dilation))
        return tf.nn.conv3d(x, kernel, stride, window.padding, dilations=dilation)
    return _conv3d(x, kernel, window)


def _is_spread_out(window: ConvWindow) -> bool:
    """Whether it is over volumes with dilation, and traced for a runtime that has no such thing."""
    volumes = len(window.stride) == 3 and max(window.dilation) > 1
    return volumes and is_single_op(2) and not is_single_op(3)


def _conv1d(x: Any, kernel: Any, window: ConvWindow) -> Any:
    """The convolution of an image of height one; the depthwise kernel needs equal strides."""
    (stride,), padding, (dilation,) = window
    flat = ConvWindow((stride, stride), padding, (1, dilation))
    return tf.squeeze(_conv2d(x[:, None], kernel[None], flat), axis=1)


def _conv2d(x: Any, kernel: Any, window: ConvWindow) -> Any:
    *size, channels, filters = kernel.shape
    groups = x.shape[-1] // channels
    problem = Problem(groups, channels, filters // groups, tuple(size), window.stride)
    dtype = x.dtype
    native = is_single_op(2) or runs_natively(dtype.name)
    if not native and dtype.size == 2 and runs_natively("float32"):
        # Half precision that the processor lacks is emulated, at a tenth of float32's speed.
        x, kernel, native = tf.cast(x, tf.float32), tf.cast(kernel, tf.float32), True
    return tf.cast(convolve(x, kernel, groups, window, choose(problem, native=native)), dtype)


def _conv3d(x: Any, kernel: Any, window: ConvWindow) -> Any:
    """The sum, over the taps of the depth, of convolutions of images.

    TensorFlow has no grouped convolution of volumes on a CPU. This takes no more MACs.
    """
    dtype = x.dtype
    if dtype.size == 2:
        # If half precision were rounded after each tap, it would lose more digits than in Keras.
        x, kernel = tf.cast(x, tf.float32), tf.cast(kernel, tf.float32)
    taps, stride, dilation = kernel.shape[0], window.stride[0], window.dilation[0]
    depth = tf.shape(x)[1]
    out_depth = output_size(depth, taps, stride, window.padding, dilation)
    if window.padding == "SAME":
        reach = (taps - 1) * dilation + 1
        missing = tf.maximum((out_depth - 1) * stride + reach - depth, 0)
        before = missing // 2
        x = tf.pad(x, [[0, 0], [before, missing - before], [0, 0], [0, 0], [0, 0]])
    images = ConvWindow(window.stride[1:], window.padding, window.dilation[1:])
    batch = tf.shape(x)[0]
    # As a list, they stay known where they are: TFLite has no assertion of a shape.
    image = sizes_of(x)[2:]
    total: Any = None
    for tap in range(taps):
        first = tap * dilation
        sliced = x[:, first : first + (out_depth - 1) * stride + 1 : stride]
        folded = tf.reshape(sliced, [batch * out_depth, *image])
        part = _conv2d(folded, kernel[tap], images)
        total = part if total is None else total + part
    return tf.cast(tf.reshape(total, [batch, out_depth, *sizes_of(total)[1:]]), dtype)


def sizes_of(x: Any) -> list[Any]:
    """The sizes of a tensor: numbers, or scalar tensors where they are not known."""
    return [tf.shape(x)[axis] if size is None else size for axis, size in enumerate(x.shape)]


@cache
def runs_natively(dtype: str) -> bool:
    """Whether TensorFlow's CPU kernel computes grouped convolutions of this dtype and trains them.

    It needs oneDNN, whose use depends on the processor, the platform, the dtype and the
    environment. Each process runs the smallest such convolution once to find out.
    """
    start_devices()
    # Where the answer is no, native code warns of it.
    with silenced(), tf.init_scope(), tf.device("/CPU:0"):
        x = tf.ones((1, 3, 3, 4), dtype)
        kernel = tf.ones((3, 3, 2, 4), dtype)
        window = {"strides": [1, 1, 1, 1], "padding": "SAME"}
        try:
            # A gradient tape does not work here: `init_scope` stops tapes.
            y = tf.raw_ops.Conv2D(input=x, filter=kernel, **window)
            shape = {"out_backprop": y, **window}
            tf.raw_ops.Conv2DBackpropInput(input_sizes=x.shape, filter=kernel, **shape)
            tf.raw_ops.Conv2DBackpropFilter(input=x, filter_sizes=kernel.shape, **shape)
        except tf.errors.OpError:
            return False
    return True


def _device_type() -> str:
    """The type of the device on which a tensor would be created here; CPU by default."""
    if len(tf.config.list_logical_devices()) == len(tf.config.list_logical_devices("CPU")):
        return "CPU"
    device = tf.DeviceSpec.from_string(tf.zeros(()).device).device_type
    return device or "GPU"


def _tf_format(data_format: str, rank: int) -> str:
    spatial = "DHW"[-rank:]
    return f"NC{spatial}" if data_format == "channels_first" else f"N{spatial}C"
