"""`gconv list`: the bundled networks."""

from __future__ import annotations

import sys

from groupconv_cli.cli.options import ExactOption, Format, FormatOption
from groupconv_cli.cli.run import command


@command
def list_networks(output_format: FormatOption = Format.table, exact: ExactOption = False) -> None:
    """List the bundled networks: their size, what they are and where they were published.

    Every name in the list can stand wherever a SPEC can.

    \b
    Examples:
      gconv list
      gconv list --format json
    """
    from groupconv_cli.cli.output import emit, width_of, write
    from groupconv_cli.spec.catalogue import catalogue

    if output_format is Format.json:
        from groupconv_cli.render.json import catalogue_json

        write(catalogue_json(catalogue()))
        return
    from groupconv_cli.render.catalogue import catalogue_view
    from groupconv_cli.render.text import lines

    emit(lines(catalogue_view(catalogue()), width=width_of(sys.stdout), exact=exact))
