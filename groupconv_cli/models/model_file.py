"""A Keras model as a source of networks: a file, a function of keras.applications, or a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from groupconv_cli.errors import Source, UsageError
from groupconv_cli.models.recognize import PREFIX, is_architecture, weights_beside
from groupconv_cli.network import Network
from groupconv_cli.policy.limits import BudgetLimit
from groupconv_cli.policy.rules import Severities

if TYPE_CHECKING:
    import keras

Settings = Mapping[str, object]


class ModelFile:
    """A Keras model, or its path or name. It makes networks as a `SpecFile` does.

    A file is read and checked once, and its graph is built once for the same settings.
    """

    implied_variant: None = None
    variants: tuple[str, ...] = ()

    def __init__(self, model: Any, *, trust: bool = False) -> None:
        """`model` is a keras.Model, a path, or `keras:` and a name; see `groupconv_cli.load`."""
        self.model = model
        self.trust = trust
        self._networks: dict[str, Network] = {}

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self.model if isinstance(self.model, str) else str(self.model.name)

    @property
    def source(self) -> Source:
        """Its source, without a text."""
        return Source(self.name, "")

    @property
    def is_application(self) -> bool:
        """Whether it is a function of keras.applications, and so has random weights."""
        return isinstance(self.model, str) and self.model.startswith(PREFIX)

    @property
    def has_random_weights(self) -> bool:
        """Whether it brings no weights: a function of keras.applications, an architecture alone."""
        if self.is_application or not self.is_file:
            return self.is_application
        path = Path(self.model)
        return is_architecture(path) and weights_beside(path) is None

    @property
    def is_file(self) -> bool:
        """Whether it is a file, and not a model in memory or a function that makes a model."""
        return isinstance(self.model, str) and not self.is_application

    @cached_property
    def _config(self) -> dict[str, Any]:
        """The file's description of the model, checked before Keras touches it."""
        from groupconv_cli.models.description import check_code, read_config

        path = Path(self.model)
        config = read_config(path)
        if not self.trust:
            check_code(path, config)
        return config

    def check(self) -> None:
        """Raises UsageError if the file is not a model or not safe, before Keras is loaded."""
        if self.is_file:
            _ = self._config

    def network(
        self,
        settings: Settings | None = None,
        variant: str | None = None,
        work: object = None,
        progress: Callable[[str], None] | None = None,
        *,
        keep_open: bool = False,
    ) -> Network:
        """The network of the model, with these sizes of inputs or arguments.

        `progress` is called with a description of slow steps. `keep_open` changes nothing: the
        model itself, which `load` returns, keeps its sizes open.

        Raises UsageError if a variant is given or the model cannot be read, EnvironmentProblem if
        TensorFlow is missing.
        """
        if variant is not None:
            raise UsageError(f"a Keras model has no variants; got {variant!r}")
        key = repr(sorted((settings or {}).items()))
        if self.is_file or self.is_application:
            if key not in self._networks:
                self._networks[key] = self._read(settings, progress)
            return self._networks[key]
        return self._read(settings, progress)  # a model in memory may change

    def _read(self, settings: Settings | None, progress: Callable[[str], None] | None) -> Network:
        from groupconv_cli.runtime import load_keras

        self.check()
        if progress:
            progress("Loading TensorFlow")
        load_keras()
        from groupconv_cli.models import load
        from groupconv_cli.models.to_network import network_of

        if progress:
            progress(f"Reading {self.name}")
        if self.is_application:
            return load.application_network(self.model, settings)
        sizes = load.sizes_of(settings)
        if not self.is_file:
            return network_of(self.model, sizes)
        # Keras changes what it reads, and other settings may ask for the graph again.
        return load.file_network(Path(self.model), deepcopy(self._config), sizes, trust=self.trust)

    def load(
        self,
        settings: Settings | None = None,
        *,
        compiled: bool = False,
        ignore_memory: bool = False,
    ) -> keras.Model:
        """The model itself, with its weights. Models of keras.applications have random weights.

        With `compiled`, training can continue where it stopped, if Keras finds everything it needs.
        With `ignore_memory`, the model is loaded even if memory seems too small.

        Raises the errors of `network`, and EnvironmentProblem if there is not enough memory.
        """
        if not (self.is_file or self.is_application):
            return self.model
        from groupconv_cli.builder.memory import building

        with building(self.network(settings), ignore=ignore_memory):
            from groupconv_cli.models import load
            from groupconv_cli.runtime import start_devices

            start_devices()
            if self.is_application:
                return load.load_application(self.model, settings)
            config = deepcopy(self._config)
            return load.load_file(Path(self.model), config, trust=self.trust, compiled=compiled)

    @property
    def rules(self) -> Severities:
        """Empty: only specs have these."""
        return {}

    def limits(
        self, settings: Settings | None = None, variant: str | None = None
    ) -> dict[str, BudgetLimit]:
        """Empty: only specs have these."""
        return {}

    def networks(self, settings: Settings | None = None) -> NoReturn:
        """Raises UsageError: only a spec has variants."""
        raise UsageError(f"{self.name} is a Keras model, which has no variants")
