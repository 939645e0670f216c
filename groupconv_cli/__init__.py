"""gconv: a model builder and analyzer for networks with grouped convolutions.

The functions here are what the command line itself calls:

>>> from groupconv_cli import analyze, compare, load
>>> network = load("resnext50_32x4d")
>>> analyze(network).macs
4230479872
>>> [row.params for row in compare(network, groups=[1, 32]).rows]
[25097128, 68951464, 25097128]

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groupconv_cli.analysis.diff import Diff
    from groupconv_cli.analysis.report import Comparison, Summary, VariantComparison
    from groupconv_cli.api import (
        accelerate,
        analyze,
        build,
        check,
        compare,
        compare_variants,
        diff,
        export,
        load,
        portable,
        python_code,
    )
    from groupconv_cli.errors import GconvError, SpecError, UsageError
    from groupconv_cli.network import Network
    from groupconv_cli.version import __version__

__all__ = [
    "Comparison",
    "Diff",
    "GconvError",
    "MeasureSettings",
    "Network",
    "SpecError",
    "Summary",
    "UsageError",
    "VariantComparison",
    "__version__",
    "accelerate",
    "analyze",
    "build",
    "check",
    "compare",
    "compare_variants",
    "diff",
    "export",
    "load",
    "measure",
    "measure_layers",
    "portable",
    "python_code",
]

_HOMES = {
    "__version__": "version",
    "Comparison": "analysis.report",
    "Diff": "analysis.diff",
    "GconvError": "errors",
    "MeasureSettings": "analysis.measurement",
    "Network": "network",
    "SpecError": "errors",
    "Summary": "analysis.report",
    "UsageError": "errors",
    "accelerate": "api",
    "analyze": "api",
    "build": "api",
    "check": "api",
    "VariantComparison": "analysis.report",
    "compare": "api",
    "compare_variants": "api",
    "diff": "api",
    "export": "api",
    "load": "api",
    "measure": "api",
    "measure_layers": "api",
    "portable": "api",
    "python_code": "api",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
