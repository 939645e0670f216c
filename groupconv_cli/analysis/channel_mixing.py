"""Finds the channels that each output channel depends on, and so the channels kept apart by groups.

A tensor is fully mixed if each of its channels depends on every channel of the last fully mixed
tensor before it, its *origin*. The network's input is the first fully mixed tensor. For every
channel of every tensor, the set of the origin's channels that it can depend on is followed, as the
bits of an integer. A dense convolution unites all sets, a grouped convolution unites the sets of
each group, a shuffle permutes them, a concatenation joins the lists, and an addition unites them
channel by channel. Each op knows how it does that (`Op.mix`). If tensors of different origins meet,
their sets are converted to the nearest common origin: every channel depends on all channels of an
origin before its own.

The sets hold possible dependencies: weights that happen to be zero are ignored. Positions are not
distinguished, so the sets may be too large after a `reshape` that turns channels into positions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from groupconv_cli.network import Network, Node
from groupconv_cli.ops.base import Masks, Op, Shape, united
from groupconv_cli.ops.shape import ChannelShuffle

MAX_CHANNELS = 1 << 14
"""The most channels of an origin that are followed; a set has a bit for each."""

MAX_ENTRIES = 1 << 18
"""The most channels of a tensor that are followed."""

MAX_WORK = 20_000_000
"""The most words of 64 bits that are united in one network. After that the reach is unknown."""

STEP = 8
"""The words that could be united in the time that the step to the next set takes."""


class Reach(NamedTuple):
    """The fewest origin channels that any channel of a tensor depends on."""

    channels: int
    """The number of the origin's channels that it depends on."""
    of: int
    """The number of channels of the origin."""
    origin: str
    """The name of the layer that made the last fully mixed tensor before it, or of the input."""

    @property
    def share(self) -> float:
        """The share of the origin's channels; 1 is fully mixed."""
        return self.channels / self.of

    @property
    def is_full(self) -> bool:
        """Whether every channel depends on all channels of the origin."""
        return self.channels == self.of


class KeptApart(NamedTuple):
    """A grouped convolution that mixes none of the channels that the one before it kept apart."""

    before: int
    """The index of the grouped convolution before it. Neither is depthwise."""
    after: int
    """Its own index."""
    reach: Reach
    """The reach of its output."""
    shuffled: Reach | None
    """The reach with a channel_shuffle between the two; None if no shuffle is possible there."""


class Followed(NamedTuple):
    """What is known about a node's output."""

    origin: int
    masks: Masks | None
    """For each channel, the origin's channels that it depends on. Bit `of` says that a convolution
    read them. A channel without that bit is an origin channel, passed on. None: not followed."""
    covers: bool
    """Whether every channel of the origin is in some set."""
    reach: Reach | None
    behind: int | None = None
    """The nearest grouped convolution since the origin that is not depthwise."""


class Mixing(NamedTuple):
    """What is known about a whole network."""

    tensors: list[Followed]
    """What is known about the output of every node."""
    kept_apart: list[KeptApart]
    """Grouped convolutions with nothing between them that mixes their groups."""

    @property
    def reach(self) -> list[Reach | None]:
        """The reach of every node; None if it was too much to follow."""
        return [tensor.reach for tensor in self.tensors]


class _Mixed(NamedTuple):
    """The sets after an op."""

    masks: Masks
    least: int
    covers: bool
    is_full: bool


class _Origin(NamedTuple):
    """A fully mixed tensor."""

    parent: int
    channels: int
    name: str
    depth: int


ROOT = -1
"""The common origin of several inputs."""


def of_layers(network: Network) -> list[Reach | None]:
    """The reach of every layer, in order."""
    entries = set(network.inputs)
    found = follow(network).reach
    return [reach for index, reach in enumerate(found) if index not in entries]


def follow(network: Network) -> Mixing:
    """Follows the channels through a network."""
    return _Walk(network).run()


class _Walk:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.origins = {ROOT: _Origin(ROOT, 1, "", 0)}
        self.work = 0
        self.memo: dict[tuple[object, ...], tuple[list[Masks], _Mixed | None]] = {}
        """Results by op and the lists it read. The lists are kept so that their ids stay unique."""
        self.held: dict[tuple[object, ...], tuple[bool, int | None]] = {}
        """Whether grouped convolutions mix, and the reach with a shuffle before them."""
        self.full: dict[tuple[int, int], Masks] = {}
        self.kept_apart: list[KeptApart] = []

    def run(self) -> Mixing:
        tensors: list[Followed] = []
        for index, node in enumerate(self.network.nodes):
            tensors.append(self._output(index, node, [tensors[i] for i in node.inputs]))
        return Mixing(tensors, self.kept_apart)

    def _output(self, index: int, node: Node, inputs: list[Followed]) -> Followed:
        op, shapes = node.op, node.input_shapes
        if not inputs:
            return self._fully_mixed(index, node, ROOT)
        if len(inputs) == 1 and type(op).mix is Op.mix and not op.mixes_all(*shapes):
            return inputs[0]  # the same channels: a norm, an activation, a pool
        origin = self._common([tensor.origin for tensor in inputs])
        stacked = [t.behind for t in inputs if t.behind is not None and t.origin == origin]
        behind = max(stacked, default=None)
        covers = any(t.covers or t.origin != origin for t in inputs) and not op.is_part
        mixed_before = [tensor.origin != origin for tensor in inputs]
        if (
            (op.mixes_all(*shapes) and covers)
            or all(mixed_before)
            or (op.is_elementwise and any(mixed_before))
        ):
            return self._fully_mixed(index, node, origin)
        entering = [
            self._seen_from(origin, tensor, _channels(shape))
            for tensor, shape in zip(inputs, shapes, strict=True)
        ]
        mixed = self._mixed(node, origin, entering)
        if mixed is None:
            return Followed(origin, None, covers, None, behind)
        if mixed.is_full:
            return self._fully_mixed(index, node, origin)
        source = self.origins[origin]
        reach = Reach(mixed.least, source.channels, source.name)
        if node.is_grouped and not node.is_depthwise:
            entered = inputs[0].reach
            if behind is not None and entered and reach.channels <= entered.channels:
                self._hold_against(behind, index, entering[0] or [], mixed.masks, reach)
            behind = index
        return Followed(origin, mixed.masks, mixed.covers, reach, behind)

    def _fully_mixed(self, index: int, node: Node, parent: int) -> Followed:
        """A new origin: the sets of later tensors have its channels."""
        behind = self.origins[parent]
        self.origins[index] = _Origin(parent, _channels(node.shape), node.name, behind.depth + 1)
        reach = Reach(behind.channels, behind.channels, behind.name)
        return Followed(index, None, covers=True, reach=reach)

    def _common(self, origins: list[int]) -> int:
        """The nearest origin that is before all of these, or one of them."""
        left = set(origins)
        while len(left) > 1:
            deepest = max(left, key=lambda origin: self.origins[origin].depth)
            left.remove(deepest)
            left.add(self.origins[deepest].parent)
        return left.pop()

    def _seen_from(self, origin: int, tensor: Followed, channels: int) -> Masks | None:
        """The channels of an origin that each channel depends on: of its own or an earlier one."""
        of = self.origins[origin].channels
        if of > MAX_CHANNELS or channels > MAX_ENTRIES:
            return None
        if tensor.origin != origin:
            return self._all_of(of, channels)
        if tensor.masks is None and tensor.reach is not None:  # the origin itself
            return _identity(of)
        return tensor.masks

    def _all_of(self, of: int, channels: int) -> Masks:
        key = (of, channels)
        if key not in self.full:
            self.full[key] = [(2 << of) - 1] * channels
        return self.full[key]

    def _mixed(self, node: Node, origin: int, entering: list[Masks | None]) -> _Mixed | None:
        """The dependencies of each channel of a node's output; None if they are not followed.

        The same op on the same lists is worked out only once.
        """
        of = self.origins[origin].channels
        known = [masks for masks in entering if masks is not None]
        if len(known) < len(entering) or _channels(node.shape) > MAX_ENTRIES:
            return None
        key = (node.op, node.input_shapes, of, tuple(map(id, known)))
        if key not in self.memo:
            self.work += (sum(map(len, known)) + _channels(node.shape)) * (of // 64 + STEP)
            if self.work > MAX_WORK:
                return None
            self.memo[key] = known, _mix(node, known, of)
        return self.memo[key][1]

    def _hold_against(
        self, before: int, after: int, entering: Masks, left: Masks, reach: Reach
    ) -> None:
        """Notes a grouped convolution that mixes nothing that the one before it kept apart."""
        node = self.network.nodes[after]
        groups = self.network.nodes[before].groups or 1
        key = (node.op, groups, id(entering))
        if key not in self.held:
            self.work += 3 * len(entering) * (reach.of // 64 + STEP)
            mixes = _mixes(node.groups or 1, entering, left, reach.of)
            channels = None if mixes else self._shuffled(node, groups, entering, reach.of)
            self.held[key] = mixes, channels
        mixes, channels = self.held[key]
        if not mixes:
            shuffled = None if channels is None else reach._replace(channels=channels)
            self.kept_apart.append(KeptApart(before, after, reach, shuffled))

    def _shuffled(self, node: Node, groups: int, entering: Masks, of: int) -> int | None:
        """The fewest channels that an output channel would depend on after a channel_shuffle."""
        if len(entering) % groups or self.work > MAX_WORK:
            return None
        dealt_out = ChannelShuffle(groups=groups).mix([entering], *node.input_shapes)
        return _least(node.op.mix([dealt_out], *node.input_shapes) or [], of)


def _channels(shape: Shape) -> int:
    """The channels of a tensor: one of a number by itself."""
    return shape[-1] if shape else 1


def _mix(node: Node, masks: list[Masks], of: int) -> _Mixed | None:
    if node.op.mixes_all(*node.input_shapes):
        mixed: Masks | None = [united(masks[0])] * _channels(node.shape)
    else:
        mixed = node.op.mix(masks, *node.input_shapes)
    if mixed is None:
        return None
    if node.op.is_convolution or node.op.is_dense:
        read = 1 << of
        marked = {id(mask): mask | read for mask in mixed}
        mixed = [marked[id(mask)] for mask in mixed]
    if mixed == masks[0]:
        mixed = masks[0]  # the same list, so that repeats are recognized
    everything = (1 << of) - 1
    distinct = list({id(mask): mask for mask in mixed}.values())
    return _Mixed(
        masks=mixed,
        least=_least(distinct, of),
        covers=united(distinct) & everything == everything,
        is_full=all(mask & everything == everything for mask in distinct),
    )


def _mixes(groups: int, entering: Masks, left: Masks, of: int) -> bool:
    """Whether an output channel depends on more than each channel that it reads."""
    counts = {
        id(mask): _count(mask, of) for mask in {id(m): m for m in (*entering, *left)}.values()
    }
    read, made = len(entering) // groups, len(left) // groups
    return any(
        counts[id(left[group * made])]
        > max(counts[id(mask)] for mask in entering[group * read : (group + 1) * read])
        for group in range(groups)
    )


def _least(masks: Masks, of: int) -> int:
    """The number of channels in the smallest of these sets."""
    return min((_count(mask, of) for mask in masks), default=of)


def _count(mask: int, channels: int) -> int:
    """The number of channels in a set; an origin channel that is passed on counts as all."""
    count = mask.bit_count()
    if mask >> channels:
        return count - 1
    return channels if count == 1 else count


@lru_cache(maxsize=32)
def _identity(channels: int) -> Masks:
    """Each channel of an origin depends on itself."""
    return [1 << channel for channel in range(channels)]
