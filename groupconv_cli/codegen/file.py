"""What the functions of a file share: its constants, its helpers and the names that are taken."""

from __future__ import annotations

import builtins
import keyword
import re

from groupconv_cli.codegen.expressions import Translator
from groupconv_cli.codegen.symbols import ATOM, Code
from groupconv_cli.language.expand import Expansion
from groupconv_cli.language.expressions import names
from groupconv_cli.language.nodes import ScalarNode, SequenceNode, Tree
from groupconv_cli.language.spec import Spec
from groupconv_cli.language.trace import Use
from groupconv_cli.language.values import is_expression
from groupconv_cli.network import Network

MAIN_FUNCTION = "build"
SIDE = ("y", "z", "u", "v", "w")
"""The variables besides `x`, in the order in which they are used."""

INDICES = ("i", "j", "k", "m", "n")
"""The variables that count the turns of loops, in the order in which they are used."""

SHUFFLE = "shuffle_channels"
"""The helper for channel shuffles in models that leave sizes open."""

HELPERS = {
    "Names": '''class Names:
    """Names of layers: conv, conv_2, conv_3 … behind a prefix."""

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.counts = {}

    def __call__(self, kind):
        count = self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{self.prefix}{kind}" if count == 1 else f"{self.prefix}{kind}_{count}"
''',
    "named": '''def named(x, name):
    """Names the operation that made x, as a layer is named by its argument."""
    x._keras_history.operation.name = name
    return x
''',
    "round_to": '''def round_to(x, divisor):
    """The multiple of the divisor nearest to x, but at least 90 % of x."""
    near = max(divisor, int(x + divisor / 2) // divisor * divisor)
    return near + divisor if 10 * near < 9 * x else near
''',
    SHUFFLE: f'''def {SHUFFLE}(x, groups, name):
    """The first channel of every group, then the second of every group, and so on."""
    size = x.shape[-1] // groups
    order = [i * size + j for j in range(size) for i in range(groups)]
    return named(ops.take(x, order, axis=-1), name)
''',
}
RESERVED = {
    *keyword.kwlist,
    *keyword.softkwlist,
    *dir(builtins),
    *HELPERS,
    *("x", "i", "l", MAIN_FUNCTION),  # linters refuse l, because it looks like 1
    *("ceil", "channel_shuffle", "channels", "floor", "inputs", "keras", "layers", "model"),
    *("name", "names", "ops", "outputs", "project"),
    *("Fraction", "REGROUPED"),
}


class Unwritable(Exception):
    """Raised for a network whose code does not follow its spec: it is written layer by layer."""


class File:
    """The parts of a file that are found while its functions are written."""

    def __init__(self, network: Network, origin: Expansion, *, exact: bool) -> None:
        self.network = network
        self.spec: Spec = origin.spec
        self.made, self.use = origin.traced()
        """The network as the spec makes it, with other groups perhaps, and its use."""
        self.entries = origin.spec.vars | origin.changes
        self.translator = Translator(exact=exact)
        self.helpers: dict[str, str] = {}
        """Helpers that are written for this file, by their names."""
        self.uses: dict[str, list[Use]] = {}
        """The uses of each block."""
        self.taken = {function_name(name) for name in self.spec.blocks}
        self.table: set[int] = set()
        """The convolutions whose groups are looked up by their names, in a table of the file."""
        self._codes: dict[str, Code] = {}
        self._texts: dict[str, str] = {}
        self._collect(self.use)
        self.regrouped = {
            index
            for index, (before, now) in enumerate(zip(self.made.nodes, network.nodes, strict=True))
            if before.op != now.op and now.groups_from is None
        }
        """The indices of the convolutions whose groups are not those of the spec."""

    def _collect(self, use: Use) -> None:
        for inner in use.uses:
            if inner.item.layer in self.spec.blocks:
                self.uses.setdefault(inner.item.layer, []).append(inner)
            self._collect(inner)

    def helper(self, wanted: str, text: str) -> str:
        """The name of a function of the file, whose text begins after the name."""
        count = 1
        while (name := wanted if count == 1 else f"{wanted}_{count}") in self.helpers:
            if self.helpers[name] == f"def {name}{text}":
                return name
            count += 1
        self.helpers[name] = f"def {name}{text}"
        return name

    def constant(self, name: str) -> Code:
        """A variable of the spec, which is a constant of the file."""
        if name not in self._codes:
            if name not in self.entries:
                raise Unwritable
            tree = self.entries[name].value
            for each in sorted(names_in(tree)):  # first, so that their depths do not add up
                self.constant(each)
            code = self.translator.code(tree, self.constant)
            self._texts[name] = code.text
            self._codes[name] = Code(self._upper(name), ATOM, code.is_whole)
        return self._codes[name]

    def constants(self) -> dict[str, str]:
        """The codes of the constants in use by their names, each after those that it reads."""
        ordered: dict[str, str] = {}

        def add(name: str) -> None:
            read = names_in(self.entries[name].value)
            for other in self.entries:
                if other in read:
                    add(other)
            ordered.setdefault(self._codes[name].text, self._texts[name])

        for name in self.entries:
            if name in self._codes:
                add(name)
        return ordered

    def _upper(self, name: str) -> str:
        text = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
        known = {code.text for code in self._codes.values()}
        while text in RESERVED or text in self.taken or text in known:
            text = f"{text}_"
        return text

    def local(self, name: str) -> str:
        """A name of the spec as a variable of a function."""
        text = identifier(name)
        return f"{text}_" if text in RESERVED or text in self.taken else text


def used_helpers(text: str) -> list[str]:
    """The helpers that a text calls, and those that they call."""
    used: list[str] = []
    for name, helper in reversed(HELPERS.items()):
        if re.search(rf"\b{name}\(", "\n".join([text, *used])):
            used.insert(0, helper.rstrip())
    return used


def names_in(tree: Tree) -> set[str]:
    """The names that a value reads."""
    if isinstance(tree, SequenceNode):
        return {name for item in tree.items for name in names_in(item)}
    if not isinstance(tree, ScalarNode) or not is_expression(tree):
        return set()
    return {name for name, _ in names(tree.text)}


def identifier(name: str) -> str:
    """A name of the spec in the characters that Python allows."""
    text = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{text}" if text[:1].isdigit() else text


def function_name(block: str) -> str:
    """The name of a block's function."""
    text = identifier(block)
    return f"{text}_block" if text in RESERVED else text
