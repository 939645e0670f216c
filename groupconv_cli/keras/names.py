"""Which SPECs are Keras models: every run asks this, so nothing heavy is imported for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from groupconv_cli.errors import Source, UsageError
from groupconv_cli.network import Network

if TYPE_CHECKING:
    import keras

PREFIX = "keras:"
"""Before the name of a function of keras.applications."""

ENDINGS = (".keras", ".h5", ".hdf5")


def is_model(source: str) -> bool:
    """Whether a SPEC means a Keras model, and not a spec: by its name, or as a SavedModel."""
    if source.startswith(PREFIX) or source.lower().endswith(ENDINGS):
        return True
    try:
        return Path(source, "saved_model.pb").is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


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
            from groupconv_cli.keras.source import check_code, read_config

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
        from groupconv_cli.keras.runtime import load_keras

        self.check()
        load_keras()
        from groupconv_cli.keras.loading import model_network, sizes_of
        from groupconv_cli.keras.reading import network_of

        if isinstance(self.model, str):
            return model_network(self.model, settings, trust=self.trust)
        return network_of(self.model, sizes_of(settings))

    def load(self, settings: Mapping[str, object] | None = None) -> keras.Model:
        """The model itself, with its weights; those of keras.applications have random ones.

        Raises what `network` raises, and EnvironmentProblem if there is not enough memory.
        """
        from groupconv_cli.keras.runtime import load_keras

        load_keras()
        from groupconv_cli.keras.loading import load_model

        return load_model(self.model, settings, trust=self.trust)

    @property
    def is_application(self) -> bool:
        """Whether it is a function of keras.applications, and so has random weights."""
        return isinstance(self.model, str) and self.model.startswith(PREFIX)

    def networks(self, settings: Mapping[str, object] | None = None) -> NoReturn:
        """Raises UsageError: only a spec has variants."""
        raise UsageError(f"{self.name} is a Keras model, which has no variants")
