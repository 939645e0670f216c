"""One network with several numbers of groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import gcd
from numbers import Integral
from typing import NamedTuple

from groupconv_cli.analysis.regroup import DEPTHWISE, Count
from groupconv_cli.analysis.report import AS_WRITTEN, CompareRow, Comparison
from groupconv_cli.analysis.selection import matching, unmixed, with_sharing
from groupconv_cli.analysis.totals import activations, total
from groupconv_cli.divisors import MAX_FACTORED, divisors, divisors_text
from groupconv_cli.errors import OpError, UsageError
from groupconv_cli.network import Network, Node

MAX_ROWS = 200
MAX_WORK = 100_000
"""The most rows × layers of a comparison: 200 rows of a network of 500 layers."""


class Sweep(NamedTuple):
    """A comparison, and the network of each of its valid rows, in their order."""

    report: Comparison
    networks: tuple[tuple[int, Network], ...]
    """Each with the index of its row."""


def sweep(
    network: Network,
    groups: Iterable[int | str] | str = "all",
    *,
    only: str | None = None,
    except_: str | None = None,
    dtype: str | None = None,
) -> Sweep:
    """The network as written, at g = 1, and at each number of groups.

    `groups` has numbers, or texts: 'all' for every number that divides the channels of all swept
    convolutions, '2-8' for those of them from 2 to 8, and 'depthwise' for as many groups as each
    convolution has input channels.
    `only` is a glob on full layer names that chooses the convolutions to sweep. Without it the
    grouped convolutions are swept. If there are none, the depthwise convolutions are swept, or else
    all convolutions that do not read the network's input. Of these, layers that share no divisor
    above 1 with the rest are held. `except_` is a glob for convolutions that are held in any case.

    Raises UsageError if there is nothing to sweep, nothing matches `only` or `except_`, a number is
    below 1, or there are more numbers than rows that a comparison may have.
    """
    chosen, rule, apart = choose(network, only, except_)
    shared = _shared(network, chosen)
    counts = list(dict.fromkeys([1, *_numbers(groups, shared)]))
    check_size(len(counts), network, "numbers of groups", "name them with --groups")
    values = activations(network, dtype)
    made: list[tuple[Count, Network | str]] = [(AS_WRITTEN, network)]
    made += [(count, _swept(network, count, chosen, shared)) for count in counts]
    rows = [
        CompareRow(groups=count, totals=None, reason=swept)
        if isinstance(swept, str)
        else CompareRow(
            groups=count,
            totals=total(swept, dtype, values),
            is_as_written=is_same(swept, network),
        )
        for count, swept in made
    ]
    convolutions = {i for i, node in enumerate(network.nodes) if node.op.is_convolution}
    report = Comparison(
        name=network.name,
        inputs=network.input_shapes,
        dtype=dtype or network.dtype,
        rows=tuple(rows),
        swept=tuple(network.nodes[i].name for i in chosen),
        held=tuple(network.nodes[i].name for i in sorted(convolutions - set(chosen))),
        rule=rule,
        apart=tuple(network.nodes[i].name for i in apart),
    )
    networks = ((i, swept) for i, (_, swept) in enumerate(made) if isinstance(swept, Network))
    return Sweep(report, tuple(networks))


def check_size(rows: int, network: Network, what: str, remedy: str) -> None:
    """Raises UsageError if a comparison would have too many rows, or too many for its layers."""
    if rows > MAX_ROWS:
        raise UsageError(f"{rows:,} {what}; a comparison has at most {MAX_ROWS}")
    if rows * len(network.nodes) > MAX_WORK:
        raise UsageError(
            f"{rows:,} {what} for {len(network.layers):,} layers; a comparison of so many layers "
            f"has at most {MAX_WORK // len(network.nodes)}: {remedy}"
        )


def is_same(network: Network, other: Network) -> bool:
    """Whether two networks have the same layers, which read each other in the same way."""
    return len(network.nodes) == len(other.nodes) and all(
        (a.op, a.inputs, a.shape) == (b.op, b.inputs, b.shape)
        for a, b in zip(network.nodes, other.nodes, strict=True)
    )


def counts_of(
    network: Network,
    groups: Iterable[int | str] | str | int,
    *,
    only: str | None = None,
    except_: str | None = None,
) -> list[Count]:
    """The counts that `groups` stands for in this network. Raises the errors of `sweep`."""
    shared = _shared(network, choose(network, only, except_).chosen)
    return list(dict.fromkeys(_numbers(groups, shared)))


def with_groups(
    network: Network, count: Count, *, only: str | None = None, except_: str | None = None
) -> Network:
    """The network of one row of a sweep.

    Raises UsageError if the count is impossible, and the errors of `choose`.
    """
    chosen, _, _ = choose(network, only, except_)
    if count != DEPTHWISE:
        count = _number_of_groups(count)
    swept = _swept(network, count, chosen, _shared(network, chosen))
    if isinstance(swept, str):
        raise UsageError(swept)
    return swept


RANGE = re.compile(r"\s*([0-9]{1,18})\s*-\s*([0-9]{1,18})\s*")


def _numbers(groups: Iterable[int | str] | str | int, shared: int) -> Iterator[Count]:
    for each in [groups] if isinstance(groups, str | int | Integral) else groups:
        yield from _counts(each, shared)


def _counts(given: object, shared: int) -> Iterator[Count]:
    """The counts that a number, a range, 'all' or 'depthwise' stands for."""
    if not isinstance(given, str):
        yield _number_of_groups(given)
        return
    if given == DEPTHWISE:
        yield DEPTHWISE
        return
    bounds = RANGE.fullmatch(given)
    if given != "all" and bounds is None:
        raise UsageError(
            f"groups must be numbers, a range such as 1-8, 'all' or 'depthwise'; got {given!r}"
        )
    if shared > MAX_FACTORED:
        raise UsageError(f"{shared} channels have too many divisors to try; name the numbers")
    if bounds is None:
        yield from divisors(shared)
        return
    low, high = int(bounds[1]), int(bounds[2])
    within = [each for each in divisors(shared) if low <= each <= high]
    if not within:
        wrong = (
            "the range is empty"
            if low > high
            else "no number in the range divides all varied layers"
        )
        raise UsageError(
            f"groups={given.strip()}: {wrong}", f"these divide all: {divisors_text(shared)}"
        )
    yield from within


def _shared(network: Network, chosen: list[int]) -> int:
    """The number that every possible number of groups divides."""
    return gcd(*(gcd(*_channels(network.nodes[i])) for i in chosen))


def _number_of_groups(count: object) -> int:
    """The number as a Python int, also from NumPy. Raises UsageError if it is not 1 or more."""
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
        raise UsageError(f"a number of groups is a whole number, 1 or more; got {count!r}")
    return int(count)


class Choice(NamedTuple):
    """The convolutions that a sweep changes, by their indices."""

    chosen: list[int]
    rule: str
    """The rule that chose them."""
    apart: list[int]
    """Those that the rule would have chosen too, if they shared a divisor with the rest."""


def choose(network: Network, only: str | None = None, except_: str | None = None) -> Choice:
    """The convolutions to sweep, and why.

    Raises UsageError if there are none.
    """
    convolutions = {i: node for i, node in enumerate(network.nodes) if node.op.is_convolution}
    left_out: set[int] = set()
    if except_ is not None:
        left_out = set(with_sharing(network, matching(convolutions, except_, "--except")))
    if only is not None:
        chosen = with_sharing(network, matching(convolutions, only, "--only"))
        return Choice(_without(chosen, left_out, except_), "only", [])
    raw = unmixed(network)
    rules = {
        "grouped": [i for i, n in convolutions.items() if n.is_grouped and not n.is_depthwise],
        "depthwise": [i for i, n in convolutions.items() if n.is_depthwise],
        "dense": [i for i, n in convolutions.items() if n.inputs[0] not in raw],
    }
    for rule, indices in rules.items():
        if indices:
            rest = _without(with_sharing(network, indices), left_out, except_)
            apart = _apart(network, rest)
            return Choice([i for i in rest if i not in apart], rule, apart)
    raise UsageError(
        "there is no convolution to vary: "
        + (
            f"the only one reads the input; to vary it: --only {_first_name(convolutions)}"
            if convolutions
            else "the network has none"
        )
    )


def _without(chosen: list[int], left_out: set[int], except_: str | None) -> list[int]:
    """The chosen convolutions that are not left out. Raises UsageError if that is none."""
    rest = [i for i in chosen if i not in left_out]
    if not rest:
        raise UsageError(f"--except {except_!r} leaves no convolution to vary")
    return rest


def _apart(network: Network, chosen: list[int]) -> list[int]:
    """The convolutions because of which no number of groups above 1 fits all of them.

    The fewest are taken: those that are not divided by the prime that divides most layers.
    There are none if some number fits all layers, or none fits any.
    """
    shared = {i: gcd(*_channels(network.nodes[i])) for i in chosen}
    if gcd(*shared.values()) > 1:
        return []
    counts: dict[int, int] = {}
    for value in set(shared.values()):
        if value <= MAX_FACTORED:
            for divisor in divisors(value)[1:]:
                counts[divisor] = sum(each % divisor == 0 for each in shared.values())
    best = max(counts, key=lambda divisor: (counts[divisor], -divisor), default=1)
    if best == 1:
        return []
    return [i for i, value in shared.items() if value % best]


def _swept(network: Network, count: Count, chosen: list[int], shared: int) -> Network | str:
    """The network with `count` groups in the chosen convolutions, or why that is impossible."""
    changes = {}
    for index in chosen:
        node = network.nodes[index]
        channels, filters = _channels(node)
        groups = channels if isinstance(count, str) else count
        if filters % groups and isinstance(count, str):
            return (
                f"{node.name!r} cannot be depthwise: its {channels} input channels do not divide "
                f"its {filters} output channels"
            )
        if channels % groups or filters % groups:
            return (
                f"{count} does not divide the {channels} input and {filters} output channels "
                f"of {node.name!r}; dividing all varied layers: {divisors_text(shared)}"
            )
        if groups != node.groups:
            changes[index] = groups
    swept = network.regrouped(changes)
    for node in swept.nodes:
        if node.groups_from in changes:
            try:
                node.op.check(*node.input_shapes)
            except OpError as error:
                return error.message.replace("{layer}", repr(node.name))
    return swept


def _first_name(nodes: dict[int, Node]) -> str:
    return next(iter(nodes.values())).name


def _channels(node: Node) -> tuple[int, int]:
    return node.input_shapes[0][-1], node.shape[-1]
