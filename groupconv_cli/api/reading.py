"""Reading: a network out of whatever a SPEC means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from groupconv_cli.analysis.regroup import regrouped_by_name
from groupconv_cli.network import Network
from groupconv_cli.sources.open import open_spec

if TYPE_CHECKING:
    from groupconv_cli.analysis.regroup import Count
    from groupconv_cli.sources.open import AnySource, Settings, Tell

    AnySpec: TypeAlias = Network | AnySource
    """A network, or what `load` makes one of: a path, the name of a bundled config or of a function
    of keras.applications, the spec itself, or a Keras model."""


def load(
    spec: AnySource | None,
    *,
    settings: Settings | None = None,
    variant: str | None = None,
    regroup: Mapping[str, Count] | None = None,
    trust: bool = False,
    progress: Tell | None = None,
) -> Network:
    """Reads a spec: a path, the name of a bundled config, or the spec itself as a mapping.

    None is gconv.yaml of this folder, or else the bundled 'basic'. `settings` gives other values to
    variables of the spec, as `--set` does; `variant` picks one of the spec's variants. The name of
    a bundled config may imply a variant: `resnet50`. `regroup` gives convolutions another number of
    groups, or 'depthwise', by patterns (globs) of their full names; a later pattern wins.

    A model goes wherever a spec does: a `keras.Model`, the path of a `.keras` or `.h5` file, or
    `keras:MobileNetV2` for any of keras.applications. Its one setting is `input`, the sizes that
    it leaves open; an application takes the arguments of its function besides. `trust` lets Keras
    run code that a file brings. `progress` is told what takes long.

    Raises SpecError with every mistake of the spec and its place, UsageError if there is no
    such spec, variable or variant or a model cannot be read, and for a model EnvironmentProblem
    if TensorFlow is missing.
    """
    network = open_spec(spec, trust=trust).network(settings, variant, progress=progress)
    return regrouped_by_name(network, regroup or {})


def network_of(spec: AnySpec) -> Network:
    """The network itself, or what `load` makes of anything else."""
    return spec if isinstance(spec, Network) else load(spec)
