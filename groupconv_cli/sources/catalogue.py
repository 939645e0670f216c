"""The bundled configs: families of published networks, and their variants."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from groupconv_cli.errors import Source
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.language.variant_names import JOINS, variant_name
from groupconv_cli.language.yaml_reader import decode
from groupconv_cli.network import Network

BUNDLED = ".yaml (bundled)"
"""The end of what a bundled config is called in messages."""


class Top1(NamedTuple):
    """A published accuracy on ImageNet's validation images."""

    accuracy: float
    """The first guess is right for so many images, in per cent."""
    source: str


class Bundled(NamedTuple):
    """One network of the catalogue."""

    family: str
    """The name of the config."""
    variant: str | None
    about: str
    """A description of one line."""
    published: str
    """Where it was published."""
    network: Network
    top1: Top1 | None
    """None if its publication has none."""

    @property
    def name(self) -> str:
        """Its name as a SPEC."""
        return self.family if self.variant is None else variant_name(self.family, self.variant)


def configs_folder() -> Path:
    """The folder of the bundled configs: inside the package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    bundled = package / "configs"
    return bundled if bundled.is_dir() else package.parent / "configs"


def starter(file: str = "gconv.yaml") -> str:
    """The text of a small commented spec; `file` is the name of its file in the comments."""
    text = (Path(__file__).parent / "starter.yaml").read_text(encoding="utf-8")
    return text.replace("gconv.yaml", file)


@cache
def families() -> tuple[str, ...]:
    """Names of the bundled configs."""
    return tuple(sorted(path.stem for path in configs_folder().glob("*.yaml")))


def source_of(family: str) -> Source:
    """The text of a bundled config."""
    path = configs_folder() / f"{family}.yaml"
    return decode(path.read_bytes(), f"{family}{BUNDLED}")


def find(name: str) -> tuple[str, str | None] | None:
    """The family and the variant of a name: `resnet`, `resnet50`, `resnet:50` and so on."""
    if name in families():
        return name, None
    for family in families():
        if name.startswith(family):
            variants = SpecFile(source_of(family)).variants
            for join in JOINS:
                variant = name[len(family) :].removeprefix(join)
                if name == family + join + variant and variant in variants:
                    return family, variant
    return None


def names() -> list[str]:
    """Every name of a network of the catalogue, of families and of variants."""
    found = []
    for family in families():
        found.append(family)
        variants = SpecFile(source_of(family)).variants
        found += [variant_name(family, variant) for variant in variants]
    return found


@cache
def catalogue() -> tuple[Bundled, ...]:
    """Every network of the catalogue, and every variant of a family. They are made once."""
    return tuple(each for family in families() for each in members(family))


def members(family: str) -> Iterator[Bundled]:
    """The networks of one family."""
    source = source_of(family)
    about, published = _comment(source.text)
    file = SpecFile(source)
    for variant in file.variants or (None,):
        name = family if variant is None else variant_name(family, variant)
        network = file.network(variant=variant)
        yield Bundled(family, variant, about, published, network, published_top1().get(name))


@cache
def published_top1() -> dict[str, Top1]:
    """Published accuracies by the names of networks: of papers, torchvision, Keras and others.

    Numbers of one table are comparable; numbers of several are not always: recipes differ.
    """
    import json  # here, so that commands other than `list` need not load it

    table = Path(__file__).parent / "published_top1.json"
    rows = json.loads(table.read_text(encoding="utf-8"))
    return {name: Top1(**row) for name, row in rows.items()}


def _comment(text: str) -> tuple[str, str]:
    """The first line of the comment at the beginning of a config, and the rest of its paragraph.

    Later paragraphs are for readers of the config.
    """
    about, *lines = (
        line.removeprefix("#").strip() for line in takewhile(_is_said, text.splitlines())
    )
    return about.rstrip("."), " ".join(lines).rstrip(".")


def _is_said(line: str) -> bool:
    return line.startswith("#") and line.strip() != "#"
