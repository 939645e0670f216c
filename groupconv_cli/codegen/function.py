"""Writes one function of the module with its statements."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from groupconv_cli.codegen import layout
from groupconv_cli.codegen.align import (
    ENTRY,
    CannotUnify,
    Context,
    Draft,
    Statement,
    Value,
)
from groupconv_cli.codegen.defaults import is_default
from groupconv_cli.codegen.expressions import ATOM, SUM, Code, same
from groupconv_cli.codegen.labels import Labels
from groupconv_cli.codegen.layout import Line
from groupconv_cli.codegen.tree import Group, Key, Leaf, Loop, Tensor
from groupconv_cli.codegen.values import (
    AXES,
    ExpressionFinder,
    OuterScope,
    Parameter,
    means,
)
from groupconv_cli.codegen.variables import MAIN, Variables
from groupconv_cli.ops.base import Shape
from groupconv_cli.ops.calls import LayerCall
from groupconv_cli.origin import ItemSource, Provenance

INDEX = "i"
MAX_NEAR = 8
"""The most tensors that are searched for a size."""

MAX_NESTED = 50
"""The longest call of a function of keras.ops that is not a statement of its own."""


class Module(NamedTuple):
    """The state that functions share."""

    origin: Provenance
    shape: Callable[[Tensor], Shape | None]
    outer: OuterScope
    functions: dict[Key, Function]
    """The functions written so far, including all that this one uses."""
    helpers: set[str]
    """Helpers of the module that are used."""


class Function:
    """A function for all uses of a block, or the function that builds the model."""

    def __init__(
        self,
        name: str,
        draft: Draft,
        module: Module,
        declared: Mapping[str, str | None],
        *,
        inputs: Sequence[str] = (),
        by_axis: bool = False,
    ) -> None:
        """`inputs` are the variables of the model's inputs, if this function builds the model.

        Raises CannotUnify.
        """
        self.name = name
        self.draft = draft
        self.module = module
        self.is_root = bool(inputs)
        self.labels = Labels(draft, INDEX)
        self.explainer = ExpressionFinder(
            draft.contexts,
            declared,
            None if self.is_root else self._entering,
            module.outer,
            by_axis=by_axis,
        )
        entries = {-1 - i: each for i, each in enumerate(inputs)} or {ENTRY: MAIN}
        variables = Variables(draft, entries, kept=inputs)
        self.lines: list[Line] = []
        self._body(draft, variables, 1)
        self.result = variables.names[draft.result]
        self.parameters, self.locals = self.explainer.finish()
        if self.labels.counted:
            module.helpers.add("Names")

    @property
    def by_position(self) -> bool:
        """Whether calls pass the first parameter by position: if only one is required."""
        return [each.default is None for each in self.parameters[:2]] in ([True], [True, False])

    def text(self) -> list[str]:
        """The definition without its docstring."""
        signature = ["x"]
        for each in self.parameters:
            default = "" if each.default is None else f"={each.default.text}"
            signature.append(each.name + default)
        signature += ["*", "name"] if any("=" in each for each in signature) else ["name"]
        return [
            *layout.call(f"def {self.name}", signature, ":", 0),
            *self.beginning(),
            *self.body_with_return(),
        ]

    def beginning(self) -> list[str]:
        """The lines before the first layer."""
        lines = []
        rest = [text for line in self.lines for text in line.text()]
        words = set(re.findall(r"\w+", "\n".join([*rest, *(each.code for each in self.locals)])))
        axes = self.explainer.axes & words
        if axes & {"length", "depth", "height", "width"}:
            shape = self._entering(self.draft.contexts[0])
            own = [each if each in axes else "_" for each in (*AXES[len(shape) - 1], "channels")]
            lines.append(f"    _, {', '.join(own)} = x.shape")
        elif axes:
            lines.append("    channels = x.shape[-1]")
        lines += [f"    {each.name} = {each.code}" for each in self.locals]
        if self.labels.counted:
            lines.append("    names = Names()" if self.is_root else '    names = Names(f"{name}.")')
        return lines

    def body_with_return(self) -> list[str]:
        """The statements; the statement that makes the result returns it."""
        *before, last = [*self.lines] or [Line(1, "", f"return {self.result}")]
        if last.depth == 1 and last.target == self.result and last.arguments is not None:
            ending = [last._replace(target="", head=f"return {last.head}")]
        else:
            ending = [last, Line(1, "", f"return {self.result}")]
        return [text for line in [*before, *ending] for text in line.text()]

    # Statements

    def _body(self, draft: Draft, variables: Variables, depth: int) -> None:
        number = 0
        while number < len(draft.statements):
            statement = draft.statements[number]
            if statement.body is not None:
                self._loop(draft, number, variables, depth)
            elif draft.is_partial(statement):
                number = self._condition(draft, number, variables, depth)
            else:
                self._statement(draft, number, variables, depth)
            number += 1

    def _statement(
        self, draft: Draft, number: int, variables: Variables, depth: int, target: str | None = None
    ) -> None:
        statement = draft.statements[number]
        near = self._sizes(draft, variables, number, statement)
        sources = [variables.names[value] for value in statement.inputs]
        target = target or variables.target(number, statement)
        label = self.labels.code(statement)
        if isinstance(statement.first, Group):
            head, arguments, tail = self._use(statement, sources[0], label, near)
        else:
            head, arguments, tail = self._call(statement, sources, label, near)
        self.lines.append(Line(depth, target, head, arguments, tail))
        if head.startswith("ops."):
            self.lines.append(Line(depth, target, "named", [target, label]))
        variables.assign(number, target)

    def _call(
        self, statement: Statement, sources: list[str], label: str, near: Sequence[Code]
    ) -> tuple[str, list[str], str]:
        calls = {
            each: part.call for each, part in statement.parts.items() if isinstance(part, Leaf)
        }
        first = next(iter(calls.values()))
        kinds = {(each.of, each.function, *each.leading, *each.options) for each in calls.values()}
        if len(kinds) > 1:
            raise CannotUnify("layers of several kinds")
        hints = self._written(statement)
        merged = {
            key: self._argument(key, calls, hints, near) for key in (*first.leading, *first.options)
        }
        arguments = [code for key in first.leading if (code := merged[key]) is not None]
        arguments += [f"{key}={code}" for key in first.options if (code := merged[key]) is not None]
        if first.of == "layers":
            part = statement.first
            merges = isinstance(part, Leaf) and part.node.op.merges
            given = f"[{', '.join(sources)}]" if merges else sources[0]
            return f"layers.{first.function}", [*arguments, f"name={label}"], f"({given})"
        self.module.helpers.add("named")
        if first.function == "getitem":
            stops = {each: call.leading["stop"] for each, call in calls.items()}
            if all(near[-1].value(each) == stop for each, stop in stops.items()):
                merged["stop"] = None
            return "named", [self._slice(sources[0], merged), label], ""
        inner = f"ops.{first.function}({', '.join([*sources, *arguments])})"
        if len(inner) > MAX_NESTED:
            return f"ops.{first.function}", [*sources, *arguments], ""
        return "named", [inner, label], ""

    def _argument(
        self, key: str, calls: Mapping[Context, LayerCall], hints: ItemSource, near: Sequence[Code]
    ) -> str | None:
        values = {each: {**call.leading, **call.options}[key] for each, call in calls.items()}
        call = next(iter(calls.values()))
        if key in call.options and all(
            is_default(call.function, key, value) for value in values.values()
        ):
            return None
        hint = next((text for field, text in hints.args.items() if means(field, key)), None)
        return self.explainer.code(key, values, hint, near)

    def _slice(self, source: str, merged: Mapping[str, str | None]) -> str:
        start, stop = merged["start"] or "", merged["stop"] or ""
        start = "" if start == "0" else start
        simple = all(each.isalnum() or each == "" for each in (start, stop))
        if simple:
            return f"{source}[..., {start}:{stop}]"
        return f"{source}[..., {start}{' ' * bool(start)}:{' ' * bool(stop)}{stop}]"

    def _use(
        self, statement: Statement, source: str, label: str, near: Sequence[Code]
    ) -> tuple[str, list[str], str]:
        groups = {each: part for each, part in statement.parts.items() if isinstance(part, Group)}
        key = next(iter(groups.values())).key
        function = self.module.functions[key]
        own = {id(each.group): each for each in function.draft.contexts}
        hints = self._written(statement)
        arguments = [source]
        for place, parameter in enumerate(function.parameters):
            values = {
                each: _value(parameter, own[id(group)], function.draft.contexts)
                for each, group in groups.items()
            }
            if parameter.default is not None and all(
                same(parameter.default.value(each), value) for each, value in values.items()
            ):
                continue
            hint = hints.args.get(parameter.spec or "")
            code = self.explainer.code(parameter.name, values, hint, near)
            by_position = place == 0 and function.by_position
            arguments.append(code if by_position else f"{parameter.name}={code}")
        return function.name, [*arguments, f"name={label}"], ""

    def _condition(self, draft: Draft, start: int, variables: Variables, depth: int) -> int:
        """Writes statements that the same uses lack; returns the number of the last."""
        uses = set(draft.statements[start].parts)
        end = start
        while (
            draft.statements[end].fall is None
            and end + 1 < len(draft.statements)
            and draft.statements[end + 1].body is None
            and set(draft.statements[end + 1].parts) == uses
        ):
            end += 1
        last = draft.statements[end]
        truth = {each: each in uses for each in draft.contexts}
        shared: str | None = None
        copied: str | None = None
        near = self._shapes(draft, variables, start)
        hints = [
            text
            for statement in draft.statements[start : end + 1]
            if (text := self._written(statement).when) is not None
        ]
        condition = self.explainer.condition(truth, hints, near)
        if condition is None:
            first = last.first
            kind = first.node.op.op if isinstance(first, Leaf) else str(first.kind[1][1])
            condition = self.explainer.flag(f"with_{kind}", truth)
        if last.fall is not None:
            shared, copied = variables.share(last.fall, start, end)
            if copied is not None:
                self.lines.append(Line(depth, shared, copied))
        self.lines.append(Line(depth, "", f"if {condition}:"))
        for number in range(start, end + 1):
            target = shared if number == end else None
            self._statement(draft, number, variables, depth + 1, target)
        if last.fall is not None:
            variables.unshare(last.fall, copied)
        return end

    def _loop(self, draft: Draft, number: int, variables: Variables, depth: int) -> None:
        statement = draft.statements[number]
        body, carried = statement.body, statement.inputs[0]
        if body is None or statement.fall not in (None, carried):
            raise CannotUnify("a loop that hands on something else")
        if draft.is_partial(statement) and statement.fall is None:
            raise CannotUnify("a loop whose result is not used")
        turns = {
            each: len(part.turns) if isinstance(part := statement.parts.get(each), Loop) else 0
            for each in draft.contexts
        }
        variable, copied = variables.share(carried, number, number)
        if copied is not None:
            self.lines.append(Line(depth, variable, copied))
        once = set(turns.values()) == {1} and not self.labels.uses_index(statement)
        hint = self._written(statement).repeat
        if not once:
            self.lines.append(Line(depth, "", f"for {self._range(statement, turns, hint)}:"))
        live = set(variables.live(number)) | variables.taken
        inner = Variables(
            body, {ENTRY: variable}, kept=variables.kept, taken=(live | variables.kept) - {variable}
        )
        deeper = depth if once else depth + 1
        self._body(body, inner, deeper)
        result = inner.names[body.result]
        if result != variable:
            self.lines.append(Line(deeper, variable, result))
        variables.unshare(carried, copied)
        variables.assign(number, variable)

    def _range(self, loop: Statement, turns: Mapping[Context, int], hint: str | None) -> str:
        if not self.labels.uses_index(loop):
            return f"_ in range({self.explainer.code('repeats', turns, hint)})"
        start = self.labels.starts[loop]
        stops = {each: start + count for each, count in turns.items()}
        # `depth - 1` turns that begin at 2 end before `depth + 1`.
        shifted = None if hint is None else _shifted(hint, start)
        stop = self.explainer.code("stop", stops, shifted)
        return f"{INDEX} in range({start}, {stop})"

    # What is at hand

    def _entering(self, context: Context) -> Shape:
        shape = self.module.shape(context.root.entries[0])
        if shape is None:
            raise CannotUnify("a shape that is not known")
        return shape

    def _sizes(
        self, draft: Draft, variables: Variables, number: int, statement: Statement
    ) -> list[Code]:
        """The channels of the tensors in variables; those of tensors that are read come first."""
        live = dict(list(variables.live(number - 1).items())[:MAX_NEAR])
        read = {variables.names[value]: value for value in statement.inputs}
        sizes = []
        for name, value in {**{k: v for k, v in live.items() if k not in read}, **read}.items():
            enters = draft is self.draft and value == ENTRY and not self.is_root
            text = "channels" if enters else f"{name}.shape[-1]"
            sizes.append(Code(text, ATOM, _last(self._shape_of(draft, value))))
        return sizes

    def _shapes(self, draft: Draft, variables: Variables, number: int) -> list[Code]:
        """Comparisons of the shapes of tensors in variables."""
        live = sorted(variables.live(number - 1).items())
        codes = []
        for place, (one, first) in enumerate(live):
            for two, second in live[place + 1 :]:
                shapes = self._shape_of(draft, first), self._shape_of(draft, second)
                for sign in ("==", "!="):
                    text = f"{one}.shape {sign} {two}.shape"
                    codes.append(Code(text, SUM, _compared(*shapes, equal=sign == "==")))
        return codes

    def _shape_of(self, draft: Draft, value: Value) -> Callable[[Context], Shape]:
        def shape(context: Context) -> Shape:
            known = {id(each): each for each in draft.contexts}
            if id(context) not in known:
                raise KeyError(context)
            found = self.module.shape(draft.tensor(value, context))
            if found is None:
                raise KeyError(context)
            return found

        return shape

    def _written(self, statement: Statement) -> ItemSource:
        written = self.module.origin.items.get(statement.first.item)
        return written or ItemSource({}, None, None)


def _shifted(hint: str, start: int) -> str:
    """The end of a range that begins at `start`, with the number of turns of the hint."""
    for rest, back in ((hint.removesuffix(f" - {less}"), less) for less in range(1, start + 1)):
        if rest != hint:
            return f"{rest} + {start - back}" if start > back else rest
    return f"{hint} + {start}"


def _value(parameter: Parameter, context: Context, contexts: Sequence[Context]) -> Any:
    """The value of a parameter in a use. If the use does not need it, any value will do."""
    for each in (context, *contexts):
        try:
            return parameter.values(each)
        except KeyError:
            if parameter.default is not None:
                return parameter.default.value(each)
    raise CannotUnify("a parameter without values")


def _last(shape: Callable[[Context], Shape]) -> Callable[[Context], int]:
    return lambda each: shape(each)[-1]


def _compared(
    first: Callable[[Context], Shape], second: Callable[[Context], Shape], *, equal: bool
) -> Callable[[Context], bool]:
    return lambda each: (first(each) == second(each)) is equal
