"""The code of an argument: a literal, a parameter, a constant, or an expression of these.

The spec's own expression is used if its value is right in every use of the function. Otherwise the
values decide: they may be the same in every use, or equal to a parameter, to channels at hand, or
to an earlier expression. Any other values become a new parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from groupconv_cli.codegen.align import CannotUnify, Context
from groupconv_cli.codegen.expressions import (
    ATOM,
    PRODUCT,
    SUM,
    Code,
    NoCode,
    constant,
    same,
    translate,
)
from groupconv_cli.codegen.layout import tuple_code
from groupconv_cli.ops.base import Shape

Values = Mapping[Context, Any]
AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""The names of spatial axes."""

MAX_LENGTH = 60
"""The longest expression. Longer ones would need several lines, so values replace them."""

_WRONG = (ArithmeticError, KeyError, TypeError, ValueError)


class OuterScope(NamedTuple):
    """The meaning of names outside the function."""

    constant: Callable[[str], Code]
    """A variable of the spec as a constant of the module. Raises NoCode."""
    name: Callable[[str], str]
    """A valid name of Python that is not taken."""


class Parameter(NamedTuple):
    """A parameter of a function."""

    name: str
    spec: str | None
    """Its name in the spec, if it is a parameter of a block."""
    values: Callable[[Context], Any]
    default: Code | None = None


class Local(NamedTuple):
    """A variable that the beginning of a function computes from parameters."""

    name: str
    code: str


class ExpressionFinder:
    """Finds expressions for values in one function."""

    def __init__(
        self,
        contexts: Sequence[Context],
        declared: Mapping[str, str | None],
        shape: Callable[[Context], Shape] | None,
        outer: OuterScope,
        *,
        by_axis: bool = False,
    ) -> None:
        """`declared` are the block's parameters; `shape` gives the input shape of a use."""
        self.contexts = contexts
        self.declared = declared
        self.shape = shape
        self.outer = outer
        self.by_axis = by_axis
        self.used: dict[str, str] = {}
        """The names of the spec that the code uses, with their names in the code."""
        self.axes: set[str] = set()
        """The sizes of the input that the code uses."""
        self.extra: list[Parameter] = []
        self._pool: list[Code] = []

    def code(
        self,
        wanted: str,
        values: Values,
        hint: str | None = None,
        near: Sequence[Code] = (),
    ) -> str:
        """The expression for an argument called `wanted`; `near` are sizes at hand.

        Raises CannotUnify if it would be a parameter that changes within one use.
        """
        tuples = all(type(value) is tuple for value in values.values())
        if self.by_axis and wanted == "target_shape" and tuples:
            return self._tuple(wanted, values, near)
        found = self._hinted(values, hint) or self._namesake(wanted, values)
        if found is None and _constant(values):
            return constant(next(iter(values.values()))).text
        if found is None and tuples:
            return self._tuple(wanted, values, near)
        found = found or self._first_that_fits(values, near) or self._new(wanted, values)
        known = found.level == ATOM or found.text in [each.text for each in self._pool]
        if not known and ".shape" not in found.text:  # its variable may have another tensor later
            self._pool.append(found)
        return found.text

    def condition(self, values: Values, hints: Sequence[str], near: Sequence[Code]) -> str | None:
        """The expression that is true in the uses in which `values` are true, or None."""
        for hint in hints:
            if found := self._hinted(values, hint):
                return found.text
        for code in [*near, *self._comparisons(values)]:
            if found := self._kept(code, values):
                return found.text
        return None

    def flag(self, wanted: str, values: Values) -> str:
        """A true or false parameter. Raises CannotUnify if it changes within one use."""
        return self._new(wanted, values).text

    def finish(self) -> tuple[list[Parameter], list[Local]]:
        """The parameters, and the variables computed from them. Raises CannotUnify."""
        parameters: list[Parameter] = []
        local: list[Local] = []
        ready: set[str] = set()

        def settle(spec: str) -> None:
            if spec in ready:
                return
            ready.add(spec)
            name, values = self.used[spec], _argument(spec)
            default = self._default(spec)
            code = self._local(spec) if default is None else None
            if code is None:
                parameters.append(Parameter(name, spec, values, default))
                return
            for other in list(self.used):
                settle(other)
            local.append(Local(name, code))

        for spec in list(self.declared):
            if spec in self.used:
                settle(spec)
        order = list(self.declared)
        parameters.sort(key=lambda each: (each.default is not None, order.index(each.spec or "")))
        required = [each for each in parameters if each.default is None]
        return [*required, *self.extra, *parameters[len(required) :]], local

    # How values are found

    def _hinted(self, values: Values, hint: str | None) -> Code | None:
        if hint is None or "$" not in hint:
            return None
        for whole in (False, True):
            try:
                code = translate(hint, self._name, whole=whole)
            except NoCode:
                return None
            if found := self._kept(code, values):
                return found
        return None

    def _namesake(self, wanted: str, values: Values) -> Code | None:
        """The parameter with the name of the argument, if it has the values."""
        for name in self.declared:
            if means(name, wanted):
                return self._kept(Code(self._python(name), ATOM, _argument(name)), values)
        return None

    def _kept(self, code: Code, values: Values) -> Code | None:
        if len(code.text) > MAX_LENGTH or not _fits(code, values):
            return None
        for name in self._words(code):
            self._use(name)
        return code

    def _words(self, code: Code) -> list[str]:
        known = [*self.declared, "in"]
        python = {self._python(name): name for name in known}
        words = "".join(c if c.isalnum() or c == "_" else " " for c in code.text).split()
        return [python[word] for word in words if word in python]

    def _use(self, name: str) -> None:
        if name == "in":
            self.axes.add("channels")
        else:
            self.used.setdefault(name, self._python(name))

    def _python(self, name: str) -> str:
        return "channels" if name == "in" else self.outer.name(name)

    def _name(self, name: str) -> Code:
        if name == "in" and self.shape is not None:
            return self._axis("channels", -1)
        if name in self.declared:
            return Code(self._python(name), ATOM, _argument(name))
        return self.outer.constant(name)

    def _axis(self, name: str, axis: int) -> Code:
        shape = self.shape
        if shape is None:
            raise NoCode(name)
        return Code(name, ATOM, lambda each: shape(each.root)[axis])

    def _first_that_fits(self, values: Values, near: Sequence[Code]) -> Code | None:
        for code in self._candidates(values, near):
            if self._kept(code, values):
                return code
        return None

    def _candidates(self, values: Values, near: Sequence[Code]) -> Iterator[Code]:
        mine = [Code(self._python(name), ATOM, _argument(name)) for name in self.declared]
        yield from mine
        yield from self._pool
        yield from [Code(each.name, ATOM, _root(each.values)) for each in self.extra]
        yield from near
        for size in near:
            for parts in range(2, 9):
                yield Code(f"{size.within(PRODUCT)} // {parts}", PRODUCT, _share(size, parts))
        context, value = next(iter(values.items()))
        for code in mine:
            try:
                base = code.value(context)
            except _WRONG:
                continue
            if type(base) is type(value) is int and base > 0 and value > base:
                times = value // base
                yield Code(f"{times} * {code.text}", PRODUCT, _times(code, times))

    def _comparisons(self, values: Values) -> Iterator[Code]:
        for name in self.declared:
            code = Code(self._python(name), ATOM, _argument(name))
            yield code
            for truth, sign in ((True, "=="), (False, "!=")):
                try:
                    other = {code.value(each) for each, value in values.items() if value is truth}
                except _WRONG:
                    continue
                if len(other) == 1:
                    only = other.pop()
                    text = f"{code.text} {sign} {constant(only).text}"
                    yield Code(text, SUM, _compared(code, only, equal=truth))

    def _new(self, wanted: str, values: Values) -> Code:
        held: dict[Context, Any] = {}
        for context, value in values.items():
            if not same(held.setdefault(context.root, value), value):
                raise CannotUnify(f"{wanted} changes within one use")
        if len(held) < len(self.contexts):
            # The uses that lack the statement may pass anything.
            fill = next(iter(held.values()))
            held = {each: held.get(each, fill) for each in self.contexts}
        if self.shape is None:
            raise CannotUnify(f"{wanted} changes")
        taken = {*self.used.values(), *map(self._python, self.declared)}
        taken |= {each.name for each in self.extra} | {"channels"}
        base = self.outer.name(wanted)
        name = next(
            text
            for count in range(1, 9_999)
            if (text := base if count == 1 else f"{base}_{count}") not in taken
        )
        self.extra.append(Parameter(name, None, held.__getitem__))
        return Code(name, ATOM, _root(held.__getitem__))

    def _tuple(self, wanted: str, values: Values, near: Sequence[Code]) -> str:
        lengths = {len(value) for value in values.values()}
        if len(lengths) > 1:
            return self._new(wanted, values).text
        items = []
        for place in range(lengths.pop()):
            own = {each: value[place] for each, value in values.items()}
            sized = self._sized(place, own) if wanted == "target_shape" else None
            items.append(sized or self.code(wanted, own, None, near))
        return tuple_code(items)

    def _sized(self, place: int, values: Values) -> str | None:
        """A size of the input, in a function for any size."""
        if not self.by_axis or self.shape is None:
            return None
        ranks = {len(self.shape(each)) - 1 for each in self.contexts}
        names = AXES.get(ranks.pop(), ()) if len(ranks) == 1 else ()
        own = names[place : place + 1]
        codes = [self._axis(name, names.index(name)) for name in own]
        codes.append(channels := self._axis("channels", -1))
        for name in self.declared:
            divisor = Code(self._python(name), ATOM, _argument(name))
            text = f"channels // {divisor.text}"
            codes += [divisor, Code(text, PRODUCT, _quotient(channels, divisor))]
        for code in codes:
            if _fits(code, values):
                self.axes |= {name for name in (*names, "channels") if name in code.text.split()}
                for word in self._words(code):
                    self._use(word)
                return code.text
        return None

    # Parameters

    def _default(self, spec: str) -> Code | None:
        """The default in Python: a literal, or computed from the module's constants."""
        text = self.declared[spec]
        if text is None:
            return None
        try:
            return translate(text, self.outer.constant)
        except NoCode:
            pass
        if "$" in text:
            return None
        values = [_argument(spec)(each) for each in self.contexts if spec in each.arguments]
        matching = [value for value in values if constant(value).text == _spelled(text, value)]
        return constant(matching[0]) if matching else None

    def _local(self, spec: str) -> str | None:
        """The default, if it is computed from other parameters and no use gives another value."""
        text = self.declared[spec]
        values = {each: each.arguments[spec] for each in self.contexts if spec in each.arguments}
        if text is None:
            return None
        found = self._hinted(values, text)
        return found.text if found else None


def means(field: str, argument: str) -> bool:
    """Whether an argument of Keras is that of the spec under another name: stride, strides."""
    words = argument.split("_")
    return field in words or f"{field}s" in words


def _constant(values: Values) -> bool:
    first, *others = values.values()
    return all(same(first, other) for other in others)


def _fits(code: Code, values: Values) -> bool:
    try:
        return all(same(code.value(each), value) for each, value in values.items())
    except _WRONG:
        return False


def _spelled(text: str, value: Any) -> str:
    """The text of a default in Python, if it equals the value."""
    if isinstance(value, bool):
        return str(text.lower() == "true")
    if isinstance(value, str):
        return constant(text.strip("'\"")).text
    return text


def _argument(name: str) -> Callable[[Context], Any]:
    return lambda each: each.arguments[name]


def _root(values: Callable[[Context], Any]) -> Callable[[Context], Any]:
    return lambda each: values(each.root)


def _share(code: Code, parts: int) -> Callable[[Context], Any]:
    return lambda each: code.value(each) // parts


def _times(code: Code, times: int) -> Callable[[Context], Any]:
    return lambda each: times * code.value(each)


def _quotient(code: Code, by: Code) -> Callable[[Context], Any]:
    return lambda each: code.value(each) // by.value(each)


def _compared(code: Code, other: Any, *, equal: bool) -> Callable[[Context], Any]:
    return lambda each: same(code.value(each), other) is equal
