"""`gconv init`: a spec to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groupconv_cli import api
from groupconv_cli.cli.options import (
    DEFAULT_MODEL,
    ForceOption,
    ModelOptions,
    complete_spec,
    file_name,
    parse_regroup,
    parse_settings,
)
from groupconv_cli.cli.run import command

EDITOR_LINE = "# yaml-language-server: $schema={}\n"
"""The line that tells editors with a YAML language server where the schema is."""


@command
def init(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A bundled network to copy, or a Keras model to write as a spec: a .keras or .h5 "
            "file, or keras:NAME for one of keras.applications. Default: a small commented spec.",
            autocompletion=complete_spec,
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            parser=file_name,
            help="Where to write it; - for stdout.",
        ),
    ] = Path("gconv.yaml"),
    force: ForceOption = False,
    flat: Annotated[
        bool,
        typer.Option(
            "--flat", help="Write a Keras model layer by layer, without blocks: names stay."
        ),
    ] = False,
    reading: ModelOptions = DEFAULT_MODEL,
) -> None:
    """Write a spec to start from, and the schema that editors use to complete and check it.

    gconv.schema.json is written beside the spec, unless that file exists.

    A Keras model can be written as a spec if all its layers are in the spec language. What repeats
    becomes blocks with parameters. The spec is read again and compared with the model before it is
    written.

    \b
    Examples:
      gconv init
      gconv init resnet50 -o net.yaml
      gconv init model.keras -o net.yaml
      gconv init keras:ResNet50 -o net.yaml --flat
    """
    from shlex import quote

    from groupconv_cli.cli.output import note, write, write_sentences
    from groupconv_cli.cli.present import is_stdout
    from groupconv_cli.cli.progress import spinner
    from groupconv_cli.files import write_texts
    from groupconv_cli.render.init import init_sentences

    to_stdout, written, variant = is_stdout(output), None, None
    settings, regroup = parse_settings(reading.settings), parse_regroup(reading.regroup)
    api.import_modules(reading.modules or (), note)
    with spinner() as show:
        written = api.model_as_spec(
            name or "",
            settings=settings,
            regroup=regroup,
            flat=flat,
            trust=reading.trust,
            progress=show,
        )
    if written is None:
        text, variant = api.starting_point(name, None if to_stdout else quote(output.name))
    else:
        text = written.text
    schema_name, schema = api.schema_file()
    text = EDITOR_LINE.format(schema_name) + text
    changes = init_sentences(written) if written else []
    if to_stdout:
        write(text)
        for change in changes:
            note(change)
        return
    beside = output.parent / schema_name
    contents = {output: text} if beside.exists() else {output: text, beside: schema}
    write_texts(contents, force=[output] if force else ())
    told = f"Wrote {output}"
    if beside in contents:
        told += f", and {beside} for your editor"
    options = f" --variant {variant}" if variant else ""
    following = f"Next: gconv summary {quote(str(output))}{options}"
    if written and name and name.endswith(".keras"):
        following = f"Next: gconv build {quote(str(output))} --weights {quote(name)}"
    write_sentences([f"{told}.", *changes, following])
