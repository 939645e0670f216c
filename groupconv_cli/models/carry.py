"""Carries trained weights from a Keras model over to the model of a network, layer by layer."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from groupconv_cli.errors import UsageError
from groupconv_cli.models.description import check_code, read_config
from groupconv_cli.models.load import load_file
from groupconv_cli.models.to_network import ReadModel, read_model
from groupconv_cli.models.weights import check_weights_file, load_weights
from groupconv_cli.network import Network


def carry_weights(model: Any, network: Network, path: Path) -> None:
    """Gives the model of a network the weights in a file.

    The layers of a `.keras` file are found by their names if all have the same ones, and else by
    their order in both networks. A file whose model cannot be read, or has layers of other shapes,
    and a file of weights alone, is left to Keras: see `load_weights`.

    Raises UsageError if the file is of another kind or not safe, or if the weights do not fit. The
    error names the layers.
    """
    check_weights_file(path)
    source = _read(path) if path.suffix == ".keras" else None
    if source is None or not _carried(model, network, source):
        load_weights(model, path)


def _read(path: Path) -> ReadModel | None:
    """The model in a file; None if Keras cannot read it without running code."""
    try:
        config = read_config(path)
        check_code(path, config)
        return read_model(load_file(path, deepcopy(config)))
    except UsageError:
        return None


def _carried(model: Any, network: Network, source: ReadModel) -> bool:
    """Whether all weights have a place of the same shape, which they have been given then."""
    wanted = [node.name for node in network.nodes if node.cost.params]
    found = [node.name for node in source.network.nodes if source.weights.get(node.name)]
    if len(wanted) != len(found):
        return False
    pairs = zip(wanted, wanted if set(wanted) == set(found) else found, strict=True)
    given = [(model.get_layer(name), source.weights[other]) for name, other in pairs]
    if any(_shapes(layer.weights) != _shapes(weights) for layer, weights in given):
        return False
    for layer, weights in given:
        layer.set_weights([weight.numpy() for weight in weights])
    return True


def _shapes(weights: list[Any]) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in weights]
