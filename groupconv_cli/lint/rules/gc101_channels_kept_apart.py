"""Two grouped convolutions have nothing between them that mixes the groups.

Neither of them is depthwise. The second keeps apart the same channels as the first, so this part of
the network is several narrow networks side by side.

```console
$ gconv check block --rule GC105=off
Checked block

block.yaml (bundled):8:5: warning GC101: nothing mixes the groups of 'conv' and
    'conv_2': an output channel of 'conv_2' depends on 16 of the 64 channels of 'input'
    8 |   - conv: {filters: 128, kernel: 3, groups: 8}
      |     ^
  a channel_shuffle before 'conv_2' makes it 64 of 64 there; a 1×1 convolution between
    the two mixes all of them

gconv check --explain GC101 says why, and what to do.
To turn it off, in the spec: rules: {GC101: off}

1 spec: 1 warning
```

**The number** is the reach ([numbers.md](numbers.md#reach)): the fewest channels that any output
channel of the second convolution depends on. The rule fires if the second convolution mixes
nothing, that is, if each of its output channels depends on no more channels than one that it reads
did already. So the rule is quiet if a shuffle, a 1×1 convolution, a layer norm or a
squeeze-and-excitation is between them, even one that mixes only some of the groups. It is quiet too
if the second convolution has groups that cut across the first's. Every pair is judged: a dense
layer at the end of the network mixes what was kept apart, but too late for the layers in between.

Depthwise convolutions do not count, neither as the first nor as the second. They mix no channels by
design, and 1×3 and 3×1 depthwise convolutions followed by a 1×1 convolution are a good block.

**Why**: channel shuffle was invented for this (Zhang et al. 2018, "ShuffleNet", section 3.1 and
figure 1: stacked group convolutions let no information flow between the groups). AlexNet's fourth
and fifth convolutions break the rule: an output channel depends on 192 of 384, because each of two
GPUs computed one group (Krizhevsky et al. 2012, section 3.2). Its author's later version has one
group.

**What to do**: put a `channel_shuffle` before the second convolution, which costs no MACs, or a 1×1
convolution between the two. The message says how many channels the shuffle would reach, as not
every number of groups cuts across every other. If there is a shuffle already and it does not help,
give it another number of groups, or leave it out.
"""

from __future__ import annotations

from collections.abc import Iterator

from groupconv_cli.analysis.channel_mixing import KeptApart
from groupconv_cli.lint.rule import RuleContext, Violation
from groupconv_cli.network import Node
from groupconv_cli.ops.shape import ChannelShuffle
from groupconv_cli.policy.rules import Severity
from groupconv_cli.words import joined

SEVERITY = Severity.warning

MAX_NAMES = 4


def violations(context: RuleContext) -> Iterator[Violation]:
    """Grouped convolutions in a row, each reading no more channels than the one before."""
    for chain in _chains(context.mixing.kept_apart):
        stacked = [chain[0].before, *(link.after for link in chain)]
        names = tuple(context.nodes[index].name for index in stacked)
        last, (channels, of, origin) = names[-1], chain[-1].reach
        yield Violation(
            node=context.nodes[chain[0].after],
            message=f"nothing mixes the groups of {_listed(names)}: an output channel of {last!r} "
            f"depends on {channels:,} of the {of:,} channels of {origin!r}",
            hint=_help(chain[0], names, _shuffle_between(context, chain[0])),
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


def _shuffle_between(context: RuleContext, link: KeptApart) -> Node | None:
    """The channel_shuffle on the way from the one convolution to the other, if there is one."""
    index = context.nodes[link.after].inputs[0]
    while index > link.before:
        node = context.nodes[index]
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
