"""Grouped convolutions: the layers of gconv beside stock Keras and PyTorch, in one process.

    python benchmarks/grouped_conv.py [--groups 1,4,8,32,C] [--peers stock,torch] [--runs 9]

Each line is a shape, a number of groups and what is timed: `forward`, or `train`, which is forward
and backward to the input and the weights. Layers have a bias. What is compared runs in turn, so
that a shared machine's drift hits all alike; figures are medians in milliseconds per layer, ratios
medians of the ratios of each turn. Beside stock Keras and g=1 it is one layer, beside PyTorch
(channels_last) a chain of eight with weights of their own, so that neither side is measured by what
a call costs; where filters and channels differ, every other layer of the chain goes back.

PyTorch is left out where it is not installed: pip install torch==2.13.0
"""

import argparse
import os
import statistics
import time
from importlib.util import find_spec

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from groupconv_cli.layers import GroupConv2D

SHAPES = [
    (8, 32, 32, 64, 128, 3),
    (8, 56, 56, 128, 128, 3),
    (8, 14, 14, 512, 512, 3),
    (8, 56, 56, 256, 256, 1),
]
CHAIN = 8


def keras_chain(cls, shape, groups, length):
    batch, height, width, channels, filters, kernel = shape
    x = np.random.default_rng(0).standard_normal((batch, height, width, channels))
    x = tf.constant(x, "float32")
    chain = []
    for index in range(length):
        layer = cls((filters, channels)[index % 2], kernel, padding="same", groups=groups)
        layer.build((None, None, None, (channels, filters)[index % 2]))
        chain.append(layer)
    weights = [weight.value for layer in chain for weight in layer.weights]

    @tf.function
    def forward(x):
        for layer in chain:
            x = layer(x)
        return x

    @tf.function
    def train(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(forward(x))
        return tape.gradient(loss, [x, *weights])

    return {"forward": lambda: forward(x), "train": lambda: train(x)}


def torch_chain(shape, groups, length):
    import torch

    batch, height, width, channels, filters, kernel = shape
    x = torch.randn(batch, channels, height, width).to(memory_format=torch.channels_last)
    x.requires_grad_(True)
    sizes = [(channels, filters)[:: 1 - 2 * (index % 2)] for index in range(length)]
    chain = torch.nn.Sequential(
        *[torch.nn.Conv2d(c, f, kernel, padding="same", groups=groups) for c, f in sizes]
    ).to(memory_format=torch.channels_last)

    def forward():
        with torch.inference_mode():
            return chain(x)

    def train():
        x.grad = None
        chain.zero_grad()
        chain(x).sum().backward()
        return x.grad

    return {"forward": forward, "train": train}


def time_interleaved(tasks, runs):
    """Seconds of each task, run by run."""
    times = {name: [] for name in tasks}
    for run in tasks.values():
        run()
        run()
    for _ in range(runs):
        for name, run in tasks.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return times


def ratio(slow, fast):
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def report(shape, groups, phase, peer, length, times):
    milliseconds = {k: 1000 * statistics.median(v) / length for k, v in times.items()}
    times_faster = ratio(times[peer], times["gconv"])
    print(
        f"{'×'.join(map(str, shape[:4]))}→{shape[4]} {shape[5]}×{shape[5]}  g={groups:<4}"
        f"{phase:8}  gconv {milliseconds['gconv']:9.2f} ms  {peer} {milliseconds[peer]:9.2f} ms  "
        f"{times_faster:7.2f}×",
        flush=True,
    )
    return times_faster


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", default="2,4,8,32,C")
    parser.add_argument("--peers", default="stock,g=1,torch")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    peers = options.peers.split(",")
    if "torch" in peers and find_spec("torch") is None:
        peers.remove("torch")
        print("PyTorch is not installed: pip install torch==2.13.0\n")
    makers = {
        "stock": lambda shape, groups: keras_chain(keras.layers.Conv2D, shape, groups, 1),
        "g=1": lambda shape, _: keras_chain(GroupConv2D, shape, 1, 1),
        "torch": lambda shape, groups: torch_chain(shape, groups, CHAIN),
    }
    for peer in peers:
        found = {}
        for text in options.groups.split(","):
            for shape in SHAPES:
                groups = min(shape[3:5]) if text == "C" else int(text)
                length = CHAIN if peer == "torch" else 1
                ours = keras_chain(GroupConv2D, shape, groups, length)
                theirs = makers[peer](shape, groups)
                for phase in ("forward", "train"):
                    # Stock Keras' gradients take seconds.
                    runs = 3 if (peer, phase) == ("stock", "train") else options.runs
                    times = time_interleaved({"gconv": ours[phase], peer: theirs[phase]}, runs)
                    value = report(shape, groups, phase, peer, length, times)
                    found.setdefault((text, phase), []).append(value)
        print(f"\nTimes faster than {peer}, geometric mean over the shapes (least):")
        for phase in ("forward", "train"):
            for (text, of), values in found.items():
                if of == phase:
                    mean = statistics.geometric_mean(values)
                    print(f"  {phase:8} g={text:<4} {mean:8.2f}× ({min(values):.2f}×)")
            every = [value for (_, of), values in found.items() if of == phase for value in values]
            print(f"  {phase:8} all    {statistics.geometric_mean(every):8.2f}×")
        print()


if __name__ == "__main__":
    main()
