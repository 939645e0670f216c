"""Models that were trained, kept for the other seeds of their networks.

Building a model and tracing its functions takes seconds, and nothing in it depends on the seed.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from groupconv_cli.builder.memory import available_bytes
from groupconv_cli.errors import Source
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.network import Network
from groupconv_cli.training.recipe import Recipe

if TYPE_CHECKING:
    from groupconv_cli.training.model import TrainableModel

LEFT = 0.5
"""The share of the memory that was available at first that kept models must leave. How much their
traced functions take depends on the version of TensorFlow, so memory is looked at, not computed."""


def network_of(text: str) -> Network:
    """The network of a job's spec."""
    return SpecFile(Source("<run>", text)).network()


class Models:
    """The models of one comparison. Whether one is kept changes no number of a run."""

    def __init__(self) -> None:
        self._at_first = available_bytes()
        self._networks: dict[str, Network] = {}
        self._kept: dict[tuple[Network, Recipe, bool], TrainableModel] = {}

    def network(self, text: str) -> Network:
        """The network of a spec's text: the same object each time, by which models are found."""
        if text not in self._networks:
            self._networks[text] = network_of(text)
        return self._networks[text]

    def take(self, network: Network, recipe: Recipe, *, diversity: bool) -> TrainableModel | None:
        """The model that was kept, which is kept no longer: a run may end in its middle."""
        return self._kept.pop((network, recipe, diversity), None)

    def keep(
        self, model: TrainableModel, network: Network, recipe: Recipe, *, diversity: bool
    ) -> None:
        """Keeps a model unless memory becomes short."""
        if available_bytes() >= LEFT * self._at_first:
            self._kept[network, recipe, diversity] = model

    def clear(self) -> bool:
        """Frees the memory of all models. Returns whether there were any."""
        had_any = bool(self._kept)
        self._kept.clear()
        if had_any:
            # A model and its functions refer to one another.
            gc.collect()
        return had_any
