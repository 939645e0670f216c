"""`gconv schema`: the JSON Schema of the spec language."""

from __future__ import annotations

from groupconv_cli import api
from groupconv_cli.cli.options import ForceOption, OutputOption
from groupconv_cli.cli.run import command


@command
def schema(
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Print the JSON Schema of the spec language, for editors and validators.

    \b
    Examples:
      gconv schema -o gconv.schema.json
    """
    from groupconv_cli.cli.output import write, write_sentences
    from groupconv_cli.cli.present import is_stdout
    from groupconv_cli.files import written_whole

    _, text = api.schema_file()
    if output is None or is_stdout(output):
        write(text)
        return
    with written_whole(output, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")
    write_sentences([f"Wrote {output}."])
