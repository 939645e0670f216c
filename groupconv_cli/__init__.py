"""gconv: a model builder and analyzer for networks with grouped convolutions.

The command line calls the same functions:

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

if TYPE_CHECKING:  # The only table of the public names: type checkers and `_homes` read it.
    from groupconv_cli.analysis.diff import Diff as Diff
    from groupconv_cli.analysis.measurement import GroupMeasurement as GroupMeasurement
    from groupconv_cli.analysis.measurement import MeasureSettings as MeasureSettings
    from groupconv_cli.analysis.report import Comparison as Comparison
    from groupconv_cli.analysis.report import Summary as Summary
    from groupconv_cli.analysis.report import VariantComparison as VariantComparison
    from groupconv_cli.analysis.search.report import SearchReport as SearchReport
    from groupconv_cli.api import accelerate as accelerate
    from groupconv_cli.api import analyze as analyze
    from groupconv_cli.api import build as build
    from groupconv_cli.api import check as check
    from groupconv_cli.api import compare as compare
    from groupconv_cli.api import compare_variants as compare_variants
    from groupconv_cli.api import diff as diff
    from groupconv_cli.api import equal_cost as equal_cost
    from groupconv_cli.api import export as export
    from groupconv_cli.api import load as load
    from groupconv_cli.api import measure as measure
    from groupconv_cli.api import measure_layers as measure_layers
    from groupconv_cli.api import plot as plot
    from groupconv_cli.api import portable as portable
    from groupconv_cli.api import python_code as python_code
    from groupconv_cli.api import report as report
    from groupconv_cli.api import saved_report as saved_report
    from groupconv_cli.api import search as search
    from groupconv_cli.api import spec_text as spec_text
    from groupconv_cli.api import train as train
    from groupconv_cli.api import vary as vary
    from groupconv_cli.errors import GconvError as GconvError
    from groupconv_cli.errors import SpecError as SpecError
    from groupconv_cli.errors import UnreachableBudget as UnreachableBudget
    from groupconv_cli.errors import UsageError as UsageError
    from groupconv_cli.network import Network as Network
    from groupconv_cli.training.recipe import Recipe as Recipe
    from groupconv_cli.training.report import GroupTraining as GroupTraining
    from groupconv_cli.training.settings import TrainSettings as TrainSettings
    from groupconv_cli.version import __version__ as __version__


def _homes() -> dict[str, str]:
    """The module of each public name, read from the imports above."""
    import ast
    from inspect import getsource
    from sys import modules

    return {
        alias.name: str(node.module)
        for node in ast.walk(ast.parse(getsource(modules[__name__])))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }


def _public(name: str) -> object:
    from importlib import import_module

    if name.startswith("__") and name not in ("__all__", "__version__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    homes = _homes()
    if name != "__all__" and name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = sorted(homes) if name == "__all__" else getattr(import_module(homes[name]), name)
    globals()[name] = found
    return found


if not TYPE_CHECKING:  # with this a type checker would accept any name
    __getattr__ = _public


def __dir__() -> list[str]:
    return sorted([*globals(), *_homes()])
