"""Things that come with gconv: the catalogue of networks, a spec to start from, the schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from groupconv_cli.sources.catalogue import Bundled


def catalogue(word: str | None = None) -> Sequence[Bundled]:
    """Every bundled network, including every variant of a family.

    With `word`, those that have it in their name or description, whatever its case.

    Raises UsageError if there is none.
    """
    from groupconv_cli.errors import UsageError
    from groupconv_cli.sources.catalogue import catalogue as bundled
    from groupconv_cli.sources.catalogue import names
    from groupconv_cli.words import did_you_mean

    networks = bundled()
    if word is None:
        return networks
    sought = word.lower()
    found = tuple(
        each
        for each in networks
        if any(sought in text.lower() for text in (each.name, each.about, each.published))
    )
    if not found:
        raise UsageError(
            f"no bundled network has {word!r} in its name or description",
            did_you_mean(word, names()) or "`gconv list` shows all of them",
        )
    return found


def catalogue_names() -> Sequence[str]:
    """Every name of a bundled network, of families and of variants."""
    from groupconv_cli.sources.catalogue import names

    return names()


def is_spec(word: str) -> bool:
    """Whether a word is probably a spec."""
    from groupconv_cli.sources.locate import is_spec as means_spec

    return means_spec(word)


class StartingPoint(NamedTuple):
    """A spec to copy."""

    text: str
    variant: str | None
    """The variant that the name implies."""


def starting_point(name: str | None, file: str | None = None) -> StartingPoint:
    """The text of a bundled network's spec; without a name, of a small commented spec for `file`.

    Raises UsageError if no bundled network has that name.
    """
    from groupconv_cli.errors import UsageError
    from groupconv_cli.sources import catalogue as bundled
    from groupconv_cli.sources.locate import DEFAULT_FILE
    from groupconv_cli.words import did_you_mean

    if name is None:
        return StartingPoint(bundled.starter(file or DEFAULT_FILE), None)
    found = bundled.find(name)
    if found is None:
        if name.lower().endswith((".yaml", ".yml")):
            raise UsageError(
                f"no bundled network is called {name!r}",
                f"to write that file: gconv init -o {name}",
            )
        hint = did_you_mean(name, bundled.names()) or "`gconv list` shows them"
        raise UsageError(f"no bundled network is called {name!r}; {hint}")
    family, variant = found
    return StartingPoint(bundled.source_of(family).text, variant)


def schema_file() -> tuple[str, str]:
    """The JSON Schema of the spec language: the name of its file, and its text."""
    import json  # here, so that other commands need not load it

    from groupconv_cli.language.schema import FILE_NAME, schema

    return FILE_NAME, json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
