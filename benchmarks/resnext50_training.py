"""ResNeXt-50 32x4d: a training step with stock Keras, with gconv's layers and with PyTorch.

    python benchmarks/resnext50_training.py [--batch 4] [--size 128] [--runs 5]

The step is forward, backward and an SGD update, in turn for each; medians of one run. PyTorch is
left out where it is not installed: pip install torch==2.13.0
"""

import argparse
import os
import statistics
import time
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import yaml

from groupconv_cli import accelerate, build, load

CONFIGS = Path(__file__).parent.parent / "configs"


def keras_step(model, batch, size):
    random = np.random.default_rng(0)
    x = tf.constant(random.standard_normal((batch, size, size, 3)), "float32")
    y = tf.constant(random.integers(0, 1000, batch))
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(0.01)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        weights = model.trainable_variables
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        optimizer.apply(gradients, weights)
        return loss

    return step


def torch_step(batch, size):
    import torch
    from torch import nn

    def conv(channels, filters, kernel, stride=1, groups=1):
        layer = nn.Conv2d(channels, filters, kernel, stride, kernel // 2, groups=groups, bias=False)
        return nn.Sequential(layer, nn.BatchNorm2d(filters))

    class Bottleneck(nn.Module):
        def __init__(self, channels, filters, stride):
            super().__init__()
            self.body = nn.Sequential(
                conv(channels, 2 * filters, 1),
                nn.ReLU(inplace=True),
                conv(2 * filters, 2 * filters, 3, stride, groups=32),
                nn.ReLU(inplace=True),
                conv(2 * filters, 4 * filters, 1),
            )
            same = channels == 4 * filters
            self.shortcut = nn.Identity() if same else conv(channels, 4 * filters, 1, stride)

        def forward(self, x):
            return torch.relu_(self.body(x) + self.shortcut(x))

    parts = [conv(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, depth in enumerate((3, 4, 6, 3)):
        for block in range(depth):
            stride = 2 if stage and not block else 1
            parts.append(Bottleneck(channels, 64 << stage, stride))
            channels = 256 << stage
    parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)]
    model = nn.Sequential(*parts).to(memory_format=torch.channels_last).train()
    assert sum(weight.numel() for weight in model.parameters()) == 25_028_904
    x = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
    y = torch.randint(0, 1000, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    batch, size = options.batch, options.size
    spec = yaml.safe_load((CONFIGS / "resnext.yaml").read_text())
    network = load({**spec, "input": [size, size, 3]}, variant="50_32x4d")
    stock = build(network)
    steps = {
        "stock Keras": keras_step(stock, batch, size),
        "gconv": keras_step(accelerate(stock), batch, size),
        "gconv, g=1": keras_step(build(network.dense()), batch, size),
    }
    if find_spec("torch") is None:
        print("PyTorch is not installed: pip install torch==2.13.0")
    else:
        steps["PyTorch"] = torch_step(batch, size)
    times = {name: [] for name in steps}
    for step in steps.values():
        step()
        step()
    for _ in range(options.runs):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    for name, samples in times.items():
        ratios = [a / b for a, b in zip(samples, times["gconv"], strict=True)]
        milliseconds = 1000 * statistics.median(samples)
        print(f"{name:12} {milliseconds:9.0f} ms  {statistics.median(ratios):7.2f}× gconv's")


if __name__ == "__main__":
    main()
