"""Writing: a network as the text of a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groupconv_cli.api.reading import load, network_of
from groupconv_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groupconv_cli.analysis.regroup import Count
    from groupconv_cli.api.reading import AnySpec
    from groupconv_cli.language.writer import SpecText
    from groupconv_cli.sources.open import Settings, Tell


def spec_text(spec: AnySpec, *, flat: bool = False) -> str:
    """A network as the text of a spec: for a Keras model, one that builds the same layers.

    What repeats is written as blocks, in which names are others. With `flat` every layer keeps its
    name. The text is read again and compared with the network before it is returned.

    Raises the errors of `load`, and UsageError for layers that are not in the spec language.
    """
    from groupconv_cli.language.writer import spec_text as written

    return written(network_of(spec), flat=flat)


def model_as_spec(
    name: str,
    *,
    settings: Settings,
    regroup: Mapping[str, Count],
    flat: bool = False,
    trust: bool = False,
    progress: Tell,
) -> SpecText | None:
    """The spec of the Keras model that a word names; None if it names none.

    Raises the errors of `spec_text`, and UsageError if there are settings without a model.
    """
    from groupconv_cli.language.writer import written_spec
    from groupconv_cli.models.recognize import is_model

    if is_model(name):
        network = load(name, settings=settings, regroup=regroup, trust=trust, progress=progress)
        comment = f"The Keras model {name}, written by gconv init."
        return written_spec(network, comment, flat=flat)
    if settings or regroup or flat:
        raise UsageError(
            "--set, --regroup and --flat are for Keras models here, and this is none",
            "--set and --regroup go with every command that reads the spec, such as gconv summary",
        )
    return None
