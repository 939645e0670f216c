"""The public functions. The command line calls these and nothing deeper.

Each function imports its modules when it is called, so a summary loads no exporters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groupconv_cli.api.analyzing import (
    SpecDiff,
    analyze,
    check,
    compare,
    compare_variants,
    diff,
    diff_since,
    diff_specs,
    explain,
    group_sweep,
    growth_limits,
    growth_verdicts,
)
from groupconv_cli.api.building import (
    accelerate,
    accelerate_file,
    build,
    build_files,
    export,
    portable,
    python_code,
)
from groupconv_cli.api.bundled import (
    StartingPoint,
    catalogue,
    catalogue_names,
    is_spec,
    schema_file,
    starting_point,
)
from groupconv_cli.api.choosing import how_to_use, refuse_to_write, search, write_choice
from groupconv_cli.api.measuring import (
    measure,
    measure_conversion,
    measure_layers,
    measured_sweep,
)
from groupconv_cli.api.plotting import plot, refuse_to_plot, write_plot
from groupconv_cli.api.reading import import_modules, load
from groupconv_cli.api.reporting import (
    page,
    report,
    report_content,
    saved_content,
    saved_report,
)
from groupconv_cli.api.training import (
    compare_variants_trained,
    train,
    trained_sweep,
)
from groupconv_cli.api.varying import equal_cost, vary, vary_sweep
from groupconv_cli.api.writing import model_as_spec, spec_text
from groupconv_cli.sources.open import open_spec

if TYPE_CHECKING:
    from groupconv_cli.analysis.sweep import Sweep as Sweep
    from groupconv_cli.page.content import Content as Content

__all__ = [
    "SpecDiff",
    "StartingPoint",
    "accelerate",
    "accelerate_file",
    "analyze",
    "build",
    "build_files",
    "catalogue",
    "catalogue_names",
    "check",
    "compare",
    "compare_variants",
    "compare_variants_trained",
    "diff",
    "diff_since",
    "diff_specs",
    "equal_cost",
    "explain",
    "export",
    "group_sweep",
    "growth_limits",
    "growth_verdicts",
    "how_to_use",
    "import_modules",
    "is_spec",
    "load",
    "measure",
    "measure_conversion",
    "measure_layers",
    "measured_sweep",
    "model_as_spec",
    "open_spec",
    "page",
    "plot",
    "portable",
    "python_code",
    "refuse_to_plot",
    "refuse_to_write",
    "report",
    "report_content",
    "saved_content",
    "saved_report",
    "schema_file",
    "search",
    "spec_text",
    "starting_point",
    "train",
    "trained_sweep",
    "vary",
    "vary_sweep",
    "write_choice",
    "write_plot",
]
