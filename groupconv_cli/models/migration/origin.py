"""Who wrote a model, and how what cannot be migrated is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from groupconv_cli.errors import UsageError
from groupconv_cli.models.safety import SAVE_AGAIN
from groupconv_cli.words import printable, shortened

REBUILD = "write this layer with the layers of Keras 3 where the model was made, and save it again"


@dataclass(frozen=True)
class Origin:
    """A file, and the version of Keras that wrote it."""

    path: Path
    version: str

    def refusal(self, layer: object, trouble: str, remedy: str = REBUILD) -> UsageError:
        """What to raise for a layer that has no counterpart in Keras 3."""
        return UsageError(
            f"{self.path} was written by Keras {self.version}; "
            f"its layer {shown(layer)!r} {trouble}",
            remedy,
        )

    def damaged(self, what: str) -> UsageError:
        """What to raise for a description that Keras cannot have written."""
        return UsageError(f"{self.path} is damaged: {what}", SAVE_AGAIN)

    def mapping(self, value: object, what: str) -> dict[str, Any]:
        """The value. Raises UsageError unless it is a mapping."""
        if not isinstance(value, dict):
            raise self.damaged(f"{what} is not a mapping in its description of the model")
        return cast(dict[str, Any], value)

    def listed(self, value: object, what: str) -> list[Any]:
        """The value. Raises UsageError unless it is a list."""
        if not isinstance(value, list):
            raise self.damaged(f"{what} is not a list in its description of the model")
        return value


def shown(value: object) -> str:
    """A name or value out of a file, fit to be printed."""
    return printable(shortened(str(value)))


def major_version(config: dict[str, Any]) -> int:
    """The major version of Keras that wrote a description.

    A description without a version is taken for one of Keras 3.
    """
    version = config.get("keras_version")
    found = re.match(r"(\d{1,3})\b", version) if isinstance(version, str) else None
    return int(found[1]) if found else 3


def origin_of(path: Path, config: dict[str, Any]) -> Origin:
    """The origin of a description. Raises UsageError for Keras 1, whose layers are others."""
    version = shown(config.get("keras_version"))
    if major_version(config) < 2:
        raise UsageError(
            f"{path} was written by Keras {version}, whose layers are not those of Keras 2 and 3",
            "load it in Keras 2 and save it there again: model.save('model.h5')",
        )
    return Origin(path, version)
