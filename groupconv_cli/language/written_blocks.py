"""Blocks for the runs of items that repeat in a spec that is written.

A run becomes a block if one tensor enters it and one leaves it, and if it occurs more than once:
the same layers, connected in the same way. Arguments that differ are parameters of the block.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from groupconv_cli.language.items import BESIDE_KEYS, NAME
from groupconv_cli.language.layer_names import NameScope
from groupconv_cli.language.written_items import (
    Written,
    WrittenItem,
    cleaned,
    follow_up_key,
    with_follow_up,
)
from groupconv_cli.ops import LAYERS, OPS

MAX_RUN = 40
"""The most items of a block."""

MIN_SAVED = 3
"""The fewest items that a block must save."""

ENTERING = "x"
"""The name of the tensor that enters a block, where its items need one."""


class WrittenBlock(NamedTuple):
    """A block and its parameters."""

    name: str
    params: tuple[str, ...]
    items: list[WrittenItem]
    reads: int
    """The node that its first use reads; it stands for the tensor that enters."""


class Blocks(NamedTuple):
    """The items that are left, which use the blocks."""

    blocks: list[WrittenBlock]
    items: list[WrittenItem]


class _Run(NamedTuple):
    """Some items in a row that could be a block."""

    start: int
    end: int
    reads: int
    """The node that enters."""


def with_blocks(written: Written, outputs: Sequence[int]) -> Blocks:
    """The items with blocks for what repeats."""
    items = list(written.items)
    blocks: list[WrittenBlock] = []
    names: set[str] = set()
    while True:
        runs = _best(items, outputs)
        if runs is None:
            return Blocks(blocks, with_names(items, written.inputs.values()))
        block, uses = _block(items, runs, names)
        names.add(block.name)
        blocks.append(block)
        for run, use in reversed([*zip(runs, uses, strict=True)]):
            items[run.start : run.end] = [use]
        items = _collapsed(items)


# Finding


def _best(items: list[WrittenItem], outputs: Sequence[int]) -> list[_Run] | None:
    """The runs that are alike and save the most items as a block; None if none save enough."""
    by_shape = _runs(items, outputs)
    best: tuple[tuple[float, int], list[_Run]] | None = None
    for runs in by_shape.values():
        apart = _apart(runs)
        if len(apart) < 2:
            continue
        length = apart[0].end - apart[0].start
        saved = (len(apart) - 1) * length - _uses(items, apart)
        if saved < MIN_SAVED:
            continue
        # Runs that end where names begin to differ are those that someone has written as a unit.
        units = sum(_is_unit(items, run) for run in apart)
        score = (saved * (1 + units / len(apart)), -apart[0].start)
        if best is None or score > best[0]:
            best = score, apart
    return None if best is None else best[1]


def _runs(items: list[WrittenItem], outputs: Sequence[int]) -> dict[Hashable, list[_Run]]:
    """All runs with one way in and one way out, by their layers and connections."""
    place = {item.output: position for position, item in enumerate(items)}
    last_reader: dict[int, int] = {}
    for position, item in enumerate(items):
        for node in item.reads:
            last_reader[node] = position
    for node in outputs:
        last_reader[node] = len(items)
    found: dict[Hashable, list[_Run]] = defaultdict(list)
    for start in range(len(items)):
        entering: int | None = None
        shape: tuple[Hashable, ...] = ()
        open_until = start  # the last reader of what was made inside, without the last item
        for end in range(start + 1, min(start + MAX_RUN, len(items)) + 1):
            item = items[end - 1]
            reads: list[Hashable] = []
            for node in item.reads:
                if place.get(node, -1) >= start:
                    reads.append(place[node] - start)
                elif entering in (None, node):
                    entering = node
                    reads.append(ENTERING)
                else:
                    break
            if len(reads) < len(item.reads) or entering is None:
                break
            shape = (*shape, (item.layer, _fixed(item), tuple(reads)))
            if end - start > 1 and open_until < end:
                found[shape].append(_Run(start, end, entering))
            open_until = max(open_until, last_reader.get(item.output, -1))
    return found


def _fixed(item: WrittenItem) -> Hashable:
    """What cannot be a parameter: the follow-ups, except the word of an activation."""
    nested = {key: value for key, value in item.args.items() if isinstance(value, dict)}
    return (
        str(item.args.get("norm")),
        "activation" in item.args,
        tuple(nested),
        "branches" in item.args,
        item.layer == "channel_shuffle" and "groups" in item.args,
    )


def _apart(runs: list[_Run]) -> list[_Run]:
    """The runs from left to right that do not overlap."""
    kept: list[_Run] = []
    for run in runs:
        if not kept or run.start >= kept[-1].end:
            kept.append(run)
    return kept


def _uses(items: list[WrittenItem], runs: list[_Run]) -> int:
    """The number of items that use the block, if equal uses in a row are repetitions of one."""
    count = len(runs)
    for before, run in pairwise(runs):
        parts = [
            [(item.args, item.repeat) for item in items[each.start : each.end]]
            for each in (before, run)
        ]
        follows = before.end == run.start and run.reads == items[before.end - 1].output
        count -= follows and parts[0] == parts[1]
    return count


def _is_unit(items: list[WrittenItem], run: _Run) -> bool:
    """Whether its names begin alike, and those around it differently."""
    prefix = _prefix(items, run)
    around = [items[i] for i in (run.start - 1, run.end) if 0 <= i < len(items)]
    return bool(prefix) and not any(item.label.startswith(prefix) for item in around)


def _prefix(items: list[WrittenItem], run: _Run) -> str:
    """The common beginning of the names, up to a `_`."""
    labels = sorted(item.label for item in items[run.start : run.end])
    pairs = enumerate(zip(labels[0], labels[-1], strict=False))
    same = next((i for i, (one, other) in pairs if one != other), len(labels[0]))
    return labels[0][: labels[0].rfind("_", 0, same) + 1]


# Writing


def _block(
    items: list[WrittenItem], runs: list[_Run], taken: set[str]
) -> tuple[WrittenBlock, list[WrittenItem]]:
    """The block for runs that are alike, and a use of it for each."""
    parts = [items[run.start : run.end] for run in runs]
    prefixes = [_prefix(items, run) for run in runs]
    params: dict[str, tuple[Any, ...]] = {}
    body: list[WrittenItem] = []
    for same in zip(*parts, strict=True):
        args = {}
        for key in _keys(same):
            values = tuple(each.args.get(key, _default(each.layer, key)) for each in same)
            given = values[0] if len(set(map(repr, values))) == 1 else _param(key, values, params)
            if given != _default(same[0].layer, key) or key in same[0].args:
                args[key] = given
        local = {each.label.removeprefix(start) for each, start in zip(same, prefixes, strict=True)}
        name = local.pop() if len(local) == 1 and all(prefixes) else ""
        label = name if NAME.fullmatch(name) else ""
        times = tuple(each.repeat for each in same)
        repeat = times[0] if len(set(times)) == 1 else _param("depth", times, params)
        body.append(same[0]._replace(args=args, label=label, is_named=bool(label), repeat=repeat))
    name = _block_name(prefixes, taken)
    short = with_names(_shortened(with_names(body)))
    block = WrittenBlock(name, tuple(params), short, runs[0].reads)
    uses = []
    for number, (run, part, prefix) in enumerate(zip(runs, parts, prefixes, strict=True)):
        args = {param: values[number] for param, values in params.items()}
        label = cleaned(prefix.rstrip("_")) if prefix else ""
        uses.append(
            WrittenItem(name, args, label, bool(prefix), True, (run.reads,), part[-1].output)
        )
    return block, uses


def _keys(same: Sequence[WrittenItem]) -> list[str]:
    """The arguments of the items, in the order of the layer. All uses of a block have the same."""
    if same[0].layer not in LAYERS:
        return list(same[0].args)
    given = {key for item in same for key in item.args}
    known = [key for key in LAYERS[same[0].layer].args if key in given]
    return [*known, *(key for key in same[0].args if key not in known)]


def _default(layer: str, key: str) -> Any:
    """The value of an argument that is not given, as it is written."""
    if layer not in LAYERS:
        return None
    declared = LAYERS[layer].args[key]
    value = declared.default
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _param(key: str, values: tuple[Any, ...], params: dict[str, tuple[Any, ...]]) -> str:
    """The parameter with these values in the uses."""
    number, name = 1, key
    while name in params and repr(params[name]) != repr(values):
        number += 1
        name = f"{key}_{number}"
    params[name] = values
    return f"${name}"


def _block_name(prefixes: list[str], taken: set[str]) -> str:
    """A name from those of the uses, without their numbers."""
    words = Counter(
        re.sub(r"_+", "_", re.sub(r"\d+", "", prefix)).strip("_") for prefix in prefixes
    )
    wanted = cleaned(words.most_common(1)[0][0]) if all(prefixes) else "unit"
    if wanted in (*LAYERS, *OPS, *BESIDE_KEYS) or not re.match("[A-Za-z]", wanted):
        wanted = f"{wanted}_unit"
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name


def with_names(items: list[WrittenItem], taken: Iterable[str] = ()) -> list[WrittenItem]:
    """The items with names that differ. A name that the item has anyway is not written."""
    scope, named = NameScope(()), []
    for name in taken:
        scope.label(name, 0)
    for number, item in enumerate(items, 1):
        implied = scope.free(item.layer)[0]
        can_be = bool(item.label) and (item.is_named or not {"norm", "activation"} & set(item.args))
        is_named = can_be and item.label != implied
        label = scope.label(item.label if is_named else item.layer, number)
        for word in _follow_ups(item):
            scope.label(f"{label}_{word}" if is_named else word, number)
        may_be_named = is_named or not list(_follow_ups(item))
        named.append(item._replace(label=label, is_named=is_named, may_be_named=may_be_named))
    return named


def _follow_ups(item: WrittenItem) -> Iterator[str]:
    """The names of the layers that the arguments of an item add."""
    norm = item.args.get("norm") if item.layer in LAYERS else None
    if norm is not None:
        yield f"{norm if isinstance(norm, str) else next(iter(norm))}_norm"
    if item.layer in LAYERS and "activation" in item.args:
        yield str(item.args["activation"])


def _shortened(body: list[WrittenItem]) -> list[WrittenItem]:
    """The items with norms and activations without names in the arguments of the layers before."""
    readers = Counter(node for item in body for node in item.reads)
    short: list[WrittenItem] = []
    for item in body:
        before = short[-1] if short else None
        key = None if item.is_named or before is None else follow_up_key(before, item)
        if key is None or before is None or readers[before.output] != 1:
            short.append(item)
        else:
            short[-1] = with_follow_up(before, key, item)
    return short


def _sum(one: WrittenItem, other: WrittenItem) -> int:
    """How often both are repeated; outside blocks these are numbers."""
    return int(one.repeat) + int(other.repeat)


def _collapsed(items: list[WrittenItem]) -> list[WrittenItem]:
    """The items with `repeat` for equal uses of a block, each of which reads the one before."""
    kept: list[WrittenItem] = []
    read = Counter(node for item in items for node in item.reads)
    for item in items:
        before = kept[-1] if kept else None
        if (
            before is not None
            and item.layer not in LAYERS
            and (item.layer, item.args) == (before.layer, before.args)
            and item.reads == (before.output,)
            and read[before.output] == 1
        ):
            kept[-1] = before._replace(repeat=_sum(before, item), output=item.output)
        else:
            kept.append(item)
    return kept
