"""Reading: makes a network from anything that can be a SPEC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from groupconv_cli.analysis.regroup import regrouped_by_name
from groupconv_cli.errors import UsageError
from groupconv_cli.network import Network
from groupconv_cli.sources.open import open_spec

if TYPE_CHECKING:
    from groupconv_cli.analysis.regroup import Count
    from groupconv_cli.sources.open import AnySource, Settings, Tell

    AnySpec: TypeAlias = Network | AnySource
    """A network, or anything that `load` takes: a path, the name of a bundled config or of a
    function of keras.applications, the spec itself, or a Keras model."""


def load(
    spec: AnySource,
    *,
    settings: Settings | None = None,
    variant: str | None = None,
    regroup: Mapping[str, Count] | None = None,
    groups: Count | None = None,
    only: str | None = None,
    except_: str | None = None,
    trust: bool = False,
    progress: Tell | None = None,
    keep_open: bool = False,
) -> Network:
    """Reads a spec: a path, the name of a bundled config, or the spec itself as a mapping.

    `settings` gives variables of the spec other values, as `--set` does. `variant` picks one of the
    spec's variants. The name of a bundled config may imply a variant: `resnet50`. `regroup` gives
    convolutions another number of groups, or 'depthwise', by patterns (globs) of their full names;
    a later pattern wins. `groups` makes the network of that row of `compare`, with the same `only`
    and `except_`.

    A model can stand wherever a spec can: a `keras.Model`, the path of a `.keras` or `.h5` file, or
    `keras:MobileNetV2` for any of keras.applications. Its only setting is `input`, the sizes that
    it leaves open. A function of keras.applications also takes its arguments as settings. `trust`
    lets Keras run the code in a file. `progress` is called with a description of slow steps.

    With `keep_open`, sizes that a spec leaves open stay open in the network, for `build` and
    `export`. Its shapes then have stand-ins for them. Else open sizes are a mistake.

    Raises SpecError with every mistake of the spec and its place; UsageError if the spec, the
    variable or the variant does not exist, a group count is impossible, or a model cannot be read;
    and for a model EnvironmentProblem if TensorFlow is missing.
    """
    if spec is None:
        raise UsageError("load needs a spec: a path, a name, a mapping or a Keras model; got None")
    if regroup is not None and not isinstance(regroup, Mapping):
        raise UsageError(
            f"regroup is a mapping of patterns to group counts, such as {{'head.*': 8}}; "
            f"got {regroup!r}"
        )
    file = open_spec(spec, trust=trust)
    network = file.network(settings, variant, progress=progress, keep_open=keep_open)
    network = regrouped_by_name(network, regroup or {})
    if groups is not None:
        from groupconv_cli.analysis.sweep import with_groups

        return with_groups(network, groups, only=only, except_=except_)
    for option, pattern in (("only", only), ("except", except_)):
        if pattern is not None:
            raise UsageError(f"{option} chooses the layers for groups, and there is no groups")
    return network


def network_of(spec: AnySpec) -> Network:
    """The network itself, or the result of `load`."""
    return spec if isinstance(spec, Network) else load(spec)


def import_modules(names: Iterable[str], note: Tell) -> None:
    """Imports modules of the user's own, which have the code of custom classes in models' files.

    `note` is told of each. A program imports its modules itself; this is for the command line.

    Raises UsageError for a module that does not exist or cannot be imported.
    """
    from groupconv_cli.sources.user_modules import import_modules as import_all

    import_all(names, note)
