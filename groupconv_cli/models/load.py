"""Loads models from files and keras.applications, with weights or only their graph."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import keras

import groupconv_cli.layers  # noqa: F401  (registers the layers that accelerated models have)
from groupconv_cli.errors import GconvError, UsageError
from groupconv_cli.foreign import first_line, foreign
from groupconv_cli.keras_internals import (
    before_each_node,
    fresh_names,
    model_from_hdf5_config,
)
from groupconv_cli.models.bounds import MAX_TRIES
from groupconv_cli.models.description import described
from groupconv_cli.models.migration import weights as migration
from groupconv_cli.models.migration.migrate import is_migrated, migrated
from groupconv_cli.models.model_inputs import SizesOfInputs
from groupconv_cli.models.recognize import PREFIX, is_architecture, weights_beside
from groupconv_cli.models.safety import IMPORT_IT, NO_MODEL, SAVE_AGAIN, check_weights
from groupconv_cli.models.to_network import network_of
from groupconv_cli.models.weights import load_weights
from groupconv_cli.network import Network
from groupconv_cli.runtime import as_shipped, deep, silenced
from groupconv_cli.words import did_you_mean, joined

Settings = Mapping[str, object]

OPEN = {"MobileNetV3Large": (224, 224, 3), "MobileNetV3Small": (224, 224, 3)}
"""The documented input sizes of applications that leave them open unless they load weights."""


def application_network(source: str, settings: Settings | None = None) -> Network:
    """The network of a function of keras.applications, `keras:NAME`; no weights are made.

    `settings` may give any argument of the function; `input` is its `input_shape`.

    Raises UsageError if the function or an argument does not exist.
    """
    with _apart(), keras.StatelessScope(initialize_variables=False):
        return network_of(_application(source, settings or {}))


def file_network(
    path: Path, config: dict[str, Any], sizes: SizesOfInputs | None = None, *, trust: bool = False
) -> Network:
    """The network of the model that `config` of the file describes; no weights are read.

    `config` is the result of `description.read_config`; this function changes it. `sizes` are the
    sizes that the model leaves open.

    Raises UsageError if the file cannot be read, or is not safe to read.
    """
    source = str(path)
    # An error that a description from elsewhere causes is not a bug, wherever it appears.
    with (
        _apart(),
        keras.StatelessScope(initialize_variables=False),
        foreign(source, NO_MODEL, SAVE_AGAIN),
        deep(),
        _bounded(source),
    ):
        model = _described(path, config, trust=trust)
        if isinstance(model, keras.Sequential) and not model.built and sizes:
            _tried(source, lambda: model.build((None, *sizes[0])))
        return network_of(model, sizes)


def load_application(source: str, settings: Settings | None = None) -> Any:
    """The model of a function of keras.applications, with random weights."""
    with _apart():
        return _application(source, settings or {})


def load_file(
    path: Path,
    config: dict[str, Any] | None = None,
    *,
    trust: bool = False,
    compiled: bool = False,
) -> Any:
    """The Keras model in a file whose description was checked, with its weights.

    `config` is that description. It is changed. It may be omitted for a file that gconv wrote.
    With `compiled`, training can continue where it stopped, if Keras 3 wrote the file and finds
    everything it needs.

    Raises UsageError if the weights are not safe to read, or Keras cannot read them.
    """
    if config is not None and (is_migrated(config) or is_architecture(path)):
        return _load_by_parts(path, config, trust=trust)
    check_weights(path)
    source = str(path)
    options: dict[str, Any] = {"safe_mode": not trust, "compile": compiled}
    with _apart(), deep(), _bounded(source):
        if compiled:
            try:
                return keras.models.load_model(source, **options)
            except Exception:  # noqa: BLE001  (a loss of the user's own, say: without it, then)
                options["compile"] = False
        return _tried(source, lambda: keras.models.load_model(source, **options))


def _load_by_parts(path: Path, config: dict[str, Any], *, trust: bool) -> Any:
    """The model of a description that Keras does not read, or that has its weights elsewhere."""
    weights = weights_beside(path) if is_architecture(path) else path
    written = deepcopy(config) if is_migrated(config) else None
    with _apart(), foreign(path, NO_MODEL, SAVE_AGAIN), deep(), _bounded(str(path)):
        model = _described(path, config, trust=trust)
        if weights is None:
            return model
        if written is None:
            load_weights(model, weights)
        else:
            migration.load_weights(model, written, weights)
        return model


@contextmanager
def _apart() -> Iterator[None]:
    """Inside, Keras names objects as in a fresh program, prints nothing and leaves no state."""
    with as_shipped(), fresh_names(), silenced(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _bounded(source: str) -> Iterator[None]:
    """While this is open, Keras cannot look for the inputs of layers without an end.

    Keras retries layers that stand before the layers that they read. Some versions also retry
    layers whose inputs do not exist.
    """
    tries = 0

    def count() -> None:
        nonlocal tries
        tries += 1
        if tries > MAX_TRIES:
            raise UsageError(
                f"{source} cannot be read: its layers are not in order, or read layers that do not "
                f"exist; no order was found in {MAX_TRIES:,} tries",
                SAVE_AGAIN,
            )

    with before_each_node(count):
        yield


def _described(path: Path, config: dict[str, Any], *, trust: bool) -> Any:
    """The model that a file describes, without values of its weights."""
    legacy = path.suffix.lower() not in (".keras", ".json") and not is_migrated(config)
    config = migrated(path, config)
    if legacy:
        return _tried(str(path), lambda: model_from_hdf5_config(config, trust=trust))
    _check_classes(path, config)
    config.pop("compile_config", None)
    model = _tried(
        str(path), lambda: keras.saving.deserialize_keras_object(config, safe_mode=not trust)
    )
    if not isinstance(model, keras.Model):
        raise UsageError(f"{path} does not hold a model but a {type(model).__name__}")
    return model


def _check_classes(path: Path, config: dict[str, Any]) -> None:
    """Raises UsageError for classes that are neither of Keras nor registered."""
    missing = set()
    for thing in described(config):
        module = str(thing.get("module") or "")
        registered = thing.get("registered_name")
        own = registered and module.partition(".")[0] not in ("keras", "builtins")
        if own and keras.saving.get_registered_object(str(registered)) is None:
            missing.add(thing["class_name"])
    if missing:
        raise _unknown(str(path), sorted(missing))


def _unknown(source: str, names: list[str]) -> UsageError:
    listed = joined([repr(first_line(Exception(name))) for name in names[:8]])
    several = len(names) > 1
    return UsageError(
        f"{source} uses the custom class{'es' * several} {listed}, which "
        f"{'are' if several else 'is'} not registered",
        IMPORT_IT,
    )


def _tried(source: str, action: Callable[[], Any]) -> Any:
    """The action's result. Any error of Keras becomes a UsageError."""
    try:
        return action()
    except (GconvError, KeyboardInterrupt):
        raise
    except Exception as error:
        # Before a class's own name may be that of the package it is registered for.
        unknown = re.match(r"Unknown \w+: '?(?:[^'>]*>)?(\w+)", str(error)) or re.match(
            r"Could not locate (?:class|function) '(\w+)'", str(error)
        )
        if unknown:
            raise _unknown(source, [unknown[1]]) from error
        raise UsageError(f"Keras cannot load {source}: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    """The innermost error: Keras adds an error for every part around the one that failed."""
    inner = re.findall(r"^Exception encountered: (.+)", str(error), re.MULTILINE)
    return first_line(Exception(inner[-1]) if inner else error)


def applications() -> dict[str, Callable[..., Any]]:
    """The functions of keras.applications that make models, by name."""
    return {
        name: function
        for name, function in vars(keras.applications).items()
        if name[0].isupper() and callable(function)
    }


def _application(source: str, settings: Settings) -> Any:
    known, name = applications(), source.removeprefix(PREFIX)
    if name not in known:
        hint = did_you_mean(name, known) or f"there are {', '.join(sorted(known))}"
        raise UsageError(f"keras.applications has no model {name!r}; {hint}")
    function = known[name]
    allowed = set(inspect.signature(function).parameters) - {"weights", "input_tensor", "name"}
    given: dict[str, Any] = {"input_shape": OPEN[name]} if name in OPEN else {}
    for key, value in settings.items():
        argument = "input_shape" if key == "input" else key
        if argument == "weights":
            raise UsageError(
                f"keras:{name} has random weights: gconv downloads none",
                f"for trained weights save the model in Python, with keras.applications.{name}()"
                ".save('model.keras'), and give that file",
            )
        if argument not in allowed:
            listed = sorted(allowed - {"input_shape"} | {"input"})
            raise UsageError(f"keras:{name} takes no {key!r}; it takes {', '.join(listed)}")
        given[argument] = _parsed_sizes(value)[0] if argument == "input_shape" else value
    given = {key: _plain(value) for key, value in given.items()}
    return _tried(source, lambda: function(weights=None, **given))


def _plain(value: Any) -> Any:
    """The value of a setting, which is text on the command line."""
    import yaml

    if not isinstance(value, str):
        return value
    try:
        return yaml.safe_load(value)
    except (yaml.YAMLError, ValueError, RecursionError):
        return value


def sizes_of(settings: Settings | None) -> SizesOfInputs | None:
    """The setting `input`: sizes such as 224,224,3 or [224, 224, 3], or a list for several inputs.

    Raises UsageError for anything else, and for settings that a model's file does not have.
    """
    other = [key for key in settings or {} if key != "input"]
    if other:
        raise UsageError(
            f"a Keras model has no variable {other[0]!r}; --set input=224,224,3 sets the open "
            "sizes of its input"
        )
    return _parsed_sizes(settings["input"]) if settings else None


def _parsed_sizes(value: object) -> SizesOfInputs:
    given = value
    if isinstance(value, str) and re.fullmatch(r"[\d, ]+", value):
        value = f"[{value}]"
    plain = _plain(value)
    listed = list(plain) if isinstance(plain, list | tuple) else [plain]
    several = bool(listed) and all(isinstance(each, list | tuple) for each in listed)
    shapes = [tuple(each) for each in listed] if several else [tuple(listed)]
    for shape in shapes:
        if not shape or not all(type(size) is int and 1 <= size <= 10**9 for size in shape):
            raise UsageError(f"input must be whole numbers such as 224,224,3, got {given!r}")
    return shapes
