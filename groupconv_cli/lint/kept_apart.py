"""Groups that nothing mixes."""

from __future__ import annotations

from collections.abc import Iterator

from groupconv_cli.analysis.channel_mixing import KeptApart
from groupconv_cli.lint.rule import RuleContext, Violation, rule
from groupconv_cli.network import Node
from groupconv_cli.ops.shape import ChannelShuffle
from groupconv_cli.words import joined

MAX_NAMES = 4


@rule("GC101")
def channels_kept_apart(subject: RuleContext) -> Iterator[Violation]:
    """Grouped convolutions in a row, each reading no more channels than the one before."""
    for chain in _chains(subject.mixing.kept_apart):
        stacked = [chain[0].before, *(link.after for link in chain)]
        names = tuple(subject.nodes[index].name for index in stacked)
        last, (channels, of, origin) = names[-1], chain[-1].reach
        yield Violation(
            node=subject.nodes[chain[0].after],
            message=f"nothing mixes the groups of {_listed(names)}: an output channel of {last!r} "
            f"depends on {channels:,} of the {of:,} channels of {origin!r}",
            hint=_help(chain[0], names, _shuffle_between(subject, chain[0])),
            layers=names,
        )


def _chains(links: list[KeptApart]) -> list[list[KeptApart]]:
    """Links that follow on one another, together."""
    by_end: dict[int, list[KeptApart]] = {}
    for link in links:
        chain = by_end.pop(link.before, [])
        chain.append(link)
        by_end[link.after] = chain
    return list(by_end.values())


def _shuffle_between(subject: RuleContext, link: KeptApart) -> Node | None:
    """The channel_shuffle on the way from the one convolution to the other, if there is one."""
    index = subject.nodes[link.after].inputs[0]
    while index > link.before:
        node = subject.nodes[index]
        if isinstance(node.op, ChannelShuffle):
            return node
        index = node.inputs[0] if node.inputs else link.before
    return None


def _help(link: KeptApart, names: tuple[str, ...], shuffle: Node | None) -> str:
    between = "the two" if len(names) == 2 else "each two"
    one_by_one = f"a 1×1 convolution between {between} mixes all of them"
    if shuffle is not None:
        return f"{shuffle.name!r} brings nothing with groups={shuffle.groups}; {one_by_one}"
    if link.shuffled is None or link.shuffled.channels <= link.reach.channels:
        return one_by_one
    shuffled = link.shuffled
    return (
        f"a channel_shuffle before {names[1]!r} makes it {shuffled.channels:,} of {shuffled.of:,} "
        f"there; {one_by_one}"
    )


def _listed(names: tuple[str, ...]) -> str:
    quoted = [repr(name) for name in names]
    if len(quoted) > MAX_NAMES:
        quoted = [*quoted[: MAX_NAMES - 1], f"{len(quoted) - MAX_NAMES + 1} more"]
    return joined(quoted)
