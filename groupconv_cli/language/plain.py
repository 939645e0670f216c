"""Plain Python values as YAML, so that mistakes in them have a place."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real

from groupconv_cli.errors import Problems, Source, SpecError, UsageError
from groupconv_cli.language.values import plain
from groupconv_cli.language.yaml_reader import read
from groupconv_cli.ops.kinds import Value


def as_yaml(value: object) -> str:
    """The value as YAML: mappings, lists, numbers of any kind (NumPy's too), text, true, null.

    Raises UsageError for anything else.
    """
    import yaml

    text: str = yaml.safe_dump(_plain(value), sort_keys=False)
    return text


def as_texts(settings: Mapping[str, object] | None) -> dict[str, str]:
    """Values of variables in the form of `--set`. Text stays unchanged."""
    return {
        name: value if isinstance(value, str) else as_yaml(value)
        for name, value in (settings or {}).items()
    }


def from_text(text: str) -> Value:
    """The plain value of a text in the form of `--set`. An expression stays text."""
    problems = Problems()
    try:
        tree = read(Source("<value>", text), problems)
    except SpecError:
        return text  # the network that is made with it says what is wrong
    return text if problems else plain(tree)


def _plain(value: object) -> object:
    """The value in types of YAML."""
    if isinstance(value, str | bool | int | float) or value is None:
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise UsageError(f"a spec cannot hold {value!r}")
