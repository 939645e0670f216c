"""Calls of Keras in the code, for one or for all uses of an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from groupconv_cli.codegen.defaults import is_default
from groupconv_cli.codegen.file import SHUFFLE, Unwritable
from groupconv_cli.codegen.layout import Line, literal
from groupconv_cli.codegen.symbols import ATOM, Coded, plain, text_of
from groupconv_cli.ops import Op, Shape
from groupconv_cli.ops.calls import LayerCall
from groupconv_cli.ops.shape import ChannelShuffle

MAX_NESTED = 50
"""The longest call of a function of keras.ops that is not a statement of its own."""


class WrittenCall(NamedTuple):
    """A call with the codes of its arguments."""

    of: str
    function: str
    suffix: str
    """What stands after the name of the node in the name of the layer."""
    leading: Sequence[str]
    options: dict[str, str]

    def reads(self, variable: str) -> bool:
        """Whether an argument reads the variable."""
        return any(f"{variable}." in each for each in (*self.leading, *self.options.values()))

    def line(self, target: str, sources: str, name: str, depth: int) -> list[Line]:
        """The statements that call it on `sources`."""
        options = [f"{key}={code}" for key, code in self.options.items()]
        if self.of == HELPER:
            return [Line(depth, target, self.function, [sources, *options, f"name={name}"])]
        if self.of == "layers":
            arguments = [*self.leading, *options, f"name={name}"]
            return [Line(depth, target, f"layers.{self.function}", arguments, f"({sources})")]
        if self.function == "getitem":
            sliced = f"{sources}[..., {_slice(*self.leading)}]"
            return [Line(depth, target, "named", [sliced, name])]
        arguments = [sources, *self.leading, *options]
        inner = f"ops.{self.function}({', '.join(arguments)})"
        if len(inner) <= MAX_NESTED:
            return [Line(depth, target, "named", [inner, name])]
        return [
            Line(depth, target, f"ops.{self.function}", arguments),
            Line(depth, target, "named", [target, name]),
        ]


def _slice(start: str, stop: str) -> str:
    start = "" if start == "0" else start
    if all(each.isalnum() or each == "" for each in (start, stop)):
        return f"{start}:{stop}"
    return f"{start}{' ' * bool(start)}: {stop}"


HELPER = "helper"
"""Where a function of the file is, in place of keras.layers or keras.ops."""

NAME = "@"
"""The name that calls are made with: what stands after it is the suffix."""


def calls_of(op: Op, shapes: Sequence[Shape], *, is_open: bool) -> Sequence[LayerCall]:
    """The calls for an op, in a model that leaves sizes open or not.

    Raises Unwritable for an op that Keras has no layers for.
    """
    if is_open and isinstance(op, ChannelShuffle):  # whose call has a number for every channel
        return [LayerCall(SHUFFLE, NAME, options={"groups": op.groups}, of=HELPER)]
    try:
        return op.open_calls(NAME, *shapes) if is_open else op.calls(NAME, *shapes)
    except NotImplementedError:
        raise Unwritable from None


def written(uses: Sequence[Sequence[LayerCall]], *, by_shape: bool) -> list[WrittenCall] | None:
    """The calls that all uses share; None if they make different layers.

    With `by_shape` sizes are computed from shapes even if they are the same in all uses.
    """
    first = uses[0]
    if len({len(calls) for calls in uses}) > 1:
        return None
    made = []
    for number, call in enumerate(first):
        same = [calls[number] for calls in uses]
        if len({(each.of, each.function, each.name, *_keys(each)) for each in same}) > 1:
            return None
        leading = [
            _argument([each.leading[key] for each in same], by_shape) for key in call.leading
        ]
        options = {
            key: _argument(values, by_shape)
            for key in call.options
            if not _is_default(call.function, key, values := [each.options[key] for each in same])
        }
        codes = [code for code in leading if code is not None]
        named = {key: code for key, code in options.items() if code is not None}
        if len(codes) < len(leading) or len(named) < len(options):
            return None
        suffix = call.name.removeprefix(NAME)
        made.append(WrittenCall(call.of, call.function, suffix, codes, named))
    return made


def _keys(call: LayerCall) -> list[str]:
    return [*call.leading, *call.options]


def _is_default(function: str, key: str, values: Sequence[Any]) -> bool:
    return all(is_default(function, key, value) for value in values)


def _argument(values: Sequence[Any], by_shape: bool) -> str | None:
    """The code of an argument; None if the uses have different ones."""
    codes = {text_of(value) for value in values}
    numbers = [plain(value) for value in values]
    is_same = all(number == numbers[0] for number in numbers)
    if is_same and (len(codes) > 1 or (not by_shape and _is_computed_of_shape(values[0]))):
        return literal(numbers[0])
    return codes.pop() if len(codes) == 1 else None


def _is_computed_of_shape(value: Any) -> bool:
    if isinstance(value, Coded):
        # The channels of a tensor are clearer than a number; what is computed of them is not.
        is_channels = value.code.level == ATOM and value.code.text.endswith("[-1]")
        return value.of_shape and not is_channels
    return isinstance(value, tuple) and any(_is_computed_of_shape(each) for each in value)
