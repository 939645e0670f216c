"""Writes the layers of one item, for all uses of the item at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from groupconv_cli.codegen.body import Body, suffixed
from groupconv_cli.codegen.calls import NAME, WrittenCall, calls_of, written
from groupconv_cli.codegen.file import File, Unwritable
from groupconv_cli.codegen.layout import Line, literal
from groupconv_cli.codegen.names import Label, formatted
from groupconv_cli.codegen.symbols import (
    COMPARISON,
    Code,
    Coded,
    Whole,
    coded,
    plain,
    shape_of,
    text_of,
)
from groupconv_cli.ops import Op, Shape
from groupconv_cli.ops.calls import LayerCall
from groupconv_cli.ops.conv import Conv

MANY_CALLS = 3
"""An op of so many calls becomes a function of the file."""


class Layer(NamedTuple):
    """One layer in one use of an item."""

    op: Op
    label: Label
    node: int
    """The index of its node."""


class Test(NamedTuple):
    """Something that can tell the uses of an item apart: a code with its value in each use."""

    key: str
    """The argument that it is; empty if it is none."""
    code: Code
    values: Sequence[Any]

    def asks(self, values: Sequence[Any]) -> str:
        """The code of whether it has one of the values."""
        if len(values) > 1:
            return f"{self.code.within(COMPARISON + 1)} in {literal(tuple(values))}"
        if isinstance(values[0], bool):
            return self.code.text if values[0] else f"not {self.code.within(COMPARISON)}"
        return f"{self.code.within(COMPARISON + 1)} == {literal(values[0])}"


class _Arm(NamedTuple):
    """Uses that make the same layers."""

    calls: list[WrittenCall]
    """Nothing if they lack the layer."""
    uses: list[int]
    values: list[Any]
    """The values of the test that tells them from others."""


def label_of(op: Op, named: str | None = None) -> Label:
    """The label of a layer that an argument stands for: its op's name, behind that of the item."""
    before = f"{named}_" if named else ""
    word = op.op
    text = f"{{{word.code.text}}}" if isinstance(word, Coded) else word
    return Label(f"{before}{text}", frozenset([f"{before}{word}"]))


def write_layer(
    body: Body,
    layers: Sequence[Layer | None],
    sources: Sequence[str],
    target: str,
    tests: Sequence[Test],
) -> bool:
    """Writes a layer, which some uses may lack; returns whether there is one at all.

    Raises Unwritable if the uses differ and no test tells them apart.
    """
    there = [layer for layer in layers if layer is not None]
    if not there:
        return False
    name = None
    regrouped = [bool(each and each.node in body.file.regrouped) for each in layers]
    counts = {body.file.network.nodes[layer.node].groups for layer in there}
    if all(regrouped) and len(counts) == 1:
        layers = [each and _regrouped(body, each, sources, None) for each in layers]
    elif any(regrouped):
        body.file.table.update(each.node for each in there)
        name = body.name(_shared_label(there), more_than_once=True)
        layers = [each and _regrouped(body, each, sources, name) for each in layers]
        tests = [Test("", Code(f"{name} in REGROUPED", COMPARISON), regrouped), *tests]
    calls = [each and _calls(body, each, sources) for each in layers]
    for test in [None, *tests, _rank(body, layers, sources[0])]:
        arms = _arms(test, calls)
        if arms:
            break
    else:
        raise Unwritable
    nothing = [arm for arm in arms if not arm.calls]
    if nothing and target != sources[0]:
        body.assign(target, sources[0])
        sources = [target, *sources[1:]]
    written_arms = [arm for arm in arms if arm.calls]
    for place, arm in enumerate(written_arms):
        own = [layer for number in arm.uses if (layer := layers[number]) is not None]
        with ExitStack() as inside:
            if test is not None:
                is_last = place + 1 == len(written_arms) and not nothing
                asked = None if is_last else test.asks(arm.values)
                inside.enter_context(body.arm(asked, is_first=place == 0))
            called = name or body.name(_shared_label(own), more_than_once=len(arm.calls) > 1)
            body.groups |= {
                each.node: text_of(each.op.groups) for each in own if isinstance(each.op, Conv)
            }
            _write(body, own[0], arm.calls, sources, target, called)
    return True


def _shared_label(layers: Sequence[Layer]) -> Label:
    values = frozenset[str]().union(*(each.label.values for each in layers))
    return Label(layers[0].label.text, values)


def _arms(test: Test | None, calls: Sequence[Sequence[LayerCall] | None]) -> list[_Arm]:
    """The uses by the value of a test, or all together; none if there are differences left."""
    by_value: dict[Any, list[int]] = {}
    for number in range(len(calls)):
        value = None if test is None else test.values[number]
        by_value.setdefault(plain(value), []).append(number)
    arms: list[_Arm] = []
    for value, numbers in by_value.items():
        made = [each for number in numbers if (each := calls[number]) is not None]
        shared = written(made, by_shape=False) if made else []
        if shared is None or len(made) not in (0, len(numbers)):
            return []
        same = next((arm for arm in arms if arm.calls == shared), _Arm(shared, [], []))
        same.uses.extend(numbers)
        same.values.append(value)
        arms += [] if same in arms else [same]
    return sorted(arms, key=lambda arm: arm.values == [False])


def _calls(body: Body, layer: Layer, sources: Sequence[str]) -> Sequence[LayerCall]:
    shapes = body.file.made.nodes[layer.node].input_shapes
    coded_shapes = list(map(shape_of, sources, shapes))
    return calls_of(layer.op, coded_shapes, is_open=body.file.network.open_inputs is not None)


def _regrouped(body: Body, layer: Layer, sources: Sequence[str], name: str | None) -> Layer:
    """The layer with its other groups: those of REGROUPED for the name, or for all uses."""
    node = body.file.network.nodes[layer.node]
    op, groups = layer.op, node.groups or 1
    if isinstance(op, Conv):
        code = Code(f"REGROUPED.get({name}, {text_of(op.groups)})")
        return layer._replace(op=op.replace(groups=Whole.of(groups, code) if name else groups))
    if layer.node not in body.file.regrouped:
        return layer
    count = Whole.of(groups, Code(f"REGROUPED[{name}]")) if name else groups
    return layer._replace(op=op.with_groups(count, shape_of(sources[0], node.input_shapes[0])))


def _as_lists(value: Any) -> Any:
    """A value as a spec has it: tuples are lists."""
    return list(map(_as_lists, value)) if isinstance(value, tuple) else value


def _rank(body: Body, layers: Sequence[Layer | None], source: str) -> Test:
    nodes = [each and body.file.made.nodes[each.node] for each in layers]
    ranks = [node and len(node.input_shapes[0]) + 1 for node in nodes]
    return Test("", Code(f"len({source}.shape)"), ranks)


def _write(
    body: Body,
    layer: Layer,
    calls: Sequence[WrittenCall],
    sources: Sequence[str],
    target: str,
    name: str,
) -> None:
    op = layer.op
    if len(calls) >= MANY_CALLS:
        values = {key: getattr(op, key) for key in op.args}
        # A size for all axes is one number in the code.
        alone = [key for key, value in values.items() if isinstance(value, tuple) and not value[1:]]
        values |= {key: values[key][0] for key in alone}
        inside = {k: coded(plain(v), Code(k), _as_lists(v)) for k, v in values.items()}
        whole = op.replace(**(inside | {key: (inside[key],) for key in alone}))
        shape = body.file.made.nodes[layer.node].input_shapes[0]
        called = helper(body.file, op.op, list(op.args), [(whole, "{name}")], shape)
        given = [f"{key}={text_of(value)}" for key, value in values.items()]
        body.line(target, called, [sources[0], *given, f"name={name}"])
        return
    with body.keeping(*sources, target):
        side = body.side()
    into = target if target != sources[0] or not _return_to(calls, sources[0]) else side
    first = f"[{', '.join(sources)}]" if op.merges else sources[0]
    for number, call in enumerate(calls):
        last = number + 1 == len(calls)
        body.lines += call.line(
            target if last else into,
            first if number == 0 else into,
            suffixed(name, call.suffix),
            body.depth,
        )


def _return_to(calls: Sequence[WrittenCall], variable: str) -> bool:
    """Whether calls after the first read the variable that the first gets."""
    return any(call.reads(variable) for call in calls[1:])


def helper(
    file: File,
    wanted: str,
    parameters: Sequence[str],
    ops: Sequence[tuple[Op, str]],
    shape: Shape,
    doc: str = "",
) -> str:
    """A function of the file for some ops, whose names are the insides of f-strings."""
    calls = [
        (call, inside)
        for op, inside in ops
        for call in written([op.calls(NAME, shape_of("x", shape))], by_shape=True) or []
    ]
    into = "y" if _return_to([call for call, _ in calls], "x") else "x"
    lines: list[Line] = []
    for number, (call, inside) in enumerate(calls):
        lines += call.line(into, into if number else "x", formatted(inside + call.suffix), 1)
    lines[-1] = lines[-1]._replace(target="", head=f"return {lines[-1].head}")
    signature = ["x", *parameters]
    signature += ["*", "name"] if any("=" in each for each in parameters) else ["name"]
    body = [f'    """{doc}"""'] if doc else []
    body += [text for line in lines for text in line.text(str)]
    return file.helper(wanted, "\n".join([f"({', '.join(signature)}):", *body]))
