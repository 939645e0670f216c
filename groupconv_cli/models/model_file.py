"""A Keras model as a source of networks: a file, a function of keras.applications, or the model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from groupconv_cli.errors import Source, UsageError
from groupconv_cli.models.recognize import PREFIX
from groupconv_cli.network import Network

if TYPE_CHECKING:
    import keras


class ModelFile:
    """A Keras model, or what it is found by; it makes networks as a `SpecFile` does."""

    def __init__(self, model: Any, *, trust: bool = False) -> None:
        """`model` is a keras.Model, a path, or `keras:` and a name; see `groupconv_cli.load`."""
        self.model = model
        self.trust = trust

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self.model if isinstance(self.model, str) else str(self.model.name)

    @property
    def source(self) -> Source:
        """Where it comes from. There is no text."""
        return Source(self.name, "")

    def check(self) -> None:
        """Raises UsageError for a file that is no model or not safe, before Keras is loaded."""
        if isinstance(self.model, str) and not self.model.startswith(PREFIX):
            from groupconv_cli.models.description import check_code, read_config

            path = Path(self.model)
            config = read_config(path)
            if not self.trust:
                check_code(path, config)

    def network(
        self, settings: Mapping[str, object] | None = None, variant: str | None = None
    ) -> Network:
        """The network that the model is, with these sizes of inputs or arguments.

        Raises UsageError for a variant and where the model cannot be read, EnvironmentProblem if
        TensorFlow is missing.
        """
        if variant is not None:
            raise UsageError(f"a model has no variants, so no {variant!r}")
        from groupconv_cli.runtime import load_keras

        self.check()
        load_keras()
        from groupconv_cli.models.load import model_network, sizes_of
        from groupconv_cli.models.to_network import network_of

        if isinstance(self.model, str):
            return model_network(self.model, settings, trust=self.trust)
        return network_of(self.model, sizes_of(settings))

    def load(
        self, settings: Mapping[str, object] | None = None, *, ignore_memory: bool = False
    ) -> keras.Model:
        """The model itself, with its weights; those of keras.applications have random ones.

        With `ignore_memory` it is tried even where there seems to be too little.

        Raises what `network` raises, and EnvironmentProblem if there is not enough memory.
        """
        from groupconv_cli.runtime import load_keras

        load_keras()
        from groupconv_cli.models.load import load_model

        return load_model(self.model, settings, trust=self.trust, ignore_memory=ignore_memory)

    @property
    def is_application(self) -> bool:
        """Whether it is a function of keras.applications, and so has random weights."""
        return isinstance(self.model, str) and self.model.startswith(PREFIX)

    def networks(self, settings: Mapping[str, object] | None = None) -> NoReturn:
        """Raises UsageError: only a spec has variants."""
        raise UsageError(f"{self.name} is a Keras model, which has no variants")
