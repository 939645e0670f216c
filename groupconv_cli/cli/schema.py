"""`gconv schema`: the JSON Schema of the spec language."""

from __future__ import annotations

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

    text = schema_text()
    if output is None or is_stdout(output):
        write(text)
        return
    with written_whole(output, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")
    write_sentences([f"Wrote {output}."])


def schema_text() -> str:
    """The schema as it is printed and published."""
    import json  # here, so that other commands do not pay for it

    from groupconv_cli.language.schema import schema as make_schema

    return json.dumps(make_schema(), indent=1, ensure_ascii=False) + "\n"
