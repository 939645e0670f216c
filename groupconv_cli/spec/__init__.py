"""The spec language: YAML with positions → Spec → Network. The only place that knows YAML."""

from __future__ import annotations

from collections.abc import Mapping

from groupconv_cli.errors import Diagnostic, Source, SpecError, UsageError
from groupconv_cli.network import Network
from groupconv_cli.spec.check import check
from groupconv_cli.spec.expand import expand
from groupconv_cli.spec.model import Spec
from groupconv_cli.spec.reader import read
from groupconv_cli.spec.tree import Entry
from groupconv_cli.spec.values import suggest

__all__ = ["network_from"]


def network_from(
    source: Source, *, settings: Mapping[str, str] | None = None, variant: str | None = None
) -> Network:
    """The network that a spec describes.

    `settings` are values of variables, as text; they win over those of the `variant`.

    Raises SpecError with every mistake of the spec, UsageError for a variable or variant that it
    does not have.
    """
    tree, problems = read(source)
    try:
        spec, unsound = check(tree, source)
    except SpecError as error:
        raise SpecError(*_in_order([*problems, *error.diagnostics])) from None
    problems += unsound
    changes = _changes(spec, settings or {}, variant)
    network, found = expand(spec, changes)
    problems += found
    if problems or network is None:
        raise SpecError(*_in_order(problems))
    return network


def _changes(spec: Spec, settings: Mapping[str, str], variant: str | None) -> dict[str, Entry]:
    changes: dict[str, Entry] = {}
    if variant is not None:
        if variant not in spec.variants:
            raise UsageError(_unknown("variant", variant, list(spec.variants), spec))
        changes.update(spec.variants[variant])
    for name, text in settings.items():
        if name not in spec.vars:
            raise UsageError(_unknown("variable", name, list(spec.vars), spec))
        tree, problems = read(Source(f"--set {name}", text))
        if problems:
            raise SpecError(*problems)
        changes[name] = Entry(name, tree.place, tree)
    return changes


def _unknown(what: str, name: str, known: list[str], spec: Spec) -> str:
    hint = suggest(name, known)
    listed = f"it has {', '.join(known)}" if known else f"it has no {what}s"
    return f"{spec.source.name} has no {what} {name!r}; {hint or listed}"


def _in_order(problems: list[Diagnostic]) -> list[Diagnostic]:
    """By their place in the file, the first at each place: what follows repeats it."""
    by_place = {problem.place: problem for problem in reversed(problems)}
    return sorted(by_place.values(), key=lambda problem: problem.place[1:] if problem.place else ())
