"""The sentences of `gconv build` and `gconv accelerate` about the files that they wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groupconv_cli.ops.base import shape_text
from groupconv_cli.units import bytes_text, decimal_text
from groupconv_cli.words import joined, plural

if TYPE_CHECKING:
    from groupconv_cli.exporters.build_files import BuildReport
    from groupconv_cli.exporters.convert_file import Conversion
    from groupconv_cli.exporters.exporter import Export

LOAD_FAST = "To load it: import groupconv_cli.layers, then keras.models.load_model."


def build_sentences(report: BuildReport) -> list[str]:
    """What was built, where it was saved, and how it was checked."""
    verb = "Read" if report.is_read else "Built"
    lines = [
        f"{verb} {report.name}: {plural(report.layers, 'layer')}, {report.params:,} parameters."
    ]
    if not report.is_read:
        lines.append(
            "Checked: every layer's output shape and parameters in Keras equal the analysis."
        )
    elif report.is_random:
        lines.append("Its weights are random.")
    if report.options.weights is not None:
        lines.append(f"Weights from {report.options.weights}.")
    lines += map(_saved, report.exports)
    open_at = next((each.sizes for each in report.exports if each.sizes), ())
    if open_at:
        lines.append(
            f"Its height and width are open: compared at {joined(list(map(shape_text, open_at)))}."
        )
    agreements = [each.agreement for each in report.exports if each.agreement is not None]
    if any(each.says_nothing for each in agreements):
        lines.append(
            "A comparison shows nothing if the outputs are 0 or the differences are as large as "
            "them. Trained weights, with --weights, and --calibrate for int8, show more."
        )
    if any(each.says_little for each in agreements):
        lines.append(
            "This comparison shows little: the outputs are nearly the same for any input, as in "
            "many networks without trained weights. Trained ones, with --weights, show more."
        )
    formats = {each.format.name for each in report.exports}
    if report.options.fast and "keras" in formats:
        lines.append(LOAD_FAST)
    if "python" in formats:
        lines.append("The Python file has no weights: it builds the model with random weights.")
    return lines


def _saved(export: Export) -> str:
    line = f"Saved {export.path} ({bytes_text(export.size)})"
    if export.through is not None:
        apart = decimal_text(export.through.difference)
        line += f" through a float32 copy, whose outputs differ from the model's by up to {apart}"
    agreement = export.agreement
    if agreement is None:
        return f"{line}. Not compared: {export.format.runtime} is not installed."
    if not agreement.is_finite:
        return f"{line}. Not compared: an output of the model has no finite number."
    difference, largest = map(decimal_text, (agreement.difference, agreement.largest))
    return (
        f"{line}. Reloaded in {agreement.runtime}: max difference {difference} "
        f"(outputs up to {largest})"
    )


def conversion_sentences(report: Conversion) -> list[str]:
    """What was converted and how it compares."""
    found = report.agreement
    now = "stock Keras layers" if report.portable else "fast layers"
    compared = (
        "Reloaded and compared with the original: max difference "
        f"{decimal_text(found.difference)} (outputs up to {decimal_text(found.largest)})"
        if found.is_finite
        else "Not compared: an output of the original has no finite number for random input."
    )
    lines = [
        f"Converted {report.name}: {plural(len(report.converted), 'grouped convolution')} "
        f"to {now}.",
        f"Saved {report.path} ({bytes_text(report.size)}). {compared}",
        f"Gradients of the weights were not compared: {found.left_out}."
        if found.gradients is None
        else f"Gradients of the weights: max difference "
        f"{decimal_text(found.gradients)} of their size.",
    ]
    if found.says_nothing:
        lines.append(
            "This comparison shows nothing, because all outputs are 0 on random input. Those of "
            "trained weights show more."
        )
    if report.unchanged:
        lines.append(f"Unchanged, because of custom classes: {joined(report.unchanged)}.")
    if not report.portable:
        lines.append(LOAD_FAST)
    return lines
