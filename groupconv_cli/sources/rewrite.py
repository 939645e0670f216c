"""Writes a spec with other group counts: the user's own text with `groups:` in it."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Mapping
from pathlib import Path

from groupconv_cli.analysis.patterns import patterns_of
from groupconv_cli.errors import InternalError, Source, SpecError, UsageError
from groupconv_cli.files import written_whole
from groupconv_cli.language.groups_text import with_groups
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.network import Network, Node


def write_with_groups(
    file: SpecFile,
    chosen: Network,
    path: Path,
    *,
    settings: Mapping[str, object] | None = None,
    variant: str | None = None,
    force: bool = False,
) -> None:
    """Writes the spec with the group counts of a network that was made of it.

    The text stays as it is, but for the entry `groups:`. With the same `settings` and `variant` it
    makes the same network, which is checked before anything is written.

    Raises UsageError if the path exists and `force` is not given, or the text cannot hold the
    counts.
    """
    text = text_with_groups(file, chosen, str(path), settings=settings, variant=variant)
    with written_whole(path, force=force) as temporary:
        temporary.write_bytes(_beginning(Path(file.source.name)) + text.encode())


def text_with_groups(
    file: SpecFile,
    chosen: Network,
    name: str,
    *,
    settings: Mapping[str, object] | None = None,
    variant: str | None = None,
) -> str:
    """The text that `write_with_groups` writes. `name` is the name of its file."""
    source = file.source
    variant = variant or file.implied_variant
    try:
        plain = SpecFile(Source(name, with_groups(source.text, {}))).network(settings, variant)
        pairs = list(zip(plain.nodes, chosen.nodes, strict=True))
        convolutions = [(old, new) for old, new in pairs if new.op.is_convolution]
        counts = {new.name: new.groups or 1 for old, new in convolutions if old.op != new.op}
        patterns = patterns_of(
            counts, (new.name for _, new in convolutions if new.name not in counts)
        )
        text = with_groups(source.text, patterns)
        made = SpecFile(Source(name, text)).network(settings, variant)
    except SpecError as error:
        raise UsageError(
            f"{source.name} cannot be written with other groups: {error}",
            "the counts are in --format json, and --regroup takes them",
        ) from None
    if not _are_equal(made, chosen):
        raise InternalError(f"{name} would not be the chosen network, and was not written")
    return text


def _are_equal(made: Network, chosen: Network) -> bool:
    return len(made.nodes) == len(chosen.nodes) and all(
        _facts(a) == _facts(b) for a, b in zip(made.nodes, chosen.nodes, strict=True)
    )


def _facts(node: Node) -> Node:
    """The node without its place in a text."""
    return node._replace(place=None)


def _beginning(path: Path) -> bytes:
    """The byte order mark, if the file that was read begins with one."""
    try:
        with path.open("rb") as file:
            return BOM_UTF8 if file.read(len(BOM_UTF8)) == BOM_UTF8 else b""
    except OSError:
        return b""
