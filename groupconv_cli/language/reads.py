"""`from` beside a layer: what it reads, checked by the names that can be read there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from groupconv_cli.errors import Problems
from groupconv_cli.language.nodes import (
    Entry,
    MappingNode,
    ScalarNode,
    SequenceNode,
    Tree,
    describe,
)
from groupconv_cli.language.spec import Read
from groupconv_cli.ops import LAYERS, Op
from groupconv_cli.ops.base import Shape, shape_text
from groupconv_cli.words import did_you_mean, joined, plural

MAX_READS = 1_000
EXAMPLE = "for example: from: stem, from: -2, or from: [stem, -1]"
_SEVERAL = "for example: from: [-1, skip], where an earlier item has name: skip"


class Readable:
    """The names that `from` can read in one list of layers: earlier items, and those around it."""

    def __init__(self, outer: Readable | None = None, names: Iterable[str] = ()) -> None:
        self.outer = outer
        self.names = set(names)
        self.read: set[str] = set()
        """The names that something reads."""
        self.later: set[str] = set()
        """Names of items of the list that have not been reached yet."""
        self.current: str | None = None

    def begin(self, tree: SequenceNode) -> None:
        """Notes the names that the items of the list have."""
        self.later = set(_names(tree))

    def done(self, name: str | None) -> None:
        """Makes the name of a checked item readable."""
        self.current = None
        if name is not None:
            self.names.add(name)
            self.later.discard(name)

    def lists(self) -> Iterator[Readable]:
        """This list and those around it, the nearest first."""
        yield self
        if self.outer is not None:
            yield from self.outer.lists()

    def why_not(self, name: str, elsewhere: Iterable[str]) -> tuple[str, str | None] | None:
        """The end of the sentence 'from reads …' and a hint; None if the name can be read.

        `elsewhere` are all names of items so far.
        """
        around = list(self.lists())
        for each in around:
            if name in each.names:
                each.read.add(name)
                return None
        if name == self.current:
            return f"{name!r}, which is this item itself", "from reads items before it"
        if any(name == each.current for each in around):
            return f"{name!r}, which is the item around it", "from reads items before it"
        if any(name in each.later for each in around):
            return f"{name!r}, which comes later", "from reads items before it"
        if name in elsewhere:
            hint = (
                "a name can be read in its own list of layers and in lists inside that one; "
                "tensors enter a block by its inputs: [x, skip]"
            )
            return f"{name!r}, which is in another list of layers", hint
        if name in LAYERS:
            return (
                f"{name!r}, and no item before it has this name",
                f"the type of a layer is no name; give that item one: name: {name}",
            )
        known = {known for each in around for known in each.names}
        stand = "is" if len(known) == 1 else "are"
        listed = f"there {stand} {joined(sorted(known))}" if 0 < len(known) <= 8 else None
        near = did_you_mean(name, known) or listed
        return f"{name!r}, and no item before it has this name", near


def check_reads(
    entry: Entry, readable: Readable, elsewhere: Iterable[str], problems: Problems
) -> tuple[Read, ...] | None:
    """What `from` reads. None, with a problem noted, if it is not names and distances."""
    tree = entry.value
    trees = tree.items if isinstance(tree, SequenceNode) else (tree,)
    if not trees:
        problems.add("from is empty", tree.place, EXAMPLE)
        return None
    if len(trees) > MAX_READS:
        problems.add(f"from reads {len(trees):,} tensors", tree.place, f"at most {MAX_READS:,}")
        return None
    reads = [_read(each, readable, elsewhere, problems) for each in trees]
    known = tuple(each for each in reads if each is not None)
    return known if len(known) == len(reads) else None


def _read(
    tree: Tree, readable: Readable, elsewhere: Iterable[str], problems: Problems
) -> Read | None:
    if not isinstance(tree, ScalarNode) or tree.value is None or isinstance(tree.value, bool):
        problems.add(
            f"from must be names of items, or distances; got {describe(tree)}", tree.place, EXAMPLE
        )
        return None
    if isinstance(tree.value, int):
        if tree.value < 0:
            return tree.value
        hint = "-1 is the item before this one, -2 the one before that"
        problems.add(f"a distance of from is below 0, got {tree.value}", tree.place, hint)
        return None
    if "$" in tree.text:
        hint = "from takes names and distances as they are written, not variables"
        problems.add(f"from reads {describe(tree)}", tree.place, hint)
        return None
    why = readable.why_not(tree.text, elsewhere)
    if why is None:
        return tree.text
    problems.add(f"from reads {why[0]}", tree.place, why[1])
    return None


def wrong_number(
    layer: str, block_inputs: tuple[str, ...] | None, count: int
) -> tuple[str, str] | None:
    """The mistake and the hint if the layer cannot read `count` tensors.

    `block_inputs` are the inputs of the block, if the layer is one.
    """
    if block_inputs is not None and len(block_inputs) > 1:
        if count == len(block_inputs):
            return None
        message = f"the block {layer!r} reads {joined(block_inputs)}, not {plural(count, 'tensor')}"
        hint = f"from: gives one tensor for each, as in from: [-1, {block_inputs[-1]}]"
        return message, hint
    if block_inputs is None and _merges(layer):
        if count > 1:
            return None
        return f"{layer} reads two tensors or more, and this is one", _SEVERAL
    if count == 1:
        return None
    message = f"{layer} reads one tensor, not {count}"
    if block_inputs is not None:
        return message, f"a block with inputs: [x, skip] reads several, as {layer} could"
    return message, "merge them first, for example: - concat: with from: [a, b] beside it"


def _merges(layer: str) -> bool:
    cls = LAYERS[layer].cls
    return issubclass(cls, Op) and cls.merges


def _names(tree: SequenceNode) -> Iterator[str]:
    for item in tree.items:
        if isinstance(item, MappingNode) and "name" in item.entries:
            value = item.entries["name"].value
            if isinstance(value, ScalarNode):
                yield value.text


def unlike(sizes: Iterable[tuple[str | int, Shape]], hint: str | None) -> str:
    """What a merge reads, with the shapes, and how to make them alike: the hint of its op."""
    each = joined([f"{read} is {shape_text(shape)}" for read, shape in sizes])
    return f"{each}; {hint.replace('the branches', 'them')}" if hint else each
