"""The Keras layers of an op as data: the layers to make, with their arguments.

The build of a model makes layers from this data, and the export to Python writes code from it, so
the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from groupconv_cli.errors import EnvironmentProblem

NONE: Mapping[str, Any] = {}


class LayerCall(NamedTuple):
    """A layer of keras.layers, or with `of="ops"` a function of keras.ops, applied to a tensor."""

    function: str
    name: str
    """The name of the layer or operation in the model."""
    leading: Mapping[str, Any] = NONE
    """Positional arguments, in order."""
    options: Mapping[str, Any] = NONE
    """Keyword arguments."""
    of: str = "layers"

    def make(self) -> Callable[[Any], Any]:
        """The layer, or a callable that applies the function and names its operation in the model.

        By default Keras names an operation after the function ('pad'), and a layer may have the
        same name.
        """
        import keras

        arguments = {key: _made(value) for key, value in {**self.leading, **self.options}.items()}
        if self.of == "layers":
            layer: Callable[[Any], Any] = getattr(keras.layers, self.function)(
                **arguments, name=self.name
            )
            return layer

        from groupconv_cli.keras_internals import name_operation

        def call(tensor: Any) -> Any:
            if self.function == "getitem":
                output = tensor[..., arguments["start"] : arguments["stop"]]
            else:
                output = _operation(self.function)(tensor, **arguments)
            name_operation(output, self.name)
            return output

        return call


class Initializer(NamedTuple):
    """An initializer of keras.initializers as an argument of a layer."""

    function: str
    value: Any


def channel_slice(name: str, start: int, stop: int) -> LayerCall:
    """A slice of the last axis: Keras has no layer that does it."""
    return LayerCall("getitem", name, {"start": start, "stop": stop}, of="ops")


def one_if_equal(size: tuple[Any, ...]) -> Any:
    """A size for Keras code: one number if all axes have the same."""
    return size[0] if len(set(size)) == 1 else size


def _operation(name: str) -> Callable[..., Any]:
    import keras

    function: Callable[..., Any] | None = getattr(keras.ops, name, None)
    if function is None:
        raise EnvironmentProblem(
            f"Keras {keras.__version__} has no keras.ops.{name}, which this network needs",
            "pip install --upgrade keras",
        )
    return function


def _made(value: Any) -> Any:
    if not isinstance(value, Initializer):
        return value
    import keras

    return getattr(keras.initializers, value.function)(value.value)
