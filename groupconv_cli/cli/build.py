"""`gconv build`: the Keras model of a spec, in a file."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated

import typer

from groupconv_cli.cli.options import (
    ForceOption,
    SetOption,
    VariantOption,
    complete_spec,
    load_spec,
)
from groupconv_cli.cli.run import command
from groupconv_cli.errors import EnvironmentProblem, GconvError, UsageError
from groupconv_cli.network import Network


@command
def build(
    spec: Annotated[
        str,
        typer.Argument(
            metavar="SPEC",
            help="A spec's path, the name of a bundled config, or - for standard input.",
            autocompletion=complete_spec,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.keras",
            help="Where to save the model. Default: the spec's name in this folder.",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
    ignore_memory: Annotated[
        bool,
        typer.Option("--ignore-memory", help="Try even what seems not to fit in memory."),
    ] = False,
    fast: Annotated[
        bool,
        typer.Option("--fast", help="Grouped convolutions that are fast; loading needs gconv."),
    ] = False,
    settings: SetOption = None,
    variant: VariantOption = None,
) -> None:
    """Build the Keras model of a spec, check it against the analysis, and save it.

    The model is made of stock Keras layers, so it loads where only Keras is installed. Those
    compute grouped convolutions slowly; with --fast they are layers of groupconv_cli, which has
    to be imported before the file is loaded.

    \b
    Examples:
      gconv build resnext50_32x4d
      gconv build net.yaml -o models/net.keras --force
      gconv build net.yaml --fast
    """
    from groupconv_cli.api import build as build_network
    from groupconv_cli.cli.output import write
    from groupconv_cli.cli.progress import spinner
    from groupconv_cli.files import file_stem, written_whole
    from groupconv_cli.keras.runtime import FRAMEWORK, require
    from groupconv_cli.render.numbers import bytes_text
    from groupconv_cli.words import plural

    network = load_spec(spec, settings, variant)
    path = output or Path(f"{file_stem(network.name)}.keras")
    if path.suffix != ".keras":
        raise UsageError(f"FILE must be a name that ends in .keras, got {path.name!r}")
    require(*FRAMEWORK, "psutil")
    enough = enough_memory(network, ignore=ignore_memory)
    # The target is opened first: work whose result cannot be kept is not begun.
    with written_whole(path, force=force) as temporary, spinner("Loading TensorFlow") as show:
        from groupconv_cli.keras.runtime import load_keras

        gc.enable()  # `main` switches it off, for runs that are over soon
        load_keras()
        show(f"Building {network.name}")
        try:
            model = build_network(network, fast=fast)
        except Exception as error:
            if enough or isinstance(error, GconvError):
                raise
            # TensorFlow reports a lack of memory in many ways, down to integers that overflow.
            raise EnvironmentProblem(f"there was not enough memory to build it: {error}") from error
        show(f"Saving {path.name}")
        model.save(temporary)
    size = bytes_text(path.stat().st_size)
    params = model.count_params()
    write(
        f"Built {network.name}: {plural(len(network.layers), 'layer')}, {params:,} parameters.\n"
        "Checked: every layer's output shape and parameters in Keras equal the analysis.\n"
        f"Saved {path} ({size}).\n"
        + ("To load it: import groupconv_cli.layers, then keras.models.load_model.\n" * fast)
    )


def enough_memory(network: Network, *, ignore: bool) -> bool:
    """Whether building the network will find the memory it takes.

    Raises EnvironmentProblem if not, unless that is to be ignored.
    """
    from groupconv_cli.keras.memory import available_bytes, build_bytes
    from groupconv_cli.render.numbers import bytes_text

    needed, available = build_bytes(network), available_bytes()
    if needed <= available or ignore:
        return needed <= available
    raise EnvironmentProblem(
        f"building {network.name} takes about {bytes_text(needed)} of memory, and "
        f"{bytes_text(available)} are free; --ignore-memory tries all the same"
    )
