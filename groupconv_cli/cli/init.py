"""`gconv init`: a spec to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groupconv_cli import api
from groupconv_cli.cli.options import ForceOption, complete_spec, file_name
from groupconv_cli.cli.run import command

EDITOR_LINE = "# yaml-language-server: $schema={}\n"
"""The line that tells editors with a YAML language server where the schema is."""


@command
def init(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A bundled network to copy. Default: a small commented spec.",
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
) -> None:
    """Write a spec to start from, and the schema that editors use to complete and check it.

    gconv.schema.json is written beside the spec, unless that file exists.

    \b
    Examples:
      gconv init
      gconv init resnet50 -o net.yaml
    """
    from shlex import quote

    from groupconv_cli.cli.output import write, write_sentences
    from groupconv_cli.cli.present import is_stdout
    from groupconv_cli.files import write_texts

    to_stdout = is_stdout(output)
    text, variant = api.starting_point(name, None if to_stdout else quote(output.name))
    schema_name, schema = api.schema_file()
    text = EDITOR_LINE.format(schema_name) + text
    if to_stdout:
        write(text)
        return
    beside = output.parent / schema_name
    contents = {output: text} if beside.exists() else {output: text, beside: schema}
    write_texts(contents, force=[output] if force else ())
    told = f"Wrote {output}"
    if beside in contents:
        told += f", and {beside} for your editor"
    options = f" --variant {variant}" if variant else ""
    write_sentences([f"{told}.", f"Next: gconv summary {quote(str(output))}{options}"])
