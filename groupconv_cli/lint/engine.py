"""Runs the rules on a network."""

from __future__ import annotations

from groupconv_cli.lint.rule import Finding, RuleContext
from groupconv_cli.lint.rules import RULES
from groupconv_cli.network import Network
from groupconv_cli.policy.rules import Severities, Severity


def lint(network: Network, levels: Severities) -> list[Finding]:
    """The findings of all rules that are not off, in the order of the network's layers."""
    context = RuleContext(network)
    found: dict[tuple[str, object], tuple[Finding, list[str]]] = {}
    for code, rule in RULES.items():
        if levels[code] is Severity.off:
            continue
        for violation in rule.violations(context):
            node, layers = violation.node, violation.layers or (violation.node.name,)
            key = (code, node.place or node.name)
            if key not in found:
                said = violation.message, violation.hint, node.place
                found[key] = Finding(code, levels[code], *said, layers=()), []
            found[key][1].extend(layers)
    findings = [
        finding._replace(layers=tuple(dict.fromkeys(names))) for finding, names in found.values()
    ]
    return sorted(findings, key=_position)


def _position(finding: Finding) -> tuple[int, int, str]:
    place = finding.place
    return (place.line if place else 0, place.column if place else 0, finding.code)
