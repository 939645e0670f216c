"""The rules run over a network."""

from __future__ import annotations

from groupconv_cli.lint import (  # noqa: F401  (imported for the registration)
    bias,
    cost,
    kept_apart,
)
from groupconv_cli.lint.rule import CHECKS, Finding, RuleContext
from groupconv_cli.network import Network
from groupconv_cli.policy.rules import Severities, Severity


def lint(network: Network, levels: Severities) -> list[Finding]:
    """What the rules that are not off find in a network, in the order of its layers."""
    subject = RuleContext(network)
    found: dict[tuple[str, object], tuple[Finding, list[str]]] = {}
    for code, check in sorted(CHECKS.items()):
        if levels[code] is Severity.off:
            continue
        for remark in check(subject):
            node, layers = remark.node, remark.layers or (remark.node.name,)
            key = (code, node.place or node.name)
            if key not in found:
                said = remark.message, remark.hint, node.place
                found[key] = Finding(code, levels[code], *said, layers=()), []
            found[key][1].extend(layers)
    findings = [
        finding._replace(layers=tuple(dict.fromkeys(names))) for finding, names in found.values()
    ]
    return sorted(findings, key=_position)


def _position(finding: Finding) -> tuple[int, int, str]:
    place = finding.place
    return (place.line if place else 0, place.column if place else 0, finding.code)
