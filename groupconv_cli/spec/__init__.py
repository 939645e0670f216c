"""The spec language: YAML with positions → Spec → Network. The only place that knows YAML."""

from __future__ import annotations

from collections.abc import Mapping

from groupconv_cli.errors import InternalError, Problems, Source, UsageError
from groupconv_cli.network import Network
from groupconv_cli.spec.check import check
from groupconv_cli.spec.expand import expand
from groupconv_cli.spec.model import Spec
from groupconv_cli.spec.reader import read
from groupconv_cli.spec.tree import Entry
from groupconv_cli.spec.values import examine
from groupconv_cli.words import did_you_mean

__all__ = ["network_from"]


def network_from(
    source: Source, *, settings: Mapping[str, str] | None = None, variant: str | None = None
) -> Network:
    """The network that a spec describes.

    `settings` are values of variables, as text; they win over those of the `variant`.

    Raises SpecError with every mistake of the spec, UsageError for a variable or variant that it
    does not have.
    """
    problems = Problems()
    spec = check(read(source, problems), source, problems)
    network = expand(spec, _changes(spec, settings or {}, variant, problems), problems)
    if problems:
        raise problems.error()
    if network is None:
        raise InternalError("the spec makes no network, and nothing says why")
    return network


def _changes(
    spec: Spec, settings: Mapping[str, str], variant: str | None, problems: Problems
) -> dict[str, Entry]:
    changes: dict[str, Entry] = {}
    if variant is not None:
        if variant not in spec.variants:
            raise UsageError(_unknown("variant", variant, list(spec.variants), spec))
        changes.update(spec.variants[variant])
    for name, text in settings.items():
        if name not in spec.vars:
            raise UsageError(_unknown("variable", name, list(spec.vars), spec))
        if not text.strip():
            raise UsageError(f"--set {name} needs a value: --set {name}=VALUE")
        tree = read(Source(f"--set {name}", text), problems)
        examine(tree, spec.vars, f"the variable {name!r}", problems)
        changes[name] = Entry(name, tree.place, tree)
    return changes


def _unknown(what: str, name: str, known: list[str], spec: Spec) -> str:
    listed = f"it has {', '.join(known)}" if known else f"it has no {what}s"
    return f"{spec.source.name} has no {what} {name!r}; {did_you_mean(name, known) or listed}"
