"""What the functions here ask of the settings that they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from groupconv_cli.errors import UsageError
from groupconv_cli.words import shortened

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import MeasureSettings
    from groupconv_cli.training.settings import TrainSettings

Given = TypeVar("Given")


def measure_settings(given: object, name: str = "settings") -> MeasureSettings:
    """The settings, or the usual ones for None. `name` is that of the argument.

    Raises UsageError for anything else.
    """
    from groupconv_cli.analysis.measurement import MeasureSettings

    return _settings(given, MeasureSettings, name, "batch=8")


def train_settings(given: object, name: str = "settings") -> TrainSettings:
    """The same for training."""
    from groupconv_cli.training.settings import TrainSettings

    return _settings(given, TrainSettings, name, "seeds=5")


def _settings(given: object, kind: type[Given], name: str, example: str) -> Given:
    if given is None:
        return kind()
    if not isinstance(given, kind):
        raise UsageError(
            f"{name} must be a {kind.__name__}; got {shortened(repr(given))}",
            f"{name}={kind.__name__}({example})",
        )
    return given
